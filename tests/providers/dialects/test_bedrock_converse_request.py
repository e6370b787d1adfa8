"""alltoken_app/providers/dialects/bedrock_converse_request.py and _content.py"""

import json
from typing import Any

import msgspec
import pytest

from alltoken_app.providers.base import Unfit
from tests.providers.dialects.bedrock_case import (
    CLAUDE,
    DIALECT,
    HI,
    LLAMA,
    NOVA,
    OLD_CLAUDE,
    PIXEL,
    WEATHER,
    body,
    call,
    endpoint,
    unable,
)


def user(*parts: object) -> list[dict[str, object]]:
    return [{"role": "user", "content": list(parts)}]


def test_the_model_is_one_escaped_segment_of_the_path() -> None:
    arn = "arn:aws:bedrock:us-east-1:000000000000:inference-profile/us.amazon.nova-lite-v1:0"
    whole = DIALECT.request(call(messages=HI), endpoint(CLAUDE), 1).path
    streamed = DIALECT.request(call(stream=True, messages=HI), endpoint(arn), 1).path
    assert whole == "/model/us.anthropic.claude-sonnet-4-5-20250929-v1%3A0/converse"
    assert "%2Fus.amazon" in streamed
    assert streamed.count("/") == 3


def test_roles_alternate_and_results_share_a_message() -> None:
    calls = [
        {
            "id": f"call_{n}",
            "type": "function",
            "function": {"name": "f", "arguments": '{"n": 1.50}'},
        }
        for n in (1, 2)
    ]
    sent = body(
        CLAUDE,
        messages=[
            {"role": "system", "content": "be brief"},
            {"role": "user", "content": "one"},
            {"role": "user", "content": "two"},
            {"role": "assistant", "content": "", "tool_calls": calls},
            {"role": "tool", "tool_call_id": "call_1", "content": "sunny"},
            {"role": "tool", "tool_call_id": "call_2", "content": "", "is_error": True},
        ],
    )
    assert sent["system"] == [{"text": "be brief"}]
    assert [m["role"] for m in sent["messages"]] == ["user", "assistant", "user"]
    assert sent["messages"][0]["content"] == [{"text": "one"}, {"text": "two"}]
    uses = [block["toolUse"] for block in sent["messages"][1]["content"]]
    assert [(use["toolUseId"], use["input"]) for use in uses] == [
        ("call_1", {"n": 1.5}),
        ("call_2", {"n": 1.5}),
    ]
    assert sent["messages"][2]["content"] == [
        {"toolResult": {"toolUseId": "call_1", "content": [{"text": "sunny"}]}},
        {"toolResult": {"toolUseId": "call_2", "content": [{"text": "."}], "status": "error"}},
    ]


def test_a_history_with_tools_brings_them_along() -> None:
    used = [
        {"role": "user", "content": "hi"},
        {
            "role": "assistant",
            "tool_calls": [
                {"id": "c", "type": "function", "function": {"name": "weather", "arguments": ""}}
            ],
        },
        {"role": "tool", "tool_call_id": "c", "content": "sunny"},
    ]
    assert body(CLAUDE, messages=used)["toolConfig"]["tools"][0]["toolSpec"]["name"] == "weather"
    assert "toolConfig" in body(CLAUDE, messages=used, tools=[WEATHER], tool_choice="none")
    assert "tool_choice" in unable(CLAUDE, messages=used, tools=[WEATHER], tool_choice="none")
    assert "toolConfig" not in body(CLAUDE, tools=[WEATHER], tool_choice="none")


@pytest.mark.parametrize(
    ("choice", "sent"),
    [
        ("required", {"any": {}}),
        ({"type": "function", "function": {"name": "weather"}}, {"tool": {"name": "weather"}}),
        ("auto", None),
    ],
)
def test_tool_choices(choice: object, sent: object) -> None:
    assert body(NOVA, tools=[WEATHER], tool_choice=choice)["toolConfig"].get("toolChoice") == sent


