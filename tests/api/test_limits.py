"""Limits as a client meets them: refusals, headers, keys' own limits, several processes"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import anthropic
import httpx
import openai
import pytest

from alltoken_app import db
from alltoken_app.limits.pool import Pool
from alltoken_app.limits.rates import Limits, Rates, TooMany
from alltoken_app.services import keys, management_keys
from alltoken_app.settings import Settings, settings
from tests.api.conftest import Product, serving

HI: list[Any] = [{"role": "user", "content": "hi"}]
BODY = {"model": "fault/ok", "messages": HI, "max_tokens": 4}


@pytest.fixture
async def small(chosen: Settings, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Product]:
    """A product with low limits."""
    monkeypatch.setenv("REQUESTS_PER_MINUTE", "20")
    monkeypatch.setenv("TOKENS_PER_MINUTE", "2000")
    monkeypatch.setenv("CONCURRENT_REQUESTS", "3")
    settings.cache_clear()
    async with serving(settings()) as product:
        yield product
    settings.cache_clear()


async def send(product: Product, key: str | None = None, **more: Any) -> httpx.Response:
    async with product.http(key) as http:
        return await http.post("/v1/chat/completions", json={**BODY, **more})


def number(answer: httpx.Response, name: str) -> int:
    return int(answer.headers[name])


async def test_every_answer_says_what_is_left(small: Product) -> None:
    first, second = await send(small), await send(small)
    for name, most in (("requests", 20), ("tokens", 2_000), ("concurrent", 3)):
        assert number(first, f"x-ratelimit-limit-{name}") == most
    spent = first.json()["usage"]["total_tokens"]
    assert number(first, "x-ratelimit-remaining-requests") == 19
    assert number(first, "x-ratelimit-remaining-tokens") == pytest.approx(2_000 - spent, abs=40)
    assert number(second, "x-ratelimit-remaining-requests") == 18
    assert 0 < float(second.headers["x-ratelimit-reset-requests"].rstrip("s")) <= 60
    assert Decimal(first.headers["x-alltoken-balance"]) < 10


async def test_streams_and_errors_say_so_too(small: Product) -> None:
    streamed = await send(small, stream=True)
    wrong_model = await send(small, model="no/such")
    broken = await send(small, model="fault/server-error")
    assert (wrong_model.status_code, broken.status_code) == (404, 502)
    left = [
        number(one, "x-ratelimit-remaining-requests") for one in (streamed, wrong_model, broken)
    ]
    assert left == [19, 18, 17]
    assert Decimal(broken.headers["x-alltoken-balance"]) > 9
    assert broken.headers["x-generation-id"].startswith("gen")


async def test_too_many_requests_wait_for_as_long_as_they_are_told(small: Product) -> None:
    client = small.client()
    for _ in range(20):
        await client.chat.completions.create(**BODY)  # type: ignore[call-overload]
    with pytest.raises(openai.RateLimitError) as caught:
        await client.chat.completions.create(**BODY)  # type: ignore[call-overload]
    answer, error = caught.value.response, caught.value.response.json()["error"]
    assert error["code"] == "rate_limit_exceeded"
    assert error["limit"] == "requests_per_minute"
    assert error["scope"] == "organisation"
    assert 0 < error["resets_in"] <= 3
    assert int(answer.headers["retry-after"]) in (1, 2, 3)
    assert answer.headers["x-ratelimit-remaining-requests"] == "0"
    assert error["charged"] == "0"


async def test_tokens_are_counted_as_they_were_used(small: Product) -> None:
    long = await send(small, max_tokens=1_900)
    assert long.status_code == 200
    refused = await send(small, messages=[{"role": "user", "content": "word " * 400}])
    assert refused.status_code == 429
    assert refused.json()["error"]["limit"] == "tokens_per_minute"
    assert number(refused, "retry-after") >= 5
    never = await send(small, messages=[{"role": "user", "content": "word " * 2_000}])
    assert never.status_code == 400
    assert never.json()["error"]["code"] == "exceeds_token_limit"


async def test_open_streams_are_counted_until_they_end(small: Product) -> None:
    body = {"model": "fault/endless", "stream": True, "messages": HI, "max_tokens": 500}
    async with AsyncExitStack() as running, small.http() as http:
        for _ in range(3):
            stream = http.stream("POST", "/v1/chat/completions", json=body)
            assert (await running.enter_async_context(stream)).status_code == 200
        refused = await send(small)
    assert refused.status_code == 429
    assert refused.json()["error"]["code"] == "too_many_concurrent_requests"
    assert refused.headers["retry-after"] == "1"
    await small.quiet()
    assert (await send(small)).status_code == 200


async def test_anthropics_client_reads_its_own_headers(small: Product) -> None:
    client = anthropic.AsyncAnthropic(base_url=small.url, api_key=small.key, max_retries=0)
    async with client:
        sent = client.messages.with_raw_response
        answer = await sent.create(model="fault/ok", max_tokens=4, messages=HI)
        for kind, most in (("requests", 20), ("tokens", 2_000)):
            assert answer.headers[f"anthropic-ratelimit-{kind}-limit"] == str(most)
            assert int(answer.headers[f"anthropic-ratelimit-{kind}-remaining"]) < most
            back = datetime.fromisoformat(answer.headers[f"anthropic-ratelimit-{kind}-reset"])
            assert 0 <= (back - datetime.now(UTC)).total_seconds() <= 60
        for _ in range(19):
            await sent.create(model="fault/ok", max_tokens=4, messages=HI)
        with pytest.raises(anthropic.RateLimitError) as caught:
            await sent.create(model="fault/ok", max_tokens=4, messages=HI)
    assert caught.value.response.headers["anthropic-ratelimit-requests-remaining"] == "0"
    assert int(caught.value.response.headers["retry-after"]) >= 1


async def manager(product: Product) -> httpx.AsyncClient:
    pepper = product.plane.secrets.pepper
    _, secret = await db.run(management_keys.create, product.actor, "robot", pepper=pepper)
    return product.http(secret)


async def test_a_keys_own_limit_is_set_changed_and_lifted_by_programs(product: Product) -> None:
    async with await manager(product) as http:
        limits = {"requests_per_minute": 2, "tokens_per_minute": None, "concurrent": 9}
        made = (await http.post("/v1/keys", json={"name": "narrow", "rate_limit": limits})).json()
        assert made["data"]["rate_limit"] == limits
        key, path = made["key"], f"/v1/keys/{made['data']['hash']}"
        assert number(await send(product, key), "x-ratelimit-limit-requests") == 2
        assert (await send(product, key)).status_code == 200
        refused = await send(product, key)
        assert (refused.status_code, refused.json()["error"]["scope"]) == (429, "key")
        assert (await send(product)).status_code == 200  # the organisation's other keys go on
        wider = {"rate_limit": {"requests_per_minute": 1_000}}
        assert (await http.patch(path, json=wider)).json()["data"]["rate_limit"][
            "concurrent"
        ] is None
        assert number(await send(product, key), "x-ratelimit-limit-requests") == 1_000
        await http.patch(path, json={"name": "renamed"})
        assert number(await send(product, key), "x-ratelimit-limit-requests") == 1_000
        await http.patch(path, json={"rate_limit": None})
        assert number(await send(product, key), "x-ratelimit-limit-requests") == 100_000
        wrong = await http.patch(path, json={"rate_limit": {"concurrent": 0}})
    assert (wrong.status_code, wrong.json()["error"]["param"]) == (422, "rate_limit.concurrent")


async def test_the_secret_that_a_rotation_left_behind_shares_the_limit(product: Product) -> None:
    pepper = product.plane.secrets.pepper
    old = await product.new_key(name="turned", rates=Limits(requests=3))
    caller = await product.plane.callers.find(old)
    assert caller.key_id is not None
    _, fresh = await db.run(keys.rotate, product.actor, caller.key_id, pepper=pepper)
    codes = [(await send(product, key)).status_code for key in (old, fresh, old, fresh)]
    assert codes == [200, 200, 200, 429]


async def test_a_limited_key_is_told_when_its_money_comes_back(product: Product) -> None:
    key = await product.new_key(name="daily", limit_usd="0.001", period="day")
    answer = await send(product, key)
    left = Decimal(answer.headers["x-alltoken-key-remaining"])
    assert left == Decimal("0.001") - Decimal(answer.headers["x-alltoken-cost"])
    resets = datetime.fromisoformat(answer.headers["x-alltoken-resets"])
    assert (resets.hour, resets.minute, resets.tzinfo is not None) == (0, 0, True)
    refused = await send(product, key, max_tokens=3_000)
    assert (refused.status_code, refused.json()["error"]["code"]) == (402, "key_limit_exceeded")
    assert Decimal(refused.headers["x-alltoken-key-remaining"]) == left


async def test_two_processes_allow_together_what_one_would(
    chosen: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One is this process, sharing its limits; the other takes its part as another worker would."""
    monkeypatch.setenv("REQUESTS_PER_MINUTE", "30")
    monkeypatch.setenv("SHARED_LIMITS", "true")
    settings.cache_clear()
    async with serving(settings()) as product:
        other_database = db.Database(product.plane.database.url)
        other = Rates(Limits(30, None, None), Pool(other_database, "wrk_other", 15_000))

        async def elsewhere() -> int:
            try:
                (await other.enter(product.actor.org_id)).leave()
            except TooMany:
                return 429
            return 200

        async def here() -> int:
            return (await send(product)).status_code

        codes = await asyncio.gather(*(one() for _ in range(30) for one in (here, elsewhere)))
        assert 30 <= codes.count(200) <= 33
        assert codes.count(429) == 60 - codes.count(200)
        await other.close()
        await other_database.close()
    settings.cache_clear()
