"""alltoken_app/engines/server.py, completions.py, smollm.py, minilm.py: the real models"""

import asyncio
import base64
import json
import struct
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest

from alltoken_app.engines.supervisor import LocalEngine
from alltoken_app.engines.weights import CHAT, EMBEDDINGS

pytestmark = [pytest.mark.local_models, pytest.mark.asyncio(loop_scope="module")]

CANARY = "xylophone-canary-4711"
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Current weather in a city",
        "parameters": {
            "type": "object",
            "properties": {
                "city": {"type": "string"},
                "unit": {"enum": ["celsius", "fahrenheit"]},
            },
            "required": ["city", "unit"],
        },
    },
}
MAIL = {
    "type": "function",
    "function": {
        "name": "send_mail",
        "description": "Send an e-mail",
        "parameters": {
            "type": "object",
            "properties": {"to": {"type": "string"}, "text": {"type": "string"}},
            "required": ["to", "text"],
        },
    },
}
LONG = {"max_tokens": 2000, "messages": [{"role": "user", "content": "Tell a very long story."}]}
BIG = {"max_tokens": 9, "messages": [{"role": "user", "content": "hello big world " * 1200}]}


def asked(prompt: str, **more: Any) -> dict[str, Any]:
    return {"model": CHAT, "messages": [{"role": "user", "content": prompt}], **more}


async def answer(client: httpx.AsyncClient, prompt: str, **more: Any) -> dict[str, Any]:
    response = await client.post("/chat/completions", json=asked(prompt, **more))
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


async def streamed(client: httpx.AsyncClient, body: dict[str, Any]) -> list[dict[str, Any]]:
    body = {"model": CHAT, "stream": True, "stream_options": {"include_usage": True}, **body}
    found = []
    async with client.stream("POST", "/chat/completions", json=body) as response:
        async for line in response.aiter_lines():
            if line.startswith("data: {"):
                found.append(json.loads(line[6:]))
    return found


async def count(client: httpx.AsyncClient, **body: Any) -> int:
    url = str(client.base_url).replace("/v1/", "/tokenize")
    return int((await client.post(url, json=body)).json()["count"])


def text(chunks: list[dict[str, Any]]) -> str:
    return "".join(c["choices"][0]["delta"].get("content") or "" for c in chunks if c["choices"])


async def test_different_prompts_have_different_answers(client: httpx.AsyncClient) -> None:
    france = await answer(client, "What is the capital of France?", max_tokens=20, temperature=0)
    five = await answer(client, "Count to five.", max_tokens=20, temperature=0)
    assert "Paris" in france["choices"][0]["message"]["content"]
    assert "1" in five["choices"][0]["message"]["content"]


async def test_tokens_are_those_of_the_models_own_tokenizer(client: httpx.AsyncClient) -> None:
    strange = "Wie heißt die Hauptstadt? 首都は？ 🦊"
    prompt = "What is the capital of France?"
    usage = (await answer(client, strange, max_tokens=1))["usage"]
    assert usage["prompt_tokens"] == await count(client, **asked(strange))
    more = {"max_tokens": 30, "logprobs": True, "top_logprobs": 2, "temperature": 0}
    found = await answer(client, prompt, **more)
    usage, choice = found["usage"], found["choices"][0]
    extra = 1 if choice["finish_reason"] == "stop" else 0  # the end is a token too
    written = [part["token"] for part in choice["logprobs"]["content"]]
    assert usage["completion_tokens"] == len(written) + extra
    assert "".join(written) == choice["message"]["content"]
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
    assert await count(client, model=CHAT, text="Hello world") == 2
    assert await count(client, model=EMBEDDINGS, text="Hello world") == 4


async def test_a_stream_arrives_in_pieces_that_keep_count(client: httpx.AsyncClient) -> None:
    loop, arrivals, chunks = asyncio.get_running_loop(), [], []
    body = asked("Tell a story.", max_tokens=30, stream=True)
    async with client.stream("POST", "/chat/completions", json=body) as response:
        async for line in response.aiter_lines():
            if line.startswith("data: {"):
                arrivals.append(loop.time())
                chunks.append(json.loads(line[6:]))
    assert arrivals[-1] - arrivals[1] > 0.1
    counted = [c["timings"]["predicted_n"] for c in chunks if "timings" in c]
    assert counted == sorted(counted)
    assert counted[-1] <= 30
    assert all("usage" not in chunk for chunk in chunks)


