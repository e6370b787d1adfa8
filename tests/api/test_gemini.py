"""Google's models end to end: three official clients, our API, an upstream of Google's shapes"""

import dataclasses
import json
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import openai
import pytest
from anthropic import AsyncAnthropic

from alltoken_app.providers import connections
from alltoken_app.providers.dialects.gemini import Gemini
from alltoken_app.settings import Settings, settings
from tests.api.conftest import Product, serving
from tests.api.scripted import EVENTS, Scripted, scripted
from tests.providers.dialects.gemini_case import SIGNATURE, answer, sse, tool

CHAT, EMBEDDING = "google/gemini-test", "google/embedding-test"
ASKED = {"model": CHAT, "messages": [{"role": "user", "content": "Weather in Bonn?"}]}
THOUGHT = {"text": "They want weather.", "thought": True}
LOOK_UP = {"functionCall": {"name": "look_up", "args": {"city": "Bonn"}},
           "thoughtSignature": SIGNATURE}  # fmt: skip
COUNTS = {"promptTokenCount": 40, "candidatesTokenCount": 20, "thoughtsTokenCount": 30,
          "cachedContentTokenCount": 10}  # fmt: skip
# 40 tokens in at $1 a million, 50 out at $2: thoughts are output.
PRICE = 0.000_140


@dataclass
class Shop:
    """A running product, and Google behind it."""

    product: Product
    google: Scripted

    def streams(self, *chunks: dict[str, Any]) -> None:
        self.google.answers.append((200, EVENTS, sse(*chunks)))

    def anthropic(self) -> AsyncAnthropic:
        return AsyncAnthropic(base_url=self.product.url, api_key=self.product.key, max_retries=0)


@pytest.fixture
def database_url(sqlite_template: Path, tmp_path: Path) -> str:
    """SQLite alone: nothing here depends on the database."""
    path = tmp_path / "alltoken.db"
    shutil.copy(sqlite_template, path)
    return f"sqlite:///{path}"


@pytest.fixture
async def shop(chosen: Settings, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Shop]:
    async with scripted() as google:
        prices = {"input_price": "1", "output_price": "2"}
        models = [
            {"slug": CHAT, "upstream": "gemini-3-flash-preview", **prices},
            {"slug": EMBEDDING, "upstream": "gemini-embedding-2", "kind": "embeddings", **prices},
        ]
        extra = [{"name": "own", "base_url": google.url, "models": models}]
        monkeypatch.setenv("EXTRA_PROVIDERS", json.dumps(extra))
        monkeypatch.setenv("SANDBOX_PROVIDERS", "fault,own")
        monkeypatch.setenv("ALLTOKEN_GOOGLE_KEY", "AIza-secret")
        monkeypatch.setenv("PROVIDER_URLS", json.dumps({"google": google.url}))
        monkeypatch.setenv("LOCAL_MODELS", "false")
        settings.cache_clear()
        async with serving(settings()) as product:
            found = connections.connections(settings())["google"]
            product.plane.connections["own"] = dataclasses.replace(found, provider="own")
            _honour(product, CHAT)
            yield Shop(product, google)
        settings.cache_clear()


def _honour(product: Product, slug: str) -> None:
    """Let the model's endpoint take everything that the dialect can carry."""
    model = product.plane.catalog.models[slug]
    endpoints = tuple(
        msgspec.structs.replace(endpoint, parameters=endpoint.parameters | Gemini.honours)
        for endpoint in model.endpoints
    )
    product.plane.catalog.models[slug] = dataclasses.replace(
        model, endpoints=endpoints, input_modalities=("text", "image", "file", "audio")
    )


