"""alltoken_app/providers/dialects/openai_chat.py"""

import json

import msgspec
import pytest

from alltoken_app.providers.base import Call, EndpointFacts, Price, StreamError, Usage
from alltoken_app.providers.dialects.openai_chat import OpenAIChat, read_chunk

DIALECT = OpenAIChat()
ENDPOINT = EndpointFacts(
    "p:a/b", "a/b", "chat", "p", "upstream-b", 8192, 4096, frozenset(), "none", True, None,
    Price("v1", 1, 2, 1),
)  # fmt: skip


def no_header(name: str) -> str:
    return ""


def call(stream: bool = False, **fields: object) -> Call:
    raw = {name: msgspec.Raw(json.dumps(value).encode()) for name, value in fields.items()}
    return Call("chat", "a/b", raw, stream=stream)


def test_the_callers_bytes_go_upstream_unchanged() -> None:
    odd = b'[{"role":"user",  "content":"\\u00e9\\ud83d\\ude00 1.50"}]'
    sent = DIALECT.request(Call("chat", "a/b", {"messages": msgspec.Raw(odd)}), ENDPOINT, 77)
    assert odd in sent.body
    assert json.loads(sent.body)["model"] == "upstream-b"
    assert json.loads(sent.body)["max_tokens"] == 77


def test_a_stream_always_asks_for_usage() -> None:
    body = json.loads(DIALECT.request(call(stream=True), ENDPOINT, 1).body)
    assert body["stream"] is True
    assert body["stream_options"] == {"include_usage": True}


def test_choices_pass_untouched() -> None:
    choices = b'[ {"index":0,"delta":{"content":"h\\u00e9"},"finish_reason":null} ]'
    piece = read_chunk(b'{"id":"x","choices":' + choices + b',"odd":1}')
    assert piece is not None
    assert piece.choices == choices
    assert (piece.content, piece.size) == (True, 3)


@pytest.mark.parametrize("delta", ['{"role":"assistant"}', '{"content":""}', '{"content":null}'])
def test_a_role_or_nothing_is_not_content(delta: str) -> None:
    piece = read_chunk(f'{{"choices":[{{"index":0,"delta":{delta}}}]}}'.encode())
    assert piece is not None
    assert not piece.content


def test_tool_calls_are_content() -> None:
    event = b'{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"c"}]}}]}'
    piece = read_chunk(event)
    assert piece is not None
    assert piece.content


def test_running_counts_come_from_timings() -> None:
    event = b'{"choices":[],"timings":{"prompt_n":3,"cache_n":4,"predicted_n":5}}'
    piece = read_chunk(event)
    assert piece is not None
    assert piece.running == Usage(7, 5, 4)


@pytest.mark.parametrize(
    "usage",
    [
        {"prompt_tokens": -1, "completion_tokens": 1},
        {"prompt_tokens": 1, "completion_tokens": 2**40},
        {"prompt_tokens": 1.5, "completion_tokens": 1},
    ],
)
def test_usage_that_cannot_be_is_no_usage(usage: dict[str, object]) -> None:
    document = {"choices": [{"message": {"content": "hi"}}], "usage": usage}
    assert DIALECT.read(call(), no_header, json.dumps(document).encode()).usage is None


def test_an_error_inside_the_stream_is_noticed() -> None:
    with pytest.raises(StreamError):
        read_chunk(b'{"error":{"message":"secret words"}}')


@pytest.mark.parametrize(
    ("status", "code", "retry", "client_fault"),
    [
        (429, "upstream_rate_limited", True, False),
        (500, "upstream_error", True, False),
        (401, "upstream_auth_error", True, False),
        (400, "upstream_rejected", False, True),
    ],
)
def test_refusals_are_classified(status: int, code: str, retry: bool, client_fault: bool) -> None:
    error = DIALECT.read_error(
        status, no_header, b'{"error":{"message":"do not repeat me","code":null}}'
    )
    assert (error.code, error.retry, error.client_fault) == (code, retry, client_fault)
    assert "repeat" not in error.message


def test_counts_below_zero_are_no_counts() -> None:
    piece = read_chunk(b'{"choices":[],"timings":{"prompt_n":-9,"predicted_n":2}}')
    assert piece is not None
    assert piece.running is None