async def test_streamed_and_whole_say_the_same_under_one_seed(client: httpx.AsyncClient) -> None:
    more = {"seed": 7, "temperature": 0.9, "max_tokens": 16}
    first = await answer(client, "Name a colour.", **more)
    again = await answer(client, "Name a colour.", **more)
    chunks = await streamed(client, asked("Name a colour.", **more))
    assert first["choices"] == again["choices"]
    assert text(chunks) == first["choices"][0]["message"]["content"]
    assert chunks[-1]["usage"] == first["usage"]


async def test_limits_are_kept(client: httpx.AsyncClient) -> None:
    more = {"max_completion_tokens": 5, "max_tokens": 50, "temperature": 0}
    cut = await answer(client, "Tell a very long story.", **more)
    assert cut["choices"][0]["finish_reason"] == "length"
    assert cut["usage"]["completion_tokens"] == 5
    stopped = await answer(client, "Count to five.", stop=["3"], temperature=0, max_tokens=60)
    assert stopped["choices"][0]["finish_reason"] == "stop"
    assert "3" not in stopped["choices"][0]["message"]["content"]


async def test_several_choices_are_all_counted(client: httpx.AsyncClient) -> None:
    more = {"n": 3, "max_tokens": 6, "seed": 1, "temperature": 1.5}
    found = await answer(client, "Say anything.", **more)
    one = await answer(client, "Say anything.", max_tokens=6)
    assert [choice["index"] for choice in found["choices"]] == [0, 1, 2]
    assert len({choice["message"]["content"] for choice in found["choices"]}) > 1
    assert found["usage"]["prompt_tokens"] == one["usage"]["prompt_tokens"]
    assert found["usage"]["completion_tokens"] > 6
    chunks = await streamed(client, asked("Say anything.", **more))
    assert {part["index"] for chunk in chunks for part in chunk["choices"]} == {0, 1, 2}
    assert chunks[-1]["usage"]["completion_tokens"] == chunks[-1]["timings"]["predicted_n"] > 6


async def test_a_json_schema_is_followed(client: httpx.AsyncClient) -> None:
    schema = {
        "type": "object",
        "properties": {
            "name": {"type": "string"},
            "age": {"type": "integer", "minimum": 0, "maximum": 120},
            "tags": {"type": "array", "items": {"enum": ["a", "b"]}},
        },
        "required": ["name", "age", "tags"],
    }
    wanted = {"type": "json_schema", "json_schema": {"name": "person", "schema": schema}}
    more = {"response_format": wanted, "max_tokens": 300}
    whole = (await answer(client, "Describe a person.", **more))["choices"][0]
    chunks = await streamed(client, asked("Describe a person.", **more))
    for written in (whole["message"]["content"], text(chunks)):
        person = json.loads(written)
        assert set(person) == {"name", "age", "tags"}
        assert isinstance(person["name"], str)
        assert 0 <= person["age"] <= 120
        assert set(person["tags"]) <= {"a", "b"}


async def test_any_json_object_comes_to_an_end(client: httpx.AsyncClient) -> None:
    more = {"response_format": {"type": "json_object"}, "max_tokens": 1500}
    found = (await answer(client, "Two colours as JSON.", **more))["choices"][0]
    assert isinstance(json.loads(found["message"]["content"]), dict)


