"""alltoken_app/providers/dialects/openai_responses*.py"""

import json
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
    Reply,
    StreamError,
    Unfit,
    Usage,
)
from alltoken_app.providers.dialects import openai_reasoning
from alltoken_app.providers.dialects.openai_responses import OpenAIResponses
from tests.api.responses.events import call, response, stream, text, thought

DIALECT = OpenAIResponses()
ENDPOINT = EndpointFacts(
    "p:a/b", "a/b", "chat", "p", "upstream-b", 8192, 4096, frozenset(), "none", True, None,
    Price("v1", 1, 2, 1),
)  # fmt: skip
USED = Usage(input=20, output=9, cached=4, reasoning=3)

Json = dict[str, Any]


def no_header(name: str) -> str:
    return ""


def asked(stream: bool = False, native: bool = False, **fields: object) -> Call:
    raw = {name: msgspec.Raw(json.dumps(value).encode()) for name, value in fields.items()}
    return Call("chat", "a/b", raw, stream=stream, dialect="responses" if native else "chat")


def sent(endpoint: EndpointFacts = ENDPOINT, **fields: object) -> Json:
    body: Json = json.loads(DIALECT.request(asked(**fields), endpoint, 77).body)
    return body


def whole(document: Json) -> Reply:
    return DIALECT.read(asked(), no_header, json.dumps(document).encode())


def message(reply: Reply) -> Json:
    made: Json = json.loads(bytes(reply.body["choices"]))[0]
    return made


def events(sent: list[Json]) -> bytes:
    return b"".join(
        b"event: %b\ndata: %b\n\n" % (event["type"].encode(), json.dumps(event).encode())
        for event in sent
    )


def read(data: bytes, step: int, *, native: bool = False) -> list[Piece]:
    reader = DIALECT.reader(asked(stream=True, native=native))
    pieces: list[Piece] = []
    for place in range(0, len(data), step):
        pieces += reader.feed(data[place : place + step])
    assert reader.done
    return pieces


def folded(pieces: list[Piece]) -> Json:
    """What the pieces say together, as a whole message would."""
    made: Json = {"content": "", "refusal": "", "reasoning": "", "tool_calls": [],
                  "annotations": [], "reasoning_details": []}  # fmt: skip
    for piece in pieces:
        for choice in json.loads(piece.choices):
            for name, value in choice["delta"].items():
                if name != "tool_calls":
                    made[name] += value
                    continue
                for part in value:
                    if part["index"] == len(made[name]):
                        made[name].append({**part, "function": {**part["function"]}})
                    else:
                        function = made[name][part["index"]]["function"]
                        function["arguments"] += part["function"]["arguments"]
    made["reasoning_details"] = openai_reasoning.merged(made["reasoning_details"])
    for one in made["tool_calls"]:
        del one["index"]
    return {name: value for name, value in made.items() if value}


words = st.text(min_size=1, max_size=12)
some_items = st.lists(
    st.one_of(
        words.map(text),
        st.builds(lambda a, b: thought(a, b), words, words),
        st.builds(lambda a, b: thought(a, b, "more"), words, words),
        st.builds(call, st.sampled_from(["go", "stop"]), words, words),
    ),
    min_size=1,
    max_size=4,
)


def named(items: list[Json]) -> list[Json]:
    return [{**item, "id": f"{item['id']}_{place}"} for place, item in enumerate(items)]


@given(some_items.map(named), st.sampled_from([1, 3, 1000]))
def test_a_stream_says_what_the_whole_says(items: list[Json], step: int) -> None:
    pieces = read(events(stream(*items)), step)
    reply = whole(response(*items))
    said = {name: value for name, value in message(reply)["message"].items() if value}
    del said["role"]
    assert folded(pieces) == said
    assert pieces[-1].usage == reply.usage == USED
    assert pieces[-1].finish == reply.finish
    assert sum(piece.size for piece in pieces) == reply.size


