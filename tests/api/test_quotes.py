"""alltoken_app/api/quotes.py and services/quotes.py: a promised price is the price"""

import asyncio
from typing import Any

import time_machine
from sqlmodel import Session

from alltoken_app import db, revisions
from alltoken_app.clock import MINUTE, now_ms
from alltoken_app.tables.catalog import PriceCard
from tests.api.conftest import Product
from tests.api.test_route_explain import HI, chat, chosen, shop

__all__ = ["chosen", "shop"]

BODY: dict[str, Any] = {"model": "a/b", "messages": HI, "max_tokens": 8}


async def quote(product: Product, **body: Any) -> dict[str, Any]:
    async with product.http() as http:
        answer = await http.post("/v1/quote", json=BODY | body)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def raise_prices(product: Product) -> None:
    """Every price of a/b becomes ten times what it was."""

    def write(session: Session) -> None:
        for name, rate in (("east", 10_000), ("west", 20_000)):
            rates = {"input": rate, "output": rate, "cached_input": rate}
            session.add(PriceCard(version=f"dear_{name}", endpoint_id=f"{name}:a/b", rates=rates,
                                  effective_from=now_ms() - 1))  # fmt: skip
        revisions.bump(session, "catalog")

    await db.run(write)
    while product.plane.catalog.models["a/b"].endpoints[0].price.version != "dear_east":
        await asyncio.sleep(0.01)


async def test_a_quoted_price_holds_though_the_catalogue_changes(shop: Product) -> None:
    promised = await quote(shop, provider={"only": ["east"]})
    assert promised["endpoints"][0]["pricing"]["output"] == "0.000000001"
    await raise_prices(shop)
    only = {"provider": {"only": ["east"]}}
    dear = await chat(shop, **only)
    by_field = await chat(shop, **only, alltoken={"quote": promised["id"]})
    assert by_field["alltoken"]["price_version"] == "price_east"
    used = by_field["usage"]
    assert used["cost"] * 10**9 == used["prompt_tokens"] + used["completion_tokens"]
    assert float(dear["usage"]["cost"]) > 5 * float(used["cost"])
    async with shop.http() as http:
        by_header = await http.post(
            "/v1/chat/completions", json=BODY | only, headers={"x-alltoken-quote": promised["id"]}
        )
    assert by_header.json()["alltoken"]["price_version"] == "price_east"


async def test_a_quote_covers_no_endpoint_and_no_model_that_it_did_not_name(shop: Product) -> None:
    promised = await quote(shop, provider={"only": ["east"]})
    named = {"alltoken": {"quote": promised["id"]}}
    served = await chat(shop, **named, provider={"order": ["west"]})
    assert served["alltoken"]["served"]["provider"] == "east"
    async with shop.http() as http:
        answer = await http.post("/v1/chat/completions", json=BODY | named | {"model": "c/d"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "quote_mismatch")


async def test_a_quote_ends_after_ten_minutes_and_belongs_to_one_organisation(
    shop: Product,
) -> None:
    promised = await quote(shop)
    named = BODY | {"alltoken": {"quote": promised["id"]}}
    async with shop.http() as http:
        with time_machine.travel((now_ms() + 10 * MINUTE + 1) / 1000):
            late = await http.post("/v1/chat/completions", json=named)
        unknown = await http.post(
            "/v1/chat/completions", json=BODY | {"alltoken": {"quote": "quo_x"}}
        )
    assert (late.status_code, late.json()["error"]["code"]) == (409, "quote_expired")
    assert (unknown.status_code, unknown.json()["error"]["code"]) == (404, "quote_not_found")


async def test_an_explanation_at_a_quote_shows_its_prices(shop: Product) -> None:
    promised = await quote(shop)
    await raise_prices(shop)
    async with shop.http() as http:
        named = {"x-alltoken-quote": promised["id"]}
        found = (await http.post("/v1/route/explain", json=BODY, headers=named)).json()
        now = (await http.post("/v1/route/explain", json=BODY)).json()
    assert found["cost"]["maximum"] == promised["cost"]["maximum"]
    assert float(now["cost"]["maximum"]) > float(promised["cost"]["maximum"])
