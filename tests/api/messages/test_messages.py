"""alltoken_app/api/messages, through the official client"""

import json
from typing import Any

import anthropic
import pytest

from alltoken_app.money import usd
from alltoken_app.providers.dialects.anthropic_messages import BEDROCK, AnthropicMessages
from alltoken_app.providers.dialects.openai_chat import OpenAIChat
from alltoken_app.providers.quirks import Quirks
from alltoken_app.providers.table import Connection, fixed
from alltoken_app.services import generations
from alltoken_app.settings import Settings
from tests.api.messages.conftest import CLAUDE, OPEN, Shop, trading
from tests.api.messages.upstream import Answer
from tests.providers.dialects import anthropic_case as case

HI: list[Any] = [{"role": "user", "content": "hi"}]
TOOL: Any = {
    "name": "go", "description": "Goes.",
    "input_schema": {"type": "object", "properties": {"x": {"type": "integer"}}},
}  # fmt: skip
USED = {
    "prompt_tokens": 50, "completion_tokens": 9, "total_tokens": 59,
    "prompt_tokens_details": {"cached_tokens": 30},
    "completion_tokens_details": {"reasoning_tokens": 4},
}  # fmt: skip


def completion(message: case.Json, finish: str = "stop") -> case.Json:
    """A whole answer of an OpenAI-shaped upstream."""
    choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": finish}
    return {"id": "c1", "object": "chat.completion", "choices": [choice], "usage": USED}


def chunks(*deltas: case.Json, finish: str = "stop") -> bytes:
    """A streamed answer of an OpenAI-shaped upstream."""
    found: list[case.Json] = [
        {"id": "c1", "choices": [{"index": 0, "delta": delta, "finish_reason": None}]}
        for delta in ({"role": "assistant", "content": ""}, *deltas)
    ]
    found.append({"id": "c1", "choices": [{"index": 0, "delta": {}, "finish_reason": finish}]})
    found.append({"id": "c1", "choices": [], "usage": USED})
    lines = [f"data: {json.dumps(chunk)}\n\n".encode() for chunk in found]
    return b"".join(lines) + b"data: [DONE]\n\n"


def part(index: int, arguments: str = "", name: str = "", call_id: str = "") -> case.Json:
    function: case.Json = {"arguments": arguments} | ({"name": name} if name else {})
    call: case.Json = {"index": index, "function": function}
    return {"tool_calls": [call | ({"id": call_id, "type": "function"} if call_id else {})]}


async def streamed(shop: Shop, model: str, **more: Any) -> tuple[list[str], Any]:
    """The types of a stream's events, and the message they add up to."""
    asked = {"max_tokens": 3_000, "messages": HI, **more}
    async with shop.client().messages.stream(model=model, **asked) as stream:
        kinds = [event.type async for event in stream if event.type not in ("text", "input_json")]
        return kinds, await stream.get_final_message()


async def test_an_upstream_of_the_dialect_is_passed_through(shop: Shop) -> None:
    system: Any = [{"type": "text", "text": "Be.", "cache_control": {"type": "ephemeral"}}]
    shop.upstream.plays(Answer(case.message(case.text("hello"), case.tool_use("go", {"x": 1}))))
    raw = await shop.client().messages.with_raw_response.create(
        model=CLAUDE, max_tokens=3_000, messages=HI, system=system, tools=[TOOL],
        tool_choice={"type": "auto", "disable_parallel_tool_use": True},
        thinking={"type": "enabled", "budget_tokens": 1_024},
        extra_headers={"anthropic-beta": "effort-2025-11-24, fast-mode-2026-02-01"},
    )  # fmt: skip
    answer: Any = await raw.parse()
    sent, headers = shop.upstream.bodies[0], shop.upstream.headers[0]
    assert shop.upstream.paths == ["/v1/messages"]
    assert (sent["system"], sent["tools"], sent["messages"]) == (system, [TOOL], HI)
    assert sent["model"] == "claude-sonnet-4-5"
    assert (headers["x-api-key"], headers["anthropic-beta"]) == ("sk-up", "effort-2025-11-24")
    assert [block.type for block in answer.content] == ["text", "tool_use"]
    assert (answer.id, answer.model) == (raw.headers["x-generation-id"], CLAUDE)
    assert answer.usage.cache_read_input_tokens == 100
    assert usd(int(answer.usage.cost * 10**9)) == raw.headers["x-alltoken-cost"]
    assert "unsupported_beta:fast-mode-2026-02-01" in raw.headers["x-alltoken-warnings"]
    assert raw.headers["request-id"] == raw.headers["x-request-id"]
    assert int(raw.headers["anthropic-ratelimit-requests-remaining"]) > 0
    assert raw.headers["anthropic-ratelimit-requests-reset"].endswith("Z")