async def test_a_tool_is_called_and_its_signature_goes_back(shop: Shop) -> None:
    shop.google.says(answer(THOUGHT, LOOK_UP, usageMetadata=COUNTS))
    shop.google.says(answer({"text": "Rain."}, usageMetadata=COUNTS))
    client = shop.product.client(_strict_response_validation=True)
    asked: Any = {**ASKED, "tools": [tool()], "reasoning_effort": "low"}
    first = await client.chat.completions.create(**asked)
    [made] = first.choices[0].message.tool_calls or []
    assert (first.choices[0].finish_reason, made.type) == ("tool_calls", "function")
    assert json.loads(made.function.arguments) == {"city": "Bonn"}
    assert first.usage is not None
    assert (first.usage.prompt_tokens, first.usage.completion_tokens) == (40, 50)
    assert first.usage.model_extra is not None
    assert first.usage.model_extra["cost"] == PRICE
    told = first.choices[0].message.model_dump(exclude_none=True)
    result = {"role": "tool", "tool_call_id": made.id, "content": '{"sky":"rain"}'}
    messages = [*asked["messages"], told, result]
    second = await client.chat.completions.create(**{**asked, "messages": messages})
    assert second.choices[0].message.content == "Rain."
    one, two = shop.google.asked
    assert one.path == "/v1/models/gemini-3-flash-preview:generateContent"
    assert one.headers["x-goog-api-key"] == "aiza-secret"
    assert one.body["generationConfig"]["thinkingConfig"]["thinkingLevel"] == "LOW"
    back = two.body["contents"]
    assert back[1]["parts"][0]["thoughtSignature"] == SIGNATURE
    assert back[2]["parts"][0]["functionResponse"]["response"] == {"sky": "rain"}


async def test_a_stream_is_told_counted_and_paid(shop: Shop) -> None:
    before = (await shop.product.balance()).available
    shop.streams(
        answer(THOUGHT, finish=None, usageMetadata={"promptTokenCount": 40}),
        answer({"text": "Loo"}, finish=None),
        answer({"text": "king"}, LOOK_UP, usageMetadata=COUNTS),
    )
    shop.google.step = 7
    stream = await shop.product.client().chat.completions.create(
        **ASKED, tools=[tool()], stream=True, stream_options={"include_usage": True}
    )
    chunks = [chunk async for chunk in stream]
    choices = [choice for chunk in chunks for choice in chunk.choices]
    assert "".join(choice.delta.content or "" for choice in choices) == "Looking"
    [made] = [call for choice in choices for call in choice.delta.tool_calls or ()]
    assert made.function is not None
    assert made.function.arguments == '{"city":"Bonn"}'
    assert [choice.finish_reason for choice in choices if choice.finish_reason] == ["tool_calls"]
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.total_tokens == 90
    assert shop.google.asked[0].path.endswith(":streamGenerateContent?alt=sse")
    assert before - (await shop.product.balance()).available == 140_000


async def test_a_stream_that_breaks_off_is_charged_as_far_as_it_was_told(shop: Shop) -> None:
    before = (await shop.product.balance()).available
    counts = {"promptTokenCount": 40, "candidatesTokenCount": 10}
    shop.streams(answer({"text": "Hello"}, finish=None, usageMetadata=counts))
    stream = await shop.product.client().chat.completions.create(**ASKED, stream=True)
    with pytest.raises(openai.APIError):
        async for _ in stream:
            pass
    assert before - (await shop.product.balance()).available == 60_000


async def test_an_unusable_answer_is_tried_once_more(shop: Shop) -> None:
    shop.google.says(answer(finish="MALFORMED_FUNCTION_CALL", usageMetadata=COUNTS))
    shop.google.says(answer({"text": "Rain."}, usageMetadata=COUNTS))
    reply = await shop.product.client().chat.completions.create(**ASKED)
    assert reply.choices[0].message.content == "Rain."
    assert len(shop.google.asked) == 2


async def test_a_refused_prompt_costs_nothing(shop: Shop) -> None:
    shop.google.says({"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": COUNTS})
    before = (await shop.product.balance()).available
    reply = await shop.product.client().chat.completions.create(**ASKED)
    assert reply.choices[0].finish_reason == "content_filter"
    assert (await shop.product.balance()).available == before


