"""alltoken_app/api/audio/sounds.py"""

import io
import struct
import time
import wave
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alltoken_app.api.audio import sounds

TRAIN = (Path(__file__).parent.parent.parent / "sounds/train.wav").read_bytes()
UNKNOWN = b"\x01" + b"\xff" * 7  # a size nobody knew when it was written


def element(name: str, content: bytes) -> bytes:
    return bytes.fromhex(name) + b"\x10" + len(content).to_bytes(3) + content


def webm(milliseconds: int, promised: float) -> bytes:
    """As a browser records it: no sizes, times in its blocks only, a length that may be a lie."""
    info = element("1549a966", element("2ad7b1", (10**6).to_bytes(3)) + b"\x44\x89\x84"
                   + struct.pack(">f", promised))  # fmt: skip
    clusters = b""
    for start in range(0, milliseconds, 10_000):
        times = range(0, min(10_000, milliseconds - start), 20)
        blocks = b"".join(
            element("a3", b"\x81" + struct.pack(">h", at) + b"\x80" + b"x" * 60) for at in times
        )
        clusters += bytes.fromhex("1f43b675") + UNKNOWN + element("e7", start.to_bytes(4)) + blocks
    return element("1a45dfa3", b"webm") + bytes.fromhex("18538067") + UNKNOWN + info + clusters


def mp3(frames: int, head: str = "fffb9000", size: int = 417) -> bytes:
    return (bytes.fromhex(head) + b"\0" * (size - 4)) * frames


def flac(milliseconds: int) -> bytes:
    """16 kHz, one channel, 16 bit, all in the header: frames are not needed to tell its length."""
    samples = 16 * milliseconds
    packed = 16_000 << 44 | 0 << 41 | 15 << 36 | samples
    info = struct.pack(">HH", 4096, 4096) + b"\0" * 6 + packed.to_bytes(8) + b"\0" * 16
    return b"fLaC" + b"\x80" + len(info).to_bytes(3) + info + b"x" * milliseconds


@pytest.mark.parametrize(
    ("content", "kind", "milliseconds"),
    [
        (TRAIN, "wav", 2_154),
        (TRAIN[:4] + b"\xff" * 4 + TRAIN[8:40] + b"\xff" * 4 + TRAIN[44:], "wav", 2_154),
        (mp3(1000), "mp3", 26_122),
        (b"ID3\x04\0\0\0\0\0\x0a" + b"\0" * 10 + mp3(100), "mp3", 2_612),
        (mp3(1000, "fff31000", 26), "mp3", 26_122),
        (webm(25_000, promised=1.0), "webm", 25_040),
        (flac(5_000), "flac", 5_000),
    ],
)
def test_a_sound_is_as_long_as_what_it_holds(content: bytes, kind: str, milliseconds: int) -> None:
    found = sounds.look(content)
    assert found is not None
    assert (found.kind, found.measured) == (kind, True)
    assert abs(found.milliseconds - milliseconds) <= 1


def test_a_wav_that_lies_about_its_rate_is_measured_by_its_samples() -> None:
    written = io.BytesIO()
    with wave.open(written, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8_000)
        file.writeframes(bytes(160_000))
    honest = written.getvalue()
    liar = honest[:28] + struct.pack("<I", 10**9) + honest[32:]
    assert sounds.look(liar) == sounds.look(honest) == ("wav", 10_000, True)


@pytest.mark.parametrize(
    "content",
    [b"RIFF\0\0\0\0WAVE", b"fLaC", b"OggS" + b"\0" * 99, b"\0\0\0\x18ftypM4A " + b"\0" * 99,
     b"\x1aE\xdf\xa3" + b"\0" * 99, b"ID3\x04" + b"\0" * 99, b"\xff\xf1" + b"\0" * 99,
     flac(5_000)[:60]],
)  # fmt: skip
def test_a_sound_that_does_not_tell_its_length_gets_a_bound(content: bytes) -> None:
    found = sounds.look(content)
    assert found is not None
    assert (found.measured, found.milliseconds) == (False, len(content) * 2 + 1)


@pytest.mark.parametrize("content", [b"", b"hello", b"%PDF-1.7", b"\x89PNG\r\n\x1a\n", b"PK\3\4"])
def test_what_is_no_sound_is_none(content: bytes) -> None:
    assert sounds.look(content) is None


def test_a_hostile_file_is_given_up_soon() -> None:
    began = time.process_time()
    for content in (b"\xff\xfb" * 12_000_000, mp3(900_000, "fff31000", 26)):
        found = sounds.look(content)
        assert found is not None
        assert not found.measured
    assert time.process_time() - began < 20


@given(
    st.sampled_from([b"RIFF....WAVE", b"fLaC", b"OggS", b"\x1aE\xdf\xa3", b"\xff\xfb\x90", b"ID3"]),
    st.binary(max_size=300),
)
def test_any_bytes_are_looked_at_without_harm(head: bytes, rest: bytes) -> None:
    found = sounds.look(head + rest)
    assert found is not None
    assert 0 < found.milliseconds <= len(head + rest) * 2 + 1
