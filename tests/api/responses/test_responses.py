"""alltoken_app/api/responses/, through the official client and scripted providers"""

import json
from typing import Any

import openai
import pydantic
import pytest

from alltoken_app.money import usd
from tests.api.responses.conftest import Wired
from tests.api.responses.events import call, response, stream, text, thought

WEATHER: Any = {
    "type": "function", "name": "weather", "strict": True,
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
}  # fmt: skip
CHAT_USAGE = {"prompt_tokens": 20, "completion_tokens": 9, "total_tokens": 29,
              "prompt_tokens_details": {"cached_tokens": 4},
              "completion_tokens_details": {"reasoning_tokens": 3}}  # fmt: skip
COST = 16 * 1_000 + 4 * 1_000 + 9 * 2_000  # nano-USD: $1 and $2 per million, cached as input


def chat(message: dict[str, Any], finish: str = "stop") -> dict[str, Any]:
    choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": finish}
    return {"id": "c1", "choices": [choice], "usage": CHAT_USAGE}


def chunks(*deltas: dict[str, Any], finish: str = "stop") -> list[dict[str, Any]]:
    made = [{"id": "c1", "choices": [{"index": 0, "delta": delta, "finish_reason": None}]}
            for delta in deltas]  # fmt: skip
    made.append({"id": "c1", "choices": [{"index": 0, "delta": {}, "finish_reason": finish}]})
    return [*made, {"id": "c1", "choices": [], "usage": CHAT_USAGE}]


async def test_an_upstream_that_speaks_it_gets_the_callers_bytes_and_stores_nothing(
    wired: Wired,
) -> None:
    wired.own.says(response(thought(), text("Hallo")))
    raw = b'[{"role":"user",  "content":"\\u00e9 1.50"}]'
    body = b'{"model":"own/model","input":%b,"max_output_tokens":50,"store":false}' % raw
    async with wired.product.http() as http:
        headers = {"content-type": "application/json"}
        answer = await http.post("/v1/responses", content=body, headers=headers)
    said = answer.json()
    asked = wired.own.asked[0]
    assert asked.path == "/v1/responses"
    assert raw in asked.raw
    assert (asked.body["store"], asked.body["model"]) == (False, "own/model-upstream")
    assert asked.body["max_output_tokens"] == 50
    assert said["output"] == [thought(), text("Hallo")]
    assert (said["id"], said["model"]) == (answer.headers["x-generation-id"], "own/model")
    assert f'"cost":{usd(COST)}' in answer.text
    assert "billing" not in said


@pytest.mark.parametrize("step", [0, 1])
async def test_a_native_stream_passes_event_by_event(wired: Wired, step: int) -> None:
    wired.own.step = step
    sent = stream(thought("s", "First."), text("Grüße 🙂"), call("weather", '{"city":"Ulm"}'))
    wired.own.streams(sent)
    made = await wired.client().responses.create(
        model="own/model", input="hi", stream=True, tools=[WEATHER]
    )
    events = [event async for event in made]
    assert [event.type for event in events] == [event["type"] for event in sent]
    assert [event.sequence_number for event in events] == list(range(len(sent)))
    final: Any = events[-1]
    assert final.response.output_text == "Grüße 🙂"
    assert final.response.usage.model_extra["cost"] == float(usd(COST))
    assert final.response.id == events[0].response.id  # type: ignore[union-attr]
    assert final.response.id.startswith("gen_")


@pytest.mark.parametrize("model", ["own/model", "plain/model"])
async def test_the_stream_helper_reads_both_kinds(wired: Wired, model: str) -> None:
    wired.own.streams(stream(thought("s", "First."), text("Hallo Welt")))
    said = ({"reasoning": "Fir"}, {"reasoning": "st."}, {"content": "Hallo "}, {"content": "Welt"})
    wired.plain.streams(chunks(*said), named=False, done=True)
    async with wired.client().responses.stream(model=model, input="hi") as helper:
        kinds = [event.type async for event in helper]
        final = await helper.get_final_response()
    assert final.output_text == "Hallo Welt"
    assert kinds[0] == "response.created"
    assert kinds[-1] == "response.completed"
    assert [item.type for item in final.output] == ["reasoning", "message"]
    assert final.usage is not None
    assert final.usage.input_tokens_details.cached_tokens == 4


