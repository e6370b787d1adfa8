"""alltoken_app/providers/dialects/gemini*.py: what is sent

Every body is read by the types that Google publishes with its client.
"""

import json
from typing import Any

import msgspec
import pytest
from google.genai import types
from pydantic import TypeAdapter

from alltoken_app.providers.base import Call, Unfit
from alltoken_app.providers.dialects.gemini import Gemini, Vertex
from alltoken_app.providers.dialects.gemini_contents import UNSIGNED
from tests.providers.dialects.gemini_case import SIGNATURE, call, endpoint, tool

GEMINI, VERTEX = Gemini(), Vertex()
PUBLISHED: dict[str, Any] = {
    "contents": list[types.Content],
    "systemInstruction": types.Content,
    "tools": list[types.Tool],
    "toolConfig": types.ToolConfig,
    "generationConfig": types.GenerateContentConfig,  # what its client makes it of
    "serviceTier": types.ServiceTier,
    "labels": dict[str, str],
    "store": bool,
}
USER = {"role": "user", "content": "hi"}


def sent(
    request: Call, model: str = "gemini-3-flash-preview", dialect: Gemini = GEMINI
) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(dialect.request(request, endpoint(model), 100).body)
    for name, value in body.items():
        TypeAdapter(PUBLISHED[name]).validate_json(json.dumps(value))
    return body


def config(model: str = "gemini-3-flash-preview", **fields: Any) -> dict[str, Any]:
    found: dict[str, Any] = sent(call(**fields), model)["generationConfig"]
    return found


def called(*names: str, **fields: Any) -> dict[str, Any]:
    """An assistant's message with a call of each name; its id is `call_<name>`."""
    calls = [
        {"id": f"call_{name}", "type": "function", "function": {"name": name, "arguments": "{}"}}
        for name in names
    ]
    return {"role": "assistant", "content": None, "tool_calls": calls, **fields}


def test_the_address_names_the_model_and_the_way_to_answer() -> None:
    path = "/models/gemini-3-flash-preview:"
    assert GEMINI.request(call(), endpoint(), 1).path == f"{path}generateContent"
    streamed = GEMINI.request(call(stream=True), endpoint(), 1).path
    assert streamed == f"{path}streamGenerateContent?alt=sse"
    on_vertex = VERTEX.request(call(), endpoint(), 1).path
    assert on_vertex == f"/publishers/google{path}generateContent"


def test_a_model_name_cannot_leave_its_place_in_the_address() -> None:
    assert (
        GEMINI.request(call(), endpoint("../x?y"), 1).path == "/models/..%2Fx%3Fy:generateContent"
    )


def test_leading_instructions_are_the_systems_and_later_ones_stay_in_place() -> None:
    body = sent(call(messages=[
        {"role": "system", "content": "a"}, {"role": "developer", "content": "b"}, USER,
        {"role": "assistant", "content": "c"}, {"role": "system", "content": "d"},
    ]))  # fmt: skip
    assert body["systemInstruction"] == {"parts": [{"text": "a"}, {"text": "b"}]}
    assert [turn["role"] for turn in body["contents"]] == ["user", "model", "user"]
    assert body["contents"][2]["parts"] == [{"text": "d"}]


def test_instructions_alone_are_said_by_the_user() -> None:
    assert sent(call(messages=[{"role": "system", "content": "a"}]))["contents"] == [
        {"role": "user", "parts": [{"text": "a"}]}
    ]


def test_settings_travel_as_the_caller_wrote_them() -> None:
    odd = msgspec.Raw(b"0.70")
    request = msgspec.structs.replace(call(), fields=call().fields | {"temperature": odd})
    assert b'"temperature":0.70' in GEMINI.request(request, endpoint(), 100).body
    assert config("gemini-2.0-flash", top_p=0.5, top_k=3, seed=-7, stop="end", n=2,
                  presence_penalty=1, frequency_penalty=-1, logprobs=True, top_logprobs=4) == {
        "topP": 0.5, "topK": 3, "seed": -7, "stopSequences": ["end"], "candidateCount": 2,
        "presencePenalty": 1, "frequencyPenalty": -1, "responseLogprobs": True, "logprobs": 4,
        "maxOutputTokens": 100,
    }  # fmt: skip


