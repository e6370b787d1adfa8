"""alltoken_app/providers/dialects/bedrock_converse_reply.py and _stream.py"""

import json
from base64 import b64encode
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alltoken_app.providers.base import Call, Cut, Piece, StreamError, Usage
from alltoken_app.providers.dialects.bedrock_converse import Converse
from alltoken_app.providers.dialects.bedrock_converse_request import JSON_TOOL
from tests.providers.bedrock_frames import (
    COUNTED,
    END,
    START,
    closed,
    delta,
    event,
    exception,
    frame,
    opened,
    stop,
)

DIALECT = Converse()
CALL = Call("chat", "a/b", {}, stream=True)
USED = Usage(2614, 13, 100, cache_write_5m=492, cache_write_1h=2000)


def headers(**known: str) -> Any:
    return lambda name: {key.replace("_", "-"): value for key, value in known.items()}.get(name, "")


def whole(
    *blocks: object, reason: str = "end_turn", usage: object = COUNTED, **more: object
) -> Any:
    answer = {
        "metrics": {"latencyMs": 1},
        "output": {"message": {"role": "assistant", "content": list(blocks)}},
        "stopReason": reason,
        "usage": usage,
        **more,
    }
    return DIALECT.read(CALL, headers(), json.dumps(answer).encode())


def message(reply: Any) -> dict[str, Any]:
    choices = json.loads(bytes(reply.body["choices"]))
    found: dict[str, Any] = choices[0]["message"]
    return found


def stream(*events: bytes, size: int = 1, call: Call = CALL) -> list[Piece]:
    reader, received = DIALECT.reader(call), b"".join(events)
    pieces: list[Piece] = []
    for at in range(0, len(received), size):
        pieces += reader.feed(received[at : at + size])
    pieces += reader.feed(b"")
    assert reader.done
    return pieces


def joined(pieces: list[Piece]) -> dict[str, Any]:
    """A stream's message, put together as clients do it."""
    said: dict[str, Any] = {"content": "", "reasoning": "", "details": [], "notes": [], "calls": {}}
    for piece in pieces:
        for choice in json.loads(piece.choices):
            delta = choice["delta"]
            said["content"] += delta.get("content", "")
            said["reasoning"] += delta.get("reasoning", "")
            said["details"] += delta.get("reasoning_details", [])
            said["notes"] += delta.get("annotations", [])
            for part in delta.get("tool_calls", []):
                known = said["calls"].setdefault(part["index"], [part.get("id"), "", ""])
                known[1] += part["function"].get("name", "")
                known[2] += part["function"]["arguments"]
    return said


def test_a_whole_answer() -> None:
    reply = whole(
        {"reasoningContent": {"reasoningText": {"text": "hm", "signature": "c2ln"}}},
        {"reasoningContent": {"redactedContent": "eHh4"}},
        {"text": "It is "},
        {"toolUse": {"toolUseId": "t_1", "name": "f", "input": {"n": 1.50}}},
        reason="tool_use",
        serviceTier={"type": "flex"},
    )
    said = message(reply)
    assert (said["content"], said["reasoning"]) == ("It is ", "hm")
    assert [detail["type"] for detail in said["reasoning_details"]] == [
        "reasoning.text", "reasoning.encrypted",
    ]  # fmt: skip
    assert (said["reasoning_details"][0]["signature"], said["reasoning_details"][1]["data"]) == (
        "c2ln", "eHh4",
    )  # fmt: skip
    function = {"name": "f", "arguments": '{"n": 1.5}'}
    assert said["tool_calls"] == [{"id": "t_1", "type": "function", "function": function}]
    assert (reply.finish, reply.native_finish, reply.tier) == ("tool_calls", "tool_use", "flex")
    assert (reply.usage, reply.content, reply.size) == (USED, True, 2 + 6 + 1 + 10)


