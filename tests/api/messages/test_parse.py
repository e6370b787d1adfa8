"""alltoken_app/api/messages/{parse,convert,foreign}.py"""

import json
from typing import Any

import pytest

from alltoken_app.api.messages import parse
from alltoken_app.api.parse import Parsed
from alltoken_app.errors import Invalid
from alltoken_app.providers.base import EndpointFacts, Price, Usage
from alltoken_app.providers.dialects.anthropic_messages import AnthropicMessages

Json = dict[str, Any]
HI: list[Json] = [{"role": "user", "content": "hi"}]
MARK = {"type": "ephemeral"}
PICTURE: Json = {
    "type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}
}  # fmt: skip
PDF: Json = {
    "type": "document", "title": "T.pdf",
    "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0x"},
}  # fmt: skip


def parsed(strict: bool = False, headers: dict[str, str] | None = None, **fields: Any) -> Parsed:
    body = {"model": "a/b", "max_tokens": 100, "messages": HI, **fields}
    return parse.messages(json.dumps(body).encode(), "application/json", headers or {},
                          strict=strict)  # fmt: skip


def common(**fields: Any) -> Json:
    """The fields of the common form."""
    found = parsed(**fields).call.fields
    return {name: json.loads(bytes(value)) for name, value in found.items()}


def user(*blocks: Json) -> list[Json]:
    return [{"role": "user", "content": list(blocks)}]


def test_the_callers_bytes_are_kept_for_an_upstream_of_the_dialect() -> None:
    odd = b'{"model":"a/b", "max_tokens":9,"messages":[{"role":"user",  "content":"\\u00e9"}]}'
    call = parse.messages(odd, "application/json", {}, strict=False).call
    assert bytes(call.native["messages"]) == b'[{"role":"user",  "content":"\\u00e9"}]'
    assert (call.dialect, call.max_output, call.size) == ("messages", 9, len(odd))


def test_a_turn_of_results_becomes_tool_messages_and_what_the_person_says() -> None:
    result: Json = {"type": "tool_result", "tool_use_id": "c1", "content": [
        {"type": "text", "text": "r"}, PICTURE]}  # fmt: skip
    messages = [
        {"role": "assistant", "content": [
            {"type": "text", "text": "so"},
            {"type": "tool_use", "id": "c1", "name": "go", "input": {"x": 1}}]},
        *user(result, {"type": "text", "text": "and?"}),
    ]  # fmt: skip
    assert common(messages=messages)["messages"] == [
        {"role": "assistant", "content": "so", "tool_calls": [
            {"id": "c1", "type": "function",
             "function": {"name": "go", "arguments": '{"x": 1}'}}]},
        {"role": "tool", "tool_call_id": "c1", "content": "r"},
        {"role": "user", "content": [
            {"type": "text", "text": "From the result of c1:"},
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
            {"type": "text", "text": "and?"}]},
    ]  # fmt: skip


def test_a_result_that_is_an_error_stays_one() -> None:
    result = {"type": "tool_result", "tool_use_id": "c1", "content": "no", "is_error": True}
    assert common(messages=user(result))["messages"] == [
        {"role": "tool", "tool_call_id": "c1", "content": "no", "is_error": True}
    ]


def test_pictures_and_documents_and_their_kinds() -> None:
    words = {"type": "document", "source": {"type": "text", "media_type": "text/plain",
                                            "data": "words"}}  # fmt: skip
    call = parsed(messages=user(PICTURE, PDF, words)).call
    assert call.modalities == {"text", "image", "file"}
    content = json.loads(bytes(call.fields["messages"]))[0]["content"]
    assert content[1:] == [
        {"type": "file", "file": {
            "filename": "T.pdf", "file_data": "data:application/pdf;base64,JVBERi0x"}},
        {"type": "text", "text": "words"},
    ]  # fmt: skip


def test_cache_marks_stay_where_they_stood() -> None:
    tool = {"name": "go", "input_schema": {"type": "object"}, "cache_control": MARK}
    found = common(
        system=[{"type": "text", "text": "s", "cache_control": MARK}], tools=[tool],
        messages=user({"type": "text", "text": "a"},
                      {"type": "text", "text": "b", "cache_control": MARK}),
    )  # fmt: skip
    assert found["messages"][0]["content"][0]["cache_control"] == MARK
    assert found["messages"][1]["content"][1]["cache_control"] == MARK
    assert "cache_control" not in found["messages"][1]["content"][0]
    assert found["tools"][0]["cache_control"] == MARK


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ({"tool_choice": {"type": "any", "disable_parallel_tool_use": True}},
         {"tool_choice": "required", "parallel_tool_calls": False}),
        ({"tool_choice": {"type": "tool", "name": "go"}},
         {"tool_choice": {"type": "function", "function": {"name": "go"}}}),
        ({"thinking": {"type": "enabled", "budget_tokens": 2_000}},
         {"reasoning": {"enabled": True, "max_tokens": 2_000}}),
        ({"thinking": {"type": "adaptive"}, "output_config": {"effort": "high"}},
         {"reasoning": {"enabled": True, "effort": "high"}}),
        ({"thinking": {"type": "disabled"}}, {}),
        ({"output_config": {"format": {"type": "json_schema", "schema": {"type": "object"}}}},
         {"response_format": {"type": "json_schema", "json_schema": {
             "name": "answer", "strict": True, "schema": {"type": "object"}}}}),
        ({"metadata": {"user_id": "u"}, "stop_sequences": ["x"], "top_k": 5},
         {"user": "u", "stop": ["x"], "top_k": 5}),
        ({"service_tier": "standard_only"}, {}),
        ({"tools": [{"type": "web_search_20250305", "name": "web_search", "max_uses": 3}]},
         {"web_search_options": {"max_uses": 3}}),
    ],
)  # fmt: skip
def test_parameters_in_the_common_form(said: Json, meant: Json) -> None:
    assert {k: v for k, v in common(**said).items() if k != "messages"} == meant