async def test_a_chat_model_answers_in_items(wired: Wired) -> None:
    tool = {"id": "call_9", "type": "function", "function": {"name": "weather", "arguments": "{}"}}
    wired.plain.says(
        chat({"content": "Look", "reasoning": "Hm.", "tool_calls": [tool]}, "tool_calls")
    )
    before = await wired.product.balance()
    made = await wired.client().responses.create(
        model="plain/model",
        instructions="Be kind.",
        input=[{"role": "user", "content": [{"type": "input_text", "text": "hi"}]}],
        tools=[WEATHER],
        tool_choice={"type": "function", "name": "weather"},
        text={"format": {"type": "json_schema", "name": "n", "schema": {"type": "object"}}},
        max_output_tokens=40,
        temperature=0.5,
        metadata={"k": "v"},
    )
    asked = wired.plain.asked[0].body
    assert asked["messages"] == [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": [{"type": "text", "text": "hi"}]},
    ]
    assert asked["tools"][0]["function"]["name"] == "weather"
    assert asked["tool_choice"] == {"type": "function", "function": {"name": "weather"}}
    assert asked["response_format"]["json_schema"] == {"name": "n", "schema": {"type": "object"}}
    assert (asked["max_tokens"], asked["temperature"]) == (40, 0.5)
    assert [item.type for item in made.output] == ["reasoning", "message", "function_call"]
    called: Any = made.output[2]
    assert (called.call_id, called.name, called.arguments) == ("call_9", "weather", "{}")
    assert (made.status, made.temperature, made.metadata) == ("completed", 0.5, {"k": "v"})
    assert made.store is False  # type: ignore[attr-defined]
    after = await wired.product.balance()
    assert before.available - after.available == COST


async def test_made_events_come_in_order_and_add_up(wired: Wired) -> None:
    function = {"name": "weather", "arguments": ""}
    wired.plain.streams(
        chunks(
            {"role": "assistant", "content": ""},
            {"reasoning": "Hm"},
            {"content": "Lo"},
            {"content": "ok"},
            {"tool_calls": [{"index": 0, "id": "a", "type": "function", "function": function}]},
            {"tool_calls": [{"index": 0, "function": {"arguments": '{"x"'}}]},
            {"tool_calls": [{"index": 0, "function": {"arguments": ":1}"}}]},
            {"tool_calls": [{"index": 1, "id": "b", "type": "function", "function": function}]},
            {"tool_calls": [{"index": 1, "function": {"arguments": "{}"}}]},
            finish="tool_calls",
        ),
        named=False,
        done=True,
    )
    made = await wired.client().responses.create(
        model="plain/model", input="hi", stream=True, tools=[WEATHER]
    )
    events: list[Any] = [event async for event in made]
    kinds = [event.type.removeprefix("response.") for event in events]
    assert kinds == [
        "created", "in_progress",
        "output_item.added", "content_part.added", "reasoning_text.delta",
        "reasoning_text.done", "content_part.done", "output_item.done",
        "output_item.added", "content_part.added", "output_text.delta", "output_text.delta",
        "output_text.done", "content_part.done", "output_item.done",
        "output_item.added", "function_call_arguments.delta", "function_call_arguments.delta",
        "function_call_arguments.done", "output_item.done",
        "output_item.added", "function_call_arguments.delta",
        "function_call_arguments.done", "output_item.done",
        "completed",
    ]  # fmt: skip
    assert [event.sequence_number for event in events] == list(range(len(events)))
    final = events[-1].response
    done = [event.item for event in events if event.type == "response.output_item.done"]
    assert [item.to_dict() for item in final.output] == [item.to_dict() for item in done]
    assert final.output_text == "Look"
    assert [item.arguments for item in final.output if item.type == "function_call"] == [
        '{"x":1}', "{}",
    ]  # fmt: skip


@pytest.mark.parametrize("model", ["own/model", "plain/model"])
@pytest.mark.parametrize("streamed", [False, True])
async def test_a_cut_answer_is_incomplete_and_says_why(
    wired: Wired, model: str, streamed: bool
) -> None:
    end = response(text("Ha"), status="incomplete",
                   incomplete_details={"reason": "max_output_tokens"})  # fmt: skip
    if streamed:
        wired.own.streams(stream(text("Ha"), end=end))
        wired.plain.streams(chunks({"content": "Ha"}, finish="length"), named=False, done=True)
        made = await wired.client().responses.create(model=model, input="hi", stream=True)
        events: list[Any] = [event async for event in made]
        assert events[-1].type == "response.incomplete"
        final = events[-1].response
    else:
        wired.own.says(end)
        wired.plain.says(chat({"content": "Ha"}, "length"))
        final = await wired.client().responses.create(model=model, input="hi")
    assert (final.status, final.incomplete_details.reason) == ("incomplete", "max_output_tokens")
    assert final.output_text == "Ha"