def test_google_is_told_to_keep_nothing() -> None:
    assert sent(call())["store"] is False
    assert "store" not in sent(call(), dialect=VERTEX)


def test_calls_and_results_meet_by_name_id_and_order() -> None:
    body = sent(call(tools=[tool("a"), tool("b")], messages=[
        USER, called("a", "b"),
        {"role": "tool", "tool_call_id": "call_b", "content": '{"b": 1.0}'},
        {"role": "tool", "tool_call_id": "call_a", "content": "plain"},
        {"role": "user", "content": "and?"},
    ]))  # fmt: skip
    made, answered = body["contents"][1]["parts"], body["contents"][2]["parts"]
    assert [part["functionCall"]["name"] for part in made] == ["a", "b"]
    assert answered == [
        {"functionResponse": {"name": "a", "id": "call_a", "response": {"output": "plain"}}},
        {"functionResponse": {"name": "b", "id": "call_b", "response": {"b": 1.0}}},
        {"text": "and?"},
    ]


def test_arguments_go_back_byte_for_byte_and_what_is_no_object_becomes_one() -> None:
    for said, expected in (
        ('{"z":1.50, "a":"\\u00e9"}', b'"args":{"z":1.50, "a":"\\u00e9"}'),
        ("[1]", b'"args":{"arguments":"[1]"}'),
        ("", b'"args":{}'),
    ):
        message = called("a")
        message["tool_calls"][0]["function"]["arguments"] = said
        body = GEMINI.request(call(messages=[USER, message]), endpoint(), 1).body
        assert expected in body


def test_signatures_go_back_to_the_parts_they_came_with() -> None:
    form = {"format": "google-gemini-v1"}
    details = [
        {"type": "reasoning.text", "text": "hm", "signature": "VGhvdWdodA==", **form},
        {"type": "reasoning.encrypted", "id": None, "data": "VGV4dA==", **form},
        {"type": "reasoning.encrypted", "id": "call_b", "data": SIGNATURE, **form},
        {"type": "reasoning.encrypted", "id": "call_a", "data": "b3RoZXI=", "format": "x"},
    ]
    message = called("a", "b", content="so", reasoning_details=details)
    parts = sent(call(messages=[USER, message]))["contents"][1]["parts"]
    assert parts[0] == {"text": "hm", "thought": True, "thoughtSignature": "VGhvdWdodA=="}
    assert parts[1] == {"text": "so", "thoughtSignature": "VGV4dA=="}
    assert [part.get("thoughtSignature") for part in parts[2:]] == [None, SIGNATURE]


def test_calls_that_nobody_signed_say_so_to_models_that_ask() -> None:
    request = call(messages=[USER, called("a", "b")])
    signed = [part.get("thoughtSignature") for part in sent(request)["contents"][1]["parts"]]
    assert signed == [UNSIGNED, None]
    older = sent(request, "gemini-2.5-flash")["contents"][1]["parts"]
    assert all("thoughtSignature" not in part for part in older)


def test_a_signature_is_also_found_where_googles_own_server_puts_it() -> None:
    message = called("a")
    message["tool_calls"][0]["extra_content"] = {"google": {"thought_signature": SIGNATURE}}
    parts = sent(call(messages=[USER, message]))["contents"][1]["parts"]
    assert parts[0]["thoughtSignature"] == SIGNATURE


def test_media_go_inline_or_by_address() -> None:
    parts = [
        {"type": "image_url", "image_url": {"url": "data:image/jpg;base64,QUJD"}},
        {"type": "image_url", "image_url": {"url": "https://a.example/b/c.png?d=e"}},
        {"type": "input_audio", "input_audio": {"data": "QUJD", "format": "wav"}},
        {"type": "file", "file": {"file_data": "data:application/pdf;base64,QUJD"}},
        {"type": "file", "file": {"file_data": "QUJD", "filename": "a.csv"}},
        {"type": "video_url", "video_url": {"url": "https://a.example/v"}},
        {"type": "text", "text": "what?"},
    ]
    found = sent(call(messages=[{"role": "user", "content": parts}]))["contents"][0]["parts"]
    inline = [part["inlineData"]["mimeType"] for part in found if "inlineData" in part]
    linked = [part["fileData"]["mimeType"] for part in found if "fileData" in part]
    assert inline == ["image/jpeg", "audio/wav", "application/pdf", "text/csv"]
    assert linked == ["image/png", "video/mp4"]
    assert found[-1] == {"text": "what?"}