async def test_a_fault_of_the_callers_names_the_field_and_costs_nothing(shop: Shop) -> None:
    said = "Invalid value at 'generation_config.response_json_schema.type'"
    error = {"code": 400, "message": said, "status": "INVALID_ARGUMENT"}
    shop.google.says({"error": error}, status=400)
    schema = {"name": "n", "schema": {"type": "nonsense"}}
    wanted: Any = {"type": "json_schema", "json_schema": schema}
    before = (await shop.product.balance()).available
    with pytest.raises(openai.BadRequestError) as caught:
        await shop.product.client().chat.completions.create(**ASKED, response_format=wanted)
    assert (caught.value.param, caught.value.code) == ("response_format", "upstream_rejected")
    assert said in str(caught.value.body)
    assert (await shop.product.balance()).available == before


async def test_a_message_that_cannot_be_said_never_leaves(shop: Shop) -> None:
    detail = {"type": "reasoning.encrypted", "id": "server_tool:1", "data": "!",
              "format": "google-gemini-v1"}  # fmt: skip
    messages: Any = [{"role": "assistant", "content": "a", "reasoning_details": [detail]}]
    with pytest.raises(openai.BadRequestError) as caught:
        await shop.product.client().chat.completions.create(model=CHAT, messages=messages)
    assert caught.value.param == "messages"
    assert shop.google.asked == []


async def test_embeddings_come_as_the_official_client_wants_them(shop: Shop) -> None:
    vectors = [{"values": [0.5, -0.25]}, {"values": [1.0, 0.0]}]
    shop.google.says({"embeddings": vectors, "usageMetadata": {"promptTokenCount": 9}})
    found = await shop.product.client().embeddings.create(
        model=EMBEDDING, input=["a", "b"], dimensions=2
    )
    assert [one.embedding for one in found.data] == [[0.5, -0.25], [1.0, 0.0]]
    assert found.usage.prompt_tokens == 9
    [asked] = shop.google.asked
    assert asked.path == "/v1/models/gemini-embedding-2:batchEmbedContents"
    assert [one["outputDimensionality"] for one in asked.body["requests"]] == [2, 2]


@pytest.mark.parametrize("streamed", [False, True])
async def test_anthropics_client_reaches_google(shop: Shop, streamed: bool) -> None:
    document = answer({"text": "Looking."}, LOOK_UP, usageMetadata=COUNTS)
    if streamed:
        shop.streams(document)
    else:
        shop.google.says(document)
    asked: Any = {
        "model": CHAT, "max_tokens": 600, "messages": ASKED["messages"],
        "tools": [{"name": "look_up", "input_schema": {"type": "object", "properties": {}}}],
    }  # fmt: skip
    async with shop.anthropic() as client:
        if streamed:
            async with client.messages.stream(**asked) as stream:
                message = await stream.get_final_message()
        else:
            message = await client.messages.create(**asked)
    kinds = {block.type: block for block in message.content}
    assert kinds["tool_use"].input == {"city": "Bonn"}  # type: ignore[union-attr]
    assert message.stop_reason == "tool_use"
    used = message.usage
    assert (used.input_tokens, used.cache_read_input_tokens, used.output_tokens) == (30, 10, 50)


@pytest.mark.parametrize("streamed", [False, True])
async def test_the_responses_client_reaches_google(shop: Shop, streamed: bool) -> None:
    document = answer(THOUGHT, {"text": "Rain."}, LOOK_UP, usageMetadata=COUNTS)
    if streamed:
        shop.streams(document)
    else:
        shop.google.says(document)
    client = shop.product.client()
    asked: Any = {
        "model": CHAT, "input": "Weather in Bonn?", "store": False,
        "tools": [{"type": "function", "name": "look_up", "strict": False,
                   "parameters": {"type": "object", "properties": {}}}],
    }  # fmt: skip
    if streamed:
        async with client.responses.stream(**asked) as stream:
            response = await stream.get_final_response()
    else:
        response = await client.responses.create(**asked)
    assert response.output_text == "Rain."
    [made] = [item for item in response.output if item.type == "function_call"]
    assert json.loads(made.arguments) == {"city": "Bonn"}
    assert response.usage is not None
    assert (response.usage.input_tokens, response.usage.output_tokens) == (40, 50)