SIGNED = [
    {"type": "reasoning.text", "text": "Hm.", "signature": "sig==", "index": 0,
     "format": "anthropic-claude-v1"},
    {"type": "reasoning.encrypted", "data": "blob", "id": "call_9", "index": 1,
     "format": "google-gemini-v1"},
]  # fmt: skip


@pytest.mark.parametrize("streamed", [False, True])
async def test_signed_reasoning_of_others_comes_back_unchanged(
    wired: Wired, streamed: bool
) -> None:
    tool = {"index": 0, "id": "call_9", "type": "function",
            "function": {"name": "weather", "arguments": "{}"}}  # fmt: skip
    client = wired.client()
    if streamed:
        first = {**SIGNED[0]}
        del first["signature"]
        last = {
            "type": "reasoning.text",
            "signature": "sig==",
            "index": 0,
            "format": first["format"],
        }
        wired.plain.streams(
            chunks(
                {"reasoning": "Hm.", "reasoning_details": [first]},
                {"reasoning_details": [last]},
                {"reasoning_details": [SIGNED[1]], "tool_calls": [tool]},
                finish="tool_calls",
            ),
            named=False, done=True,
        )  # fmt: skip
        made = await client.responses.create(model="plain/model", input="hi", stream=True)
        output = [event async for event in made][-1].response.output
    else:
        message = {"reasoning": "Hm.", "reasoning_details": SIGNED, "tool_calls": [tool]}
        wired.plain.says(chat(message, "tool_calls"))
        output = (await client.responses.create(model="plain/model", input="hi")).output
    wired.plain.answers.clear()
    wired.plain.says(chat({"content": "Done"}))
    back: Any = [item.model_dump(exclude_none=True) for item in output]
    back.append({"type": "function_call_output", "call_id": "call_9", "output": "sunny"})
    await client.responses.create(model="plain/model", input=back)
    messages = wired.plain.asked[-1].body["messages"]
    assert messages[0]["reasoning_details"] == SIGNED
    assert messages[0]["tool_calls"][0]["id"] == "call_9"
    assert messages[1] == {"role": "tool", "tool_call_id": "call_9", "content": "sunny"}
    wired.own.says(response(text("ok")))
    await client.responses.create(model="own/model", input=back)
    kinds = [item.get("type") for item in wired.own.asked[-1].body["input"]]
    assert kinds == ["function_call", "function_call_output"]  # a seal of ours goes to nobody else


async def test_encrypted_reasoning_goes_round_through_chat(wired: Wired) -> None:
    wired.own.says(response(thought("secret", "Hm."), call("weather", "{}")))
    client = wired.client(_strict_response_validation=False)
    made = await client.chat.completions.create(
        model="own/only",
        messages=[{"role": "user", "content": "hi"}],
        reasoning_effort="low",
        tools=[{"type": "function", "function": {"name": "weather", "parameters": {}}}],
    )
    asked = wired.own.asked[0].body
    assert asked["include"] == ["reasoning.encrypted_content"]
    assert asked["tools"] == [
        {"type": "function", "strict": False, "name": "weather", "parameters": {}}
    ]
    assert asked["reasoning"] == {"effort": "low"}
    message: Any = made.choices[0].message
    assert made.choices[0].finish_reason == "tool_calls"
    assert message.reasoning == "Hm."
    tool = {"role": "tool", "tool_call_id": "call_1", "content": "sunny"}
    await client.chat.completions.create(
        model="own/only", messages=[message.model_dump(exclude_none=True), tool]
    )
    sent = wired.own.asked[1].body["input"]
    assert sent[0] == {**thought("secret", "Hm.")}
    assert sent[1]["call_id"] == sent[2]["call_id"] == "call_1"
    assert (sent[2]["type"], sent[2]["output"]) == ("function_call_output", "sunny")


