"""alltoken_app/payments/sandbox/api.py, operations.py and parameters.py"""

from pathlib import Path
from typing import Any

import httpx
import pytest
import stripe

from alltoken_app.clock import HOUR, MINUTE, SECOND, now_ms
from tests.payments.site import Site, running

CHECKOUT: dict[str, Any] = {
    "mode": "payment",
    "success_url": "http://localhost:1/done?s={CHECKOUT_SESSION_ID}",
    "line_items": [
        {
            "quantity": 2,
            "price_data": {
                "currency": "usd",
                "unit_amount": 1000,
                "product_data": {"name": "Credit"},
            },
        }
    ],
}


async def paid(site: Site) -> str:
    """A paid session's PaymentIntent."""
    made = await site.stripe.v1.checkout.sessions.create_async(CHECKOUT)
    await site.pay(made.url)
    seen = await site.stripe.v1.checkout.sessions.retrieve_async(made.id)
    return seen.payment_intent


async def post(site: Site, place: str, data: dict[str, str]) -> httpx.Response:
    url = f"http://127.0.0.1:{site.settings.port}/sandbox/stripe/v1/{place}"
    headers = {"authorization": f"Bearer {site.secrets.sandbox_api_key}"}
    return await site.http.post(url, data=data, headers=headers)


@pytest.mark.parametrize("key", ["sk_test_other", "é", "-"])
async def test_nobody_gets_in_without_the_key(site: Site, key: str) -> None:
    url = f"http://127.0.0.1:{site.settings.port}/sandbox/stripe/v1/events"
    answer = await site.http.get(url, headers={"authorization": f"Bearer {key}".encode()})
    assert (answer.status_code, answer.json()["error"]["type"]) == (401, "invalid_request_error")
    assert (await site.http.get(url)).status_code == 401


