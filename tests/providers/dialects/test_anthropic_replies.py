"""alltoken_app/providers/dialects/anthropic_{replies,stream,usage,errors}.py"""

import json

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alltoken_app.providers.base import Call, Cut, Piece, StreamError, Usage
from alltoken_app.providers.dialects.anthropic_messages import BEDROCK, AnthropicMessages
from tests.providers.dialects import anthropic_case as case

DIALECT = AnthropicMessages()
STREAM = case.call(stream=True)
OVERLOADED = {"type": "error", "error": {"type": "overloaded_error", "message": "busy"}}
WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
OBJECTS = st.dictionaries(WORDS, st.one_of(WORDS, st.integers(-9, 9), st.booleans()), max_size=3)
BLOCKS = st.one_of(
    WORDS.map(case.text),
    st.builds(case.tool_use, st.sampled_from(["a", "b"]), OBJECTS, st.just("toolu_x")),
    st.builds(case.thinking, WORDS.filter(bool)),
    WORDS.map(lambda data: {"type": "redacted_thinking", "data": data}),
    st.just({"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"q": "x"}}),
)


def told(payload: bytes, *, dialect: AnthropicMessages = DIALECT, step: int = 10**9) -> list[Piece]:
    """Every piece of a stream, fed `step` bytes at a time."""
    reader = dialect.reader(STREAM)
    found: list[Piece] = []
    for at in range(0, len(payload), step):
        found += reader.feed(payload[at : at + step])
    if not reader.done:
        found += reader.feed(b"")
    return found


def whole(document: case.Json) -> case.Json:
    reply = DIALECT.read(case.call(), case.no_header, json.dumps(document).encode())
    choice: case.Json = json.loads(bytes(reply.body["choices"]))[0]
    return choice


@settings(max_examples=150, deadline=None)
@given(st.lists(BLOCKS, max_size=5), st.integers(1, 9), st.integers(1, 60))
def test_a_stream_says_what_the_whole_answer_says(
    blocks: list[case.Json], delta: int, step: int
) -> None:
    document = case.message(*blocks)
    pieces = told(case.sse(case.events(document, delta)), step=step)
    assert case.folded(pieces) == whole(document)
    assert pieces[-1].usage == DIALECT.read(
        case.call(), case.no_header, json.dumps(document).encode()
    ).usage  # fmt: skip


@pytest.mark.parametrize("ending", [b"\n", b"\r\n", b"\r"])
def test_a_stream_may_come_byte_by_byte_with_any_line_ending(ending: bytes) -> None:
    document = case.message(case.text("wörld 🙂"), case.tool_use("go", {"ü": [1]}), stop="tool_use")
    payload = b": hello\n\n" + case.sse([{"type": "novelty"}, *case.events(document, 2)])
    pieces = told(payload.replace(b"\n", ending), step=1)
    assert case.folded(pieces) == whole(document)
    assert [piece.finish for piece in pieces if piece.finish] == ["tool_calls"]


def test_input_counts_what_the_cache_gave_and_took() -> None:
    used = told(case.sse(case.events(case.message(case.text("x")))))[-1].usage
    assert used == Usage(
        input=127, output=40, cached=100, reasoning=11, cache_write_5m=4, cache_write_1h=3
    )


def test_cache_writes_without_a_split_live_five_minutes() -> None:
    used = {"input_tokens": 1, "output_tokens": 2, "cache_creation_input_tokens": 9}
    reply = DIALECT.read(
        case.call(), case.no_header,
        json.dumps(case.message(case.text("x"), usage=used)).encode(),
    )  # fmt: skip
    assert reply.usage == Usage(input=10, output=2, cache_write_5m=9)


@pytest.mark.parametrize("wrong", [-1, 2**40, 1.5, "7"])
def test_usage_that_cannot_be_is_no_usage(wrong: object) -> None:
    document = case.message(case.text("x"), usage={**case.USAGE, "output_tokens": wrong})
    reply = DIALECT.read(case.call(), case.no_header, json.dumps(document).encode())
    assert reply.usage is None
    assert reply.content


def test_the_end_of_a_stream_corrects_what_its_beginning_counted() -> None:
    events = case.events(case.message(case.text("x")))
    events[-2]["usage"] = {
        "input_tokens": 900, "cache_read_input_tokens": 5, "output_tokens": 60,
        "server_tool_use": {"web_search_requests": 2},
    }  # fmt: skip
    assert told(case.sse(events))[-1].usage == Usage(
        input=905, output=60, cached=5, reasoning=11, searches=2
    )


def test_a_broken_stream_knows_its_cached_input() -> None:
    events = case.events(case.message(case.text("word " * 80)))[:-3]
    reader = DIALECT.reader(STREAM)
    pieces = reader.feed(case.sse(events))
    running = pieces[-1].running
    assert running is not None
    assert (running.input, running.cached, running.output) == (127, 100, 100)
    with pytest.raises(Cut):
        reader.feed(b"")


def test_parallel_calls_keep_index_id_name_and_arguments() -> None:
    calls = [case.tool_use("a", {"x": 1}, "toolu_1"), case.tool_use("b", {}, "toolu_2")]
    document = case.message(case.text("so:"), *calls, stop="tool_use")
    said = case.folded(told(case.sse(case.events(document, 3)), step=7))["message"]
    assert [(c["id"], c["function"]) for c in said["tool_calls"]] == [
        ("toolu_1", {"name": "a", "arguments": '{"x": 1}'}),
        ("toolu_2", {"name": "b", "arguments": "{}"}),
    ]


def test_signatures_stay_opaque_and_whole() -> None:
    blocks = [case.thinking("hm", "U0lH+/=="), {"type": "redacted_thinking", "data": "RU5D"}]
    details = case.folded(told(case.sse(case.events(case.message(*blocks)))))["message"]
    assert details["reasoning_details"] == [
        {"type": "reasoning.text", "text": "hm", "signature": "U0lH+/==",
         "format": "anthropic-claude-v1", "index": 0},
        {"type": "reasoning.encrypted", "data": "RU5D", "format": "anthropic-claude-v1",
         "index": 1},
    ]  # fmt: skip


def test_reasoning_is_left_out_when_the_caller_says_so() -> None:
    call = case.call(stream=True, reasoning={"effort": "high", "exclude": True})
    reader = DIALECT.reader(call)
    pieces = reader.feed(case.sse(case.events(case.message(case.thinking("hm"), case.text("a")))))
    assert "reasoning" not in case.folded(pieces)["message"]
    assert pieces[-1].usage is not None


def test_citations_become_annotations_with_their_place_in_the_text() -> None:
    note = {"type": "web_search_result_location", "url": "https://e.org/a", "title": "A",
            "cited_text": "said", "encrypted_index": "x"}  # fmt: skip
    document = case.message(case.text("One. "), case.text("Two.", citations=[note]))
    assert whole(document)["message"]["annotations"] == [
        {"type": "url_citation", "url_citation": {
            "url": "https://e.org/a", "title": "A", "start_index": 5, "end_index": 9,
            "content": "said"}},
    ]  # fmt: skip
    assert case.folded(told(case.sse(case.events(document)))) == whole(document)


@pytest.mark.parametrize(
    ("said", "finish"),
    [
        ("end_turn", "stop"), ("stop_sequence", "stop"), ("pause_turn", "stop"),
        ("max_tokens", "length"), ("model_context_window_exceeded", "length"),
        ("tool_use", "tool_calls"), ("refusal", "content_filter"), ("novelty", "stop"),
    ],
)  # fmt: skip
def test_every_stop_reason_has_a_finish_reason(said: str, finish: str) -> None:
    choice = whole(case.message(case.text("x"), stop=said))
    assert (choice["finish_reason"], choice["native_finish_reason"]) == (finish, said)


def test_an_error_inside_a_stream_is_classified() -> None:
    with pytest.raises(StreamError) as caught:
        told(case.sse([*case.events(case.message(case.text("x")))[:2], OVERLOADED]))
    assert caught.value.error is not None
    assert (caught.value.error.code, caught.value.error.retry) == ("upstream_overloaded", True)


def test_a_caller_of_the_dialect_gets_the_events_themselves() -> None:
    own = {"model": msgspec.Raw(b'"a/b"')}
    call = Call("chat", "a/b", {}, stream=True, dialect="messages", native=own)
    events = case.events(case.message(case.text("x"), case.tool_use("go", {"a": 1})))
    pieces = DIALECT.reader(call).feed(case.sse(events))
    assert [json.loads(piece.native) for piece in pieces] == [
        event for event in events if event["type"] != "ping"
    ]
    assert pieces[-2].usage is not None
    assert [piece.content for piece in pieces].count(True) >= 2


def test_aws_wraps_the_same_events() -> None:
    document = case.message(case.text("hello"), case.tool_use("go", {"a": 1}), stop="tool_use")
    events = case.events(document)
    events[-1]["amazon-bedrock-invocationMetrics"] = {"inputTokenCount": 1}
    aws = AnthropicMessages(BEDROCK)
    for step in (1, 10**9):
        assert case.folded(told(case.frames(events), dialect=aws, step=step)) == whole(document)


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("throttlingException", "upstream_rate_limited"),
        ("modelStreamErrorException", "upstream_error"),
        ("serviceUnavailableException", "upstream_error"),
        ("validationException", "upstream_rejected"),
    ],
)
def test_an_exception_of_aws_inside_a_stream_is_classified(kind: str, code: str) -> None:
    torn = case.frame({":message-type": "exception", ":exception-type": kind}, b'{"message":"no"}')
    events = case.events(case.message(case.text("x")))[:3]
    with pytest.raises(StreamError) as caught:
        told(case.frames(events, torn), dialect=AnthropicMessages(BEDROCK))
    assert caught.value.error is not None
    assert caught.value.error.code == code