@pytest.mark.parametrize("step", [0, 1, 50])
async def test_a_stream_of_the_dialect_is_passed_through(shop: Shop, step: int) -> None:
    document = case.message(
        case.thinking("hm", "U0lH"), case.text("hëllo"), case.tool_use("go", {"x": 1}),
        stop="tool_use",
    )  # fmt: skip
    before = await shop.product.balance()
    shop.upstream.plays(Answer(events=case.sse(case.events(document)), step=step))
    kinds, message = await streamed(shop, CLAUDE, tools=[TOOL])
    assert kinds[0] == "message_start"
    assert kinds[-2:] == ["message_delta", "message_stop"]
    assert [block.type for block in message.content] == ["thinking", "text", "tool_use"]
    assert (message.content[0].thinking, message.content[0].signature) == ("hm", "U0lH")
    assert (message.content[1].text, message.content[2].input) == ("hëllo", {"x": 1})
    assert message.stop_reason == "tool_use"
    assert message.usage.output_tokens == 40
    assert message.id.startswith("gen_")
    after = await shop.product.balance()
    assert before.available - after.available == 127 * 3_000 + 40 * 15_000


async def test_claude_on_bedrock_answers_both_clients(shop: Shop) -> None:
    aws = AnthropicMessages(BEDROCK)
    shop.product.plane.connections["claude"] = Connection("claude", aws, fixed(shop.upstream.url))
    document = case.message(case.text("hëllo"), case.tool_use("go", {"x": 1}), stop="tool_use")
    frames = Answer(events=case.frames(case.events(document)), step=7,
                    kind="application/vnd.amazon.eventstream")  # fmt: skip
    shop.upstream.plays(frames, frames, Answer(document))
    _, message = await streamed(shop, CLAUDE, tools=[TOOL])
    assert (message.content[0].text, message.content[1].input) == ("hëllo", {"x": 1})
    stream = await shop.product.client().chat.completions.create(
        model=CLAUDE, max_tokens=99, messages=HI, stream=True
    )
    chunks = [chunk async for chunk in stream]
    assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices) == "hëllo"
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.prompt_tokens == 127
    whole = await shop.client().messages.create(model=CLAUDE, max_tokens=9, messages=HI)
    assert whole.stop_reason == "tool_use"
    assert shop.upstream.paths == [
        "/model/claude-sonnet-4-5/invoke-with-response-stream",
        "/model/claude-sonnet-4-5/invoke-with-response-stream",
        "/model/claude-sonnet-4-5/invoke",
    ]


async def test_the_responses_client_over_an_anthropic_upstream(shop: Shop) -> None:
    document = case.message(
        case.thinking("hm", "U0lH"), case.text("so"), case.tool_use("go", {"x": 1}, "toolu_a"),
        stop="tool_use",
    )  # fmt: skip
    shop.upstream.plays(Answer(document), Answer(events=case.sse(case.events(document)), step=17))
    tool: Any = {"type": "function", "name": "go", "parameters": TOOL["input_schema"],
                 "strict": False}  # fmt: skip
    ask = shop.product.client().responses.create
    whole = await ask(model=CLAUDE, input="hi", max_output_tokens=99, tools=[tool])
    stream = await ask(model=CLAUDE, input="hi", max_output_tokens=99, tools=[tool], stream=True)
    last: Any = [event async for event in stream][-1]
    for answer in (whole, last.response):
        calls = [item for item in answer.output if item.type == "function_call"]
        assert [(c.call_id, c.name, json.loads(c.arguments)) for c in calls] == [
            ("toolu_a", "go", {"x": 1})
        ]
        assert answer.output_text == "so"
        assert (answer.usage.input_tokens, answer.usage.output_tokens) == (127, 40)