async def test_a_forced_call_has_valid_arguments(client: httpx.AsyncClient) -> None:
    named = {"type": "function", "function": {"name": "get_weather"}}
    prompt = "What is the weather in Paris?"
    more = {"tools": [MAIL, WEATHER], "max_tokens": 200}
    [whole] = (await answer(client, prompt, tool_choice="required", **more))["choices"]
    chunks = await streamed(client, asked(prompt, tool_choice=named, **more))
    assert whole["finish_reason"] == chunks[-2]["choices"][0]["finish_reason"] == "tool_calls"
    [call] = whole["message"]["tool_calls"]
    deltas = [c["choices"][0]["delta"] for c in chunks if c["choices"]]
    calls = [delta["tool_calls"][0] for delta in deltas if "tool_calls" in delta]
    pieces = "".join(piece["function"]["arguments"] for piece in calls)
    assert call["function"]["name"] == calls[0]["function"]["name"] == "get_weather"
    assert calls[0]["id"].startswith("call_")
    assert len(calls) > 3
    for written in (call["function"]["arguments"], pieces):
        arguments = json.loads(written)
        assert isinstance(arguments["city"], str)
        assert arguments["unit"] in ("celsius", "fahrenheit")


async def test_auto_calls_a_tool_when_the_question_is_about_it(client: httpx.AsyncClient) -> None:
    more = {"tools": [MAIL, WEATHER], "max_tokens": 60}
    weather = (await answer(client, "What is the weather in Rome?", **more))["choices"][0]
    hello = (await answer(client, "Hi!", **more))["choices"][0]
    more["max_tokens"] = 3
    none = await answer(client, "What is the weather in Rome?", tool_choice="none", **more)
    assert weather["message"]["tool_calls"][0]["function"]["name"] == "get_weather"
    assert "tool_calls" not in hello["message"]
    assert "tool_calls" not in none["choices"][0]["message"]