def _error(kind: str, said: str = "no") -> case.Json:
    return {"type": "error", "error": {"type": kind, "message": said}, "request_id": "req_1"}


REFUSALS: list[tuple[int, case.Json, str, bool]] = [
    (400, _error("invalid_request_error"), "upstream_rejected", True),
    (400, _error("invalid_request_error", "prompt is too long: 9 tokens > 8 maximum"),
     "context_length_exceeded", True),
    (400, _error("invalid_request_error",
     "input length and `max_tokens` exceed context limit: 9 + 9 > 8"),
     "context_length_exceeded", True),
    (400, _error("invalid_request_error", "Your credit balance is too low to access the API"),
     "upstream_quota_exhausted", False),
    (400, _error("invalid_request_error", "Output blocked by content filtering policy"),
     "content_policy_violation", True),
    (401, _error("authentication_error"), "upstream_auth_error", False),
    (402, _error("billing_error"), "upstream_quota_exhausted", False),
    (403, _error("permission_error"), "upstream_auth_error", False),
    (404, _error("not_found_error"), "upstream_model_unavailable", False),
    (413, _error("request_too_large"), "upstream_rejected", True),
    (429, _error("rate_limit_error"), "upstream_rate_limited", False),
    (500, _error("api_error"), "upstream_error", False),
    (504, _error("timeout_error"), "upstream_timeout", False),
    (529, _error("overloaded_error"), "upstream_overloaded", False),
    (400, {"message": "The provided model identifier is invalid."},
     "upstream_model_unavailable", False),
    (400, {"message": "Input is too long for requested model."}, "context_length_exceeded", True),
    (403, {"message": "The security token included in the request is expired"},
     "upstream_auth_error", False),
    (429, {"error": {"code": 429, "message": "quota", "status": "RESOURCE_EXHAUSTED"}},
     "upstream_rate_limited", False),
]  # fmt: skip


