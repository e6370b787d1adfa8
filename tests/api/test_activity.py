"""GET /v1/activity, and what OpenRouter's strict client reads of credits, key and generation"""

from typing import Any

import httpx
import openrouter
import pytest
from openrouter import components, errors, operations
from sqlmodel import Session

from alltoken_app import db
from alltoken_app.clock import DAY, iso, now_ms
from alltoken_app.crypto import sha256_hex
from alltoken_app.limits.rates import Limits
from alltoken_app.services import management_keys
from alltoken_app.tables.generation import Generation
from tests.api.conftest import Product

HI: list[Any] = [{"role": "user", "content": "hi"}]
ENDPOINT = "fault:fault/ok"
Day = components.ActivityItem


@pytest.fixture
async def manager(product: Product) -> str:
    """A management key."""
    pepper = product.plane.secrets.pepper
    _, secret = await db.run(management_keys.create, product.actor, "robot", pepper=pepper)
    return secret


def client(product: Product, key: str) -> openrouter.OpenRouter:
    return openrouter.OpenRouter(api_key=key, server_url=f"{product.url}/api/v1")


async def send(product: Product, key: str | None = None, tokens: int = 4) -> dict[str, Any]:
    body = {"model": "fault/ok", "messages": HI, "max_tokens": tokens}
    async with product.http(key) as http:
        answer = await http.post("/v1/chat/completions", json=body)
    assert answer.status_code == 200
    return dict(answer.json())


async def days(product: Product, key: str, **query: str) -> list[Day]:
    async with client(product, key) as api:
        request = operations.GetUserActivityRequest(**query)
        return (await api.analytics.get_user_activity_async(request=request)).data


def placed(session: Session, generation_id: str, at: int) -> None:
    row = session.get(Generation, generation_id)
    assert row is not None
    row.created_at = at
    session.add(row)


async def test_a_day_adds_up_to_what_was_answered(product: Product, manager: str) -> None:
    sent = [await send(product, tokens=count) for count in (3, 5)]
    [day] = await days(product, manager)
    assert (day.date_, day.requests) == (iso(now_ms())[:10], 2)
    assert (day.model, day.endpoint_id, day.provider_name) == ("fault/ok", ENDPOINT, "Fault")
    assert day.prompt_tokens == sum(one["usage"]["prompt_tokens"] for one in sent)
    assert day.completion_tokens == 8
    assert day.usage == pytest.approx(sum(one["usage"]["cost"] for one in sent), abs=1e-12)


async def test_days_are_apart_and_those_before_the_last_thirty_are_left_out(
    product: Product, manager: str
) -> None:
    sent = [await send(product) for _ in range(4)]
    await product.quiet()
    for answer, ago in zip(sent, (0, 1, 29, 30), strict=True):
        await db.run(placed, answer["id"], now_ms() - ago * DAY)
    dates = [iso(now_ms() - ago * DAY)[:10] for ago in (0, 1, 29, 30)]
    assert [day.date_ for day in await days(product, manager)] == dates[:3]
    assert [day.date_ for day in await days(product, manager, date_=dates[1])] == [dates[1]]
    with pytest.raises(errors.BadRequestResponseError):
        await days(product, manager, date_=dates[3])


async def test_a_key_sees_its_own_use_and_a_manager_everybodys(
    product: Product, manager: str
) -> None:
    other = await product.new_key(name="other")
    await send(product)
    for _ in range(2):
        await send(product, other)
    caller = await product.plane.callers.find(other)
    assert caller.key_id is not None
    hash_ = sha256_hex(caller.key_id)
    assert [day.requests for day in await days(product, product.key)] == [1]
    assert [day.requests for day in await days(product, other)] == [2]
    assert [day.requests for day in await days(product, manager)] == [3]
    assert [day.requests for day in await days(product, manager, api_key_hash=hash_)] == [2]
    person = product.actor.person_id
    assert [day.requests for day in await days(product, manager, user_id=person)] == [3]
    assert await days(product, manager, user_id="usr_nobody") == []
    [grouped] = await days(product, manager, group_by="workspace")
    assert grouped.workspace_id == product.actor.org_id
    with pytest.raises(errors.ForbiddenResponseError):
        await days(product, product.key, api_key_hash=hash_)


async def test_requests_that_failed_before_any_content_are_not_counted(
    product: Product, manager: str
) -> None:
    async with product.http() as http:
        body = {"model": "fault/server-error", "messages": HI}
        assert (await http.post("/v1/chat/completions", json=body)).status_code == 502
    await product.quiet()
    assert await days(product, manager) == []


async def test_another_organisations_key_is_not_found(product: Product, manager: str) -> None:
    async with product.http(manager) as http:
        answer = await http.get("/v1/activity", params={"api_key_hash": sha256_hex("key_x")})
        grouped = await http.get("/v1/activity", params={"group_by": "moon"})
    assert (answer.status_code, answer.json()["error"]["param"]) == (404, "api_key_hash")
    assert grouped.status_code == 400


async def test_a_day_ends_at_midnight_in_utc(product: Product, manager: str) -> None:
    midnight = now_ms() // DAY * DAY
    sent = [await send(product), await send(product)]
    await product.quiet()
    for answer, at in zip(sent, (midnight - 1, midnight), strict=True):
        await db.run(placed, answer["id"], at)
    found = await days(product, manager)
    assert [day.date_ for day in found] == [iso(midnight)[:10], iso(midnight - 1)[:10]]


@pytest.mark.filterwarnings("ignore:.*DEPRECATED:DeprecationWarning")
async def test_openrouters_client_reads_credits_key_and_generation(
    product: Product, manager: str
) -> None:
    rates = Limits(requests=70, tokens=None, at_once=5)
    key = await product.new_key(name="limited", limit_usd="1", period="week", rates=rates)
    answer = await send(product, key)
    await product.quiet()
    for credential in (key, manager):
        async with client(product, credential) as api:
            credits = (await api.credits.get_credits_async()).data
            shown = (await api.generations.get_generation_async(id=answer["id"])).data
        assert credits.total_credits == 10
        assert credits.total_usage == pytest.approx(answer["usage"]["cost"])
        assert (shown.model, shown.provider_name, shown.data_region) == (
            "fault/ok", "Fault", "global",
        )  # fmt: skip
        assert shown.provider_responses is not None
        assert [(one.endpoint_id, one.status) for one in shown.provider_responses] == [
            (ENDPOINT, 200)
        ]
    async with client(product, key) as api:
        own = (await api.api_keys.get_current_key_metadata_async()).data
    assert (own.limit, own.limit_reset, own.is_management_key) == (1, "weekly", False)
    assert own.limit_remaining == pytest.approx(1 - answer["usage"]["cost"])
    [budget] = own.budgets
    assert (budget.scope, budget.limit_usd, budget.reset_interval) == ("key_limit", 1, "weekly")
    assert budget.resets_at is not None
    assert budget.resets_at.weekday() == 0
    assert own.organization_id == product.actor.org_id
    async with client(product, manager) as api:
        robot = (await api.api_keys.get_current_key_metadata_async()).data
    assert (robot.is_management_key, robot.limit, robot.usage) == (True, None, 0)


async def test_a_key_says_which_rates_hold_for_it(product: Product) -> None:
    key = await product.new_key(name="narrow", rates=Limits(requests=70, tokens=None, at_once=5))
    async with product.http(key) as http:
        found: httpx.Response = await http.get("/v1/key")
    rates = found.json()["data"]["rate_limit"]
    assert (rates["requests"], rates["tokens"], rates["concurrent"]) == (70, 10**9, 5)