async def test_the_result_of_a_tool_is_read(client: httpx.AsyncClient) -> None:
    call = {
        "id": "call_1",
        "type": "function",
        "function": {"name": "get_weather", "arguments": '{"city": "Rome"}'},
    }
    messages = [
        {"role": "user", "content": "What is the weather in Rome?"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": "Sunny and 31 degrees"},
    ]
    body = {"model": CHAT, "messages": messages, "tools": [WEATHER], "max_tokens": 30}
    found = (await client.post("/chat/completions", json=body | {"temperature": 0})).json()
    said = found["choices"][0]["message"]["content"]
    assert "31" in said or "sunny" in said.lower()


@pytest.mark.parametrize(
    ("body", "stream"), [(LONG, True), (LONG, False), (BIG, True)],
    ids=["streaming", "whole", "reading the prompt"],
)  # fmt: skip
async def test_hanging_up_stops_the_generation(
    client: httpx.AsyncClient, body: dict[str, Any], stream: bool
) -> None:
    """Every slot has work for a minute; the next request waits only if that goes on."""
    loop = asyncio.get_running_loop()
    asks = [
        asyncio.create_task(
            client.post("/chat/completions", json={"model": CHAT, "stream": stream, **body})
        )
        for _ in range(4)  # two run, two wait
    ]
    await asyncio.sleep(1)
    for ask in asks:
        ask.cancel()
    await asyncio.gather(*asks, return_exceptions=True)
    began = loop.time()
    await answer(client, "Hi!", max_tokens=2)
    assert loop.time() - began < 8


async def test_memory_of_a_conversation_stays_within_its_scope(client: httpx.AsyncClient) -> None:
    async def cached(scope: str) -> int:
        body = asked("I have a dog whose name is Rex. Remember it.", max_tokens=2)
        headers = {"x-cache-scope": scope} if scope else {}
        found = await client.post("/chat/completions", json=body, headers=headers)
        return int(found.json()["usage"]["prompt_tokens_details"]["cached_tokens"])

    assert [await cached(scope) > 0 for scope in ("a", "a", "b", "", "a")] == [
        False, True, False, False, False,
    ]  # fmt: skip


async def test_embeddings_mean_something(client: httpx.AsyncClient) -> None:
    words = ["dog", "puppy", "tax"]
    body = {"model": EMBEDDINGS, "input": words}
    found = (await client.post("/embeddings", json=body)).json()
    packed = (await client.post("/embeddings", json=body | {"encoding_format": "base64"})).json()
    dog, puppy, tax = (item["embedding"] for item in found["data"])
    assert cosine(dog, puppy) > 0.7 > 0.4 > cosine(dog, tax)
    assert cosine(dog, dog) == pytest.approx(1, abs=1e-5)
    assert len(dog) == 384
    unpacked = struct.unpack("<384f", base64.b64decode(packed["data"][0]["embedding"]))
    assert list(unpacked) == pytest.approx(dog, abs=1e-6)
    assert found["usage"] == {"prompt_tokens": 9, "total_tokens": 9}
    alone = (await client.post("/embeddings", json=body | {"input": "dog"})).json()
    assert alone["data"][0]["embedding"] == dog


def cosine(one: list[float], other: list[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))


NOT = {"type": "json_schema", "json_schema": {"schema": {"not": {}}}}
IMAGE = [{"role": "user", "content": [{"type": "image_url"}]}]
TOO_LONG = asked("hello " * 5000)


@pytest.mark.parametrize(
    ("body", "status", "code", "param"),
    [
        ({"messages": []}, 400, "invalid_value", "messages"),
        ({}, 400, "invalid_value", "messages"),
        ({"messages": IMAGE}, 400, "unsupported_input", "messages"),
        (TOO_LONG, 400, "context_length_exceeded", "messages"),
        (TOO_LONG | {"stream": True}, 400, "context_length_exceeded", "messages"),
        (asked("x", temperature="hot"), 400, "invalid_value", "temperature"),
        (asked("x", tool_choice="required"), 400, "invalid_value", "tool_choice"),
        (asked("x", top_logprobs=2), 400, "invalid_value", "top_logprobs"),
        (asked("x", response_format=NOT), 400, "invalid_value", "response_format"),
        ({"model": "gpt-9"}, 404, "model_not_found", "model"),
        ({"input": "a " * 600}, 400, "context_length_exceeded", "input"),
        ({"input": ["a", ""]}, 400, "invalid_value", "input"),
        ({"input": [1, 2]}, 400, "invalid_value", "input"),
        ({"input": "a", "dimensions": 5}, 400, "invalid_value", "dimensions"),
    ],
)
async def test_refusals_have_openais_shape(
    client: httpx.AsyncClient, body: dict[str, Any], status: int, code: str, param: str
) -> None:
    model, path = (EMBEDDINGS, "/embeddings") if "input" in body else (CHAT, "/chat/completions")
    response = await client.post(path, json={"model": model} | body)
    error = response.json()["error"]
    assert (response.status_code, error["code"], error["param"]) == (status, code, param)
    assert set(error) == {"message", "type", "param", "code"}


async def test_only_the_gateway_may_ask(client: httpx.AsyncClient) -> None:
    wrong = {"authorization": "Bearer wrong"}
    response = await client.post("/chat/completions", json=asked("Hi!"), headers=wrong)
    assert (response.status_code, response.json()["error"]["code"]) == (401, "invalid_api_key")


async def test_the_official_client_understands_it(client: httpx.AsyncClient) -> None:
    key = client.headers["authorization"].removeprefix("Bearer ")
    async with openai.AsyncOpenAI(base_url=str(client.base_url), api_key=key) as official:
        stream = await official.chat.completions.create(
            model=CHAT,
            messages=[{"role": "user", "content": "Hi!"}],
            max_tokens=5,
            stream=True,
        )
        said = [chunk.choices[0].delta.content or "" async for chunk in stream]
        vectors = await official.embeddings.create(model=EMBEDDINGS, input=["dog"])
    assert len("".join(said)) > 0
    assert len(vectors.data[0].embedding) == 384


async def test_nothing_of_a_request_is_logged(
    client: httpx.AsyncClient, engine: LocalEngine, var: Path
) -> None:
    schema = {"type": "object", "properties": {CANARY: {"type": "string", "pattern": CANARY}}}
    wanted = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
    for more in ({}, {"response_format": wanted}, {"stop": CANARY}, {"tool_choice": CANARY}):
        await client.post("/chat/completions", json=asked(CANARY, max_tokens=3, **more))
    await client.post("/embeddings", json={"model": EMBEDDINGS, "input": [CANARY, ""]})
    written = [path for path in var.rglob("*") if path.is_file()]
    assert (var / "logs" / "local-engine.log") in written
    assert not [path for path in written if CANARY.encode() in path.read_bytes()]
    assert CANARY not in engine.status().detail