async def test_a_whole_answer_of_another_model_in_the_dialect(shop: Shop) -> None:
    call = {"id": "call_1", "type": "function", "function": {"name": "go", "arguments": '{"x":1}'}}
    shop.upstream.plays(Answer(completion({"content": "so", "tool_calls": [call]}, "tool_calls")))
    answer: Any = await shop.client().messages.create(
        model=OPEN, max_tokens=100, messages=HI, system="Be.", tools=[TOOL],
        stop_sequences=["x"], tool_choice={"type": "tool", "name": "go"},
        extra_body={"temperature": 0.5},
    )  # fmt: skip
    sent = shop.upstream.bodies[0]
    assert sent["messages"] == [{"role": "system", "content": "Be."}, *HI]
    assert sent["tools"] == [{"type": "function", "function": {
        "name": "go", "description": "Goes.", "parameters": TOOL["input_schema"]}}]  # fmt: skip
    assert sent["tool_choice"] == {"type": "function", "function": {"name": "go"}}
    assert (sent["temperature"], sent["stop"], sent["max_tokens"]) == (0.5, ["x"], 100)
    assert [block.type for block in answer.content] == ["text", "tool_use"]
    assert (answer.content[1].id, answer.content[1].input) == ("call_1", {"x": 1})
    assert answer.stop_reason == "tool_use"
    used = answer.usage
    assert (used.input_tokens, used.cache_read_input_tokens, used.output_tokens) == (20, 30, 9)
    assert used.output_tokens_details.thinking_tokens == 4


async def test_no_argument_of_a_call_is_lost_in_a_stream(shop: Shop) -> None:
    """Complaint 26: parallel calls, interleaved, next to text, one without arguments."""
    shop.upstream.plays(Answer(events=chunks(
        {"content": "Let me "}, {"content": "see."},
        part(0, name="go", call_id="call_a"), part(0, '{"x"'),
        part(1, name="go", call_id="call_b"), part(0, ":1}"), part(1, '{"x":'), part(1, "2}"),
        part(2, name="go", call_id="call_c"), {"content": " Done."}, finish="tool_calls",
    ), step=11))  # fmt: skip
    _, message = await streamed(shop, OPEN, tools=[TOOL])
    calls = {b.id: b.input for b in message.content if b.type == "tool_use"}
    assert calls == {"call_a": {"x": 1}, "call_b": {"x": 2}, "call_c": {}}
    assert "".join(b.text for b in message.content if b.type == "text") == "Let me see. Done."
    assert message.stop_reason == "tool_use"
    assert message.usage.input_tokens == 20
    assert message.usage.cache_read_input_tokens == 30


async def test_reasoning_of_another_model_is_thinking_for_whoever_asked(shop: Shop) -> None:
    answer = {"reasoning_content": "hm", "content": "so"}
    shop.upstream.plays(*[Answer(completion(answer))] * 2, Answer(events=chunks(
        {"reasoning": "h"}, {"reasoning": "m"}, {"content": "so"},
    )))  # fmt: skip
    ask = shop.client().messages.create
    plain: Any = await ask(model=OPEN, max_tokens=2_000, messages=HI)
    assert [block.type for block in plain.content] == ["text"]
    thinking: Any = {"type": "enabled", "budget_tokens": 1_024}
    asked: Any = await ask(model=OPEN, max_tokens=2_000, messages=HI, thinking=thinking)
    assert [block.type for block in asked.content] == ["thinking", "text"]
    _, message = await streamed(shop, OPEN, thinking=thinking)
    assert message.content[0].thinking == "hm"


async def test_what_the_dialect_has_no_room_for_is_said(shop: Shop) -> None:
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA"}}
    shop.upstream.plays(
        Answer(completion({"content": "so", "images": [picture]})),
        Answer(events=chunks({"content": "so"}, {"images": [picture]})),
    )
    whole: Any = await shop.client().messages.create(model=OPEN, max_tokens=9, messages=HI)
    assert whole.alltoken["warnings"] == ["untranslated:images"]
    body = {"model": OPEN, "max_tokens": 9, "messages": HI, "stream": True}
    async with shop.product.http() as http:
        answer = await http.post("/v1/messages", json=body)
    assert '"warnings":["untranslated:images"]' in answer.text


