"""alltoken_app/api/models.py, with both dialects' official clients, over the real catalogue"""

import asyncio
from typing import Any

import httpx
import pytest
from openai import NotFoundError
from openrouter import OpenRouter
from sqlmodel import Session

from alltoken_app import db, revisions
from alltoken_app.catalog import publish
from alltoken_app.clock import now_ms
from alltoken_app.routing.health import Health
from alltoken_app.tables.catalog import PriceCard
from tests.api.conftest import Product

CLAUDE = "anthropic/claude-sonnet-4.5"


@pytest.fixture
async def full(product: Product) -> Product:
    """A product with everything that is published."""
    await db.run(publish.publish_built_in)
    while CLAUDE not in product.plane.catalog.models:
        await product.quiet()
    return product


def openrouter(product: Product) -> OpenRouter:
    return OpenRouter(api_key=product.key, server_url=f"{product.url}/api/v1")


async def listed(product: Product, mount: str = "/v1", **query: Any) -> list[str]:
    async with product.http() as http:
        answer = (await http.get(f"{mount}/models", params=query)).raise_for_status().json()
    return [model["id"] for model in answer["data"]]


async def test_openrouters_client_lists_models_and_pages_through_them(full: Product) -> None:
    async with openrouter(full) as client:
        page = await client.models.list_async(limit=50)
        found = []
        while page is not None:
            found += [model.id for model in page.result.data]
            page = await page.next()
        count = (await client.models.count_async()).data.count
    assert len(found) == len(set(found)) == page_total(full, "text")
    assert count == len(found)
    assert CLAUDE in found


def page_total(product: Product, modality: str) -> int:
    models = product.plane.catalog.models.values()
    return sum(modality in model.output_modalities for model in models)


async def test_openrouters_client_shows_a_model_with_all_its_prices(full: Product) -> None:
    async with openrouter(full) as client:
        shown = (await client.models.get_async(author="anthropic", slug="claude-sonnet-4.5")).data
    assert shown.canonical_slug == "anthropic/claude-sonnet-4-5-20250929"
    assert shown.expiration_date == "2026-11-30"
    assert shown.knowledge_cutoff == "2025-01-31"
    price = shown.pricing
    assert (price.prompt, price.completion) == ("0.000003", "0.000015")
    assert (price.input_cache_read, price.web_search) == ("0.0000003", "0.01")
    assert (price.input_cache_write, price.input_cache_write_1h) == ("0.00000375", "0.000006")


async def test_openrouters_client_lists_the_endpoints_of_a_model(full: Product) -> None:
    async with openrouter(full) as client:
        found = (
            await client.endpoints.list_async(author="anthropic", slug="claude-haiku-5.5")
        ).data
    by_tag = {one.tag: one for one in found.endpoints}
    assert by_tag.keys() == {"anthropic", "bedrock/global", "bedrock/us", "vertex"}
    override = by_tag["bedrock/us"].pricing.overrides[0]
    assert (override.min_prompt_tokens, override.prompt) == (100_001, "0.00000055")
    assert by_tag["anthropic"].status == -5  # there is no key for it here
    assert by_tag["anthropic"].uptime_last_1d is None
    assert by_tag["anthropic"].pricing.web_search == "0.01"


async def test_openrouters_client_lists_the_other_collections(full: Product) -> None:
    async with openrouter(full) as client:
        zdr = await client.endpoints.list_zdr_endpoints_async()
        providers = {one.slug: one for one in (await client.providers.list_async()).data}
        embeddings = await client.embeddings.list_models_async()
        own = await client.models.list_for_user_async(
            security={"bearer": full.key}  # type: ignore[arg-type]
        )
    assert {one.model_id.partition("/")[0] for one in zdr.data} == {"alltoken"}
    assert providers["deepseek"].headquarters == "CN"
    assert providers["mistral"].privacy_policy_url.startswith("https://legal.mistral.ai/")
    assert "openai/text-embedding-3-small" in {model.id for model in embeddings.result.data}
    assert {model.id.partition("/")[0] for model in own.result.data} == {"alltoken", "fault"}


async def test_openais_client_lists_models_and_retrieves_one(full: Product) -> None:
    async with full.client(_strict_response_validation=True) as client:
        found = {model.id: model async for model in client.models.list()}
        assert found["openai/whisper-1"].owned_by == "openai"
        one = await client.models.retrieve(CLAUDE)
        assert one.id == CLAUDE
        with pytest.raises(NotFoundError):
            await client.models.retrieve("none/such")


async def test_a_provider_says_what_it_does_with_prompts(full: Product) -> None:
    async with full.http() as http:
        data = (await http.get("/v1/providers")).json()["data"]
    policies = {one["slug"]: one["data_policy"] for one in data}
    assert policies["openai"] | {"evidence": ""} == {
        "training": False, "retains_prompts": True, "retention_days": 30, "zdr_status": "offered",
        "evidence": "", "checked_at": "2026-11-22",
        "evidence_url": "https://developers.openai.com/api/docs/guides/your-data",
    }  # fmt: skip
    assert policies["meta"]["training"] is None
    assert policies["local"]["zdr_status"] == "confirmed"