def test_tool_calls_are_counted_without_their_envelope() -> None:
    event = (
        b'{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"call_1","type":"function",'
        b'"function":{"name":"go","arguments":"{}"}}]}}]}'
    )
    piece = read_chunk(event)
    assert piece is not None
    assert piece.size == 4


def test_a_newline_between_values_never_ends_our_event() -> None:
    piece = read_chunk(b'{"choices":[\n{"index":0,\n"delta":{"content":"a"}}]}')
    assert piece is not None
    assert b"\n" not in piece.choices
    assert json.loads(piece.choices)[0]["delta"]["content"] == "a"


def test_no_choices_are_no_failure() -> None:
    piece = read_chunk(b'{"choices":null,"usage":{"prompt_tokens":3}}')
    assert piece is not None
    assert piece.choices == b"[]"
    assert piece.usage == Usage(3)


@pytest.mark.parametrize("finish", ['"x\\u0000y"', '"' + "s" * 500 + '"'])
def test_words_of_the_upstream_are_short_and_printable_or_dropped(finish: str) -> None:
    event = f'{{"choices":[{{"index":0,"delta":{{}},"finish_reason":{finish}}}]}}'
    piece = read_chunk(event.encode())
    assert (piece.finish, piece.native_finish) == ("stop", None)


@pytest.mark.parametrize(
    ("said", "common", "native"),
    [("eos", "stop", "eos"), ("model_length", "length", "model_length"), ("stop", "stop", None)],
)
def test_finish_reasons_of_a_servers_own_become_openais(
    said: str, common: str, native: str | None
) -> None:
    piece = read_chunk(f'{{"choices":[{{"delta":{{}},"finish_reason":"{said}"}}]}}'.encode())
    assert (piece.finish, piece.native_finish) == (common, native)
    assert json.loads(piece.choices)[0]["finish_reason"] == common


def test_thinking_in_parts_becomes_reasoning() -> None:
    parts = (
        '[{"type":"thinking","thinking":[{"type":"text","text":"hm"}]},{"type":"text","text":"so"}]'
    )
    piece = read_chunk(f'{{"choices":[{{"index":0,"delta":{{"content":{parts}}}}}]}}'.encode())
    delta = json.loads(piece.choices)[0]["delta"]
    assert (delta["content"], delta["reasoning"]) == ("so", "hm")
    assert piece.size == 4


def test_reasoning_under_another_name_is_found_under_both() -> None:
    piece = read_chunk(b'{"choices":[{"index":0,"delta":{"reasoning_content":"hm"}}]}')
    delta = json.loads(piece.choices)[0]["delta"]
    assert delta["reasoning"] == delta["reasoning_content"] == "hm"


def test_an_error_instead_of_an_answer_is_an_error() -> None:
    with pytest.raises(StreamError) as caught:
        DIALECT.read(call(), no_header, b'{"error":{"message":"no","code":429}}')
    assert caught.value.error is not None
    assert caught.value.error.code == "upstream_rate_limited"


def test_xai_counts_reasoning_in_the_total_alone() -> None:
    usage = (
        b'{"prompt_tokens":5,"completion_tokens":2,"total_tokens":17,'
        b'"completion_tokens_details":{"reasoning_tokens":10}}'
    )
    read = read_chunk(b'{"choices":[],"usage":' + usage + b"}").usage
    assert read is not None
    assert (read.output, read.reasoning) == (12, 10)


def test_no_more_is_cached_than_was_sent() -> None:
    usage = b'{"prompt_tokens":10,"completion_tokens":1,"num_cached_tokens":64}'
    read = read_chunk(b'{"choices":[],"usage":' + usage + b"}").usage
    assert read == Usage(10, 1, cached=10)


def test_a_stream_without_a_finish_reason_gets_one() -> None:
    reader = DIALECT.reader(call(stream=True))
    pieces = reader.feed(b'data: {"choices":[{"index":0,"delta":{"content":"a"}}]}\n\n')
    pieces += reader.feed(b"data: [DONE]\n\n")
    assert reader.done
    assert [piece.finish for piece in pieces] == [None, "stop"]


def test_tool_calls_without_a_type_get_one() -> None:
    calls = b'[{"id":"c","index":0,"function":{"name":"f","arguments":"{}"}}]'
    piece = read_chunk(b'{"choices":[{"index":0,"delta":{"tool_calls":' + calls + b"}}]}")
    assert json.loads(piece.choices)[0]["delta"]["tool_calls"][0]["type"] == "function"
