"""AWS event streams, incrementally: binary frames with headers, each guarded by two checksums.

Wire format: https://smithy.io/2.0/aws/amazon-eventstream.html
Our own, because botocore's takes 20 ms to import and twice our time for a frame.
"""

import struct
from zlib import crc32

from alltoken_app.providers.sse import EventTooLarge

MAX_FRAME = 16 * 2**20
MAX_HEADERS = 128 * 1024

Event = tuple[dict[str, str], bytes]

_PRELUDE = struct.Struct(">III")  # length of the frame, of its headers, checksum of both numbers
_CHECKSUM = struct.Struct(">I")
_FRAMING = _PRELUDE.size + _CHECKSUM.size
_STRING = 7
# Bytes of a header's value by its type: true, false, byte, short, int, long … timestamp, uuid.
_FIXED = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}
_PREFIXED = (6, _STRING)  # bytes and strings, after a length of two bytes


class EventStreamReader:
    """Feed it bytes as they arrive; it returns each event that became complete."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._length = 0  # of the frame that is arriving; 0 until its prelude has been read

    def feed(self, received: bytes) -> list[Event]:
        """(headers of type string, payload) of each event completed by `received`.

        Raises:
            EventTooLarge: A frame says that it has more than MAX_FRAME bytes.
            ValueError: A checksum is wrong, or this is no event stream.
        """
        self._buffer += received
        events: list[Event] = []
        start = 0
        while self._arrived(start):
            frame = bytes(memoryview(self._buffer)[start : start + self._length])
            start += self._length
            self._length = 0
            events.append(_read(frame))
        if start:
            del self._buffer[:start]
        return events

    @property
    def empty(self) -> bool:
        """Whether nothing is left over: a stream that ends in the middle of a frame was cut."""
        return not self._buffer

    def _arrived(self, start: int) -> bool:
        """Whether a whole frame lies at `start`; its prelude is checked as soon as it is there."""
        have = len(self._buffer) - start
        if not self._length and have >= _PRELUDE.size:
            self._length = _checked(bytes(memoryview(self._buffer)[start : start + _PRELUDE.size]))
        return 0 < self._length <= have


def _checked(prelude: bytes) -> int:
    """The length of the frame that begins so."""
    length, headers, checksum = _PRELUDE.unpack(prelude)
    if crc32(prelude[:8]) != checksum:
        raise ValueError("wrong checksum of an event's prelude")
    if length > MAX_FRAME or headers > MAX_HEADERS:
        raise EventTooLarge
    if length < headers + _FRAMING:
        raise ValueError("an event shorter than its headers")
    return int(length)


def _read(frame: bytes) -> Event:
    if crc32(frame[:-4]) != _CHECKSUM.unpack_from(frame, len(frame) - 4)[0]:
        raise ValueError("wrong checksum of an event")
    end = _PRELUDE.size + _PRELUDE.unpack_from(frame)[1]
    try:
        headers = _headers(frame[_PRELUDE.size : end])
    except IndexError:
        raise ValueError("an event's headers are cut short") from None
    return headers, frame[end:-4]


def _headers(block: bytes) -> dict[str, str]:
    found: dict[str, str] = {}
    at = 0
    while at < len(block):
        name_end = at + 1 + block[at]
        name, kind = block[at + 1 : name_end].decode(), block[name_end]
        at = name_end + 1
        if kind in _PREFIXED:
            size = block[at] << 8 | block[at + 1]
            at += 2
        elif kind in _FIXED:
            size = _FIXED[kind]
        else:
            raise ValueError("a header of no known type")
        if kind == _STRING:
            found[name] = block[at : at + size].decode()
        at += size
    if at != len(block):
        raise ValueError("an event's headers are cut short")
    return found