async def test_thoughts_of_another_maker_come_back_whole(shop: Shop) -> None:
    """Complaint 28: an opaque signature travels through Anthropic's blocks and back."""
    speaks = OpenAIChat(Quirks(reasoning="reasoning"))
    shop.product.plane.connections["open"] = Connection("open", speaks, fixed(shop.upstream.url))
    sealed = {"type": "reasoning.encrypted", "data": "U0lH+/==", "id": "call_1",
              "format": "google-gemini-v1", "index": 0}  # fmt: skip
    call = {"id": "call_1", "type": "function", "function": {"name": "go", "arguments": "{}"}}
    said = {"content": None, "reasoning_details": [sealed], "tool_calls": [call]}
    shop.upstream.plays(
        Answer(completion(said, "tool_calls")), Answer(completion({"content": "k"}))
    )
    ask = shop.client().messages.create
    first: Any = await ask(model=OPEN, max_tokens=99, messages=HI, tools=[TOOL])
    assert [block.type for block in first.content] == ["redacted_thinking", "tool_use"]
    result = {"type": "tool_result", "tool_use_id": "call_1", "content": "r", "is_error": False}
    turns: Any = [*HI, {"role": "assistant", "content": first.content},
                  {"role": "user", "content": [result]}]  # fmt: skip
    await ask(model=OPEN, max_tokens=99, messages=turns, tools=[TOOL])
    sent = shop.upstream.bodies[1]["messages"]
    assert sent[1]["reasoning_details"] == [sealed]
    assert sent[2] == {"role": "tool", "tool_call_id": "call_1", "content": "r"}


async def test_thoughts_of_another_maker_never_reach_claude(shop: Shop) -> None:
    shop.upstream.plays(Answer(completion({"reasoning": "hm", "content": "so"})),
                        Answer(case.message(case.text("k"))))  # fmt: skip
    ask = shop.client().messages.create
    thinking: Any = {"type": "enabled", "budget_tokens": 1_024}
    first: Any = await ask(model=OPEN, max_tokens=2_000, messages=HI, thinking=thinking)
    turns: Any = [*HI, {"role": "assistant", "content": first.content}, *HI]
    answer: Any = await ask(model=CLAUDE, max_tokens=2_000, messages=turns, thinking=thinking)
    assert shop.upstream.bodies[1]["messages"][1]["content"] == [{"type": "text", "text": "so"}]
    assert shop.upstream.bodies[1]["thinking"] == thinking
    assert answer.content[0].text == "k"


async def test_claudes_thinking_round_trips_byte_for_byte(shop: Shop) -> None:
    document = case.message(case.thinking("hm", "U0lH+/=="), case.tool_use("go", {"x": 1}))
    shop.upstream.plays(Answer(events=case.sse(case.events(document))),
                        Answer(case.message(case.text("k"))))  # fmt: skip
    thinking = {"type": "enabled", "budget_tokens": 1_024}
    _, first = await streamed(shop, CLAUDE, tools=[TOOL], thinking=thinking)
    result = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "r"}
    turns: Any = [*HI, first.to_param(), {"role": "user", "content": [result]}]
    await shop.client().messages.create(
        model=CLAUDE, max_tokens=3_000, messages=turns, tools=[TOOL], thinking=thinking  # type: ignore[arg-type]
    )  # fmt: skip
    block = shop.upstream.bodies[1]["messages"][1]["content"][0]
    assert (block["thinking"], block["signature"]) == ("hm", "U0lH+/==")