def test_what_came_in_no_delta_comes_at_the_end_of_its_item() -> None:
    items = [thought("s", "Hm."), text("Hallo"), call("go", "{}")]
    bare = [event for event in stream(*items) if not event["type"].endswith(".delta")]
    assert folded(read(events(bare), 1000)) == folded(read(events(stream(*items)), 1000))
    lone = [stream(*items)[0], stream(*items)[-1]]
    assert folded(read(events(lone), 1000)) == folded(read(events(stream(*items)), 1000))


def test_windows_line_ends_comments_and_unknown_events_are_no_trouble() -> None:
    odd = [{"type": "response.new_thing", "x": [1]}, {"type": "keepalive"}]
    data = b": ping\n\n" + events([odd[0], *stream(text("Hallo")), odd[1]])
    pieces = read(data.replace(b"\n", b"\r\n"), 1)
    assert folded(pieces) == {"content": "Hallo"}


def test_for_its_own_callers_every_event_travels_as_it_came() -> None:
    made = stream(thought("s"), text("Hallo"))
    pieces = read(events(made), 1, native=True)
    assert [json.loads(piece.native) for piece in pieces] == made


def test_a_stream_without_its_last_event_was_cut() -> None:
    reader = DIALECT.reader(asked(stream=True))
    reader.feed(events(stream(text("Hallo"))[:-1]))
    with pytest.raises(Cut):
        reader.feed(b"")


@pytest.mark.parametrize(
    ("code", "ours", "fault"),
    [
        ("rate_limit_exceeded", "upstream_rate_limited", False),
        ("server_error", "upstream_error", False),
        ("insufficient_quota", "upstream_quota_exhausted", False),
        ("context_length_exceeded", "context_length_exceeded", True),
        ("invalid_image_url", "upstream_rejected", True),
    ],
)
@pytest.mark.parametrize("shape", ["failed", "error", "nested", "whole"])
def test_errors_inside_an_answer_keep_their_meaning(
    code: str, ours: str, fault: bool, shape: str
) -> None:
    said = {"code": code, "message": "words"}
    failed = response(status="failed", error=said)
    event = {
        "failed": {"type": "response.failed", "response": failed},
        "error": {"type": "error", **said},
        "nested": {"type": "error", "error": said},
        "whole": failed,
    }[shape]
    feed = DIALECT.reader(asked(stream=True)).feed
    with pytest.raises(StreamError) as caught:
        whole(event) if shape == "whole" else feed(events([event]))
    assert caught.value.error is not None
    assert (caught.value.error.code, caught.value.error.client_fault) == (ours, fault)


@pytest.mark.parametrize(
    ("status", "reason", "finish"),
    [
        ("completed", None, "stop"),
        ("incomplete", "max_output_tokens", "length"),
        ("incomplete", "content_filter", "content_filter"),
        ("incomplete", None, "length"),
    ],
)
def test_status_and_reason_are_the_finish(status: str, reason: str | None, finish: str) -> None:
    details = {"reason": reason} if reason else None
    assert whole(response(text("a"), status=status, incomplete_details=details)).finish == finish


def test_usage_counts_searches_but_not_pages_read() -> None:
    search = {"type": "web_search_call", "id": "ws", "action": {"type": "search", "query": "q"}}
    page = {**search, "action": {"type": "open_page", "url": "u"}}
    assert whole(response(search, page, search, text("a"))).usage == Usage(
        input=20, output=9, cached=4, reasoning=3, searches=2
    )
    told = response(search, tool_usage={"web_search": {"num_requests": 5}})
    assert whole(told).usage == Usage(input=20, output=9, cached=4, reasoning=3, searches=5)


@pytest.mark.parametrize("usage", [None, {}, {"input_tokens": -1, "output_tokens": 1}, "many"])
def test_usage_that_cannot_be_is_no_usage(usage: object) -> None:
    assert whole(response(text("a"), usage=usage)).usage is None


def test_items_of_kinds_we_do_not_know_are_passed_over() -> None:
    odd = {"type": "some_call", "content": 5, "output": [{"x": 1}], "summary": "s"}
    assert message(whole(response(odd, text("a"))))["message"]["content"] == "a"


@pytest.mark.parametrize("status", ["queued", "in_progress", "cancelled"])
def test_an_answer_that_is_none_yet_cannot_be_read(status: str) -> None:
    with pytest.raises(ValueError, match="no answer"):
        whole(response(status=status))


