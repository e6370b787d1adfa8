"""alltoken_app/providers/eventstream.py"""

import struct
from itertools import pairwise
from zlib import crc32

import pytest
from botocore.eventstream import EventStreamBuffer
from hypothesis import given
from hypothesis import strategies as st

from alltoken_app.providers.eventstream import MAX_FRAME, EventStreamReader
from alltoken_app.providers.sse import EventTooLarge
from tests.providers.bedrock_frames import frame


def spoilt(whole: bytes, at: int) -> bytes:
    return whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :]


def test_headers_of_other_types_are_passed_over() -> None:
    event = frame(b"{}", flag=True, off=False, number=7, event_type="metadata")
    assert EventStreamReader().feed(event) == [({":event-type": "metadata"}, b"{}")]


@given(
    payloads=st.lists(st.binary(max_size=80), min_size=1, max_size=5),
    cuts=st.lists(st.integers(0, 600)),
)
def test_every_split_reads_what_botocore_reads(payloads: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(frame(p, message_type="event", event_type="chunk") for p in payloads)
    reader, bounds = EventStreamReader(), [0, *sorted(cuts), len(stream)]
    events = [event for start, end in pairwise(bounds) for event in reader.feed(stream[start:end])]
    theirs = EventStreamBuffer()
    theirs.add_data(stream)
    assert events == [(message.headers, message.payload) for message in theirs]
    assert reader.empty


def test_a_frame_arrives_byte_by_byte() -> None:
    event, reader = frame(b'{"a":1}', event_type="x"), EventStreamReader()
    arrived = [reader.feed(event[at : at + 1]) for at in range(len(event))]
    assert arrived == [[]] * (len(event) - 1) + [[({":event-type": "x"}, b'{"a":1}')]]


def test_the_end_in_the_middle_of_a_frame_is_seen() -> None:
    reader = EventStreamReader()
    reader.feed(frame(b"{}")[:-1])
    assert not reader.empty


@pytest.mark.parametrize("at", range(len(frame(b"{}", event_type="x"))))
def test_no_spoilt_byte_goes_unnoticed(at: int) -> None:
    reader = EventStreamReader()
    with pytest.raises(ValueError):
        reader.feed(spoilt(frame(b"{}", event_type="x"), at))


def test_a_frame_too_large_is_refused_before_it_arrives() -> None:
    prelude = struct.pack(">II", MAX_FRAME + 1, 0)
    with pytest.raises(EventTooLarge):
        EventStreamReader().feed(prelude + struct.pack(">I", crc32(prelude)))


def guarded(block: bytes, said: int | None = None) -> bytes:
    """A frame with right checksums around these headers."""
    size = len(block) if said is None else said
    prelude = struct.pack(">II", len(block) + 16, size)
    whole = prelude + struct.pack(">I", crc32(prelude)) + block
    return whole + struct.pack(">I", crc32(whole))


@pytest.mark.parametrize(
    "event",
    [
        guarded(b"\x01a\x63"),  # no known type
        guarded(b"\x01a\x07\x00\x09b"),  # a string longer than the headers
        guarded(b"\x01a\x07\x00"),  # half a length
        guarded(b"\x09a"),  # a name longer than the headers
        guarded(b"\x01a\x04\x00"),  # half a number
        guarded(b"", said=4),  # headers longer than the frame
    ],
)
def test_headers_that_lie_about_their_length_are_unreadable(event: bytes) -> None:
    with pytest.raises(ValueError):
        EventStreamReader().feed(event)