async def test_a_chat_stream_of_a_responses_model(wired: Wired) -> None:
    wired.own.streams(stream(thought("s", "Hm."), text("Hallo"), call("weather", "{}")))
    made = await wired.client(_strict_response_validation=False).chat.completions.create(
        model="own/only", messages=[{"role": "user", "content": "hi"}], stream=True
    )
    parts = [chunk async for chunk in made]
    deltas: list[Any] = [chunk.choices[0].delta for chunk in parts if chunk.choices]
    assert "".join(delta.content or "" for delta in deltas) == "Hallo"
    assert parts[-1].usage is not None
    assert parts[-1].usage.completion_tokens == 9
    assert [c.choices[0].finish_reason for c in parts if c.choices][-1] == "tool_calls"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("previous_response_id", "resp_1"),
        ("conversation", "conv_1"),
        ("background", True),
        ("prompt", {"id": "pmpt_1"}),
        ("input", [{"type": "item_reference", "id": "msg_1"}]),
    ],
)
async def test_what_would_need_something_kept_is_refused(
    wired: Wired, field: str, value: Any
) -> None:
    body = {"model": "own/model", "input": "hi", field: value}
    async with wired.product.http() as http:
        answer = await http.post("/v1/responses", json=body)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["charged"]) == (400, "stateless_only", "0")
    assert error["param"].startswith(field)
    assert wired.own.asked == []


async def test_store_is_a_warning_and_strictly_an_error(wired: Wired) -> None:
    wired.own.says(response(text("ok")))
    raw = await wired.client().responses.with_raw_response.create(
        model="own/model", input="hi", store=True
    )
    assert raw.headers["x-alltoken-warnings"] == "unsupported_parameter:store"
    assert wired.own.asked[0].body["store"] is False
    with pytest.raises(openai.BadRequestError) as caught:
        await wired.client().responses.create(
            model="own/model", input="hi", store=True, extra_headers={"x-alltoken-strict": "1"}
        )
    assert caught.value.code == "stateless_only"


@pytest.mark.parametrize("method", ["GET", "DELETE"])
async def test_there_is_nothing_to_fetch(wired: Wired, method: str) -> None:
    async with wired.product.http() as http:
        answer = await http.request(method, "/v1/responses/resp_1")
    assert answer.status_code == 404
    assert "keeps no responses" in answer.json()["error"]["message"]


@pytest.mark.parametrize("kind", ["file_search", "code_interpreter", "image_generation", "mcp"])
async def test_tools_without_a_price_are_refused(wired: Wired, kind: str) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        await wired.client().responses.create(model="own/model", input="hi", tools=[{"type": kind}])
    assert (caught.value.code, caught.value.param) == ("unsupported_tool", "tools[0].type")


async def test_what_only_the_dialect_can_say_warns_elsewhere(wired: Wired) -> None:
    wired.own.says(response(text("ok")))
    wired.plain.says(chat({"content": "ok"}))
    tools: Any = [WEATHER, {"type": "local_shell"}]
    for model, warned in (("own/model", False), ("plain/model", True)):
        raw = await wired.client().responses.with_raw_response.create(
            model=model, input="hi", tools=tools
        )
        warnings = raw.headers.get("x-alltoken-warnings", "")
        assert ("unsupported_parameter:tools.local_shell" in warnings) is warned
    assert [tool["type"] for tool in wired.own.asked[0].body["tools"]] == [
        "function",
        "local_shell",
    ]
    assert [tool["type"] for tool in wired.plain.asked[0].body["tools"]] == ["function"]


@pytest.mark.parametrize("model", ["own/model", "plain/model"])
async def test_an_answer_that_breaks_off_is_a_failed_response(wired: Wired, model: str) -> None:
    wired.own.streams(stream(text("Hallo"))[:6])
    wired.plain.streams(chunks({"content": "Hal"})[:1], named=False)
    wired.own.cut = wired.plain.cut = True
    before = await wired.product.balance()
    made = await wired.client().responses.create(model=model, input="hi", stream=True)
    events: list[Any] = [event async for event in made]
    assert events[-1].type == "response.failed"
    failed = events[-1].response
    assert (failed.status, failed.error.code) == ("failed", "server_error")
    assert failed.error.type == "upstream_stream_interrupted"
    after = await wired.product.balance()
    assert failed.error.model_extra["charged"] == usd(before.available - after.available)


async def test_an_upstreams_refusals_keep_their_meaning(wired: Wired) -> None:
    said = {"message": "Your input exceeds the context window.", "code": "context_length_exceeded",
            "type": "invalid_request_error", "param": "input"}  # fmt: skip
    wired.own.says({"error": said}, status=400)
    with pytest.raises(openai.BadRequestError) as caught:
        await wired.client().responses.create(model="own/model", input="hi")
    assert caught.value.code == "context_length_exceeded"
    wired.own.answers.clear()
    failed = response(status="failed", error={"code": "rate_limit_exceeded", "message": "slow"})
    wired.own.streams([{"type": "response.failed", "response": failed, "sequence_number": 0}])
    with pytest.raises(openai.RateLimitError):
        await wired.client().responses.create(model="own/model", input="hi", stream=True)


