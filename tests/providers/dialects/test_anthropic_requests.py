"""alltoken_app/providers/dialects/anthropic_{requests,parameters,content,schemas,models}.py"""

import base64
import json
from typing import Any

import msgspec
import pytest

from alltoken_app.providers.base import Call, Unfit
from alltoken_app.providers.dialects import anthropic_models, anthropic_schemas
from alltoken_app.providers.dialects.anthropic_messages import BEDROCK, VERTEX, AnthropicMessages
from tests.providers.dialects import anthropic_case as case

DIALECT = AnthropicMessages()
BUDGETED, ADAPTIVE, NEWEST = "claude-sonnet-4-5", "claude-opus-4-6", "claude-opus-4-8"
MARK = {"type": "ephemeral", "ttl": "1h"}
HI = [{"role": "user", "content": "hi"}]
PDF = base64.b64encode(b"%PDF-1.7 x").decode()
TOOL: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "go", "description": "Goes.", "parameters": {"type": "object", "properties": {}}
    },
}  # fmt: skip


def body(
    model: str = BUDGETED, max_output: int = 4_000, dialect: AnthropicMessages = DIALECT,
    **fields: object,
) -> case.Json:  # fmt: skip
    """The body of a request with these fields."""
    call = case.call(**{"messages": HI, **fields})
    found: case.Json = json.loads(dialect.request(call, case.endpoint(model), max_output).body)
    return found


def unable(model: str = BUDGETED, **fields: object) -> tuple[str, ...]:
    call = case.call(**{"messages": HI, **fields})
    return DIALECT.unable(call, case.endpoint(model))


def called(name: str = "go", arguments: str = '{"a": 1}', call_id: str = "c1") -> case.Json:
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}


def result(said: object, call_id: str = "c1") -> case.Json:
    return {"role": "tool", "tool_call_id": call_id, "content": said}


