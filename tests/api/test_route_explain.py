"""alltoken_app/api/route_explain.py, and that what is explained is what happens"""

import asyncio
import dataclasses
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlmodel import Session

from alltoken_app import db, revisions
from alltoken_app.providers.base import EndpointFacts
from alltoken_app.routing.eligibility import RULES
from alltoken_app.services import routing_rules
from alltoken_app.settings import Settings, settings
from alltoken_app.tables.catalog import AiModel, Endpoint, PriceCard, Provider
from alltoken_app.tables.routing import ModelAlias
from tests.api.conftest import Product, serving

HI: list[Any] = [{"role": "user", "content": "hi"}]
EXPLAIN = "/v1/route/explain"

# Where rules and quotes are kept is tested on both: services/test_routing_rules.py, test_quotes.py.
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def chosen(chosen: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Two more providers that sandbox money reaches."""
    monkeypatch.setenv("SANDBOX_PROVIDERS", "local,fault,east,west")
    settings.cache_clear()
    return settings()


@pytest.fixture
async def shop(chosen: Settings) -> AsyncIterator[Product]:
    """A product whose model a/b two providers serve, and c/d a third that always fails."""
    async with serving(chosen) as product:
        plane = product.plane
        fault = plane.connections["fault"]
        for name in ("east", "west"):
            plane.connections[name] = dataclasses.replace(fault, provider=name)
        await stock(product)
        yield product
    settings.cache_clear()


async def stock(product: Product, **upstream: str) -> None:
    """Put the models into the catalogue; `upstream` names what each provider does."""
    await db.run(_write, upstream)
    for _ in range(500):
        found = product.plane.catalog.models.get("a/b")
        if found and [e.upstream_model for e in found.endpoints] == [
            upstream.get("east", "ok"), upstream.get("west", "ok"),
        ]:  # fmt: skip
            return
        await asyncio.sleep(0.01)
    raise AssertionError("the catalogue was not read again")


def _write(session: Session, upstream: dict[str, str]) -> None:
    for slug in ("a/b", "c/d"):
        session.merge(AiModel(
            slug=slug, name=slug, author=slug[0], kind="chat", context=100_000, max_output=4_096,
            input_modalities=["text"], output_modalities=["text"],
        ))  # fmt: skip
    for name in ("east", "west"):
        session.merge(Provider(id=name, name=name.title()))
    session.flush()
    session.merge(ModelAlias(alias="~a/b-latest", model_slug="a/b"))
    _offer(session, "east", "a/b", upstream.get("east", "ok"), 1_000, quantization="fp8")
    _offer(session, "west", "a/b", upstream.get("west", "ok"), 2_000, region="us-west1",
           zdr="confirmed", trains=False)  # fmt: skip
    _offer(session, "fault", "c/d", "server-error", 1_000)
    revisions.bump(session, "catalog")


def _offer(
    session: Session, provider: str, slug: str, upstream: str, rate: int, **facts: Any
) -> None:
    session.merge(Endpoint(
        id=f"{provider}:{slug}", model_slug=slug, provider_id=provider, tag=provider,
        upstream_model=upstream, context=100_000, max_output=4_096,
        parameters=["temperature", "seed", "max_tokens"], **facts,
    ))  # fmt: skip
    session.flush()
    rates = {"input": rate, "output": rate, "cached_input": rate}
    version = f"price_{provider}"
    if session.get(PriceCard, version) is None:
        card = PriceCard(version=version, endpoint_id=f"{provider}:{slug}", rates=rates,
                         effective_from=1)  # fmt: skip
        session.add(card)


async def explain(product: Product, body: dict[str, Any], query: str = "") -> dict[str, Any]:
    async with product.http() as http:
        answer = await http.post(EXPLAIN + query, json=body)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def chat(product: Product, **body: Any) -> dict[str, Any]:
    async with product.http() as http:
        sent = {"model": "a/b", "messages": HI, "max_tokens": 8, **body}
        answer = await http.post("/v1/chat/completions", json=sent)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def fields(found: dict[str, Any], *names: str) -> list[tuple[Any, ...]]:
    return [tuple(one[name] for name in names) for one in found["candidates"]]


@pytest.mark.parametrize(
    "wishes",
    [
        {},
        {"provider": {"sort": "price"}},
        {"provider": {"order": ["west"]}},
        {"provider": {"zdr": True}},
        {"provider": {"quantizations": ["fp8"]}},
        {"provider": {"max_price": {"completion": "0.0015"}}},
        {"models": ["c/d"], "model": "a/b:floor"},
        {"model": "~a/b-latest", "session_id": "s1"},
        {"seed": 1, "top_k": 2},
    ],
)
async def test_what_is_explained_first_is_what_serves(
    shop: Product, wishes: dict[str, Any]
) -> None:
    for turn in range(4):
        body = {"model": "a/b", "messages": [{"role": "user", "content": f"turn {turn}"}],
                "max_tokens": 8, **wishes}  # fmt: skip
        found = await explain(shop, body)
        answer = await chat(shop, **body)
        first = found["candidates"][0]
        assert answer["alltoken"]["served"]["endpoint"] == first["endpoint"]
        assert answer["alltoken"]["warnings"] == found["warnings"]
        assert float(answer["alltoken"]["cost"]) <= float(first["cost"]["maximum"])


async def test_an_explanation_sends_nothing_and_costs_nothing(shop: Product) -> None:
    before = await shop.balance()
    await stock(shop, east="ok-200", west="ok-200")

    async def never(endpoint: EndpointFacts) -> str:
        raise AssertionError("an address was asked for")

    for name, connection in list(shop.plane.connections.items()):
        shop.plane.connections[name] = dataclasses.replace(connection, base_url=never)
    found = await explain(shop, {"model": "a/b", "messages": HI})
    assert (found["sent"], found["charged"]) == (False, "0")
    assert await shop.balance() == before


async def test_every_excluded_endpoint_has_its_rule_with_a_reason(shop: Product) -> None:
    body = {"model": "a/b", "messages": HI, "provider": {"zdr": True}}
    found = await explain(shop, body)
    assert fields(found, "provider", "tag", "zdr") == [("west", "west", "confirmed")]
    assert found["excluded"] == [
        {"endpoint": "east:a/b", "provider": "east", "model": "a/b", "rule": "zdr_not_confirmed",
         "reason": RULES["zdr_not_confirmed"], "of": "request"}
    ]  # fmt: skip


async def test_when_nothing_is_left_it_says_what_the_request_would_be_answered(
    shop: Product,
) -> None:
    wish = {"zdr": True, "only": ["east"]}
    found = await explain(shop, {"model": "a/b", "messages": HI, "provider": wish})
    assert found["candidates"] == []
    assert found["error"]["code"] == "no_eligible_endpoint"
    assert {one["rule"] for one in found["excluded"]} == {"zdr_not_confirmed", "allowed_providers"}


async def test_what_would_be_dropped_and_rewritten_is_named_and_never_shown(shop: Product) -> None:
    found = await explain(
        shop, {"model": "a/b", "messages": [{"role": "user", "content": "CANARY"}], "top_k": 3}
    )
    request = found["candidates"][0]["request"]
    assert request["dropped"] == ["top_k"]
    assert "messages" in request["unchanged"]
    assert {"model", "max_tokens"} <= set(request["rewritten"])
    assert found["warnings"] == ["unsupported_parameter:top_k"]
    assert "CANARY" not in json.dumps(found)


@pytest.mark.parametrize(
    ("query", "body"),
    [
        ("?for=chat", {"messages": HI}),
        ("?for=messages", {"messages": HI, "max_tokens": 8}),
        ("?for=responses", {"input": "hi"}),
        ("?for=completions", {"prompt": "hi"}),
        ("", {"endpoint": "/v1/messages", "messages": HI, "max_tokens": 8}),
    ],
)
async def test_bodies_of_every_surface_are_understood(
    shop: Product, query: str, body: dict[str, Any]
) -> None:
    found = await explain(shop, {"model": "a/b", **body}, query)
    assert len(found["candidates"]) == 2
    assert all(one["cost"]["expected"] for one in found["candidates"])


async def test_embeddings_are_explained_too(shop: Product) -> None:
    body = {"input": "hi"}
    slug = next(m.slug for m in shop.plane.catalog.models.values() if m.kind == "embeddings")
    found = await explain(shop, body | {"model": slug}, "?for=embeddings")
    assert found["tokens"]["output_maximum"] == 0


async def test_an_unknown_surface_or_model_is_refused_as_ever(shop: Product) -> None:
    async with shop.http() as http:
        for query, body, status in (
            ("?for=dreams", {"model": "a/b", "messages": HI}, 400),
            ("", {"model": "a/none", "messages": HI}, 404),
            ("", {"model": "a/b"}, 400),
        ):
            assert (await http.post(EXPLAIN + query, json=body)).status_code == status
        assert (await http.post(EXPLAIN, json={}, headers={"authorization": ""})).status_code == 401


async def test_after_a_fallback_the_answer_names_what_served(shop: Product) -> None:
    await stock(shop, east="server-error")
    body = {"provider": {"order": ["east"]}, "seed": 1}
    answer = await chat(shop, **body)
    told = answer["alltoken"]
    assert told["served"] == {
        "model": "a/b", "provider": "west", "endpoint": "west:a/b", "upstream_model": "ok",
        "quantization": None, "region": "us-west1", "service_tier": None, "zdr": "confirmed",
    }  # fmt: skip
    tried = [(one["provider"], one["status"]) for one in told["attempts"]]
    assert tried == [("east", 500), ("east", 500), ("west", 200)]
    await shop.quiet()
    async with shop.http() as http:
        kept = (await http.get(f"/v1/generation?id={answer['id']}")).json()["data"]["alltoken"]
    assert kept["served"] == told["served"]
    assert len(kept["attempts"]) == 3


async def test_another_model_stands_in_and_the_answer_says_which(shop: Product) -> None:
    async with shop.http() as http:
        body = {"model": "c/d", "models": ["a/b"], "messages": HI, "max_tokens": 4, "stream": True}
        raw = await http.post("/v1/chat/completions", json=body)
    chunks = [json.loads(x[6:]) for x in raw.text.splitlines() if x.startswith("data: {")]
    assert {chunk["model"] for chunk in chunks} == {"a/b"}
    assert chunks[-1]["alltoken"]["requested"] == "c/d"
    assert chunks[-1]["alltoken"]["served"]["model"] == "a/b"


async def test_a_pin_on_a_provider_that_fails_is_never_rerouted(shop: Product) -> None:
    await stock(shop, east="server-error")
    for pin in ({"only": ["east"]}, {"order": ["east"], "allow_fallbacks": False}):
        async with shop.http() as http:
            body = {"model": "a/b", "messages": HI, "provider": pin}
            answer = await http.post("/v1/chat/completions", json=body)
        assert answer.status_code == 502
        assert answer.json()["error"]["charged"] == "0"


async def test_a_conversation_stays_where_it_was_served(shop: Product) -> None:
    told = {"session_id": "s"}
    first = await chat(shop, **told, provider={"only": ["west"]})
    assert first["alltoken"]["served"]["provider"] == "west"
    talk = [*HI, {"role": "assistant", "content": "lorem"}, {"role": "user", "content": "more"}]
    await shop.quiet()
    for _ in range(3):
        await chat(shop, **told)
    served = {(await chat(shop, **told, messages=talk))["alltoken"]["served"]["provider"]
              for _ in range(5)}  # fmt: skip
    assert len(served) == 1
    found = await explain(shop, {"model": "a/b", "messages": talk, **told})
    assert found["candidates"][0]["score"]["warm"]


async def test_strict_model_by_header_and_body(shop: Product) -> None:
    body: dict[str, Any] = {"model": "~a/b-latest", "messages": HI}
    async with shop.http() as http:
        by_header = await http.post(
            "/v1/chat/completions", json=body, headers={"x-alltoken-strict-model": "true"}
        )
        by_body = await http.post(
            "/v1/chat/completions", json=body | {"alltoken": {"strict_model": True}}
        )
    for answer in (by_header, by_body):
        assert answer.json()["error"]["code"] == "strict_model"


async def test_openrouters_clients_read_why_nothing_fits(shop: Product) -> None:
    async with shop.http() as http:
        body = {"model": "a/b", "messages": HI, "provider": {"zdr": True, "only": ["east"]}}
        answer = await http.post("/api/v1/chat/completions", json=body)
        unknown = await http.post("/api/v1/chat/completions", json={**body, "model": "a/none"})
    assert answer.status_code == 404
    found = answer.json()["error"]["availability"]
    assert found["code"] == "constraint_filtered"
    assert set(found["excluded_by"]) == {"data_policy:zdr", "allowed_providers"}
    assert found["requested_models"] == ["a/b"]
    assert set(found["affected_providers"]) == {"east", "west"}
    assert unknown.json()["error"]["availability"]["code"] == "model_not_found"


@pytest.mark.parametrize("stream", [False, True])
async def test_openrouters_metadata_comes_when_it_is_asked_for(shop: Product, stream: bool) -> None:
    body = {"model": "~a/b-latest", "messages": HI, "max_tokens": 4, "stream": stream}
    async with shop.http() as http:
        plain = await http.post("/v1/chat/completions", json=body)
        asked = await http.post(
            "/v1/chat/completions", json=body, headers={"x-openrouter-metadata": "enabled"}
        )
    assert "openrouter_metadata" not in plain.text
    last = [x for x in asked.text.splitlines() if "openrouter_metadata" in x][-1]
    found = json.loads(last.removeprefix("data: "))["openrouter_metadata"]
    assert (found["requested"], found["strategy"]) == ("~a/b-latest", "alias")
    assert sum(one["selected"] for one in found["endpoints"]["available"]) == 1
    assert found["attempts"][0]["status"] == 200


async def test_a_parameter_that_is_required_and_honoured_by_nobody_is_named(shop: Product) -> None:
    async with shop.http() as http:
        body = {"model": "a/b", "messages": HI, "top_k": 1, "alltoken": {"strict": True}}
        answer = await http.post("/v1/chat/completions", json=body)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["param"]) == (
        400, "unsupported_parameter", "top_k",
    )  # fmt: skip


async def test_a_rule_of_the_house_holds_at_once_and_the_error_names_it(shop: Product) -> None:
    before = await chat(shop, provider={"only": ["east"]})
    assert before["alltoken"]["served"]["provider"] == "east"
    form = {"name": "EU only", "ignore": "east"}
    rule = await db.run(routing_rules.save_rule, shop.actor, "", "", form)
    async with shop.http() as http:
        body = {"model": "a/b", "messages": HI, "provider": {"only": ["east"]}}
        refused = await http.post("/v1/chat/completions", json=body)
    error = refused.json()["error"]
    assert (refused.status_code, error["code"]) == (404, "no_eligible_endpoint")
    assert error["excluded_for"] == {"east:a/b": "rule EU only"}
    assert "ignored_providers (rule EU only)" in error["message"]
    found = await explain(shop, {"model": "a/b", "messages": HI})
    assert [one["of"] for one in found["excluded"]] == ["rule EU only"]
    await db.run(routing_rules.delete_rule, shop.actor, rule.id)
    assert (await chat(shop, provider={"only": ["east"]}))["model"] == "a/b"


async def test_a_preset_serves_under_its_name(shop: Product) -> None:
    form = {"name": "safe", "models": "a/b", "zdr": "on"}
    await db.run(routing_rules.save_preset, shop.actor, "", form)
    for named in ({"model": "@preset/safe"}, {"model": "a/b", "preset": "safe"}):
        answer = await chat(shop, **named)
        assert answer["model"] == "a/b"
        assert answer["alltoken"]["served"]["provider"] == "west"
    async with shop.http() as http:
        body = {"model": "@preset/none", "messages": HI}
        unknown = await http.post("/v1/chat/completions", json=body)
    assert (unknown.status_code, unknown.json()["error"]["code"]) == (404, "preset_not_found")