async def test_what_begins_in_one_dialect_may_be_served_in_another(wired: Wired) -> None:
    wired.own.says({"error": {"message": "oops", "code": "server_error"}}, status=500)
    wired.plain.streams(chunks({"content": "Hallo"}), named=False, done=True)
    made = await wired.client().responses.create(
        model="both/model",
        input="hi",
        stream=True,
        extra_body={"provider": {"order": ["own", "plain"]}},
    )
    events: list[Any] = [event async for event in made]
    assert [asked.path for asked in wired.own.asked] == ["/v1/responses"] * 2
    assert [asked.path for asked in wired.plain.asked] == ["/v1/chat/completions"]
    assert events[-1].response.output_text == "Hallo"
    assert [event.sequence_number for event in events] == list(range(len(events)))


async def test_under_openrouters_mount_errors_have_its_shape(wired: Wired) -> None:
    async with wired.product.http() as http:
        answer = await http.post("/api/v1/responses", json={"model": "own/model", "input": ""})
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (400, 400)
    assert error["metadata"]["error_type"] == "invalid_value"


async def test_an_upstream_that_ignores_its_limit_is_ended_in_good_order(wired: Wired) -> None:
    wired.own.streams(stream(text("ab" * 200)))
    wired.own.step = 256
    made = await wired.client().responses.create(
        model="own/model", input="hi", stream=True, max_output_tokens=16
    )
    events: list[Any] = [event async for event in made]
    assert events[-1].type == "response.incomplete"
    final = events[-1].response
    assert final.incomplete_details.reason == "max_output_tokens"
    assert final.usage.output_tokens <= 16
    assert [event.sequence_number for event in events] == list(range(len(events)))


@pytest.mark.parametrize(
    "model",
    ["cut-stream", "stall", "malformed-sse", "silent-end", "endless", "missing-usage",
     "duplicate-usage", "split-bytes"],
)  # fmt: skip
async def test_hostile_streams_end_in_one_last_event(wired: Wired, model: str) -> None:
    before = await wired.product.balance()
    body = {"model": f"fault/{model}", "input": "hi", "stream": True, "max_output_tokens": 20}
    async with wired.product.http() as http:
        answer = await http.post("/v1/responses", json=body)
    after = await wired.product.balance()
    charged = usd(before.available - after.available)
    if answer.status_code != 200:
        assert (answer.json()["error"]["charged"], charged) == ("0", "0")
        return
    lines = [line[6:] for line in answer.text.splitlines() if line.startswith("data: ")]
    events = [json.loads(line) for line in lines]
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    assert {event["type"] for event in events}.isdisjoint({"error"})
    last = events[-1]["response"]
    if last["status"] == "failed":
        assert last["error"]["charged"] == charged
    else:
        assert last["alltoken"]["cost"] == charged


async def test_a_line_that_was_kept_alive_may_still_fail(wired: Wired) -> None:
    wired.product.plane.settings = wired.product.plane.settings.model_copy(
        update={"keep_alive": 0.1}
    )
    body = {"model": "fault/slow-first-token", "input": "hi", "stream": True}
    async with wired.product.http() as http:
        answer = await http.post("/v1/responses", json=body)
    assert answer.text.count(": keep-alive") >= 2
    kinds = [line[7:] for line in answer.text.splitlines() if line.startswith("event: ")]
    assert kinds == ["response.created", "response.in_progress", "response.failed"]
    failed = json.loads(answer.text.splitlines()[-2][6:])["response"]
    assert (failed["error"]["type"], failed["error"]["charged"]) == ("upstream_timeout", "0")


async def test_structured_answers_parse(wired: Wired) -> None:
    class City(pydantic.BaseModel):
        name: str

    wired.plain.says(chat({"content": '{"name":"Ulm"}'}))
    made = await wired.client().responses.parse(model="plain/model", input="hi", text_format=City)
    assert made.output_parsed == City(name="Ulm")
    sent = wired.plain.asked[0].body["response_format"]["json_schema"]
    assert (sent["name"], sent["strict"]) == ("City", True)
