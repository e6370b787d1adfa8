"""alltoken_app/providers/dialects/cohere.py, cohere_request.py and cohere_reply.py"""

import json
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alltoken_app.providers.base import (
    Call,
    Cut,
    EndpointFacts,
    Piece,
    Price,
    StreamError,
    Unfit,
    Usage,
)
from alltoken_app.providers.dialects.cohere import Chat, Embeddings, Rerank

CHAT = Chat()
CALL = Call("chat", "a/b", {}, stream=True)
HI = [{"role": "user", "content": "hi"}]
SPENT = {
    "billed_units": {"input_tokens": 8, "output_tokens": 21},
    "tokens": {"input_tokens": 503, "output_tokens": 24, "reasoning_tokens": 9},
    "cached_tokens": 448,
}
USED = Usage(8, 21, reasoning=9)
IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}
WEATHER = {"type": "function", "function": {"name": "weather", "strict": True}}


def no_header(name: str) -> str:
    return ""


def endpoint(*parameters: str) -> EndpointFacts:
    return EndpointFacts(
        "cohere:a/b", "a/b", "chat", "cohere", "command-x", 8192, 4096, frozenset(parameters),
        "none", False, None, Price("v1"),
    )  # fmt: skip


def call(operation: str = "chat", stream: bool = False, **fields: object) -> Call:
    raw = {name: msgspec.Raw(json.dumps(value).encode()) for name, value in fields.items()}
    kinds = frozenset({"text", "image", "file"})
    return Call(operation, "a/b", raw, stream=stream, modalities=kinds)


def body(*parameters: str, **fields: Any) -> Any:
    asked = call(**{"messages": HI, **fields})
    sent = CHAT.request(asked, endpoint(*parameters), 4000)
    assert sent.path == "/chat"
    return json.loads(sent.body)


def unable(*parameters: str, **fields: Any) -> tuple[str, ...]:
    return CHAT.unable(call(**{"messages": HI, **fields}), endpoint(*parameters))


def test_messages_keep_their_order_and_calls_their_ids() -> None:
    used = {"id": "c_1", "type": "function", "function": {"name": "f", "arguments": ""}}
    sent = body(
        messages=[
            {"role": "developer", "content": "be brief"},
            {"role": "user", "content": [{"type": "text", "text": "look"}, IMAGE]},
            {"role": "assistant", "content": None, "tool_calls": [used]},
            {"role": "tool", "tool_call_id": "c_1", "content": [{"type": "text", "text": "42"}]},
        ]
    )["messages"]  # fmt: skip
    assert [message["role"] for message in sent] == ["system", "user", "assistant", "tool"]
    assert sent[1]["content"][1] == IMAGE
    assert sent[2]["tool_calls"][0]["function"] == {"name": "f", "arguments": "{}"}
    assert "content" not in sent[2]
    assert sent[3] == {"role": "tool", "tool_call_id": "c_1", "content": "42"}


def test_parameters_have_their_names_and_ranges() -> None:
    wishes: dict[str, Any] = {
        "temperature": 1.5, "top_p": 1.0, "top_k": 900, "frequency_penalty": -1.0, "seed": 7,
        "stop": list("abcdefg"),
    }  # fmt: skip
    sent = body(**wishes)
    expected = {"temperature": 1, "p": 0.99, "k": 500, "frequency_penalty": 0, "seed": 7}
    assert {name: sent[name] for name in expected} == expected
    assert (sent["max_tokens"], len(sent["stop_sequences"])) == (4000, 5)
    assert unable(**wishes) == ("frequency_penalty", "stop", "temperature", "top_k")
    assert unable(temperature=0.3, stop="x", top_p=0.5) == ()


@pytest.mark.parametrize(
    ("choice", "sent"), [("auto", None), ("required", "REQUIRED"), ("none", "NONE")]
)
def test_tool_choices(choice: str, sent: str | None) -> None:
    assert body(tools=[WEATHER], tool_choice=choice).get("tool_choice") == sent


def test_a_named_tool_is_the_only_one() -> None:
    other = {"type": "function", "function": {"name": "other"}}
    named = {"type": "function", "function": {"name": "weather"}}
    sent = body(tools=[other, WEATHER], tool_choice=named)
    assert [tool["function"]["name"] for tool in sent["tools"]] == ["weather"]
    assert (sent["tool_choice"], sent["strict_tools"]) == ("REQUIRED", True)
    assert unable(tools=[other, WEATHER], parallel_tool_calls=False) == (
        "parallel_tool_calls", "tools.strict",
    )  # fmt: skip


def test_a_schema_goes_with_every_call_but_one_with_tools() -> None:
    schema = {"type": "object", "properties": {}}
    wish = {"type": "json_schema", "json_schema": {"name": "n", "schema": schema}}
    sent = body(response_format=wish)["response_format"]
    assert sent == {"type": "json_object", "json_schema": schema}
    assert body(response_format={"type": "json_object"})["response_format"] == {
        "type": "json_object"
    }
    assert unable(response_format=wish, tools=[WEATHER]) == ("response_format",)


