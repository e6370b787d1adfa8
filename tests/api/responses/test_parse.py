"""alltoken_app/api/responses/parse.py: what a request means, in both forms"""

import json
from typing import Any

import pytest

from alltoken_app.api.parse import Parsed
from alltoken_app.api.responses.parse import responses
from alltoken_app.errors import Invalid

Json = dict[str, Any]


def parsed(**fields: Any) -> Parsed:
    body = json.dumps({"model": "a/b", "input": "hi", **fields}).encode()
    return responses(body, "application/json", strict=False)


def common(**fields: Any) -> Json:
    call = parsed(**fields).call
    return {name: json.loads(bytes(raw)) for name, raw in call.fields.items()}


FUNCTION = {"type": "function", "name": "f", "parameters": {}, "strict": False}


def test_consecutive_items_of_the_assistant_are_one_turn() -> None:
    items = [
        {"role": "user", "content": "a"},
        {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "S"}],
         "encrypted_content": "E"},
        {"type": "message", "role": "assistant", "id": "msg_1", "status": "completed",
         "content": [{"type": "output_text", "text": "b", "annotations": []}]},
        {"type": "function_call", "call_id": "1", "name": "f", "arguments": "{}"},
        {"type": "function_call", "call_id": "2", "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "1", "output": "x"},
        {"type": "function_call_output", "call_id": "2", "output": [
            {"type": "input_text", "text": "y"},
            {"type": "input_image", "image_url": "data:image/png;base64,AA", "detail": "auto"}]},
        {"role": "assistant", "content": "c"},
        {"role": "developer", "content": "d"},
    ]  # fmt: skip
    made = common(input=items, instructions="i")["messages"]
    assert [message["role"] for message in made] == [
        "system", "user", "assistant", "tool", "tool", "assistant", "developer",
    ]  # fmt: skip
    turn = made[2]
    assert (turn["content"], [call["id"] for call in turn["tool_calls"]]) == ("b", ["1", "2"])
    assert turn["reasoning_details"] == [
        {"type": "reasoning.summary", "summary": "S", "id": "rs_1",
         "format": "openai-responses-v1", "index": 0},
        {"type": "reasoning.encrypted", "data": "E", "id": "rs_1",
         "format": "openai-responses-v1", "index": 1},
    ]  # fmt: skip
    assert made[4]["content"][1]["type"] == "image_url"


def test_kinds_of_input_are_noticed_and_hints_kept() -> None:
    parts = [
        {"type": "input_text", "text": "a", "prompt_cache_breakpoint": {"mode": "explicit"}},
        {"type": "input_file", "filename": "a.pdf", "file_url": "https://x/a.pdf"},
        {"type": "input_audio", "input_audio": {"data": "AA", "format": "wav"}},
    ]
    made = parsed(input=[{"role": "user", "content": parts}]).call
    assert made.modalities == {"text", "file", "audio"}
    said = json.loads(bytes(made.fields["messages"]))[0]["content"]
    assert said[0]["cache_control"] == {"type": "ephemeral"}
    assert said[1]["file"] == {"file_data": "https://x/a.pdf", "filename": "a.pdf"}


def test_what_holds_anyway_asks_for_nothing() -> None:
    made = common(
        text={"format": {"type": "text"}}, tool_choice="auto", parallel_tool_calls=True,
        service_tier="auto", truncation="disabled", top_logprobs=0, reasoning=None, tools=[],
        include=["reasoning.encrypted_content"], metadata={}, previous_response_id=None,
    )  # fmt: skip
    assert made.keys() == {"messages"}


def test_what_nobody_has_stored_does_not_go_back() -> None:
    bare = {"type": "reasoning", "id": "rs_1", "summary": []}
    kept = [{**bare, "encrypted_content": "E"}, {**bare, "content": [{"type": "reasoning_text",
                                                                      "text": "t"}]}]  # fmt: skip
    said = {"role": "user", "content": "a"}
    sealed = {**bare, "encrypted_content": "at1.W10="}
    call = parsed(input=[bare, *kept, sealed, said]).call
    assert json.loads(bytes(call.native["input"])) == [*kept, said]


def test_allowed_tools_leave_the_others_out() -> None:
    choice = {"type": "allowed_tools", "mode": "required",
              "tools": [{"type": "function", "name": "g"}]}  # fmt: skip
    made = common(tools=[FUNCTION, {**FUNCTION, "name": "g"}], tool_choice=choice)
    assert [tool["function"]["name"] for tool in made["tools"]] == ["g"]
    assert made["tool_choice"] == "required"


def test_a_search_is_a_wish_of_its_own_and_bounded() -> None:
    place = {"type": "approximate", "city": "Ulm", "country": None}
    tool = {"type": "web_search", "search_context_size": "low", "user_location": place}
    call = parsed(tools=[tool], max_tool_calls=3).call
    assert json.loads(bytes(call.fields["web_search_options"])) == {
        "search_context_size": "low",
        "user_location": {"type": "approximate", "approximate": {"city": "Ulm"}},
    }
    assert (call.known.searches, bytes(call.native["max_tool_calls"])) == (3, b"3")
    assert parsed(tools=[tool]).call.known.searches == 10


def test_the_wish_to_reason() -> None:
    assert common(reasoning={"effort": "low"})["reasoning_effort"] == "low"
    both = common(reasoning={"effort": "low", "summary": "auto"})
    assert both["reasoning"] == {"effort": "low", "summary": "auto"}
    assert "reasoning_effort" not in both
    assert parsed(reasoning={"mode": "pro"}).call.untranslated == ("reasoning.mode",)


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"input": []}, "input"),
        ({"input": None}, "input"),
        ({"input": 5}, "input"),
        ({"input": [{"role": "robot", "content": "x"}]}, "input[0].role"),
        ({"input": [{"role": "user", "content": 5}]}, "input[0].content"),
        ({"input": [{"type": "function_call", "name": "f"}]}, "input[0].call_id"),
        ({"input": [{"type": "function_call_output", "output": "x"}]}, "input[0].call_id"),
        ({"tools": [{"type": "function"}]}, "tools[0].name"),
        ({"tools": [{"type": "shell", "environment": {"type": "container_auto"}}]},
         "tools[0].type"),
        ({"input": [{"type": "additional_tools", "role": "developer",
                     "tools": [{"type": "mcp"}]}]}, "input[0].tools[0].type"),
        ({"text": {"format": {"type": "json_schema"}}}, "text.format"),
        ({"text": {"format": {"type": "xml"}}}, "text.format.type"),
        ({"temperature": 3}, "temperature"),
        ({"max_output_tokens": 0}, "max_output_tokens"),
        ({"tool_choice": "maybe"}, "tool_choice"),
        ({"extra_headers": {}}, "extra_headers"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(fields: Json, param: str) -> None:
    with pytest.raises(Invalid) as caught:
        parsed(**fields)
    assert caught.value.param == param


def test_unknown_fields_warn() -> None:
    assert parsed(frobnicate=1).warnings == ("unknown_parameter:frobnicate",)


def test_a_name_that_ends_up_in_a_header_has_no_line_breaks() -> None:
    part = {"type": "x\r\ny: z", "text": "t"}
    assert parsed(input=[{"role": "user", "content": [part]}]).call.untranslated == (
        "input.x??y: z",
    )
