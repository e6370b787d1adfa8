"""`X-AllToken-Max-Cost` and `alltoken.max_cost`: what a request may cost at most"""

import json
import random
from decimal import Decimal
from typing import Any

import pytest

from tests.api.conftest import Product

HI: list[Any] = [{"role": "user", "content": "hi"}]
INPUT = Decimal("0.0004")  # of such a short request, at most: a dollar a million, 256 for framing


def events(text: str) -> list[dict[str, Any]]:
    lines = [line[6:] for line in text.splitlines() if line.startswith("data: {")]
    return [json.loads(line) for line in lines]


@pytest.mark.parametrize("where", ["header", "body", "both"])
async def test_a_stream_that_reaches_its_cap_ends_in_good_order(
    product: Product, where: str
) -> None:
    cap, higher = str(INPUT + Decimal("0.0001")), "0.5"
    body: dict[str, Any] = {"model": "fault/ok", "messages": HI, "stream": True}
    headers = {}
    if where != "body":
        headers["X-AllToken-Max-Cost"] = cap
    if where != "header":
        body["alltoken"] = {"max_cost": cap if where == "body" else higher}
    async with product.http() as http:
        answer = await http.post("/v1/chat/completions", json=body, headers=headers)
        found = events(answer.text)
        last = next(e["choices"][0] for e in reversed(found) if e["choices"])
        shown = await http.get("/v1/generation", params={"id": found[-1]["id"]})
    assert answer.text.endswith("data: [DONE]\n\n")
    assert (last["finish_reason"], last["native_finish_reason"]) == ("length", "cost_limit")
    assert 0 < found[-1]["usage"]["completion_tokens"] < 300
    assert Decimal(found[-1]["alltoken"]["cost"]) <= Decimal(cap)
    assert shown.json()["data"]["native_finish_reason"] == "cost_limit"


async def test_a_whole_answer_is_as_long_as_the_cap_pays_for(product: Product) -> None:
    body = {"model": "fault/ok", "messages": HI, "alltoken": {"max_cost": 0.0005}}
    async with product.http() as http:
        answer = (await http.post("/v1/chat/completions", json=body)).json()
    choice = answer["choices"][0]
    assert (choice["finish_reason"], choice["native_finish_reason"]) == ("length", "cost_limit")
    assert Decimal(answer["alltoken"]["cost"]) <= Decimal("0.0005")
    assert Decimal(answer["alltoken"]["cost"]) == Decimal(str(answer["usage"]["cost"]))


async def test_an_answer_below_its_cap_ends_as_always(product: Product) -> None:
    body = {"model": "fault/ok", "messages": HI, "max_tokens": 5, "alltoken": {"max_cost": "0.01"}}
    async with product.http() as http:
        answer = (await http.post("/v1/chat/completions", json=body)).json()
    assert answer["choices"][0]["finish_reason"] == "length"
    assert answer["usage"]["completion_tokens"] == 5
    assert "native_finish_reason" not in answer["choices"][0]


async def test_an_upstream_that_ignores_the_bound_is_cut_at_the_cap(product: Product) -> None:
    body = {"model": "fault/endless", "messages": HI, "stream": True}
    async with product.http() as http:
        answer = await http.post(
            "/v1/chat/completions", json=body, headers={"X-AllToken-Max-Cost": "0.0005"}
        )
    last = next(e["choices"][0] for e in reversed(events(answer.text)) if e["choices"])
    assert last["native_finish_reason"] == "cost_limit"
    assert Decimal(events(answer.text)[-1]["alltoken"]["cost"]) <= Decimal("0.0005")


async def test_a_cap_below_the_input_is_refused_before_anything_is_sent(product: Product) -> None:
    before = await product.balance()
    body = {"model": "fault/ok", "messages": HI, "alltoken": {"max_cost": "0.000001"}}
    async with product.http() as http:
        answer = await http.post("/v1/chat/completions", json=body)
        told = (await http.post("/v1/route/explain", json=body)).json()
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (404, "no_eligible_endpoint")
    assert error["excluded_by"] == {"fault:fault/ok": "max_cost"}
    assert Decimal(error["may_cost"]) > Decimal("0.000001")
    assert await product.balance() == before
    assert told["excluded"][0]["rule"] == "max_cost"


@pytest.mark.parametrize("cap", ["0", "-1", "much", "0.0000000001", "NaN"])
async def test_a_cap_that_is_no_amount_is_refused(product: Product, cap: str) -> None:
    body = {"model": "fault/ok", "messages": HI}
    async with product.http() as http:
        by_header = await http.post(
            "/v1/chat/completions", json=body, headers={"X-AllToken-Max-Cost": cap}
        )
        by_body = await http.post(
            "/v1/chat/completions", json={**body, "alltoken": {"max_cost": cap}}
        )
    for answer in (by_header, by_body):
        assert answer.status_code == 400
        assert "max_cost" in answer.json()["error"]["param"]


async def test_nothing_ever_settles_above_its_cap(product: Product) -> None:
    """Honest and lying upstreams, streams and whole answers, caps from hopeless to generous."""
    chance = random.Random(7)
    models = ["ok", "silent-end", "absurd-usage", "missing-usage", "endless", "duplicate-usage"]
    served = 0
    async with product.http() as http:
        for _ in range(60):
            cap = chance.randint(200_000, 900_000)  # nano
            body = {
                "model": f"fault/{chance.choice(models)}",
                "messages": [{"role": "user", "content": "hi " * chance.randint(1, 60)}],
                "stream": chance.random() < 0.5,
                "alltoken": {"max_cost": f"{cap / 10**9:.9f}"},
            }
            if body["model"] == "fault/endless":
                body["stream"] = True
            before = await product.balance()
            answer = await http.post("/v1/chat/completions", json=body)
            after = await product.balance()
            spent = before.available - after.available
            assert spent <= cap
            assert (spent > 0) == (answer.status_code == 200)
            served += answer.status_code == 200
    assert 20 < served < 60


async def test_a_cap_holds_on_every_surface(product: Product) -> None:
    cap = {"X-AllToken-Max-Cost": "0.0000001"}
    bodies = {
        "/v1/responses": {"model": "fault/ok", "input": "hi"},
        "/v1/messages": {"model": "fault/ok", "messages": HI, "max_tokens": 9},
        "/v1/completions": {"model": "fault/ok", "prompt": "hi"},
    }
    async with product.http() as http:
        for path, body in bodies.items():
            by_header = await http.post(path, json=body, headers=cap)
            by_body = await http.post(path, json={**body, "alltoken": {"max_cost": "0.0000001"}})
            for answer in (by_header, by_body):
                assert answer.status_code == 404, path
                assert answer.json()["error"]["code"] == "no_eligible_endpoint", path
