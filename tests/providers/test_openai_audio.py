"""alltoken_app/providers/dialects/openai_audio.py and multipart.py"""

import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from alltoken_app.providers.base import (
    Call,
    Cut,
    EndpointFacts,
    Media,
    Price,
    Reply,
    StreamError,
    Usage,
)
from alltoken_app.providers.dialects import mistral_audio, multipart, openai_audio

KNOWN = Usage(milliseconds=9_000, characters=64, units=2)


def call(operation: str, **more: Any) -> Call:
    return Call(operation, "a/b", {}, known=KNOWN, **more)


def header(kind: str) -> Callable[[str], str]:
    return lambda name: kind if name == "content-type" else ""


def read(operation: str, answer: object, kind: str = "application/json") -> Reply:
    payload = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
    return openai_audio.OPERATIONS[operation].read(call(operation), header(kind), payload)


@pytest.mark.parametrize(
    ("usage", "counted"),
    [
        ({"type": "duration", "seconds": 4}, (0, 0, 0, 4_000)),
        ({"type": "duration", "seconds": 4.2260625}, (0, 0, 0, 4_227)),
        (
            {"type": "tokens", "input_tokens": 37, "output_tokens": 12, "total_tokens": 49,
             "input_token_details": {"audio_tokens": 30, "text_tokens": 7}},
            (37, 12, 30, 9_000),
        ),
        (  # one that counts its sound in the total alone
            {"prompt_audio_seconds": 3, "prompt_tokens": 5, "completion_tokens": 20,
             "total_tokens": 400, "prompt_tokens_details": {"audio_tokens": 375}},
            (380, 20, 375, 3_000),
        ),
    ],
)  # fmt: skip
def test_usage_is_read_in_each_of_its_variants(
    usage: dict[str, Any], counted: tuple[int, int, int, int]
) -> None:
    found = read("transcription", {"text": "words", "usage": usage}).usage
    assert found is not None
    assert (found.input, found.output, found.audio_input, found.milliseconds) == counted


@pytest.mark.parametrize(
    "usage", [{"seconds": -4}, {"input_tokens": -1}, {"input_tokens": 2**40}, {"seconds": 1e300}]
)
def test_no_absurd_usage_leaves_the_bounds(usage: dict[str, Any]) -> None:
    found = read("transcription", {"text": "words", "usage": usage}).usage
    assert found is None or 0 <= found.milliseconds <= 2**31


def test_a_length_beside_the_words_counts_too() -> None:
    found = read("transcription", {"text": "words", "duration": 2.5}).usage
    assert found is not None
    assert found.milliseconds == 2_500
    assert read("transcription", {"text": "words"}).usage is None


@pytest.mark.parametrize(
    ("answer", "units", "tokens"),
    [
        ({"results": [], "meta": {"billed_units": {"search_units": 1}}}, 1, 0),
        ({"results": [], "usage": {"search_units": 3}}, 3, 0),
        ({"data": [{"index": 0, "relevance_score": 0.5}], "usage": {"total_tokens": 17}}, 2, 17),
    ],
)
def test_rerankings_are_read_as_each_server_writes_them(
    answer: dict[str, Any], units: int, tokens: int
) -> None:
    found = read("rerank", answer)
    assert found.usage is not None
    assert (found.usage.units, found.usage.input) == (units, tokens)
    assert "results" in found.body


@pytest.mark.parametrize(
    ("operation", "answer"),
    [
        ("transcription", {"words": []}), ("transcription", {"text": 5}), ("transcription", b"{"),
        ("moderation", {}), ("moderation", {"results": {}}), ("rerank", {"results": [{}]}),
        ("speech", {"audio_data": "!"}), ("speech", {}),
    ],
)  # fmt: skip
def test_what_is_no_answer_is_not_read(operation: str, answer: object) -> None:
    with pytest.raises(ValueError):
        read(operation, answer)