def test_usage_comes_with_the_finish_and_only_then() -> None:
    pieces = stream(START, delta(0, text="hi"), closed(0), stop("max_tokens"), END)
    assert [(piece.finish, piece.usage) for piece in pieces] == [
        (None, None), (None, None), ("length", USED),
    ]  # fmt: skip
    assert [(piece.content, piece.size) for piece in pieces[:2]] == [(False, 0), (True, 2)]
    late = stream(END, delta(0, text="hi"), stop("end_turn"))
    assert late[-1].usage == USED


@pytest.mark.parametrize(
    ("reason", "finish"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("guardrail_intervened", "content_filter"),
        ("content_filtered", "content_filter"),
        ("something_new", "stop"),
    ],
)
def test_every_reason_to_stop(reason: str, finish: str) -> None:
    assert whole({"text": "x"}, reason=reason).finish == finish
    assert stream(START, stop(reason), END)[-1].finish == finish


@pytest.mark.parametrize("reason", ["malformed_model_output", "malformed_tool_use"])
def test_a_malformed_answer_is_an_error_of_the_providers(reason: str) -> None:
    for read in (lambda: whole({"text": "x"}, reason=reason), lambda: stream(START, stop(reason))):
        with pytest.raises(StreamError) as failed:
            read()
        assert failed.value.error is not None
        assert failed.value.error.retry


@pytest.mark.parametrize(
    "usage",
    [
        None,
        {},
        {"inputTokens": -1, "outputTokens": 1},
        {"inputTokens": 1.5, "outputTokens": 1},
        {"inputTokens": 1, "outputTokens": 2**40},
        {**COUNTED, "cacheDetails": [{"ttl": "1h", "inputTokens": 9999}]},
    ],
)
def test_usage_that_cannot_be_is_no_usage(usage: object) -> None:
    assert whole({"text": "x"}, usage=usage).usage is None


def test_older_names_of_cached_tokens_count_too() -> None:
    usage = {"inputTokens": 1, "outputTokens": 1, "cacheWriteInputTokenCount": 5}
    assert whole({"text": "x"}, usage=usage).usage == Usage(6, 1, cache_write_5m=5)


def test_streams_of_openais_models_count_the_cache_once() -> None:
    usage = {"inputTokens": 4995, "outputTokens": 19, "cacheWriteInputTokens": 4993}
    ended = (START, stop("end_turn"), event("metadata", usage=usage))
    openai = Call("chat", "openai/gpt-x", {}, stream=True)
    assert stream(*ended, call=openai)[-1].usage == Usage(4995, 19, cache_write_5m=4993)
    assert stream(*ended)[-1].usage == Usage(9988, 19, cache_write_5m=4993)


def test_calls_keep_their_order_and_empty_arguments_are_an_object() -> None:
    said = joined(
        stream(
            START,
            delta(0, text="I look"),
            closed(0),
            opened(1, toolUse={"toolUseId": "t_1", "name": "f"}),
            delta(1, toolUse={"input": '{"a":'}),
            delta(1, toolUse={"input": '"é"}'}),
            closed(1),
            opened(2, toolUse={"toolUseId": "t_2", "name": "g", "type": "tool_use"}),
            closed(2),
            stop("tool_use"),
            END,
        )
    )
    assert said["calls"] == {0: ["t_1", "f", '{"a":"é"}'], 1: ["t_2", "g", "{}"]}


def test_tools_that_aws_runs_are_not_the_callers() -> None:
    pieces = stream(
        START,
        opened(0, toolUse={"toolUseId": "t", "name": "nova_x", "type": "server_tool_use"}),
        delta(0, toolUse={"input": "{}"}),
        closed(0),
        opened(1, toolResult={"toolUseId": "t", "status": "success", "type": "nova_x_result"}),
        delta(1, toolResult=[{"json": {"stdOut": "7"}}]),
        closed(1),
        delta(2, text="7"),
        stop("end_turn"),
        END,
    )
    assert (joined(pieces)["calls"], joined(pieces)["content"]) == ({}, "7")