@pytest.mark.parametrize(("status", "body", "code", "fault"), REFUSALS)
def test_refusals_are_classified(status: int, body: case.Json, code: str, fault: bool) -> None:
    error = DIALECT.read_error(status, case.no_header, json.dumps(body).encode())
    assert (error.code, error.client_fault, error.retry) == (code, fault, not fault)


def test_a_refusal_names_the_field_and_the_wait() -> None:
    body = json.dumps(_error("invalid_request_error", "messages.0.content: wrong")).encode()
    error = DIALECT.read_error(400, case.no_header, body)
    assert (error.param, error.said) == ("messages", "messages.0.content: wrong")
    waits = {"retry-after": "7"}
    error = DIALECT.read_error(429, lambda name: waits.get(name, ""), b"not json")
    assert error.retry_after == 7


@pytest.mark.parametrize("payload", [b"<html>", b"[]", b'{"id":"x"}', b'{"content":"x"}'])
def test_what_is_no_message_is_not_read_as_one(payload: bytes) -> None:
    with pytest.raises(ValueError):
        DIALECT.read(case.call(), case.no_header, payload)


def test_an_error_with_status_200_is_an_error() -> None:
    with pytest.raises(StreamError):
        DIALECT.read(case.call(), case.no_header, json.dumps(OVERLOADED).encode())