def test_what_a_family_lacks_is_named_and_not_sent() -> None:
    wishes: dict[str, Any] = {
        "tools": [WEATHER],
        "tool_choice": "required",
        "reasoning_effort": "high",
        "top_k": 5,
        "temperature": 1.5,
        "parallel_tool_calls": False,
        "metadata": {"note": "né"},
    }
    assert unable(LLAMA, **wishes) == (
        "metadata", "parallel_tool_calls", "reasoning_effort", "temperature", "tool_choice",
        "top_k",
    )  # fmt: skip
    sent = body(LLAMA, **wishes)
    assert sent["inferenceConfig"] == {"maxTokens": 4000, "temperature": 1.0}
    assert sent.keys() == {"messages", "inferenceConfig", "toolConfig"}


def test_words_alone_are_never_unable() -> None:
    everything = {"temperature": 0.5, "stop": ["x"], "user": "u_1", "reasoning_effort": "low"}
    assert unable(CLAUDE, **everything | {"temperature": None}) == ()
    sent = body(CLAUDE, stop="END", user="u_1", metadata={"a": "b"})
    assert sent["inferenceConfig"]["stopSequences"] == ["END"]
    assert sent["requestMetadata"] == {"a": "b", "user": "u_1"}


def test_what_the_catalogue_says_is_refused_is_not_sent() -> None:
    known = msgspec.structs.replace(endpoint(CLAUDE), parameters=frozenset({"top_p"}))
    sent = json.loads(DIALECT.request(call(messages=HI, temperature=1, top_k=3), known, 9).body)
    assert sent.keys() == {"messages", "inferenceConfig"}
    assert sent["inferenceConfig"] == {"maxTokens": 9}


def test_top_k_goes_where_the_family_has_it() -> None:
    assert body(CLAUDE, top_k=20)["additionalModelRequestFields"] == {"top_k": 20}
    nova = body(NOVA, top_k=5)["additionalModelRequestFields"]
    assert nova == {"inferenceConfig": {"topK": 5}}


SCHEMA = {"type": "object", "properties": {"n": {"type": "integer", "minimum": 1}}}


def test_a_schema_is_native_where_the_model_can_be_held_to_it() -> None:
    wish = {"type": "json_schema", "json_schema": {"name": "answer", "schema": SCHEMA}}
    sent = body(CLAUDE, response_format=wish)["outputConfig"]["textFormat"]
    definition = sent["structure"]["jsonSchema"]
    assert definition["name"] == "answer"
    assert json.loads(definition["schema"])["additionalProperties"] is False


def test_a_schema_is_a_forced_tool_elsewhere_or_named_as_lost() -> None:
    wish = {"type": "json_schema", "json_schema": {"name": "answer", "schema": SCHEMA}}
    forced = body(OLD_CLAUDE, response_format=wish)["toolConfig"]
    assert forced["tools"][0]["toolSpec"]["inputSchema"]["json"] == SCHEMA
    assert forced["toolChoice"] == {"tool": {"name": forced["tools"][0]["toolSpec"]["name"]}}
    assert unable(OLD_CLAUDE, response_format=wish) == ()
    assert unable(OLD_CLAUDE, response_format=wish, tools=[WEATHER]) == ("response_format",)
    assert unable(LLAMA, response_format=wish) == ("response_format",)
    assert "toolConfig" in body(NOVA, response_format={"type": "json_object"})


