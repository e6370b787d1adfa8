"""Each provider behind each client dialect: text, tool calls, counts and the price, end to end"""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import uvicorn
from anthropic import AsyncAnthropic
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from openai import AsyncOpenAI
from sqlmodel import Session, select
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from alltoken_app import db, revisions
from alltoken_app.catalog import publish
from alltoken_app.catalog.snapshot import Catalog
from alltoken_app.clock import now_ms
from alltoken_app.money import round_pico, usd
from alltoken_app.providers.base import EndpointFacts, Price
from alltoken_app.settings import Settings
from alltoken_app.tables.catalog import Endpoint, PriceCard
from tests.api.conftest import Product, serving
from tests.api.providers import shapes
from tests.api.providers.shapes import ARGUMENTS, CACHED, INPUT, OUTPUT, TEXT, TOOL
from tests.postgres import free_port

PROVIDERS = (
    "anthropic", "azure", "bedrock", "cerebras", "cohere", "deepseek", "fireworks", "google",
    "groq", "meta", "mistral", "openai", "openrouter", "perplexity", "together", "vertex", "xai",
)  # fmt: skip
# A model whose wire at this provider is not the one that Claude has there.
FAMILIES = {"bedrock": "amazon/nova", "vertex": "google/gemini"}
NO_TOOLS = ("perplexity",)
NO_CACHE = ("cohere",)
WEATHER = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


@dataclass
class World:
    """The product, and every provider on one loopback port."""

    product: Product
    asked: list[tuple[str, dict[str, str], dict[str, Any]]] = field(default_factory=list)

    def endpoint(self, provider: str, *, tool: bool) -> EndpointFacts:
        """The only endpoint of this provider for some chat model, able to do what is asked."""
        family = FAMILIES.get(provider, "")
        for model in self.product.plane.catalog.models.values():
            here = [endpoint for endpoint in model.endpoints if endpoint.provider == provider]
            if model.kind != "chat" or len(here) != 1 or not model.slug.startswith(family):
                continue
            if here[0].price.output is not None and (not tool or "tools" in here[0].parameters):
                return here[0]
        raise AssertionError(f"nothing to ask at {provider}")


def _account(url: str) -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )  # fmt: skip
    account = {
        "type": "service_account",
        "client_email": "robot@example.com",
        "private_key": pem.decode(),
        "private_key_id": "k",
        "token_uri": f"{url}/token",
        "project_id": "acme-project-1",
    }
    return json.dumps(account)


def _settings(folder: Path, url: str) -> Settings:
    urls = {provider: f"{url}/{provider}" for provider in PROVIDERS}
    keys = {f"alltoken_{provider}_key": f"key-of-{provider}" for provider in PROVIDERS
            if provider not in ("bedrock", "vertex")}  # fmt: skip
    return Settings(
        _env_file=None,
        var=folder / "var",
        port=free_port(),
        database_url=f"sqlite:///{folder / 'alltoken.db'}",
        local_models=False,
        fault_provider=True,
        sandbox_providers=("fault", *PROVIDERS),
        provider_urls=urls,
        aws_bearer_token_bedrock="key-of-bedrock",
        vertex_project="acme-project-1",
        vertex_credentials=_account(url),
        **keys,
    )


def _price_meta(session: Session) -> None:
    """Nobody publishes what Meta's API costs, so its endpoints are not routed: give them a card."""
    for endpoint in session.exec(select(Endpoint).where(Endpoint.provider_id == "meta")):
        rates = {"input": 200_000, "output": 600_000}
        session.add(
            PriceCard(version=f"test_{endpoint.id}", endpoint_id=endpoint.id, rates=rates,
                      effective_from=now_ms(), source="test")
        )  # fmt: skip
    revisions.bump(session, "catalog")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(
    tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path
) -> AsyncIterator[World]:
    """One product for all of them."""
    folder, port = tmp_path_factory.mktemp("providers"), free_port()
    shutil.copy(sqlite_template, folder / "alltoken.db")
    asked: list[tuple[str, dict[str, str], dict[str, Any]]] = []

    async def token(request: Request) -> Response:
        return JSONResponse({"access_token": "key-of-vertex", "expires_in": 3600})

    async def provide(request: Request) -> Response:
        body = await request.json()
        provider = request.path_params["provider"]
        path = request.url.path.removeprefix(f"/{provider}")
        asked.append((path, dict(request.headers), body))
        stream = bool(body.get("stream")) or "tream" in path
        tool = bool(body.get("tools") or body.get("toolConfig"))
        wire = shapes.answer(provider, path, tool=tool, stream=stream)
        return Response(wire.body, media_type=None, headers={"content-type": wire.type})

    app = Starlette(
        routes=[Route("/token", token, methods=["POST"]),
                Route("/{provider}/{path:path}", provide, methods=["POST"])]
    )  # fmt: skip
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="critical"))
    serving_them = asyncio.create_task(server.serve())
    async with serving(_settings(folder, f"http://127.0.0.1:{port}")) as product:
        await db.run(publish.publish_built_in)
        await db.run(_price_meta)
        while not _priced(product.plane.catalog, "meta"):
            await asyncio.sleep(0.01)
        yield World(product, asked)
    server.should_exit = True
    await serving_them