def test_searches_are_bounded_before_they_are_paid() -> None:
    tool = {"type": "web_search_20250305", "name": "web_search"}
    call = parsed(tools=[tool]).call
    assert call.known == Usage(searches=10)
    assert json.loads(bytes(call.native["tools"])) == [tool | {"max_uses": 10}]
    assert parsed(tools=[tool | {"max_uses": 2}]).call.known == Usage(searches=2)


def test_what_only_the_dialect_knows_is_named() -> None:
    call = parsed(
        tools=[{"type": "bash_20250124", "name": "bash"}],
        context_management={"edits": [{"type": "clear_tool_uses_20250919"}]},
        messages=[*HI, {"role": "assistant", "content": [
            {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}]}],
    ).call  # fmt: skip
    assert call.untranslated == (
        "context_management", "messages.server_tool_use", "tools.bash_20250124",
    )  # fmt: skip
    assert "tools" not in call.fields


def test_what_changes_the_price_unseen_is_left_out_and_said() -> None:
    found = parsed(speed="fast", odd=1, headers={"anthropic-beta": "context-1m-2025-08-07"})
    assert "speed" not in found.call.native
    assert found.call.headers == ()
    assert found.warnings == (
        "unknown_parameter:odd", "unsupported_parameter:speed",
        "unsupported_beta:context-1m-2025-08-07",
    )  # fmt: skip
    with pytest.raises(Invalid) as caught:
        parsed(strict=True, speed="fast")
    assert caught.value.param == "speed"


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"context_management": {"edits": [{"type": "compact_20260112"}]}}, "context_management"),
        ({"tools": [{"type": "advisor_20260301", "name": "x"}]}, "tools[0].type"),
        ({"tools": [{"name": "go"}]}, "tools[0]"),
        ({"tool_choice": {"type": "tool"}}, "tool_choice.name"),
        ({"messages": user({"type": "tool_result", "content": "r"})},
         "messages[0].content[0].tool_use_id"),
        ({"messages": user({"type": "container_upload", "file_id": "f"})},
         "messages[0].content[0]"),
        ({"messages": user({"type": "text"})}, "messages[0].content[0].text"),
        ({"thinking": {"type": "enabled", "budget_tokens": 5}}, "thinking.budget_tokens"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"stream": "yes"}, "stream"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(fields: Json, param: str) -> None:
    with pytest.raises(Invalid) as caught:
        parsed(**fields)
    assert caught.value.param == param


def test_a_session_inside_the_users_id_keeps_the_conversation_in_its_place() -> None:
    assert parsed(metadata={"user_id": "user_1_session_9"}).call.session == "user_1_session_9"
    assert parsed(metadata={"user_id": "u"}).call.session == ""
    assert parsed(session_id="mine").call.session == "mine"


def test_a_request_without_thoughts_of_others_means_the_same_both_ways() -> None:
    """What the native path sends, and what the common form would have sent."""
    messages = [
        *user({"type": "text", "text": "go", "cache_control": MARK}, PICTURE),
        {"role": "assistant", "content": [
            {"type": "thinking", "thinking": "hm", "signature": "U0lH"},
            {"type": "redacted_thinking", "data": "RU5D"},
            {"type": "text", "text": "so"},
            {"type": "tool_use", "id": "c1", "name": "go", "input": {"x": 1}}]},
        *user({"type": "tool_result", "tool_use_id": "c1",
               "content": [{"type": "text", "text": "r"}]}),
    ]  # fmt: skip
    found = parsed(messages=messages, system=[{"type": "text", "text": "s"}])
    endpoint = EndpointFacts(
        "p:a/b", "a/b", "chat", "p", "claude-sonnet-4-5", 9, 9, frozenset(), "none", True, None,
        Price("v"),
    )  # fmt: skip
    sent = []
    for native in (found.call.native, {}):
        call = parsed(messages=messages, system=[{"type": "text", "text": "s"}]).call
        call = type(call)(**{
            name: getattr(call, name) for name in call.__struct_fields__ if name != "native"
        }, native=native)  # fmt: skip
        sent.append(json.loads(AnthropicMessages().request(call, endpoint, 100).body))
    assert sent[0] == sent[1]