def test_files_travel_as_bytes_and_documents_have_names_of_their_own() -> None:
    pdf = {"filename": "Report №1.v2.pdf", "file_data": "data:application/pdf;base64,JVBERg=="}
    sent = body(
        CLAUDE,
        messages=user(
            {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}},
            {"type": "file", "file": pdf},
            {"type": "file", "file": pdf},
            {"type": "file", "file": {"filename": "notes.md", "file_data": "aGk="}},
            {"type": "input_audio", "input_audio": {"format": "wav", "data": "UklGRg=="}},
            {"type": "video_url", "video_url": {"url": "data:video/quicktime;base64,AAAA"}},
        ),
    )
    image, first, second, notes, sound, video = sent["messages"][0]["content"]
    assert image == {"image": {"format": "png", "source": {"bytes": PIXEL}}}
    assert first["document"]["name"] == "Report 1 v2"
    assert second["document"]["name"] == "Report 1 v2 (2)"
    assert (notes["document"]["format"], notes["document"]["source"]) == ("md", {"bytes": "aGk="})
    assert (sound["audio"]["format"], video["video"]["format"]) == ("wav", "mov")


def test_a_document_alone_gets_a_word_beside_it() -> None:
    file = {"filename": "a.txt", "file_data": "aGk="}
    sent = body(NOVA, messages=user({"type": "file", "file": file}))["messages"][0]["content"]
    assert [next(iter(block)) for block in sent] == ["text", "document"]