def _priced(catalog: Catalog, provider: str) -> bool:
    endpoints = (e for model in catalog.models.values() for e in model.endpoints)
    return any(e.provider == provider and e.price.output is not None for e in endpoints)


@dataclass
class Got:
    """What a client made of an answer."""

    text: str = ""
    tool: tuple[str, Any] | None = None
    finish: str | None = None
    input: int = 0
    output: int = 0
    cost: float | None = None


async def by_chat(world: World, asked: dict[str, Any], *, tool: bool, stream: bool) -> Got:
    """OpenAI's client on chat completions."""
    if tool:
        function = {"name": TOOL, "parameters": WEATHER}
        asked = {**asked, "tools": [{"type": "function", "function": function}]}
    messages = [{"role": "user", "content": "hello"}]
    got, arguments, name = Got(), "", ""
    async with world.product.client() as client:
        if not stream:
            answer = await client.chat.completions.create(messages=messages, **asked)
            [choice] = answer.choices
            got.text, got.finish = choice.message.content or "", choice.finish_reason
            for call in choice.message.tool_calls or []:
                name, arguments = call.function.name, call.function.arguments
            usage = answer.usage
        else:
            async for chunk in await client.chat.completions.create(
                messages=messages, stream=True, **asked
            ):
                usage = chunk.usage
                for choice in chunk.choices:
                    got.text += choice.delta.content or ""
                    got.finish = choice.finish_reason or got.finish
                    for part in choice.delta.tool_calls or []:
                        name = part.function.name or name
                        arguments += part.function.arguments or ""
    assert usage is not None
    got.input, got.output, got.cost = usage.prompt_tokens, usage.completion_tokens, usage.cost
    got.tool = (name, json.loads(arguments)) if name else None
    return got


async def by_responses(world: World, asked: dict[str, Any], *, tool: bool, stream: bool) -> Got:
    """OpenAI's client on responses."""
    if tool:
        tools = [{"type": "function", "name": TOOL, "parameters": WEATHER, "strict": False}]
        asked = {**asked, "tools": tools}
    async with world.product.client() as client:
        if stream:
            async with client.responses.stream(input="hello", **asked) as events:
                said = "".join([event.delta async for event in events
                                if event.type == "response.output_text.delta"])  # fmt: skip
                answer = await events.get_final_response()
                assert said == answer.output_text
        else:
            answer = await client.responses.create(input="hello", **asked)
    calls = [item for item in answer.output if item.type == "function_call"]
    assert answer.usage is not None
    return Got(
        text=answer.output_text,
        tool=(calls[0].name, json.loads(calls[0].arguments)) if calls else None,
        finish={"completed": "tool_calls" if calls else "stop"}.get(answer.status),
        input=answer.usage.input_tokens,
        output=answer.usage.output_tokens,
        cost=answer.usage.cost,
    )