FILTERS: tuple[tuple[dict[str, str], str, str], ...] = (
    ({"q": "claude haiku"}, "anthropic/claude-haiku-4.5", CLAUDE),
    ({"kind": "rerank"}, "cohere/rerank-v3.5", CLAUDE),
    ({"input_modalities": "audio,video"}, "google/gemini-2.5-pro", CLAUDE),
    ({"output_modalities": "speech"}, "openai/tts-1", CLAUDE),
    ({"supported_parameters": "seed,logprobs"}, "openai/gpt-4.1", CLAUDE),
    ({"context": "1000000"}, "openai/gpt-4.1", CLAUDE),
    ({"providers": "groq"}, "openai/gpt-oss-120b", CLAUDE),
    ({"model_authors": "x-ai,cohere"}, "x-ai/grok-4.7", CLAUDE),
    ({"arch": "grok"}, "x-ai/grok-4.7", CLAUDE),
    ({"max_price": "0.05"}, "amazon/nova-micro", CLAUDE),
    ({"min_price": "2", "max_output_price": "15"}, CLAUDE, "amazon/nova-micro"),
    ({"zdr": "true"}, "alltoken/smollm2-135m-instruct", CLAUDE),
    ({"region": "eu"}, "mistralai/mistral-large-4", CLAUDE),
    ({"available": "true"}, "alltoken/smollm2-135m-instruct", CLAUDE),
    ({"min_age_days": "600"}, "openai/gpt-4o", CLAUDE),
)


async def test_models_are_filtered(full: Product) -> None:
    for query, inside, outside in FILTERS:
        found = await listed(full, **query)
        assert inside in found, query
        assert outside not in found, query


async def test_openrouters_mount_lists_what_gives_text_by_default(full: Product) -> None:
    assert "openai/whisper-1" not in await listed(full, "/api/v1")
    assert "openai/whisper-1" in await listed(full, "/api/v1", output_modalities="all")


async def test_models_are_sorted(full: Product) -> None:
    cheapest = await listed(full, sort="pricing-low-to-high", kind="chat", available="false")
    dearest = await listed(full, sort="pricing-high-to-low", kind="chat")
    assert dearest[0] in ("openai/gpt-5.5-pro", "openai/gpt-5.4-pro")
    assert cheapest.index("amazon/nova-micro") < cheapest.index(CLAUDE)
    assert cheapest[-1] == dearest[-1] or cheapest[-1].startswith(("cohere/", "meta-llama/"))
    assert (await listed(full, sort="context-high-to-low"))[0] == "meta-llama/llama-4-scout"
    newest = await listed(full, sort="newest")
    assert newest.index("openai/gpt-5.2") < newest.index("openai/gpt-5") < newest.index("openai/o3")


UNREADABLE = (
    ({"category": "programming"}, "category"),
    ({"min_coding_index": "3"}, "min_coding_index"),
    ({"sort": "top-weekly"}, "sort"),
    ({"zdr": "perhaps"}, "zdr"),
    ({"max_price": "cheap"}, "max_price"),
    ({"context": "-1"}, "context"),
)


async def test_a_filter_that_cannot_be_applied_is_refused(product: Product) -> None:
    async with product.http() as http:
        for query, param in UNREADABLE:
            answer = await http.get("/v1/models", params=query)
            assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)


async def test_the_next_page_is_linked(product: Product) -> None:
    async with product.http() as http:
        first = (await http.get("/v1/models", params={"q": "fault", "limit": 2})).json()
        second = (await http.get(first["links"]["next"])).json()
    assert first["total_count"] == second["total_count"] > 4
    assert {one["id"] for one in first["data"]}.isdisjoint(one["id"] for one in second["data"])


async def test_an_endpoint_shows_how_it_is_doing(product: Product) -> None:
    async with product.client() as client:
        await client.chat.completions.create(
            model="fault/ok", messages=[{"role": "user", "content": "hi"}], max_tokens=5
        )
    await product.quiet()
    assert isinstance(product.plane.network.health, Health)
    one = (await _endpoints(product, "fault/ok"))[0]
    assert (one["status"], one["uptime_last_5m"]) == (0, 100)


async def _endpoints(product: Product, slug: str) -> list[dict[str, Any]]:
    async with httpx.AsyncClient() as http:
        answer = await http.get(f"{product.url}/api/v1/models/{slug}/endpoints")
    return list(answer.json()["data"]["endpoints"])


def _without_output_rate(session: Session) -> None:
    at = now_ms()
    session.add(
        PriceCard(
            version="half", endpoint_id="fault:fault/ok", rates={"input": 1}, effective_from=at
        )
    )
    revisions.bump(session, "catalog")


async def test_a_request_that_may_use_an_unpriced_unit_is_not_routed_and_costs_nothing(
    product: Product,
) -> None:
    await db.run(_without_output_rate)
    while product.plane.catalog.models["fault/ok"].endpoints[0].price.version != "half":
        await asyncio.sleep(0.01)
    before = (await product.balance()).available
    body = {"model": "fault/ok", "messages": [{"role": "user", "content": "hi"}]}
    async with product.http() as http:
        answer = await http.post("/v1/chat/completions", json=body)
    assert answer.status_code in (404, 503)
    assert answer.json()["error"]["excluded_by"] == {"fault:fault/ok": "unpriced_unit"}
    assert (await product.balance()).available == before
    assert (await _endpoints(product, "fault/ok"))[0]["pricing"]["completion"] == "-1"