@pytest.mark.parametrize(
    ("part", "name"),
    [
        ({"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}, "image_url"),
        ({"type": "image_url", "image_url": {"url": "s3://bucket/a.png"}}, "image_url"),
        ({"type": "image_url", "image_url": {"url": "data:image/bmp;base64,AA=="}}, "image_url"),
        ({"type": "video_url", "video_url": {"url": "https://example.com/a.mp4"}}, "video_url"),
        ({"type": "input_audio", "input_audio": {"format": "tape", "data": "AA=="}}, "input_audio"),
        ({"type": "file", "file": {"file_id": "file-1"}}, "file"),
        ({"type": "file", "file": {"filename": "a.pdf", "file_data": "https://a/a.pdf"}}, "file"),
    ],
)
def test_no_address_is_ever_sent(part: object, name: str) -> None:
    assert unable(CLAUDE, messages=user(part)) == (f"messages.{name}",)
    assert "//" not in json.dumps(body(CLAUDE, messages=user(part)))


@pytest.mark.parametrize("url", ["data:image/png;base64,???", "data:image/png,raw"])
def test_data_that_is_not_base64_is_refused(url: str) -> None:
    part = {"type": "image_url", "image_url": {"url": url}}
    with pytest.raises(Unfit):
        DIALECT.request(call(messages=user(part)), endpoint(CLAUDE), 1)
    assert unable(CLAUDE, messages=user(part)) == ("messages",)


def test_cache_marks_become_points_where_the_family_keeps_prompts() -> None:
    mark = {"type": "ephemeral", "ttl": "1h"}
    wishes: dict[str, Any] = {
        "messages": [
            {"role": "system", "content": [{"type": "text", "text": "s", "cache_control": mark}]},
            {"role": "user", "content": [{"type": "text", "text": "u", "cache_control": mark}]},
        ],
        "tools": [{**WEATHER, "cache_control": {"type": "ephemeral"}}],
    }
    sent = body(CLAUDE, **wishes)
    hour = {"cachePoint": {"type": "default", "ttl": "1h"}}
    assert sent["system"] == [{"text": "s"}, hour]
    assert sent["messages"][0]["content"] == [{"text": "u"}, hour]
    assert sent["toolConfig"]["tools"][1] == {"cachePoint": {"type": "default"}}
    assert body(NOVA, **wishes)["system"][1] == {"cachePoint": {"type": "default"}}
    assert "cachePoint" not in json.dumps(body(LLAMA, **wishes))
    assert unable(LLAMA, **wishes) == ("cache_control",)


def test_there_are_at_most_four_points_and_an_automatic_one_comes_last() -> None:
    parts = [{"type": "text", "text": str(n), "cache_control": {}} for n in range(6)]
    assert json.dumps(body(CLAUDE, messages=user(*parts))).count("cachePoint") == 4
    sent = body(CLAUDE, cache_control={"type": "ephemeral"})
    assert sent["messages"][-1]["content"][-1] == {"cachePoint": {"type": "default"}}


def test_a_growing_conversation_keeps_its_beginning_byte_for_byte() -> None:
    used = {"name": "f", "arguments": '{"b":1, "a":2}'}
    turns: list[dict[str, Any]] = [
        {"role": "system", "content": [{"type": "text", "text": "s", "cache_control": {}}]},
        {"role": "user", "content": [{"type": "text", "text": "é 1", "cache_control": {}}]},
        {"role": "assistant", "content": "ok", "tool_calls": [{"id": "c 1", "function": used}]},
        {"role": "tool", "tool_call_id": "c 1", "content": "done"},
        {"role": "system", "content": "from now on in French"},
        {"role": "user", "content": "go on"},
        {"role": "assistant", "content": "oui"},
    ]  # fmt: skip
    previous = b""
    for count in (2, 3, 6, 7):
        sent = DIALECT.request(
            call(messages=turns[:count], tools=[WEATHER]), endpoint(CLAUDE), 10
        ).body
        start = sent[: sent.index(b'],"system"') - 2]
        assert start.startswith(previous)
        previous = start


def test_signed_thoughts_go_back_unchanged_to_who_signed_them() -> None:
    details = [
        {"type": "reasoning.text", "text": "let me ", "format": "anthropic-claude-v1", "index": 0},
        {"type": "reasoning.text", "text": "see", "index": 0},
        {"type": "reasoning.text", "signature": "c2ln+/=", "index": 0},
        {"type": "reasoning.encrypted", "data": "eHh4", "format": "amazon-bedrock-v1", "index": 1},
        {"type": "reasoning.encrypted", "data": "b3Ro", "format": "google-gemini-v1", "index": 2},
        {"type": "reasoning.text", "text": "unsigned", "index": 3},
    ]
    said = [*HI, {"role": "assistant", "content": "done", "reasoning_details": details}]
    sent = body(CLAUDE, messages=said)["messages"][1]["content"]
    assert sent == [
        {"reasoningContent": {"reasoningText": {"text": "let me see", "signature": "c2ln+/="}}},
        {"reasoningContent": {"redactedContent": "eHh4"}},
        {"text": "done"},
    ]
    assert body(LLAMA, messages=said)["messages"][1]["content"] == [{"text": "done"}]


@pytest.mark.parametrize("given", ["functions.f:0", "fc_" + "x" * 90, "id with spaces"])
def test_ids_of_calls_fit_and_match_their_results(given: str) -> None:
    function = {"name": "f", "arguments": "{}"}
    said = [
        {
            "role": "assistant",
            "tool_calls": [{"id": given, "type": "function", "function": function}],
        },
        {"role": "tool", "tool_call_id": given, "content": "x"},
    ]
    for model in (CLAUDE, "moonshot.kimi-k2-thinking"):
        first, use, result = body(model, messages=said)["messages"]
        assert first == {"role": "user", "content": [{"text": "."}]}
        used = use["content"][0]["toolUse"]["toolUseId"]
        assert used == result["content"][0]["toolResult"]["toolUseId"]
        assert len(used) <= 64
        assert ":" not in used or "kimi" in model


def test_arguments_that_are_no_object_are_refused() -> None:
    function = {"name": "f", "arguments": "[1]"}
    said = [*HI, {"role": "assistant", "tool_calls": [{"id": "c", "function": function}]}]
    with pytest.raises(Unfit):
        DIALECT.request(call(messages=said), endpoint(CLAUDE), 1)


def test_an_arn_is_known_by_our_own_name() -> None:
    arn = "arn:aws:bedrock:us-east-1:000000000000:application-inference-profile/abc"
    asked = call(messages=HI, top_k=3)
    assert DIALECT.unable(asked, endpoint(arn)) == ("top_k",)
    assert DIALECT.unable(asked, endpoint(arn, "anthropic/claude-sonnet-4.5")) == ()