@pytest.mark.parametrize(
    ("changes", "param", "code"),
    [
        ({"nonsense": "1"}, "nonsense", "parameter_unknown"),
        (
            {"payment_intent_data": {"nonsense": "1"}},
            "payment_intent_data[nonsense]",
            "parameter_unknown",
        ),
        (
            {"line_items": [{"price_data": {"unit_amount": 1}}]},
            "line_items[0][price_data][currency]",
            "parameter_missing",
        ),
        ({"expires_at": "soon"}, "expires_at", "parameter_invalid_integer"),
        ({"submit_type": "steal"}, "submit_type", None),
        ({"line_items": "one"}, "line_items", None),
        ({"mode": "subscription"}, "mode", None),
        ({"success_url": "javascript:alert(1)"}, "success_url", "url_invalid"),
        ({"expires_at": now_ms() // SECOND + 60}, "expires_at", None),
        ({"discounts": [{"coupon": "half"}]}, "discounts", None),
        ({"metadata": {"a": "b" * 501}}, "metadata[a]", None),
    ],
)
async def test_what_the_real_processor_refuses_is_refused(
    site: Site, changes: dict[str, Any], param: str, code: str | None
) -> None:
    with pytest.raises(stripe.InvalidRequestError) as caught:
        await site.stripe.raw_request_async("post", "/v1/checkout/sessions", **(CHECKOUT | changes))
    assert (caught.value.param, caught.value.code) == (param, code)


async def test_options_of_the_client_are_no_parameters(site: Site) -> None:
    answer = await post(site, "customers", {"api_key": "sk"})
    assert answer.json()["error"]["code"] == "parameter_unknown"


async def test_what_is_too_small_to_charge_is_refused(site: Site) -> None:
    item = CHECKOUT["line_items"][0]
    small = item | {"quantity": 1, "price_data": item["price_data"] | {"unit_amount": 49}}
    with pytest.raises(stripe.InvalidRequestError) as caught:
        await site.stripe.v1.checkout.sessions.create_async(CHECKOUT | {"line_items": [small]})
    assert caught.value.code == "amount_too_small"


async def test_unknown_places_and_objects_are_missing(site: Site) -> None:
    answer = await post(site, "subscriptions", {})
    assert (answer.status_code, answer.json()["error"]["type"]) == (404, "invalid_request_error")
    intent = await paid(site)
    for wrong in ("cs_none", intent):
        with pytest.raises(stripe.InvalidRequestError) as caught:
            await site.stripe.v1.checkout.sessions.retrieve_async(wrong)
        assert caught.value.code == "resource_missing"


async def test_an_idempotency_key_is_answered_once_and_for_all(site: Site) -> None:
    create, key = site.stripe.v1.checkout.sessions.create_async, {"idempotency_key": "k"}
    first, again = await create(CHECKOUT, key), await create(CHECKOUT, key)
    assert first.id == again.id
    assert again.last_response.headers["idempotent-replayed"] == "true"
    with pytest.raises(stripe.IdempotencyError):
        await create(CHECKOUT | {"submit_type": "pay"}, key)
    with pytest.raises(stripe.IdempotencyError):
        await site.stripe.v1.customers.create_async({"email": "a@example.org"}, key)
    assert (await create(CHECKOUT, {"idempotency_key": "l"})).id != first.id


async def test_a_refused_call_does_not_use_up_its_key(site: Site) -> None:
    create, key = site.stripe.v1.checkout.sessions.create_async, {"idempotency_key": "k"}
    with pytest.raises(stripe.InvalidRequestError):
        await create(CHECKOUT | {"mode": "setup"}, key)
    assert (await create(CHECKOUT, key)).status == "open"


async def test_everything_is_still_there_after_a_restart(tmp_path: Path) -> None:
    async with running(tmp_path) as site:
        key = {"idempotency_key": "k"}
        first = await site.stripe.v1.checkout.sessions.create_async(CHECKOUT, key)
        intent = await paid(site)
    async with running(tmp_path) as site:
        again = await site.stripe.v1.checkout.sessions.create_async(CHECKOUT, key)
        assert again.id == first.id
        assert (await site.stripe.v1.payment_intents.retrieve_async(intent)).amount == 2000


async def test_references_are_shown_whole_when_asked_for(site: Site) -> None:
    expand = {"expand": ["latest_charge.balance_transaction"]}
    intent = await site.stripe.v1.payment_intents.retrieve_async(await paid(site), expand)
    charge = intent.latest_charge
    assert (charge.payment_method_details.card.last4, charge.amount) == ("4242", 2000)
    assert (charge.balance_transaction.fee, charge.balance_transaction.net) == (88, 1912)
    with pytest.raises(stripe.InvalidRequestError):
        await site.stripe.v1.payment_intents.retrieve_async(intent.id, {"expand": ["status"]})


async def test_no_more_is_refunded_than_was_paid(site: Site) -> None:
    intent = await paid(site)
    refund = site.stripe.v1.refunds.create_async
    await refund({"payment_intent": intent, "amount": 500, "reason": "requested_by_customer"})
    for wrong in (1501, 0, -1):
        with pytest.raises(stripe.InvalidRequestError):
            await refund({"payment_intent": intent, "amount": wrong})
    assert (await refund({"payment_intent": intent})).amount == 1500
    with pytest.raises(stripe.InvalidRequestError) as caught:
        await refund({"payment_intent": intent})
    assert caught.value.code == "charge_already_refunded"
    kinds = [event.type for event in (await site.stripe.v1.events.list_async()).data]
    assert kinds[:4] == ["charge.refunded", "refund.created"] * 2


async def test_an_unpaid_payment_cannot_be_refunded(site: Site) -> None:
    made = await site.stripe.v1.checkout.sessions.create_async(CHECKOUT)
    await site.pay(made.url, "4000000000000002")
    seen = await site.stripe.v1.checkout.sessions.retrieve_async(made.id)
    with pytest.raises(stripe.InvalidRequestError):
        await site.stripe.v1.refunds.create_async({"payment_intent": seen.payment_intent})


async def test_lists_are_paged_and_filtered(site: Site) -> None:
    customers = site.stripe.v1.customers
    made = [(await customers.create_async({"email": f"{n}@example.org"})).id for n in range(3)]
    page = await customers.list_async({"limit": 2})
    assert ([one.id for one in page.data], page.has_more) == ([made[2], made[1]], True)
    rest = await customers.list_async({"limit": 2, "starting_after": made[1]})
    assert ([one.id for one in rest.data], rest.has_more) == ([made[0]], False)
    found = await customers.list_async({"email": "1@example.org"})
    assert [one.id for one in found.data] == [made[1]]


async def test_a_session_expires_by_hand_or_by_time(
    site: Site, time_machine: Any, tmp_path: Path
) -> None:
    sessions = site.stripe.v1.checkout.sessions
    by_hand = await sessions.create_async(CHECKOUT)
    assert (await sessions.expire_async(by_hand.id)).status == "expired"
    with pytest.raises(stripe.InvalidRequestError):
        await sessions.expire_async(by_hand.id)
    soon = now_ms() // SECOND + 30 * 60
    by_time = await sessions.create_async(CHECKOUT | {"expires_at": soon})
    assert (await sessions.retrieve_async(by_time.id)).status == "open"
    time_machine.move_to((now_ms() + HOUR + MINUTE) / 1000)
    assert (await sessions.retrieve_async(by_time.id)).status == "expired"


async def test_what_only_the_sandbox_needs_stays_inside(site: Site) -> None:
    made = await site.stripe.v1.checkout.sessions.create_async(CHECKOUT)
    assert not [name for name in made.to_dict() if name.startswith("_")]