async def by_messages(world: World, asked: dict[str, Any], *, tool: bool, stream: bool) -> Got:
    """Anthropic's client on messages."""
    if tool:
        asked = {**asked, "tools": [{"name": TOOL, "input_schema": WEATHER}]}
    asked = {**asked, "max_tokens": 64, "messages": [{"role": "user", "content": "hello"}]}
    options = {"base_url": world.product.url, "api_key": world.product.key, "max_retries": 0}
    async with AsyncAnthropic(**options) as client:
        if stream:
            async with client.messages.stream(**asked) as events:
                # The client keeps of the counts what it knows; the cost is in the event itself.
                said = [event.usage.cost async for event in events if event.type == "message_delta"]
                answer, cost = await events.get_final_message(), said[-1]
        else:
            answer = await client.messages.create(**asked)
            cost = answer.usage.cost
    uses = [block for block in answer.content if block.type == "tool_use"]
    used = answer.usage
    return Got(
        text="".join(block.text for block in answer.content if block.type == "text"),
        tool=(uses[0].name, uses[0].input) if uses else None,
        finish={"end_turn": "stop", "tool_use": "tool_calls"}.get(answer.stop_reason or ""),
        input=used.input_tokens + (used.cache_read_input_tokens or 0),
        output=used.output_tokens,
        cost=cost,
    )


def _expected(price: Price, cached: int) -> str:
    """The price of 120 tokens in and 30 out, by the card alone."""
    assert price.input is not None
    assert price.output is not None
    cheap = price.cached_input if price.cached_input is not None else price.input
    pico = price.request + (INPUT - cached) * price.input + cached * cheap + OUTPUT * price.output
    return usd(round_pico(pico))


CLIENTS = [by_chat, by_responses, by_messages]


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("tool", [False, True], ids=["text", "tool"])
@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_provider_answers_in_the_callers_dialect(
    world: World, provider: str, client: Any, tool: bool, stream: bool
) -> None:
    tool = tool and provider not in NO_TOOLS
    endpoint = world.endpoint(provider, tool=tool)
    world.asked.clear()
    asked = {"model": endpoint.model, "extra_body": {"provider": {"only": [provider]}}}
    got = await client(world, asked, tool=tool, stream=stream)
    cached = 0 if provider in NO_CACHE else CACHED
    expected = Got(
        text="" if tool else "".join(TEXT),
        tool=(TOOL, json.loads(ARGUMENTS)) if tool else None,
        finish="tool_calls" if tool else "stop",
        input=INPUT,
        output=OUTPUT,
        cost=pytest.approx(float(_expected(endpoint.price, cached)), abs=1e-12),
    )
    assert got == expected
    [(_, headers, _)] = world.asked
    proof = [headers.get(name, "") for name in ("authorization", "x-api-key", "api-key",
                                                "x-goog-api-key")]  # fmt: skip
    assert any(f"key-of-{provider}" in value for value in proof)


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("provider", PROVIDERS)
async def test_the_books_say_what_the_answer_said(world: World, provider: str) -> None:
    endpoint = world.endpoint(provider, tool=False)
    async with AsyncOpenAI(base_url=f"{world.product.url}/v1", api_key=world.product.key) as client:
        answer = await client.chat.completions.create(
            model=endpoint.model,
            messages=[{"role": "user", "content": "hello"}],
            extra_body={"provider": {"only": [provider]}},
        )
    await world.product.quiet()
    async with world.product.http() as http:
        kept = (await http.get(f"/v1/generation?id={answer.id}")).json()["data"]
    cached = 0 if provider in NO_CACHE else CACHED
    assert kept["alltoken"]["cost"] == _expected(endpoint.price, cached)
    assert (kept["native_tokens_prompt"], kept["native_tokens_completion"]) == (INPUT, OUTPUT)
    assert kept["alltoken"]["endpoint"] == endpoint.id


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(("provider", "thinks"), [("openai", True), ("groq", False)])
async def test_a_stream_that_may_think_unseen_holds_all_it_may_cost(
    world: World, provider: str, thinks: bool
) -> None:
    [endpoint] = [
        endpoint
        for model in world.product.plane.catalog.models.values()
        for endpoint in model.endpoints
        if endpoint.provider == provider and model.kind == "chat" and endpoint.reasons == thinks
        and endpoint.max_output >= 12_000 and endpoint.price.output is not None
    ][:1]  # fmt: skip
    async with world.product.client() as client:
        stream = await client.chat.completions.create(
            model=endpoint.model,
            messages=[{"role": "user", "content": "hello"}],
            max_tokens=12_000,
            stream=True,
            extra_body={"provider": {"only": [provider]}},
        )
        [generation_id] = {chunk.id async for chunk in stream}
    await world.product.quiet()
    async with world.product.http() as http:
        kept = (await http.get(f"/v1/generation?id={generation_id}")).json()["data"]
    whole = 12_000 * endpoint.price.output // 1000
    assert (Decimal(kept["alltoken"]["held"]) * 10**9 >= whole) == thinks