def test_system_messages_at_the_beginning_become_the_system_prompt() -> None:
    sent = body(messages=[
        {"role": "system", "content": "a"}, {"role": "developer", "content": "b"}, *HI,
    ])  # fmt: skip
    assert sent["system"] == [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    assert [m["role"] for m in sent["messages"]] == ["user"]


def test_a_later_system_message_stays_where_it_stands() -> None:
    later = [*HI, {"role": "assistant", "content": "yes"}, {"role": "system", "content": "now"}]
    assert body(NEWEST, messages=later)["messages"][-1] == {
        "role": "system", "content": [{"type": "text", "text": "now"}],
    }  # fmt: skip
    folded = body(messages=later)["messages"][-1]
    assert folded["role"] == "user"
    assert "now" in folded["content"][0]["text"]
    assert "system" not in body(messages=later)


def test_turns_alternate_and_results_come_first() -> None:
    sent = body(messages=[
        *HI, {"role": "user", "content": "and"},
        {"role": "assistant", "content": "ok", "tool_calls": [called(), called(call_id="c2")]},
        result("one"), result([{"type": "text", "text": "two"}], "c2"), *HI,
    ])["messages"]  # fmt: skip
    assert [m["role"] for m in sent] == ["user", "assistant", "user"]
    assert [b["type"] for b in sent[1]["content"]] == ["text", "tool_use", "tool_use"]
    assert sent[1]["content"][1]["input"] == {"a": 1}
    assert [(b["type"], b.get("tool_use_id")) for b in sent[2]["content"]] == [
        ("tool_result", "c1"), ("tool_result", "c2"), ("text", None),
    ]  # fmt: skip


def test_a_result_that_is_an_error_stays_one() -> None:
    sent = body(messages=[
        *HI, {"role": "assistant", "tool_calls": [called()]}, {**result("no"), "is_error": True},
    ])["messages"]  # fmt: skip
    assert sent[2]["content"][0]["is_error"] is True


def test_a_conversation_that_goes_on_keeps_its_prefix_byte_for_byte() -> None:
    marked = {"type": "text", "text": "long", "cache_control": MARK}
    turns: list[case.Json] = [
        {"role": "system", "content": [marked]},
        {"role": "user", "content": "one"},
        {"role": "assistant", "content": None, "tool_calls": [called()]},
        result("r"),
        {"role": "system", "content": "be brief"},
        {"role": "assistant", "content": "two"},
        {"role": "user", "content": "three"},
    ]
    before = ""
    for length in (2, 4, 5, 7):
        call = case.call(messages=turns[:length], tools=[TOOL])
        sent = DIALECT.request(call, case.endpoint(), 100).body.decode()
        said = sent[sent.index('"messages":') : sent.index('],"system"')].rstrip("]}")
        assert said.startswith(before)
        assert json.loads(sent)["system"] == [marked]
        before = said


def test_cache_marks_stay_on_what_they_mark() -> None:
    sent = body(
        tools=[{**TOOL, "cache_control": MARK}],
        messages=[
            {"role": "user", "content": [{"type": "text", "text": "a", "cache_control": MARK}]},
            {"role": "assistant", "content": None, "tool_calls": [called()]},
            result([{"type": "text", "text": "r", "cache_control": MARK}]),
        ],
        cache_control={"type": "ephemeral"},
    )
    assert sent["tools"][0]["cache_control"] == MARK
    assert sent["messages"][0]["content"][0]["cache_control"] == MARK
    assert sent["messages"][2]["content"][0] == {
        "type": "tool_result", "tool_use_id": "c1", "cache_control": MARK,
        "content": [{"type": "text", "text": "r"}],
    }  # fmt: skip
    assert sent["cache_control"] == {"type": "ephemeral"}


def test_thinking_goes_back_as_it_came() -> None:
    details = [
        {"type": "reasoning.text", "text": "h", "format": "anthropic-claude-v1", "index": 0},
        {"type": "reasoning.text", "text": "m", "format": "anthropic-claude-v1", "index": 0},
        {"type": "reasoning.text", "signature": "U0lH", "format": "anthropic-claude-v1",
         "index": 0},
        {"type": "reasoning.encrypted", "data": "RU5D", "format": "anthropic-claude-v1",
         "index": 1},
        {"type": "reasoning.encrypted", "data": "XX", "format": "google-gemini-v1", "index": 2},
        {"type": "reasoning.text", "text": "unsigned", "index": 3},
    ]  # fmt: skip
    sent = body(messages=[
        *HI,
        {"role": "assistant", "content": "", "reasoning_details": details,
         "tool_calls": [called()]},
        result("r"),
    ], reasoning={"max_tokens": 2_000})  # fmt: skip
    assert sent["messages"][1]["content"][:2] == [
        {"type": "thinking", "thinking": "hm", "signature": "U0lH"},
        {"type": "redacted_thinking", "data": "RU5D"},
    ]
    assert sent["messages"][1]["content"][2]["type"] == "tool_use"
    assert sent["thinking"] == {"type": "enabled", "budget_tokens": 2_000}


def test_thinking_stops_when_the_open_turn_has_lost_its_thoughts() -> None:
    history = [*HI, {"role": "assistant", "tool_calls": [called()]}, result("r")]
    assert "thinking" not in body(messages=history, reasoning_effort="high")
    done = [*history, {"role": "assistant", "content": "so"}, *HI]
    assert "thinking" in body(messages=done, reasoning_effort="high")


@pytest.mark.parametrize(
    ("model", "wish", "thinking", "effort"),
    [
        (BUDGETED, {"effort": "medium"}, {"type": "enabled", "budget_tokens": 2_000}, None),
        (BUDGETED, {"effort": "minimal"}, {"type": "enabled", "budget_tokens": 1_024}, None),
        (BUDGETED, {"max_tokens": 9_999}, {"type": "enabled", "budget_tokens": 3_999}, None),
        (BUDGETED, {"effort": "none"}, None, None),
        (ADAPTIVE, {"effort": "high"}, {"type": "adaptive", "display": "summarized"}, "high"),
        (ADAPTIVE, {"effort": "xhigh"}, {"type": "adaptive", "display": "summarized"}, "max"),
        (ADAPTIVE, {"max_tokens": 1_500}, {"type": "enabled", "budget_tokens": 1_500}, None),
        (NEWEST, {"max_tokens": 1_500}, {"type": "adaptive", "display": "summarized"}, "medium"),
        (NEWEST, {"enabled": True}, {"type": "adaptive", "display": "summarized"}, None),
        (NEWEST, {"effort": "xhigh", "exclude": True},
         {"type": "adaptive", "display": "omitted"}, "xhigh"),
        ("claude-sonnet-5", {"effort": "none"}, {"type": "disabled"}, None),
    ],
)  # fmt: skip
def test_the_wish_to_reason_in_the_words_of_the_model(
    model: str, wish: case.Json, thinking: case.Json | None, effort: str | None
) -> None:
    sent = body(model, reasoning=wish)
    assert sent.get("thinking") == thinking
    assert sent.get("output_config", {}).get("effort") == effort


@pytest.mark.parametrize(
    ("model", "fields", "lost", "kept"),
    [
        (BUDGETED, {"temperature": 0.5}, (), {"temperature": 0.5}),
        (BUDGETED, {"temperature": 1.5}, ("temperature",), {"temperature": 1.0}),
        (BUDGETED, {"temperature": 0.5, "top_p": 0.5}, ("top_p",), {"temperature": 0.5}),
        ("claude-3-haiku-20240307", {"temperature": 0.5, "top_p": 0.5}, (),
         {"temperature": 0.5, "top_p": 0.5}),
        (NEWEST, {"temperature": 0.5, "top_k": 3}, ("temperature", "top_k"), {}),
        (NEWEST, {"temperature": 1, "top_p": 1.0}, (), {}),
        (BUDGETED, {"temperature": 0.5, "reasoning_effort": "high"}, ("temperature",), {}),
        (BUDGETED, {"stop": ["a", "\n"]}, ("stop",), {"stop_sequences": ["a"]}),
        (BUDGETED, {"stop": "a"}, (), {"stop_sequences": ["a"]}),
        (BUDGETED, {"reasoning_effort": "high", "tools": [TOOL], "tool_choice": "required"},
         ("reasoning_effort",), {"tool_choice": {"type": "any"}}),
        ("claude-3-5-haiku-20241022", {"reasoning_effort": "high"}, ("reasoning_effort",), {}),
        (BUDGETED, {"user": "u", "metadata": {"team": "x"}}, ("metadata",),
         {"metadata": {"user_id": "u"}}),
        (BUDGETED, {"service_tier": "default"}, (), {"service_tier": "standard_only"}),
        (BUDGETED, {"service_tier": "flex"}, ("service_tier",), {}),
        (NEWEST, {"verbosity": "low"}, (), {"output_config": {"effort": "low"}}),
    ],
)  # fmt: skip
def test_parameters_are_carried_or_named(
    model: str, fields: case.Json, lost: tuple[str, ...], kept: case.Json
) -> None:
    sent = body(model, **fields)
    assert unable(model, **fields) == lost
    rest = {"model", "messages", "max_tokens", "tools", "thinking"}
    assert {k: v for k, v in sent.items() if k not in rest} == kept


def test_what_no_claude_can_do_is_named() -> None:
    call = Call("chat", "a/b", {}, choices=2, modalities=frozenset({"text", "audio", "video"}))
    assert DIALECT.unable(call, case.endpoint()) == (
        "messages.input_audio", "messages.video_url", "n",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("choice", "parallel", "said"),
    [
        ("auto", None, {"type": "auto"}),
        ("none", False, {"type": "none"}),
        ("required", None, {"type": "any"}),
        ({"type": "function", "function": {"name": "go"}}, False,
         {"type": "tool", "name": "go", "disable_parallel_tool_use": True}),
        (None, False, {"type": "auto", "disable_parallel_tool_use": True}),
        (None, True, None),
    ],
)  # fmt: skip
def test_tool_choices(choice: object, parallel: bool | None, said: case.Json | None) -> None:
    fields = {"tools": [TOOL], "tool_choice": choice, "parallel_tool_calls": parallel}
    sent = body(**{name: value for name, value in fields.items() if value is not None})
    assert sent.get("tool_choice") == said
    assert sent["tools"] == [
        {"name": "go", "description": "Goes.",
         "input_schema": {"type": "object", "properties": {}}}
    ]  # fmt: skip


def test_images_and_documents_travel_by_address_or_by_value() -> None:
    parts = [
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
        {"type": "image_url", "image_url": {"url": "https://e.org/x.png"}},
        {"type": "file", "file": {"filename": "a.pdf",
                                  "file_data": f"data:application/pdf;base64,{PDF}"}},
        {"type": "file", "file": {"file_data": PDF}},
        {"type": "file", "file": {"file_data": "https://e.org/a.pdf"}},
        {"type": "file", "file": {"file_data": "data:text/plain;base64,aGk="}},
    ]  # fmt: skip
    sent = body(messages=[{"role": "user", "content": parts}])["messages"][0]["content"]
    assert [(block["type"], block["source"]) for block in sent] == [
        ("image", {"type": "base64", "media_type": "image/png", "data": "AAAA"}),
        ("image", {"type": "url", "url": "https://e.org/x.png"}),
        ("document", {"type": "base64", "media_type": "application/pdf", "data": PDF}),
        ("document", {"type": "base64", "media_type": "application/pdf", "data": PDF}),
        ("document", {"type": "url", "url": "https://e.org/a.pdf"}),
        ("document", {"type": "text", "media_type": "text/plain", "data": "hi"}),
    ]
    assert sent[2]["title"] == "a.pdf"


@pytest.mark.parametrize(
    "part",
    [
        {"type": "input_audio", "input_audio": {"data": "AA", "format": "wav"}},
        {"type": "image_url", "image_url": {"url": "data:image/bmp;base64,AA"}},
        {"type": "image_url", "image_url": {"url": "file:///etc/passwd"}},
        {"type": "file", "file": {"file_id": "file_of_somebody"}},
        {"type": "file", "file": {"file_data": "data:application/zip;base64,AA"}},
    ],
)
def test_what_has_no_counterpart_is_refused_by_its_place(part: case.Json) -> None:
    with pytest.raises(Unfit) as caught:
        body(messages=[{"role": "user", "content": [{"type": "text", "text": "x"}, part]}])
    assert caught.value.param == "messages[0].content[1]"


def test_structured_output_is_asked_for_in_a_schema_that_is_accepted() -> None:
    schema = {
        "$schema": "x", "type": "object", "required": ["n"],
        "properties": {
            "n": {"type": "integer", "minimum": 1, "description": "A number."},
            "l": {"type": "array", "items": {"oneOf": [{"type": "object"}]}, "minItems": 2},
        },
    }  # fmt: skip
    wanted = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
    sent = body(response_format=wanted)["output_config"]["format"]
    assert sent["type"] == "json_schema"
    assert sent["schema"]["additionalProperties"] is False
    assert sent["schema"]["properties"] == {
        "n": {"type": "integer", "description": "A number.\n\n{minimum: 1}"},
        "l": {
            "type": "array", "description": "{minItems: 2}",
            "items": {"anyOf": [{"type": "object", "additionalProperties": False}]},
        },
    }  # fmt: skip
    assert schema["properties"]["n"] == {  # type: ignore[index]
        "type": "integer", "minimum": 1, "description": "A number.",
    }  # fmt: skip


def test_a_model_without_schemas_is_told_in_words_and_says_so() -> None:
    wanted = {"type": "json_schema", "json_schema": {"schema": {"type": "object"}}}
    sent = body("claude-3-haiku-20240307", response_format=wanted)
    assert "output_config" not in sent
    assert '{"type":"object"}' in sent["system"][-1]["text"]
    assert unable("claude-3-haiku-20240307", response_format=wanted) == ("response_format",)


def test_closing_a_schema_leaves_a_good_one_alone() -> None:
    good = {"type": "object", "properties": {"a": {"$ref": "#/$defs/b"}},
            "$defs": {"b": {"type": ["string", "null"], "format": "uri"}},
            "additionalProperties": False, "required": ["a"]}  # fmt: skip
    assert anthropic_schemas.normalised(good) == good


def test_web_search_becomes_the_server_tool() -> None:
    place = {"type": "approximate", "approximate": {"city": "Bern"}}
    sent = body(web_search_options={"user_location": place, "max_uses": 2})
    assert sent["tools"] == [{
        "type": "web_search_20250305", "name": "web_search", "max_uses": 2,
        "user_location": {"type": "approximate", "city": "Bern"},
    }]  # fmt: skip
    assert "web_search_options" not in AnthropicMessages(BEDROCK).honours


def test_odd_ids_and_arguments_of_other_models_are_accepted() -> None:
    sent = body(messages=[
        *HI,
        {"role": "assistant", "tool_calls": [called("go", "not json", "functions.go:0")]},
        result("r", "functions.go:0"),
    ])["messages"]  # fmt: skip
    assert sent[1]["content"][0]["id"] == sent[2]["content"][0]["tool_use_id"] == "functions_go_0"
    assert sent[1]["content"][0]["input"] == {"arguments": "not json"}


def test_empty_texts_are_left_out_and_an_answer_to_go_on_from_is_trimmed() -> None:
    sent = body(messages=[
        *HI, {"role": "user", "content": " "}, {"role": "assistant", "content": "So, \n"},
    ])["messages"]  # fmt: skip
    assert sent[0]["content"] == [{"type": "text", "text": "hi"}]
    assert sent[1]["content"] == [{"type": "text", "text": "So,"}]


def native(headers: tuple[tuple[str, str], ...] = (), **fields: bytes) -> Call:
    own = {name: msgspec.Raw(value) for name, value in fields.items()}
    return Call("chat", "a/b", {}, dialect="messages", native=own, headers=headers)


def test_a_caller_of_the_dialect_is_passed_on_byte_for_byte() -> None:
    odd = b'[{"role":"user",  "content":"\\u00e9 1.50"}]'
    call = native(
        messages=odd, model=b'"a/b"', max_tokens=b"9", stream=b"false", temperature=b"0.50",
        headers=(("anthropic-version", "2026-10-21"), ("anthropic-beta", "effort-2025-11-24")),
    )  # fmt: skip
    sent = DIALECT.request(call, case.endpoint(), 7)
    assert odd in sent.body
    assert b'"temperature":0.50' in sent.body
    assert json.loads(sent.body)["max_tokens"] == 7
    assert dict(sent.headers)["anthropic-beta"] == "effort-2025-11-24"
    assert dict(sent.headers)["anthropic-version"] == "2023-06-01"  # takes a temperature


def test_a_newer_version_is_spoken_where_nothing_forbids_it() -> None:
    call = native(messages=b"[]", headers=(("anthropic-version", "2026-10-21"),))
    assert dict(DIALECT.request(call, case.endpoint(), 7).headers)["anthropic-version"] == (
        "2026-10-21"
    )


def test_sampling_that_a_model_refuses_is_left_out_and_named() -> None:
    call = native(messages=b"[]", temperature=b"0.5")
    assert DIALECT.unable(call, case.endpoint(NEWEST)) == ("temperature",)
    assert b"temperature" not in DIALECT.request(call, case.endpoint(NEWEST), 7).body


def test_on_bedrock_the_model_is_in_the_path_and_the_version_in_the_body() -> None:
    model = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
    for stream, ending in ((False, "invoke"), (True, "invoke-with-response-stream")):
        call = case.call(stream=stream, messages=HI)
        sent = AnthropicMessages(BEDROCK).request(call, case.endpoint(model), 9)
        assert sent.path == f"/model/us.anthropic.claude-sonnet-4-5-20250929-v1%3A0/{ending}"
        found = json.loads(sent.body)
        assert found["anthropic_version"] == "bedrock-2023-05-31"
        assert not found.keys() & {"model", "stream"}
    betas = native(messages=b"[]", headers=(("anthropic-beta", "a-1,b-2"),))
    found = json.loads(AnthropicMessages(BEDROCK).request(betas, case.endpoint(model), 9).body)
    assert found["anthropic_beta"] == ["a-1", "b-2"]


def test_what_is_not_served_elsewhere_is_left_out_and_named() -> None:
    aws = AnthropicMessages(BEDROCK)
    call = native(messages=b"[]", service_tier=b'"auto"', cache_control=b"{}")
    assert aws.unable(call, case.endpoint()) == ("cache_control", "service_tier")
    assert json.loads(aws.request(call, case.endpoint(), 9).body).keys() == {
        "messages", "max_tokens", "anthropic_version",
    }  # fmt: skip
    assert "cache_control" not in body(dialect=aws, cache_control=MARK)
    assert "cache_control" not in aws.honours


def test_where_addresses_are_refused_they_are_named_and_what_was_fetched_is_sent() -> None:
    aws = AnthropicMessages(BEDROCK)
    remote = [{"type": "image_url", "image_url": {"url": "https://e.org/x.png"}},
              {"type": "file", "file": {"file_data": "https://e.org/x.pdf"}}]  # fmt: skip
    call = case.call(messages=[{"role": "user", "content": remote}])
    assert aws.unable(call, case.endpoint()) == ("messages.image_url", "messages.file")
    assert DIALECT.unable(call, case.endpoint()) == ()
    own = b'[{"role":"user","content":[{"type":"image","source":{"type":"url","url":"https:x"}}]}]'
    fetched = [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AA"}}]
    fields = case.call(messages=[{"role": "user", "content": fetched}]).fields
    called = Call("chat", "a/b", fields, dialect="messages", native={"messages": msgspec.Raw(own)})
    sent = json.loads(aws.request(called, case.endpoint(), 9).body)["messages"][0]["content"]
    assert sent[0]["source"] == {"type": "base64", "media_type": "image/png", "data": "AA"}
    assert own in DIALECT.request(called, case.endpoint(), 9).body


def test_on_vertex_the_model_is_in_the_path_too() -> None:
    call = case.call(stream=True, messages=HI)
    sent = AnthropicMessages(VERTEX).request(call, case.endpoint("claude-sonnet-4-5@20250929"), 9)
    assert sent.path == "/publishers/anthropic/models/claude-sonnet-4-5@20250929:streamRawPredict"
    assert json.loads(sent.body)["anthropic_version"] == "vertex-2023-10-16"
    with pytest.raises(Unfit):
        body(dialect=AnthropicMessages(VERTEX), messages=[{"role": "user", "content": [
            {"type": "image_url", "image_url": {"url": "https://e.org/x.png"}}]}])  # fmt: skip


@pytest.mark.parametrize(
    ("name", "version"),
    [
        ("claude-3-5-haiku-20241022", (False, False, True)),
        ("claude-3-7-sonnet-latest", (True, False, True)),
        ("claude-sonnet-4-20250514", (True, False, True)),
        ("claude-sonnet-4@20250514", (True, False, True)),
        ("us.anthropic.claude-opus-4-6-v1", (True, True, True)),
        ("anthropic/claude-opus-4.7", (True, True, False)),
        ("claude-fable-5", (True, True, False)),
        ("anthropic.claude-v2:1", (False, False, True)),
        ("somebody-else", (True, False, True)),
    ],
)
def test_a_model_is_known_by_the_version_in_its_name(
    name: str, version: tuple[bool, bool, bool]
) -> None:
    known = anthropic_models.traits(name)
    assert (known.thinks, known.adaptive, known.sampling) == version


def named(thinking: case.Json | None, config: case.Json, common: case.Json) -> Call:
    """A call of the dialect, as the face makes it."""
    own = {"messages": HI, "output_config": config, "thinking": thinking, "max_tokens": 9}
    raw = {name: msgspec.Raw(json.dumps(value).encode()) for name, value in own.items() if value}
    fields = case.call(messages=HI, reasoning=common).fields
    return Call("chat", "a/b", fields, dialect="messages", native=raw)


@pytest.mark.parametrize(
    ("model", "thinking", "config", "sent"),
    [
        (NEWEST, {"type": "adaptive"}, {"effort": "xhigh"}, ({"type": "adaptive"},
                                                            {"effort": "xhigh"})),
        (BUDGETED, {"type": "adaptive"}, {"effort": "medium"},
         ({"type": "enabled", "budget_tokens": 2_000}, None)),
        (NEWEST, {"type": "enabled", "budget_tokens": 2_000}, {},
         ({"type": "adaptive", "display": "summarized"}, {"effort": "medium"})),
        (BUDGETED, {"type": "enabled", "budget_tokens": 2_000}, {},
         ({"type": "enabled", "budget_tokens": 2_000}, None)),
    ],
)  # fmt: skip
def test_a_client_that_took_the_model_for_another_is_understood(
    model: str, thinking: case.Json, config: case.Json, sent: tuple[case.Json, case.Json | None]
) -> None:
    common = {"enabled": True, "effort": config.get("effort"),
              "max_tokens": thinking.get("budget_tokens")}  # fmt: skip
    call = named(thinking, config, {k: v for k, v in common.items() if v is not None})
    found = json.loads(DIALECT.request(call, case.endpoint(model), 4_000).body)
    assert (found["thinking"], found.get("output_config")) == sent


def test_an_effort_alone_does_not_make_an_older_model_think() -> None:
    call = named(None, {"effort": "high"}, {"effort": "high"})
    found = json.loads(DIALECT.request(call, case.endpoint(BUDGETED), 4_000).body)
    assert not found.keys() & {"thinking", "output_config"}


def test_system_turns_reach_an_older_model_as_marked_text() -> None:
    turns = [*HI, {"role": "system", "content": "now"}]
    own = {"messages": msgspec.Raw(json.dumps(turns).encode())}
    fields = case.call(messages=turns).fields
    call = Call("chat", "a/b", fields, dialect="messages", native=own)
    for model, roles in ((NEWEST, ["user", "system"]), (BUDGETED, ["user"])):
        sent = json.loads(DIALECT.request(call, case.endpoint(model), 9).body)
        assert [turn["role"] for turn in sent["messages"]] == roles
