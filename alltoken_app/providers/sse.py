"""Server-sent events, incrementally: any line ending, any split, comments ignored."""

MAX_EVENT = 4 * 2**20


class EventTooLarge(ValueError):
    """One event grew past its bound."""


class EventReader:
    """Feed it bytes as they arrive; it returns the data of each event that became complete."""

    def __init__(self, longest: int = MAX_EVENT) -> None:
        self._longest = longest
        self._rest = b""

    def feed(self, received: bytes) -> list[bytes]:
        """The `data` of each event completed by `received`, lines joined by a newline.

        Raises:
            EventTooLarge: An event has more than `longest` bytes.
        """
        buffer = self._rest + received if self._rest else received
        if b"\r" in buffer:
            # A lone CR at the very end may be half of a CRLF: keep it for the next feed.
            held = b"\r" if buffer.endswith(b"\r") else b""
            buffer = buffer[: len(buffer) - len(held)].replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        else:
            held = b""
        *blocks, rest = buffer.split(b"\n\n")
        self._rest = rest + held
        if len(self._rest) > self._longest:
            raise EventTooLarge
        return [data for block in blocks if (data := _data(block)) is not None]

    @property
    def empty(self) -> bool:
        """Whether nothing is left over: a stream that ends in the middle of an event was cut."""
        return not self._rest.strip()


def _data(block: bytes) -> bytes | None:
    if block.startswith(b"data: ") and b"\n" not in block:
        return block[6:]
    lines = [
        line[5:].removeprefix(b" ") for line in block.split(b"\n") if line.startswith(b"data:")
    ]
    return b"\n".join(lines) if lines else None