@pytest.mark.parametrize(
    "url",
    [
        "gs://bucket/object.png",
        "http://a.example/c.png",
        "https://generativelanguage.googleapis.com/v1beta/files/abc",
        "https://storage.googleapis.com./bucket/object.png",
        "https://storage.cloud.google.com/bucket/object.png",
        "https://Storage.GoogleAPIs.com:443/bucket/object.png",
        "https://storage.googleapis.com\\@a.example/object.png",
        "https://storage%2egoogleapis.com/object.png",
        "https://storage\u3002googleapis.com/object.png",
        "file:///etc/passwd",
    ],
)
def test_what_google_would_read_with_our_rights_is_not_the_callers_to_name(url: str) -> None:
    for part in (
        {"type": "image_url", "image_url": {"url": url}},
        {"type": "video_url", "video_url": {"url": url}},
        {"type": "file", "file": {"file_data": url}},
    ):
        with pytest.raises(Unfit, match="public"):
            GEMINI.request(call(messages=[{"role": "user", "content": [part]}]), endpoint(), 1)


@pytest.mark.parametrize(
    ("model", "inside"), [("gemini-3-flash-preview", True), ("gemini-2.5-pro", False)]
)
def test_an_image_that_a_tool_found_goes_where_the_model_can_see_it(
    model: str, inside: bool
) -> None:
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,QUJD"}}
    result = {"role": "tool", "tool_call_id": "call_a", "content": [image]}
    parts = sent(call(messages=[USER, called("a"), result]), model)["contents"][2]["parts"]
    assert ("parts" in parts[0]["functionResponse"]) is inside
    assert len(parts) == (1 if inside else 2)


@pytest.mark.parametrize(
    ("part", "where"),
    [
        ({"type": "image_url"}, "messages"),
        ({"type": "image_url", "image_url": {"url": 5}}, "messages[0].content[...].image_url"),
        ({"type": "hologram"}, "messages"),
        ({"type": "image_url", "image_url": {"url": "data:nonsense"}}, "messages"),
    ],
)
def test_a_part_that_cannot_be_said_is_the_callers_fault(part: dict[str, Any], where: str) -> None:
    request = call(messages=[{"role": "user", "content": [part]}])
    with pytest.raises(Unfit) as caught:
        GEMINI.request(request, endpoint(), 1)
    assert (caught.value.param or "").startswith(where.partition("[...]")[0])