def test_a_forced_tools_arguments_are_the_answer() -> None:
    block = {"toolUse": {"toolUseId": "t", "name": JSON_TOOL, "input": {"n": 1}}}
    reply = whole(block, reason="tool_use")
    assert (message(reply)["content"], reply.finish) == ('{"n": 1}', "stop")
    assert "tool_calls" not in message(reply)
    pieces = stream(
        START,
        opened(0, toolUse={"toolUseId": "t", "name": JSON_TOOL}),
        delta(0, toolUse={"input": '{"n":1}'}),
        closed(0),
        stop("tool_use"),
        END,
    )
    assert (joined(pieces)["content"], pieces[-1].finish) == ('{"n":1}', "stop")


def test_web_pages_are_cited_where_the_text_stands() -> None:
    page = {"location": {"web": {"url": "https://a.example/", "domain": "a.example"}}}
    document = {"title": "d", "location": {"documentChar": {"documentIndex": 0}}}
    cited = {"content": [{"text": "yes"}], "citations": [page, document]}
    note = {"url": "https://a.example/", "title": "a.example", "start_index": 4, "end_index": 7}
    said = message(whole({"text": "Oh, "}, {"citationsContent": cited}))
    assert said["content"] == "Oh, yes"
    assert said["annotations"] == [{"type": "url_citation", "url_citation": note}]
    streamed = joined(
        stream(
            START, delta(0, text="Oh, "), delta(1, text="yes"), delta(1, citation=page),
            delta(1, citation=document), stop("end_turn"), END,
        )
    )  # fmt: skip
    assert streamed["notes"] == said["annotations"]


def test_thoughts_stream_with_their_signature() -> None:
    events = (
        START,
        delta(0, reasoningContent={"text": "hm"}),
        delta(0, reasoningContent={"signature": "c2ln"}),
        delta(1, reasoningContent={"redactedContent": "eHh4"}),
        delta(2, text="so"),
        stop("end_turn"),
        END,
    )
    said = joined(stream(*events))
    assert (said["reasoning"], said["content"]) == ("hm", "so")
    assert [
        (part["index"], part.get("text"), part.get("signature"), part.get("data"))
        for part in said["details"]
    ] == [(0, "hm", None, None), (0, None, "c2ln", None), (1, None, None, "eHh4")]


@pytest.mark.parametrize(
    ("model", "models", "signed"),
    [
        ("anthropic/claude-sonnet-4.5", (), "anthropic-claude-v1"),
        ("anthropic/claude-sonnet-4.5", ("amazon/nova-2-lite",), "amazon-bedrock-v1"),
        ("amazon/nova-2-lite", (), "amazon-bedrock-v1"),
    ],
)
def test_claudes_signatures_are_good_wherever_it_is_served(
    model: str, models: tuple[str, ...], signed: str
) -> None:
    asked = Call("chat", model, {}, stream=True, models=models)
    thought = delta(0, reasoningContent={"text": "hm"})
    said = joined(stream(START, thought, stop("end_turn"), END, call=asked))
    assert [detail["format"] for detail in said["details"]] == [signed]


def test_thoughts_can_be_hidden_and_still_count() -> None:
    quiet = Call("chat", "a/b", {"reasoning": msgspec.Raw(b'{"exclude":true}')}, stream=True)
    pieces = stream(
        START, delta(0, reasoningContent={"text": "hm"}), delta(1, text="so"), stop("end_turn"),
        END, call=quiet,
    )  # fmt: skip
    assert (joined(pieces)["reasoning"], joined(pieces)["details"]) == ("", [])
    assert sum(piece.size for piece in pieces) == 4


def test_images_arrive_whole() -> None:
    data = b64encode(b"\x89PNG..").decode()
    source = {"image": {"format": "png", "source": {"bytes": data}}}
    image = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}}
    assert message(whole(source))["images"] == [image]
    pieces = stream(
        START,
        opened(0, image={"format": "png"}),
        delta(0, image={"source": {"bytes": b64encode(b"\x89PN").decode()}}),
        delta(0, image={"source": {"bytes": b64encode(b"G..").decode()}}),
        closed(0),
        stop("end_turn"),
        END,
    )
    assert json.loads(pieces[1].choices)[0]["delta"]["images"] == [image]


