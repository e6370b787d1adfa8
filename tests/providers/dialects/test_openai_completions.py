"""alltoken_app/providers/dialects/openai_completions.py"""

import json

import msgspec
import pytest

from alltoken_app.providers.base import Call, Cut, EndpointFacts, Price, StreamError, Unfit, Usage
from alltoken_app.providers.dialects.openai_completions import OpenAICompletions

DIALECT = OpenAICompletions()
ENDPOINT = EndpointFacts(
    "p:a/b", "a/b", "completions", "p", "upstream-b", 8192, 4096, frozenset(), "none", True, None,
    Price("v1", 1, 2, 1),
)  # fmt: skip
CALL = Call(
    "completions", "a/b", {}, stream=True, dialect="completions",
    native={"prompt": msgspec.Raw(b'"a  b\\u00e9"')},
)  # fmt: skip
STREAM = (
    b'data: {"id":"c","choices":[{"text":"Gr\xc3\xbc","index":0,"finish_reason":null}]}\n\n'
    b'data: {"id":"c","choices":[{"text":"\xc3\x9fe","index":0,"finish_reason":"eos"}]}\n\n'
    b'data: {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2}}\n\n'
    b"data: [DONE]\n\n"
)


def no_header(name: str) -> str:
    return ""


def test_the_prompts_bytes_go_upstream_unchanged() -> None:
    sent = DIALECT.request(CALL, ENDPOINT, 9)
    assert sent.path == "/completions"
    assert b'"a  b\\u00e9"' in sent.body
    assert json.loads(sent.body)["stream_options"] == {"include_usage": True}


@pytest.mark.parametrize("step", [1, 7, 1000])
@pytest.mark.parametrize("ends", [b"\n", b"\r\n"])
def test_a_stream_in_any_splits(step: int, ends: bytes) -> None:
    data, reader = STREAM.replace(b"\n", ends), DIALECT.reader(CALL)
    pieces = [p for at in range(0, len(data), step) for p in reader.feed(data[at : at + step])]
    assert reader.done
    said = [choice for piece in pieces for choice in json.loads(piece.choices)]
    assert "".join(choice["delta"]["content"] for choice in said) == "Grüße"
    own = [choice for piece in pieces for choice in json.loads(piece.native)]
    assert [choice["finish_reason"] for choice in own] == [None, "stop"]
    assert (pieces[-1].usage, sum(piece.size for piece in pieces)) == (Usage(3, 2), 7)


def test_a_stream_that_stops_before_its_finish_was_cut() -> None:
    reader = DIALECT.reader(CALL)
    reader.feed(STREAM[:90])
    with pytest.raises(Cut):
        reader.feed(b"")


def test_an_error_inside_is_noticed() -> None:
    with pytest.raises(StreamError):
        DIALECT.reader(CALL).feed(b'data: {"error":{"message":"x","code":429}}\n\n')
    with pytest.raises(ValueError, match="no answer"):
        DIALECT.read(CALL, no_header, b"{}")


def test_who_sends_messages_is_told_to_send_a_prompt() -> None:
    with pytest.raises(Unfit):
        DIALECT.request(Call("chat", "a/b", {}), ENDPOINT, 1)