def test_only_models_that_reason_are_told_how_much() -> None:
    thinking = body("reasoning", reasoning={"effort": "low"})["thinking"]
    assert thinking == {"type": "enabled", "token_budget": 800}
    assert body("reasoning", reasoning_effort="none")["thinking"] == {"type": "disabled"}
    assert "thinking" not in body(reasoning_effort="low")
    assert unable(reasoning_effort="low") == ("reasoning_effort",)


def test_what_is_not_text_or_image_is_named() -> None:
    part = {"type": "file", "file": {"file_id": "f"}}
    assert unable(messages=[{"role": "user", "content": [part]}]) == ("messages.file",)


def whole(message: object, reason: str = "COMPLETE", usage: object = SPENT) -> Any:
    answer = {"id": "r_1", "message": message, "finish_reason": reason, "usage": usage}
    return CHAT.read(CALL, no_header, json.dumps(answer).encode())


def message(reply: Any) -> Any:
    return json.loads(bytes(reply.body["choices"]))[0]["message"]


def event(kind: str, index: int = 0, **delta: object) -> bytes:
    data = {"type": kind, "index": index, "delta": delta}
    return f"event: {kind}\ndata: {json.dumps(data)}\n\n".encode()


def part(index: int = 0, **content: object) -> bytes:
    return event("content-delta", index, message={"content": content})


START = b'event: message-start\ndata: {"id":"r_1","type":"message-start","delta":{"message":{"role":"assistant","content":[],"tool_plan":"","tool_calls":[],"citations":[]}}}\n\n'  # noqa: E501
DONE = b"data: [DONE]\n\n"


def end(reason: str = "COMPLETE") -> bytes:
    return event("message-end", finish_reason=reason, usage=SPENT)


def stream(*events: bytes, size: int = 1) -> list[Piece]:
    reader, received = CHAT.reader(CALL), b"".join(events)
    pieces: list[Piece] = []
    for at in range(0, len(received), size):
        pieces += reader.feed(received[at : at + size])
    if not reader.done:
        pieces += reader.feed(b"")
    assert reader.done
    return pieces


def joined(pieces: list[Piece]) -> Any:
    said: dict[str, Any] = {"content": "", "reasoning": "", "calls": {}}
    for piece in pieces:
        for choice in json.loads(piece.choices):
            delta = choice["delta"]
            said["content"] += delta.get("content", "")
            said["reasoning"] += delta.get("reasoning", "")
            for made in delta.get("tool_calls", []):
                known = said["calls"].setdefault(made["index"], [made.get("id"), "", ""])
                known[1] += made["function"].get("name", "")
                known[2] += made["function"]["arguments"]
    return said


def test_a_whole_answer() -> None:
    made = {"id": "c", "type": "function", "function": {"name": "f", "arguments": '{"a":1}'}}
    parts = [{"type": "thinking", "thinking": "hm. "}, {"type": "text", "text": "hé"}]
    reply = whole({"content": parts, "tool_plan": "I call f.", "tool_calls": [made]}, "TOOL_CALL")
    said = message(reply)
    assert (said["content"], said["reasoning"]) == ("hé", "hm. I call f.")
    assert said["tool_calls"] == [made]
    assert (reply.finish, reply.native_finish) == ("tool_calls", "TOOL_CALL")
    assert (reply.usage, reply.upstream_id) == (USED, "r_1")


def test_a_stream_of_calls() -> None:
    def started(index: int, name: str) -> bytes:
        made = {"id": f"c_{index}", "type": "function", "function": {"name": name, "arguments": ""}}
        return event("tool-call-start", index, message={"tool_calls": made})

    more = {"tool_calls": {"function": {"arguments": '{"a":'}}}
    rest = {"tool_calls": {"function": {"arguments": '"é"}'}}}
    pieces = stream(
        START,
        event("tool-plan-delta", message={"tool_plan": "I call."}),
        started(0, "f"),
        event("tool-call-delta", 0, message=more),
        event("tool-call-delta", 0, message=rest),
        event("tool-call-end", 0),
        started(1, "g"),
        event("tool-call-end", 1),
        end("TOOL_CALL"),
        DONE,
    )
    said = joined(pieces)
    assert said["calls"] == {0: ["c_0", "f", '{"a":"é"}'], 1: ["c_1", "g", "{}"]}
    assert said["reasoning"] == "I call."
    assert (pieces[-1].finish, pieces[-1].usage) == ("tool_calls", USED)


@pytest.mark.parametrize(
    ("reason", "finish"),
    [("COMPLETE", "stop"), ("STOP_SEQUENCE", "stop"), ("MAX_TOKENS", "length"), ("NEW", "stop")],
)
def test_reasons_to_stop(reason: str, finish: str) -> None:
    assert whole({"content": []}, reason).finish == finish
    assert stream(START, end(reason))[-1].finish == finish  # with or without [DONE]


@pytest.mark.parametrize("reason", ["ERROR", "TIMEOUT"])
def test_a_failure_at_the_end_is_an_error(reason: str) -> None:
    with pytest.raises(StreamError):
        whole({"content": []}, reason)
    with pytest.raises(StreamError):
        stream(START, part(text="x"), end(reason), DONE)