def test_a_stream_that_breaks_off_is_cut() -> None:
    for events in ((START, delta(0, text="x")), (START, END)):
        with pytest.raises(Cut):
            stream(*events)


def test_an_end_without_usage_is_an_end() -> None:
    assert stream(START, delta(0, text="x"), stop("end_turn"))[-1].finish == "stop"


@pytest.mark.parametrize(
    ("kind", "code", "retry"),
    [
        ("throttlingException", "upstream_rate_limited", True),
        ("modelStreamErrorException", "upstream_error", True),
        ("internalServerException", "upstream_error", True),
        ("serviceUnavailableException", "upstream_overloaded", True),
        ("validationException", "upstream_rejected", False),
    ],
)
def test_exceptions_inside_a_stream(kind: str, code: str, retry: bool) -> None:
    with pytest.raises(StreamError) as failed:
        stream(START, delta(0, text="x"), exception(kind, "words"))
    assert failed.value.error is not None
    assert (failed.value.error.code, failed.value.error.retry) == (code, retry)


def test_errors_without_a_payload_are_errors() -> None:
    with pytest.raises(StreamError):
        stream(frame(b"", message_type="error", error_code="InternalFailure", error_message="x"))


def test_unknown_events_are_passed_over() -> None:
    odd = event("somethingNew", contentBlockIndex=1, delta={"text": "no"})
    assert (
        joined(stream(START, odd, delta(0, text="yes"), stop("end_turn"), END))["content"] == "yes"
    )


def used(name: str, value: object) -> dict[str, Any]:
    return {"toolUse": {"toolUseId": "t", "name": "f", "input": {name: value}}}


WORDS = st.text(alphabet=st.characters(codec="utf-8"), min_size=1, max_size=12)
BLOCKS = st.lists(
    st.one_of(
        st.builds(lambda text: {"text": text}, WORDS),
        st.builds(lambda text: {"reasoningContent": {"reasoningText": {"text": text}}}, WORDS),
        st.builds(used, WORDS, st.one_of(st.integers(-9, 9), WORDS)),
    ),
    max_size=5,
)  # fmt: skip


def pieces_of(text: str) -> list[str]:
    return [text[: len(text) // 2], text[len(text) // 2 :]]


def as_events(blocks: list[dict[str, Any]]) -> bytes:
    events = [START]
    for index, block in enumerate(blocks):
        if "toolUse" in block:
            use = block["toolUse"]
            events.append(opened(index, toolUse={"toolUseId": "t", "name": use["name"]}))
            events += [
                delta(index, toolUse={"input": part})
                for part in pieces_of(json.dumps(use["input"]))
            ]
        elif "text" in block:
            events += [delta(index, text=part) for part in pieces_of(block["text"])]
        else:
            thought = block["reasoningContent"]["reasoningText"]["text"]
            events += [delta(index, reasoningContent={"text": p}) for p in pieces_of(thought)]
        events.append(closed(index))
    return b"".join([*events, stop("end_turn"), END])


@given(blocks=BLOCKS, cuts=st.lists(st.integers(0, 3000), max_size=20))
def test_a_stream_says_what_the_whole_answer_says(
    blocks: list[dict[str, Any]], cuts: list[int]
) -> None:
    received, reader = as_events(blocks), DIALECT.reader(CALL)
    bounds = [0, *sorted(cuts), len(received)]
    parts = [received[start:end] for start, end in pairwise(bounds) if end > start]
    pieces = [piece for part in parts for piece in reader.feed(part)]
    said, reply = joined(pieces), whole(*blocks)
    expected = message(reply)
    assert said["content"] == (expected["content"] or "")
    assert said["reasoning"] == expected.get("reasoning", "")
    assert [json.loads(arguments) for _, _, arguments in said["calls"].values()] == [
        json.loads(call["function"]["arguments"]) for call in expected.get("tool_calls", [])
    ]
    assert (pieces[-1].finish, pieces[-1].usage) == (reply.finish, reply.usage)
    assert all(b"\n" not in piece.choices for piece in pieces)
