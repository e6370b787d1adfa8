"""alltoken_app/api/account.py and alltoken_app/api/models.py"""

from decimal import Decimal
from typing import Any

from tests.api.conftest import Product

HI: list[Any] = [{"role": "user", "content": "hi"}]


async def test_credits_and_generation_agree_with_the_answer(product: Product) -> None:
    async with product.http() as http:
        body = {"model": "fault/ok", "messages": HI, "max_tokens": 7}
        answer = (await http.post("/v1/chat/completions", json=body)).json()
        shown = await http.get("/v1/generation", params={"id": answer["id"]})
        generation = shown.json()["data"]
        credits = (await http.get("/v1/credits")).text
    cost = answer["alltoken"]["cost"]
    assert generation["alltoken"]["cost"] == cost
    assert generation["tokens_completion"] == answer["usage"]["completion_tokens"] == 7
    assert sum(Decimal(line["amount"]) for line in generation["alltoken"]["lines"]) == Decimal(cost)
    assert f'"total_usage":{cost}' in credits
    assert '"total_credits":10' in credits


async def test_a_key_knows_its_limit(product: Product) -> None:
    secret = await product.new_key(name="limited", limit_usd="1", period="month")
    async with product.http(secret) as http:
        await http.post("/v1/chat/completions", json={"model": "fault/ok", "messages": HI})
        await product.quiet()
        data = (await http.get("/v1/key")).json()["data"]
    assert data["limit"] == 1
    assert data["limit_reset"] == "monthly"
    assert 0 < data["limit_remaining"] < 1
    assert data["usage"] == data["usage_daily"] > 0
    assert data["label"].startswith("atk_test_")


async def test_models_have_exact_prices_and_both_shapes(product: Product) -> None:
    client = product.client()
    listed = [model.id async for model in await client.models.list()]
    assert {"alltoken/smollm2-135m-instruct", "alltoken/all-minilm-l6-v2", "fault/ok"} <= {*listed}
    one: Any = await client.models.retrieve("alltoken/smollm2-135m-instruct")
    assert one.pricing["completion"] == "0.0000002"
    assert one.endpoints[0]["zdr"] == "confirmed"
    assert "tiny" in one.notice or "small" in one.notice


async def test_the_list_can_be_narrowed(product: Product) -> None:
    async with product.http() as http:
        found = (await http.get("/v1/models", params={"kind": "embeddings"})).json()
    assert [model["id"] for model in found["data"]] == ["alltoken/all-minilm-l6-v2"]