async def test_the_other_dialect_over_an_anthropic_upstream(shop: Shop) -> None:
    """Complaint 27: index, id and name of every call, next to text."""
    calls = [case.tool_use("go", {"x": 1}, "toolu_a"), case.tool_use("go", {"x": 2}, "toolu_b")]
    document = case.message(case.text("so"), *calls, stop="tool_use")
    shop.upstream.plays(Answer(events=case.sse(case.events(document)), step=13),
                        Answer(document))  # fmt: skip
    tool: Any = {"type": "function", "function": {
        "name": "go", "parameters": TOOL["input_schema"]}}  # fmt: skip
    ask = shop.product.client().chat.completions.create
    stream = await ask(model=CLAUDE, max_tokens=99, messages=HI, tools=[tool], stream=True)
    found: dict[int, list[str]] = {}
    async for chunk in stream:
        for choice in chunk.choices:
            for call in choice.delta.tool_calls or ():
                assert call.function is not None
                one = found.setdefault(call.index, [call.id or "", call.function.name or "", ""])
                one[2] += call.function.arguments or ""
        last = chunk
    assert found == {0: ["toolu_a", "go", '{"x": 1}'], 1: ["toolu_b", "go", '{"x": 2}']}
    assert last.usage is not None
    assert last.usage.prompt_tokens == 127
    whole = await ask(model=CLAUDE, max_tokens=99, messages=HI, tools=[tool])
    assert [c.id for c in whole.choices[0].message.tool_calls or ()] == ["toolu_a", "toolu_b"]
    assert whole.choices[0].finish_reason == "tool_calls"


@pytest.mark.parametrize(
    ("body", "status", "kind", "param"),
    [
        ({"messages": HI}, 400, "invalid_request_error", "max_tokens"),
        ({"messages": [], "max_tokens": 1}, 400, "invalid_request_error", "messages"),
        ({"messages": [{"role": "tool", "content": "x"}], "max_tokens": 1}, 400,
         "invalid_request_error", "messages[0].role"),
        ({"messages": [{"role": "user", "content": [{"type": "text", "text": 5}]}],
          "max_tokens": 1}, 400, "invalid_request_error", "messages[0].content[0].text"),
        ({"messages": HI, "max_tokens": 1, "temperature": 2}, 400, "invalid_request_error",
         "temperature"),
        ({"messages": HI, "max_tokens": 1, "tools": [{"type": "code_execution_20260120",
          "name": "x"}]}, 400, "invalid_request_error", "tools[0].type"),
        ({"messages": [{"role": "user", "content": [{"type": "image", "source": {
          "type": "file", "file_id": "f"}}]}], "max_tokens": 1}, 400, "invalid_request_error",
         "messages[0].content[0].source"),
        ({"model": "no/such", "messages": HI, "max_tokens": 1}, 404, "not_found_error", "model"),
    ],
)  # fmt: skip
async def test_what_is_wrong_is_named_in_anthropics_envelope(
    shop: Shop, body: case.Json, status: int, kind: str, param: str
) -> None:
    async with shop.product.http() as http:
        answer = await http.post("/v1/messages", json={"model": CLAUDE, **body})
    said = answer.json()
    assert (answer.status_code, said["type"], said["error"]["type"]) == (status, "error", kind)
    assert (said["error"]["param"], said["error"]["charged"]) == (param, "0")
    assert said["request_id"] == answer.headers["request-id"]
    assert shop.upstream.bodies == []


def refusal(kind: str, said: str = "no") -> case.Json:
    return {"type": "error", "error": {"type": kind, "message": said}}


@pytest.mark.parametrize(
    ("status", "kind", "raised", "code"),
    [
        (400, "invalid_request_error", anthropic.BadRequestError, "upstream_rejected"),
        (401, "authentication_error", anthropic.InternalServerError, "upstream_auth_error"),
        (429, "rate_limit_error", anthropic.RateLimitError, "upstream_rate_limited"),
        (529, "overloaded_error", anthropic.APIStatusError, "upstream_overloaded"),
    ],
)
async def test_refusals_of_the_provider_in_the_dialect(
    shop: Shop, status: int, kind: str, raised: type[anthropic.APIStatusError], code: str
) -> None:
    answer = Answer(refusal(kind), status=status, headers={"retry-after": "7"})
    shop.upstream.plays(answer, answer)
    with pytest.raises(raised) as caught:
        await shop.client().messages.create(model=CLAUDE, max_tokens=9, messages=HI)
    body: Any = caught.value.body
    assert (body["error"]["code"], body["error"]["charged"]) == (code, "0")
    if status in (429, 529):
        assert caught.value.status_code == status
        assert int(caught.value.response.headers["retry-after"]) == 7
        assert body["error"]["type"] == kind


async def test_a_prompt_that_is_too_long_says_so(shop: Shop) -> None:
    said = "prompt is too long: 250000 tokens > 200000 maximum"
    shop.upstream.plays(Answer(refusal("invalid_request_error", said), status=400))
    with pytest.raises(anthropic.BadRequestError) as caught:
        await shop.client().messages.create(model=CLAUDE, max_tokens=9, messages=HI)
    body: Any = caught.value.body
    assert body["error"]["code"] == "context_length_exceeded"
    assert body["error"]["provider_message"] == said