@pytest.mark.parametrize(
    ("choice", "calling"),
    [
        ("auto", None),
        ("none", {"mode": "NONE"}),
        ("required", {"mode": "ANY"}),
        ({"type": "function", "function": {"name": "a"}},
         {"mode": "ANY", "allowedFunctionNames": ["a"]}),
        ({"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [tool("a")]}},
         {"mode": "VALIDATED", "allowedFunctionNames": ["a"]}),
    ],
)  # fmt: skip
def test_the_choice_among_tools_keeps_its_meaning(choice: Any, calling: Any) -> None:
    body = sent(call(tools=[tool("a"), tool("b")], tool_choice=choice))
    assert body.get("toolConfig", {}).get("functionCallingConfig") == calling


def test_strict_tools_hold_the_model_to_their_schemas() -> None:
    strict = tool("a")
    strict["function"]["strict"] = True
    body = sent(call(tools=[strict]))
    assert body["toolConfig"]["functionCallingConfig"] == {"mode": "VALIDATED"}


def test_a_tool_without_parameters_has_no_schema() -> None:
    body = sent(call(tools=[tool("a", type="object", properties={}), tool("b")]))
    first, second = body["tools"][0]["functionDeclarations"]
    assert "parametersJsonSchema" not in first
    assert second["parametersJsonSchema"]["properties"] == {"city": {"type": "string"}}


def test_an_answer_can_be_held_to_a_schema() -> None:
    schema = {"type": "object", "properties": {"a": {"$ref": "#/$defs/A", "description": "d"}}}
    wanted = {"type": "json_schema", "json_schema": {"name": "n", "schema": schema}}
    found = config(response_format=wanted)
    assert found["responseMimeType"] == "application/json"
    assert found["responseJsonSchema"]["properties"]["a"] == {
        "anyOf": [{"$ref": "#/$defs/A"}], "description": "d",
    }  # fmt: skip
    assert "responseJsonSchema" not in config(response_format={"type": "json_object"})


def test_search_stands_beside_tools_where_the_model_can_do_both() -> None:
    both = call(tools=[tool()], web_search_options={})
    body = sent(both)
    assert [list(tool) for tool in body["tools"]] == [["functionDeclarations"], ["googleSearch"]]
    assert body["toolConfig"] == {"includeServerSideToolInvocations": True}
    assert GEMINI.unable(both, endpoint("gemini-2.5-flash")) == ("web_search_options",)
    assert VERTEX.unable(both, endpoint()) == ("web_search_options",)


@pytest.mark.parametrize(
    ("model", "fields", "thinking"),
    [
        ("gemini-3-flash-preview", {"reasoning_effort": "low"},
         {"includeThoughts": True, "thinkingLevel": "LOW"}),
        ("gemini-3-pro-preview", {"reasoning_effort": "medium"},
         {"includeThoughts": True, "thinkingLevel": "HIGH"}),
        ("gemini-3.1-pro-preview", {"reasoning": {"effort": "minimal", "exclude": True}},
         {"includeThoughts": False, "thinkingLevel": "LOW"}),
        ("gemini-3.8-flash", {"reasoning_effort": "minimal"},
         {"includeThoughts": True, "thinkingLevel": "LOW"}),
        ("gemini-flash-latest", {"reasoning_effort": "xhigh"},
         {"includeThoughts": True, "thinkingLevel": "HIGH"}),
        ("gemini-3-flash-preview", {"reasoning": {"enabled": True}}, {"includeThoughts": True}),
        ("gemini-3-flash-preview", {"include_reasoning": True}, {"includeThoughts": True}),
        ("gemini-2.5-flash", {"include_reasoning": False, "reasoning_effort": "low"},
         {"includeThoughts": False, "thinkingBudget": 1024}),
        ("gemini-3-flash-preview", {"reasoning": {"max_tokens": 900}},
         {"includeThoughts": True, "thinkingBudget": 900}),
        ("gemini-3-flash-preview", {"reasoning_effort": "none"},
         {"includeThoughts": False, "thinkingLevel": "MINIMAL"}),
        ("gemini-2.5-flash", {"reasoning_effort": "none"},
         {"includeThoughts": False, "thinkingBudget": 0}),
        ("gemini-2.5-pro", {"reasoning_effort": "high"},
         {"includeThoughts": True, "thinkingBudget": 24576}),
        ("gemini-2.5-flash-lite", {"reasoning": {"max_tokens": 9}},
         {"includeThoughts": True, "thinkingBudget": 512}),
        ("gemini-2.0-flash", {"reasoning_effort": "high"}, None),
        ("gemini-2.5-flash-image", {"reasoning_effort": "high"}, None),
        ("gemma-3-27b-it", {"reasoning_effort": "high"}, None),
        ("gemini-3-flash-preview", {}, None),
    ],
)  # fmt: skip
def test_thinking_is_asked_for_as_the_generation_has_it(
    model: str, fields: dict[str, Any], thinking: Any
) -> None:
    assert config(model, **fields).get("thinkingConfig") == thinking


@pytest.mark.parametrize(
    ("model", "fields", "names"),
    [
        ("gemini-3-flash-preview", {"n": 2}, ("n",)),
        ("gemini-3-flash-preview", {"n": 1}, ()),
        ("gemini-3-flash-preview", {"presence_penalty": 1}, ("presence_penalty",)),
        ("gemini-2.0-flash", {"presence_penalty": 1, "n": 2}, ()),
        ("gemini-3-flash-preview", {"stop": list("abcdef")}, ("stop",)),
        ("gemini-3-flash-preview", {"seed": 2**40}, ("seed",)),
        ("gemini-3.1-pro-preview", {"reasoning_effort": "none"}, ("reasoning_effort",)),
        ("gemini-2.0-flash", {"reasoning": {"effort": "high"}}, ("reasoning",)),
        ("gemini-2.0-flash", {"reasoning_effort": "none"}, ()),
        ("gemini-2.5-flash", {"tools": [tool()], "response_format": {"type": "json_object"}},
         ("response_format",)),
        ("gemini-3-flash-preview",
         {"tools": [tool()], "response_format": {"type": "json_object"}}, ()),
        ("gemini-3-flash-preview", {"response_format": {"type": "grammar"}}, ("response_format",)),
        ("gemini-3-flash-preview", {"tools": [tool()], "parallel_tool_calls": False},
         ("parallel_tool_calls",)),
        ("gemini-3-flash-preview", {"tools": [{"type": "web_search"}]}, ("tools",)),
        ("gemini-3-flash-preview", {"service_tier": "scale"}, ("service_tier",)),
        ("gemini-3-flash-preview", {"audio": {"voice": "Kore", "format": "mp3"}}, ("audio",)),
    ],
)  # fmt: skip
def test_what_a_model_cannot_follow_is_named_and_not_sent(
    model: str, fields: dict[str, Any], names: tuple[str, ...]
) -> None:
    request = call(**fields)
    assert GEMINI.unable(request, endpoint(model)) == names
    sent(request, model)  # what is left, Google's types accept
    assert not {"logit_bias", "verbosity", "prediction", "user"} & GEMINI.honours


def test_files_that_only_another_provider_has_are_named() -> None:
    part = {"type": "file", "file": {"file_id": "file-1"}}
    request = msgspec.structs.replace(
        call(messages=[{"role": "user", "content": [part]}]), modalities=frozenset({"file"})
    )
    assert GEMINI.unable(request, endpoint()) == ("messages.file",)


def test_vertex_takes_words_of_the_callers_as_labels_when_they_fit() -> None:
    fits = call(user="u-1", metadata={"team": "blue"})
    assert sent(fits, dialect=VERTEX)["labels"] == {"user": "u-1", "team": "blue"}
    loud = call(user="Ada Lovelace", metadata={"Team": "blue"})
    assert VERTEX.unable(loud, endpoint()) == ("metadata", "user")
    assert "labels" not in sent(loud, dialect=VERTEX)


@pytest.mark.parametrize(("said", "tier"), [("auto", None), ("default", "standard"), ("flex",) * 2])
def test_the_service_tier_has_googles_name(said: str, tier: str | None) -> None:
    assert sent(call(service_tier=said)).get("serviceTier") == tier


def test_an_endpoint_of_its_own_tier_asks_for_it() -> None:
    place = msgspec.structs.replace(endpoint(), tier="priority")
    assert b'"serviceTier":"priority"' in GEMINI.request(call(), place, 1).body


def test_images_and_sound_are_asked_for() -> None:
    found = config(
        "gemini-3-pro-image-preview", modalities=["image", "text"],
        image_config={"aspect_ratio": "16:9", "image_size": "2K"},
    )  # fmt: skip
    assert found["responseModalities"] == ["IMAGE", "TEXT"]
    assert found["imageConfig"] == {"aspectRatio": "16:9", "imageSize": "2K"}
    spoken = config("gemini-2.5-flash-preview-tts", modalities=["audio"],
                    audio={"voice": "Kore", "format": "pcm16"})  # fmt: skip
    voice = spoken["speechConfig"]["voiceConfig"]["prebuiltVoiceConfig"]
    assert voice == {"voiceName": "Kore"}