def test_messages_become_items() -> None:
    body = sent(
        messages=[
            {"role": "system", "content": "Be kind."},
            {"role": "user", "content": [
                {"type": "text", "text": "Look"},
                {"type": "image_url", "image_url": {"url": "https://x/y.png", "detail": "low"}},
                {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:x;base64,AA"}},
                {"type": "file", "file": {"file_data": "https://x/z.pdf"}},
            ]},
            {"role": "assistant", "content": "Hm", "refusal": None, "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}},
                {"id": "c2", "type": "custom", "custom": {"name": "g", "input": "raw"}},
            ]},
            {"role": "tool", "tool_call_id": "c1", "content": "1"},
            {"role": "tool", "tool_call_id": "c2", "content": [{"type": "text", "text": "2"}]},
        ]
    )  # fmt: skip
    assert body["input"] == [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": [
            {"type": "input_text", "text": "Look"},
            {"type": "input_image", "image_url": "https://x/y.png", "detail": "low"},
            {"type": "input_file", "filename": "a.pdf", "file_data": "data:x;base64,AA"},
            {"type": "input_file", "file_url": "https://x/z.pdf"},
        ]},
        {"role": "assistant", "content": "Hm"},
        {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"},
        {"type": "custom_tool_call", "call_id": "c2", "name": "g", "input": "raw"},
        {"type": "function_call_output", "call_id": "c1", "output": "1"},
        {"type": "custom_tool_call_output", "call_id": "c2",
         "output": [{"type": "input_text", "text": "2"}]},
    ]  # fmt: skip
    assert (body["model"], body["store"], body["max_output_tokens"]) == ("upstream-b", False, 77)


def test_sound_is_said_to_be_beyond_it() -> None:
    sound = {"type": "input_audio", "input_audio": {"data": "AA", "format": "wav"}}
    heard = asked(messages=[{"role": "user", "content": [sound]}])
    heard = msgspec.structs.replace(heard, modalities=frozenset({"text", "audio"}))
    assert DIALECT.unable(heard, ENDPOINT) == ("messages.input_audio",)
    with pytest.raises(Unfit):
        DIALECT.request(heard, ENDPOINT, 1)


def test_wishes_move_to_where_they_belong() -> None:
    schema = {"name": "n", "schema": {"type": "object"}, "strict": True}
    body = sent(
        messages=[],
        response_format={"type": "json_schema", "json_schema": schema},
        verbosity="low",
        reasoning={"effort": "high"},
        logprobs=True,
        top_logprobs=3,
        tool_choice={"type": "function", "function": {"name": "f"}},
        tools=[{"type": "function", "function": {"name": "f"}},
               {"type": "custom", "custom": {"name": "g", "format": {
                   "type": "grammar", "grammar": {"syntax": "lark", "definition": "d"}}}}],
    )  # fmt: skip
    assert body["text"] == {"format": {"type": "json_schema", **schema}, "verbosity": "low"}
    assert body["reasoning"] == {"effort": "high", "summary": "auto"}
    assert body["include"] == ["message.output_text.logprobs"]
    assert body["top_logprobs"] == 3
    assert body["tool_choice"] == {"type": "function", "name": "f"}
    assert body["tools"] == [
        {"type": "function", "strict": False, "name": "f"},
        {"type": "custom", "name": "g",
         "format": {"type": "grammar", "syntax": "lark", "definition": "d"}},
    ]  # fmt: skip


def test_what_has_a_price_goes_only_where_it_is_priced() -> None:
    wishes: Json = {"messages": [], "web_search_options": {"search_context_size": "low"},
                    "service_tier": "priority"}  # fmt: skip
    body = sent(**wishes)
    assert "tools" not in body
    assert "service_tier" not in body
    priced = frozenset({"web_search_options", "service_tier"})
    body = sent(msgspec.structs.replace(ENDPOINT, parameters=priced), **wishes)
    assert body["tools"] == [{"type": "web_search", "search_context_size": "low"}]
    assert (body["max_tool_calls"], body["service_tier"]) == (10, "priority")