async def test_a_stream_that_breaks_off_ends_with_an_error_event(shop: Shop) -> None:
    events = case.events(case.message(case.text("word " * 40)))
    overloaded = refusal("overloaded_error")
    shop.upstream.plays(Answer(events=case.sse([*events[:9], overloaded])),
                        Answer(events=case.sse(events[:9]), torn=True))  # fmt: skip
    before = await shop.product.balance()
    for _ in range(2):
        with pytest.raises(anthropic.APIError) as caught:
            await streamed(shop, CLAUDE)
        body: Any = caught.value.body
        assert body["type"] == "error"
        assert float(body["error"]["charged"]) > 0
    assert (await shop.product.balance()).available < before.available


async def test_a_stream_that_outlives_its_money_ends_in_good_order(
    chosen: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(generations, "WINDOW", 40)
    async with trading(monkeypatch, credit=5_000_000) as shop:
        document = case.message(case.text("word " * 4_000))
        shop.upstream.plays(Answer(events=case.sse(case.events(document)), step=4_000, pause=0.01))
        kinds, message = await streamed(shop, CLAUDE, max_tokens=20_000)
        assert kinds[-3:] == ["content_block_stop", "message_delta", "message_stop"]
        assert message.stop_reason == "max_tokens"
        assert 0 < message.usage.output_tokens < 2_000
        assert 0 <= (await shop.product.balance()).available < 4_000_000


async def test_a_line_that_is_quiet_is_kept_alive_by_pings(shop: Shop) -> None:
    object.__setattr__(shop.product.plane.settings, "keep_alive", 0.05)
    events = case.events(case.message(case.text("slow")))
    shop.upstream.plays(Answer(events=case.sse(events), step=200, pause=0.12))
    body = {"model": CLAUDE, "max_tokens": 9, "messages": HI, "stream": True}
    async with shop.product.http() as http:
        answer = await http.post("/v1/messages", json=body)
    assert 'event: ping\ndata: {"type":"ping"}\n\n' in answer.text
    assert answer.text.rstrip().endswith('data: {"type":"message_stop"}')


async def test_more_output_than_the_model_gives_is_reduced_and_said(shop: Shop) -> None:
    shop.upstream.plays(Answer(completion({"content": "k"})))
    raw = await shop.client(timeout=9).messages.with_raw_response.create(
        model=OPEN, max_tokens=100_000, messages=HI
    )
    assert shop.upstream.bodies[0]["max_tokens"] == 64_000
    assert "reduced:max_tokens:64000" in raw.headers["x-alltoken-warnings"]


async def test_tokens_are_counted_for_free_and_marked_as_estimated(shop: Shop) -> None:
    before = await shop.product.balance()
    raw = await shop.client().messages.with_raw_response.count_tokens(
        model=CLAUDE, system="Be.", tools=[TOOL],
        messages=[{"role": "user", "content": "word " * 1_000}],
    )  # fmt: skip
    assert 1_000 <= (await raw.parse()).input_tokens <= 2_200
    assert raw.headers["x-alltoken-warnings"] == "estimated:input_tokens"
    assert await shop.product.balance() == before
    assert shop.upstream.bodies == []
    with pytest.raises(anthropic.NotFoundError):
        await shop.client().messages.count_tokens(model="no/such", messages=HI)


async def test_both_ways_to_show_a_key_open_the_door(shop: Shop) -> None:
    body = {"model": CLAUDE, "max_tokens": 9, "messages": HI}
    async with shop.product.http() as http:
        for path in ("/v1/messages", "/api/v1/messages"):
            shop.upstream.plays(Answer(case.message(case.text("k"))))
            headers = {"x-api-key": shop.product.key, "authorization": ""}
            del headers["authorization"]
            answer = await http.post(path, json=body, headers=headers)
            assert answer.status_code == 200, answer.text
    with pytest.raises(anthropic.AuthenticationError):
        await shop.client(api_key="atk_test_wrong").messages.create(**body)  # type: ignore[call-overload]
