"""What a sound is and how long it lasts, read from its own bytes: names and types may lie.

How long decides what is held, so containers are walked as a player would walk them where their
headers can promise less than they hold.
"""

import io
import struct
from typing import NamedTuple

from tinytag import TinyTag
from tinytag.tinytag import TinyTagException

TYPES = {
    "wav": "audio/wav", "mp3": "audio/mpeg", "flac": "audio/flac", "ogg": "audio/ogg",
    "m4a": "audio/mp4", "webm": "audio/webm", "aac": "audio/aac",
}  # fmt: skip
SLOWEST = 500  # bytes per second: no codec that is understood needs fewer for speech
MP3_FRAMES, MP3_LOST = 400_000, 10_000  # counted, and searched for, before we give up
MP3_RATES = (44_100, 48_000, 32_000)
MP3_BITS = {  # kbit/s by (MPEG-1, layer)
    (True, 1): (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (True, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (True, 3): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (False, 1): (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (False, 2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (False, 3): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
PCM = frozenset({1, 3, 0xFFFE})
EBML_INSIDE = frozenset({0x18538067, 0x1549A966, 0x1F43B675, 0xA0})  # segment, info, cluster, group
EBML_SCALE, EBML_TIME, EBML_BLOCKS = 0x2AD7B1, 0xE7, frozenset({0xA3, 0xA1})
EBML_UNKNOWN = (1 << 56) - 1


class Sound(NamedTuple):
    """A sound's kind, its length in milliseconds, and whether that was measured or is a bound."""

    kind: str
    milliseconds: int
    measured: bool


def look(content: bytes) -> Sound | None:
    """What `content` is; None when it is no sound that is understood. Slow for large files."""
    kind = sniff(content)
    if kind is None:
        return None
    walk = {"wav": _wav, "mp3": _mp3, "webm": _webm}.get(kind, _tagged)
    try:
        length = walk(content)
    except (struct.error, IndexError, ValueError, ZeroDivisionError, OverflowError):
        length = None
    slowest = len(content) * 1000 // SLOWEST + 1
    if not length or length > slowest:
        return Sound(kind, slowest, measured=False)
    return Sound(kind, length, measured=True)


def sniff(content: bytes) -> str | None:
    """The container by its first bytes; None when it is none of ours."""
    head = content[:12]
    if head[:4] in (b"RIFF", b"RF64") and head[8:12] == b"WAVE":
        return "wav"
    if head[4:8] == b"ftyp":
        return "m4a"
    marks = {b"fLaC": "flac", b"OggS": "ogg", b"\x1aE\xdf\xa3": "webm"}
    if head[:4] in marks:
        return marks[head[:4]]
    if head[:3] == b"ID3":
        return "mp3"
    if len(head) > 2 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0:
        return "mp3" if head[1] & 0x06 else "aac"
    return None


def _wav(content: bytes) -> int:
    """By the bytes that are there: a stream's header does not know how many there will be."""
    at, rate = 12, 0
    while at + 8 <= len(content):
        name: bytes = content[at : at + 4]
        size = int.from_bytes(content[at + 4 : at + 8], "little")
        if name == b"fmt ":
            form, channels, hertz, rate, _, bits = struct.unpack_from("<HHIIHH", content, at + 8)
            rate = hertz * channels * bits // 8 if form in PCM else rate
        if name == b"data":
            return min(size, len(content) - at - 8) * 1000 // rate
        at += 8 + size + size % 2
    raise ValueError("no data")


def _mp3(content: bytes) -> int:
    """By its frames, counted."""
    at, seconds, lost = _after_id3(content), 0.0, 0
    end = len(content) - 4
    for _ in range(MP3_FRAMES):
        if not 0 <= at <= end:
            return round(seconds * 1000)
        frame = _mp3_frame(content[at : at + 4])
        if frame is None:
            lost += 1
            if lost > MP3_LOST:
                break
            at = content.find(b"\xff", at + 1)
        else:
            at += frame[0]
            seconds += frame[1]
    raise ValueError("not to be counted")


def _after_id3(content: bytes) -> int:
    if content[:3] != b"ID3":
        return 0
    size = 0
    for byte in content[6:10]:
        size = size << 7 | byte & 0x7F
    return 10 + size


def _mp3_frame(head: bytes) -> tuple[int, float] | None:
    """Bytes and seconds of the frame with this header; None when it is none."""
    version, layer = head[1] >> 3 & 3, 4 - (head[1] >> 1 & 3)
    bits, rate = head[2] >> 4, head[2] >> 2 & 3
    sync = head[0] == 0xFF and head[1] & 0xE0 == 0xE0
    if not sync or version == 1 or layer == 4 or rate == 3 or not 0 < bits < 15:
        return None
    first = version == 3
    hertz = MP3_RATES[rate] >> (0 if first else 1 if version == 2 else 2)
    samples = 384 if layer == 1 else 1152 if layer == 2 or first else 576
    kilobits = MP3_BITS[first, layer][bits - 1]
    slot = 4 if layer == 1 else 1
    size = (samples * kilobits * 125 // hertz // slot + (head[2] >> 1 & 1)) * slot
    return max(size, 4), samples / hertz


def _webm(content: bytes) -> int:
    """By the time of its last block: what a browser records says nothing in its header."""
    at, cluster, last, scale = 0, 0, 0, 1_000_000
    while at < len(content):
        name, at = _ebml_number(content, at, keep=True)
        size, at = _ebml_number(content, at, keep=False)
        if name in EBML_INSIDE:
            continue
        if name == EBML_SCALE:
            scale = int.from_bytes(content[at : at + size])
        if name == EBML_TIME:
            cluster = int.from_bytes(content[at : at + size])
        if name in EBML_BLOCKS:
            _, after = _ebml_number(content, at, keep=False)
            last = max(last, cluster + struct.unpack_from(">h", content, after)[0])
        if size == EBML_UNKNOWN:
            raise ValueError("an element without an end")
        at += size
    return last * scale // 1_000_000 + 60  # the last block lasts, too


def _ebml_number(content: bytes, at: int, *, keep: bool) -> tuple[int, int]:
    """A number and where it ends; `keep` leaves its length mark in, as ids are written."""
    first = content[at]
    if not first:
        raise ValueError("no number")
    length = 9 - first.bit_length()
    value = int.from_bytes(content[at : at + length])
    mark = 1 << 7 * length
    if not keep:
        value = EBML_UNKNOWN if value == 2 * mark - 1 else value - mark
    return value, at + length


def _tagged(content: bytes) -> int:
    try:
        tag = TinyTag.get(file_obj=io.BytesIO(content), tags=False)
    except TinyTagException as error:
        raise ValueError from error
    return round((tag.duration or 0) * 1000)