def test_a_search_of_the_callers_own_needs_a_price_too() -> None:
    tools = msgspec.Raw(b'[{"type":"function", "name":"f"},{"type":"web_search"}]')
    own = Call("chat", "a/b", {"messages": msgspec.Raw(b"[]")}, dialect="responses",
               native={"input": msgspec.Raw(b'"hi"'), "tools": tools})  # fmt: skip
    kept = json.loads(DIALECT.request(own, ENDPOINT, 1).body)["tools"]
    assert kept == [{"type": "function", "name": "f"}]
    own = msgspec.structs.replace(own, fields={"web_search_options": msgspec.Raw(b"{}")})
    priced = msgspec.structs.replace(ENDPOINT, parameters=frozenset({"web_search_options"}))
    assert bytes(tools) in DIALECT.request(own, priced, 1).body


def test_reasoning_always_comes_in_a_form_that_can_be_sent_back() -> None:
    thinker = msgspec.structs.replace(ENDPOINT, parameters=frozenset({"reasoning"}))
    for said, wanted in (
        (None, ["reasoning.encrypted_content"]),
        (["x"], ["x", "reasoning.encrypted_content"]),
    ):
        native = {"input": msgspec.Raw(b'"hi"')}
        if said:
            native["include"] = msgspec.Raw(json.dumps(said).encode())
        own = Call("chat", "a/b", {}, dialect="responses", native=native)
        assert json.loads(DIALECT.request(own, thinker, 1).body)["include"] == wanted
        assert json.loads(DIALECT.request(own, ENDPOINT, 1).body).get("include") == said


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("messages", [{"role": "user", "content": [5]}]),
        ("messages", [{"role": "user", "content": [{"type": "file", "file": "x"}]}]),
        ("messages", [{"role": "assistant", "tool_calls": ["x"]}]),
        ("messages", [{"role": "assistant", "reasoning_details": "x"}]),
        ("tools", [{"type": "custom", "custom": {"format": "x"}}]),
        ("tool_choice", {"type": "allowed_tools", "allowed_tools": {"tools": [1]}}),
        ("response_format", {"type": "json_schema", "json_schema": 5}),
        ("web_search_options", {"user_location": "Ulm"}),
        ("reasoning", {"effort": 5}),
    ],
)
def test_what_has_another_shape_is_named(field: str, value: object) -> None:
    with pytest.raises(Unfit) as caught:
        sent(**{"messages": [], field: value})
    assert caught.value.param == field


def test_what_it_cannot_carry_is_named() -> None:
    wishes = asked(messages=[], stop=["x"], reasoning={"max_tokens": 5})
    wishes = msgspec.structs.replace(wishes, choices=2)
    assert DIALECT.unable(wishes, ENDPOINT) == ("n", "stop", "reasoning.max_tokens")


def test_reasoning_with_its_secret_goes_back_and_bare_summaries_do_not() -> None:
    mine = message(whole(response(thought("secret", "Hm."), text("a"))))["message"]
    assert sent(messages=[mine])["input"][0] == thought("secret", "Hm.")
    theirs = {"type": "reasoning.text", "text": "t", "signature": "s",
              "format": "anthropic-claude-v1"}  # fmt: skip
    bare = {"type": "reasoning.summary", "summary": "t", "format": "openai-responses-v1"}
    back = {"role": "assistant", "content": "a", "reasoning_details": [theirs, bare]}
    assert sent(messages=[back])["input"] == [{"role": "assistant", "content": "a"}]


@given(st.lists(st.dictionaries(st.sampled_from(["type", "text", "data"]), words), max_size=3))
def test_a_seal_opens_to_what_it_closed_on(details: list[Json]) -> None:
    assert openai_reasoning.unsealed(openai_reasoning.sealed(details)) == details


@pytest.mark.parametrize("broken", ["at1.", "at1.!!!", "at1.eyJhIjoxfQ==", "at1.AAAA"])
def test_a_broken_seal_holds_nothing(broken: str) -> None:
    assert openai_reasoning.unsealed(broken) == []