EVENTS = (
    b': hello\r\n\r\ndata: {"type":"transcript.text.delta","delta":"Gr\xc3\xbc\xc3\x9fe "}\r\n\r\n'
    b'event: x\ndata: {"type":"something.new"}\n\n'
    b'data: {"type":"transcript.text.delta",\ndata: "delta":"all"}\n\n'
    b'data: {"type":"transcript.text.done","text":"Gr\xc3\xbc\xc3\x9fe all",'
    b'"usage":{"input_tokens":5,"output_tokens":2,"total_tokens":7}}\n\ndata: [DONE]\n\n'
)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_events_are_read_however_they_are_cut(size: int) -> None:
    reader = openai_audio.OPERATIONS["transcription"].reader(call("transcription", stream=True))
    pieces = []
    for at in range(0, len(EVENTS), size):
        if not reader.done:
            pieces += reader.feed(EVENTS[at : at + size])
    assert reader.done
    said = "".join(json.loads(piece.native).get("delta", "") for piece in pieces)
    assert said == "Grüße all"
    assert [piece.content for piece in pieces] == [True, False, True, True]
    assert pieces[-1].usage is not None
    assert (pieces[-1].usage.input, pieces[-1].finish) == (5, "stop")
    assert all(b"\n" not in piece.native for piece in pieces)


def test_a_cut_stream_and_an_error_in_it_are_told() -> None:
    reader = openai_audio.OPERATIONS["transcription"].reader(call("transcription"))
    reader.feed(EVENTS[:100])
    with pytest.raises(Cut):
        reader.feed(b"")
    other = openai_audio.OPERATIONS["speech"].reader(call("speech"))
    with pytest.raises(StreamError):
        other.feed(b'data: {"error": {"message": "x"}}\n\n')


def test_speech_in_events_must_come_to_its_end() -> None:
    delta = b'data: {"type":"speech.audio.delta","audio":"AAEC"}\n\n'
    done = b'data: {"type":"speech.audio.done","usage":{"input_tokens":9,"output_tokens":4}}\n\n'
    whole = read("speech", delta + delta + done, "text/event-stream; charset=utf-8")
    assert whole.media == b"\0\1\2\0\1\2"
    assert whole.usage is not None
    assert (whole.usage.input, whole.usage.output, whole.usage.characters) == (9, 4, 64)
    with pytest.raises(ValueError):
        read("speech", delta + delta, "text/event-stream")


def test_mistral_gets_its_own_names_and_no_format() -> None:
    facts = EndpointFacts("m", "m", "transcription", "mistral", "voxtral", 1, 1, frozenset(),
                          "none", True, None, Price("p"))  # fmt: skip
    fields = {
        "response_format": msgspec.Raw(b'"verbose_json"'), "prompt": msgspec.Raw(b'"x"'),
        "language": msgspec.Raw(b'"en"'),
    }  # fmt: skip
    asked = Call("transcription", "m", fields, media=Media(b"sound", "audio.wav", "audio/wav"))
    body = mistral_audio.OPERATIONS["transcription"].request(asked, facts, 1).body
    assert b'name="timestamp_granularities"\r\n\r\nsegment\r\n' in body
    assert b'name="language"\r\n\r\nen\r\n' in body
    assert b'name="model"\r\n\r\nvoxtral\r\n' in body
    assert b"response_format" not in body
    assert b"prompt" not in body


def test_a_form_has_a_boundary_of_its_own_and_every_value_as_it_is() -> None:
    file = Media(b"--alltoken\r\n\0sound", "audio.wav", "audio/wav")
    fields = {
        "prompt": msgspec.Raw('"a\\r\\n--x\\"; name=\\"y\\" Ü"'.encode()),
        "include": msgspec.Raw(b'["logprobs","x"]'),
        "chunking_strategy": msgspec.Raw(b'{"type":"server_vad"}'),
        "temperature": msgspec.Raw(b"0.2"),
        "stream": msgspec.Raw(b"true"),
    }
    (_, kind), body = multipart.form(fields, file)
    mark = b"--" + kind.partition("boundary=")[2].encode()
    parts = [part.partition(b"\r\n\r\n") for part in body.split(mark)[1:-1]]
    names = [head.partition(b'name="')[2].partition(b'"')[0].decode() for head, _, _ in parts]
    assert names == ["prompt", *["include[]"] * 2, "chunking_strategy", "temperature", "stream",
                     "file"]  # fmt: skip
    assert [value[:-2] for _, _, value in parts] == [
        'a\r\n--x"; name="y" Ü'.encode(), b"logprobs", b"x", b'{"type":"server_vad"}', b"0.2",
        b"true", file.content,
    ]  # fmt: skip
    assert multipart.form(fields, file)[1] != body