def test_citations_and_unknown_events_are_passed_over() -> None:
    cited = event("citation-start", message={"citations": {"start": 0, "end": 1, "text": "a"}})
    pieces = stream(START, part(text="a"), cited, event("new"), b": hm\n\n", end(), DONE, size=7)
    assert joined(pieces)["content"] == "a"


def test_a_stream_that_breaks_off_is_cut() -> None:
    for events in ((START, part(text="x")), (START, DONE)):
        with pytest.raises(Cut):
            stream(*events)


@pytest.mark.parametrize(
    ("usage", "used"),
    [
        ({"tokens": {"input_tokens": 3, "output_tokens": 4}}, Usage(3, 4)),
        ({"billed_units": {"input_tokens": 3.0, "output_tokens": 4.5}}, Usage(3, 5)),
        ({"billed_units": {"input_tokens": -3, "output_tokens": 4}}, None),
        ({"billed_units": {"input_tokens": 1e300, "output_tokens": 4}}, None),
        ({"billed_units": {"input_tokens": "3"}}, None),
        ({}, None),
        (None, None),
    ],
)
def test_what_is_billed_counts(usage: object, used: Usage | None) -> None:
    assert whole({"content": []}, usage=usage).usage == used


WORDS = st.text(alphabet=st.characters(codec="utf-8"), min_size=1, max_size=12)


@given(
    parts=st.lists(st.tuples(st.sampled_from(["text", "thinking"]), WORDS), max_size=5),
    cuts=st.lists(st.integers(0, 2000), max_size=20),
)
def test_a_stream_says_what_the_whole_answer_says(
    parts: list[tuple[str, str]], cuts: list[int]
) -> None:
    events = [part(index, **{kind: words}) for index, (kind, words) in enumerate(parts)]
    received, reader = b"".join([START, *events, end(), DONE]), CHAT.reader(CALL)
    bounds = [0, *sorted(cuts), len(received)]
    pieces = [
        piece
        for start, stop in pairwise(bounds)
        if stop > start
        for piece in reader.feed(received[start:stop])
    ]
    reply = whole({"content": [{"type": kind, kind: words} for kind, words in parts]})
    said, expected = joined(pieces), message(reply)
    assert said["content"] == expected["content"]
    assert said["reasoning"] == expected.get("reasoning", "")
    assert (pieces[-1].finish, pieces[-1].usage) == (reply.finish, reply.usage)
    assert sum(piece.size for piece in pieces) == reply.size


@pytest.mark.parametrize(
    ("status", "said", "code"),
    [
        (400, "too many tokens: size limit exceeded by 9 tokens", "context_length_exceeded"),
        (400, "invalid request", "upstream_rejected"),
        (401, "invalid api token", "upstream_auth_error"),
        (402, "please add a payment method", "upstream_quota_exhausted"),
        (404, "model 'x' not found", "upstream_model_unavailable"),
        (422, "invalid request", "upstream_rejected"),
        (429, "too many requests", "upstream_rate_limited"),
        (498, "blocked output", "content_policy_violation"),
        (503, "busy", "upstream_error"),
        (504, "slow", "upstream_timeout"),
    ],
)
def test_refusals(status: int, said: str, code: str) -> None:
    payload = json.dumps({"id": "e", "message": said}).encode()
    assert CHAT.read_error(status, no_header, payload).code == code


def test_embeddings() -> None:
    asked = call("embeddings", input="hi", dimensions=256)
    sent = Embeddings().request(asked, endpoint(), 0)
    assert json.loads(sent.body) == {
        "model": "command-x", "texts": ["hi"], "input_type": "search_document",
        "embedding_types": ["float"], "output_dimension": 256,
    }  # fmt: skip
    answer = {
        "id": "e",
        "embeddings": {"float": [[0.5]]},
        "meta": {"billed_units": {"input_tokens": 4}},
    }
    reply = Embeddings().read(asked, no_header, json.dumps(answer).encode())
    assert json.loads(bytes(reply.body["data"]))[0]["embedding"] == [0.5]
    assert (reply.usage, reply.upstream_id) == (Usage(4), "e")


@pytest.mark.parametrize("given", [["a"] * 97, [[1, 2]]])
def test_too_many_texts_or_none_are_not_embedded(given: object) -> None:
    asked = call("embeddings", input=given)
    assert Embeddings().unable(asked, endpoint()) == ("input",)
    with pytest.raises(Unfit):
        Embeddings().request(asked, endpoint(), 0)


def test_reranking() -> None:
    asked = call("rerank", query="q", documents=["a", "b"], top_n=2)
    sent = Rerank().request(asked, endpoint(), 0)
    assert (sent.path, json.loads(sent.body)["documents"]) == ("/rerank", ["a", "b"])
    results = b'[{"index":1,"relevance_score":0.75}]'
    answer = b'{"id":"r","results":' + results + b',"meta":{"billed_units":{"search_units":1}}}'
    reply = Rerank().read(asked, no_header, answer)
    assert (bytes(reply.body["results"]), reply.usage) == (results, Usage(units=1))
