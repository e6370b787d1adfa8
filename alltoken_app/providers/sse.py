"""Server-sent events, incrementally: any line ending, any split, comments ignored."""

MAX_EVENT = 4 * 2**20


class EventTooLarge(ValueError):
    """One event grew past its bound."""


class EventReader:
    """Feed it bytes as they arrive; it returns the data of each event that became complete.

    Args:
        longest: Bytes an event may have. Images come in one event, so what waits for its end is
            kept in pieces: looking through all of it at each feed would take seconds.
    """

    def __init__(self, longest: int = MAX_EVENT) -> None:
        self._longest = longest
        self._waiting: list[bytes] = []
        self._size = 0
        self._half = b""
        self._line_ended = False

    def feed(self, received: bytes) -> list[bytes]:
        """The `data` of each event completed by `received`, lines joined by a newline.

        Raises:
            EventTooLarge: An event has more than `longest` bytes.
        """
        if self._half or b"\r" in received:
            received = self._with_newlines(received)
        if b"\n\n" not in received and not (self._line_ended and received.startswith(b"\n")):
            self._keep(received)
            return []
        if self._waiting:
            received = b"".join((*self._waiting, received))
            self._waiting, self._size = [], 0
        self._line_ended = False
        *blocks, rest = received.split(b"\n\n")
        self._keep(rest)
        return [data for block in blocks if (data := _data(block)) is not None]

    def _with_newlines(self, received: bytes) -> bytes:
        received = self._half + received
        # A lone CR at the very end may be half of a CRLF: keep it for the next feed.
        self._half = b"\r" if received.endswith(b"\r") else b""
        received = received[: len(received) - len(self._half)]
        return received.replace(b"\r\n", b"\n").replace(b"\r", b"\n")

    def _keep(self, received: bytes) -> None:
        if not received:
            return
        self._waiting.append(received)
        self._size += len(received)
        self._line_ended = received.endswith(b"\n")
        if self._size > self._longest:
            raise EventTooLarge


def _data(block: bytes) -> bytes | None:
    if block.startswith(b"data: ") and b"\n" not in block:
        return block[6:]
    lines = [
        line[5:].removeprefix(b" ") for line in block.split(b"\n") if line.startswith(b"data:")
    ]
    return b"\n".join(lines) if lines else None
