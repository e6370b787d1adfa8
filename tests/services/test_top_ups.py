"""alltoken_app/services/top_ups.py and inbox.py"""

import asyncio
import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from alltoken_app import db
from alltoken_app.clock import DAY, HOUR, MINUTE, SECOND, now_ms
from alltoken_app.errors import Forbidden, Invalid, NotFound, Unavailable
from alltoken_app.payments.events import Event
from alltoken_app.services import top_ups
from alltoken_app.services.actors import Actor
from alltoken_app.tables.account import Role
from alltoken_app.tables.payment import InboxEvent, TopUp
from tests import people
from tests.payments.site import CHALLENGED, DECLINED, POOR, Site, running
from tests.services.shop import (
    TWENTY,
    available,
    books_balance,
    rows,
    session_of,
    settled,
    until_available,
)


@pytest.mark.parametrize(
    ("dollars", "fee", "total"),
    [
        ("20", "$1.00", "$21.00"),
        ("$5", "$0.25", "$5.25"),
        ("5.5", "$0.28", "$5.78"),
        ("5.10", "$0.26", "$5.36"),
        ("5.30", "$0.26", "$5.56"),
        ("500.00", "$25.00", "$525.00"),
    ],
)
def test_the_fee_is_shown_before_paying_rounded_half_to_even(
    dollars: str, fee: str, total: str
) -> None:
    price = top_ups.quote(dollars, fee_percent=5)
    assert (price.fee, price.total) == (fee, total)
    assert price.credit_minor + price.fee_minor == price.gross_minor


@pytest.mark.parametrize(
    "dollars",
    [
        *("0", "-5", "0.001", "1e308", "4.99", "500.01", "20.001", "", "NaN", "Infinity"),
        *("20 EUR", "2٠", "1_0", "0x14", "20,5", "$$20", 4, 501),
    ],
)
def test_any_other_amount_is_refused(dollars: str | int) -> None:
    with pytest.raises(Invalid) as caught:
        top_ups.quote(dollars, fee_percent=5)
    assert (caught.value.code, caught.value.status) == ("invalid_amount", 400)


async def test_a_paid_top_up_is_credited_by_the_webhook_alone(shop: Site, actor: Actor) -> None:
    started = await top_ups.start(shop.payments, actor, "20")
    assert await available(actor) == 0
    await shop.pay(started.url)
    await until_available(actor, TWENTY)
    [row] = await rows(TopUp)
    assert (row.state, row.receipt_number, row.failure) == ("credited", "TEST-000001", None)
    assert (row.processor, row.book, row.gross_minor) == ("sandbox", "sandbox", 2100)
    await books_balance()


async def test_the_return_page_credits_without_any_webhook(shop: Site, actor: Actor) -> None:
    shop.sandbox.faults.drop = 100
    started = await top_ups.start(shop.payments, actor, "20")
    before = await top_ups.settle_return(shop.payments, actor, started.top_up_id)
    paid = await shop.pay(started.url)
    assert paid.headers["location"].endswith(f"/app/wallet?top_up={started.top_up_id}")
    after = await top_ups.settle_return(shop.payments, actor, started.top_up_id)
    assert (before.state, after.state) == ("processing", "credited")
    assert (after.credit, after.fee, after.total) == ("$20.00", "$1.00", "$21.00")
    assert await available(actor) == TWENTY


async def test_ten_tellers_at_once_credit_once(shop: Site, actor: Actor) -> None:
    shop.sandbox.faults.duplicate = 4
    started = await top_ups.start(shop.payments, actor, "20")
    await shop.pay(started.url)
    session_id = await session_of(started)
    await asyncio.gather(
        *(top_ups.settle_checkout(shop.payments, session_id) for _ in range(5)),
        *(top_ups.settle_return(shop.payments, actor, started.top_up_id) for _ in range(5)),
    )
    await settled(shop)
    assert await available(actor) == TWENTY
    assert [row.receipt_number for row in await rows(TopUp)] == ["TEST-000001"]
    assert all(event.handled_at for event in await rows(InboxEvent))
    await books_balance()


async def test_the_same_event_ten_times_at_once_credits_once(shop: Site, actor: Actor) -> None:
    shop.sandbox.faults.drop = 100
    started = await top_ups.start(shop.payments, actor, "20")
    await shop.pay(started.url)
    event = Event("evt_1", "checkout.session.completed", await session_of(started), livemode=False)
    await asyncio.gather(*(top_ups.apply_event(shop.payments, event) for _ in range(10)))
    assert await available(actor) == TWENTY
    [kept] = await rows(InboxEvent)
    assert (kept.attempts, kept.error) == (10, None)


async def test_events_may_come_in_any_order_and_late(
    shop: Site, actor: Actor, time_machine: Any
) -> None:
    shop.sandbox.faults.drop = 100
    started = await top_ups.start(shop.payments, actor, "20")
    await shop.pay(started.url, DECLINED)
    await shop.pay(started.url)
    told = (await shop.stripe.v1.events.list_async({"limit": 100})).data
    assert {"payment_intent.payment_failed", "payment_intent.succeeded"} < {
        event.type for event in told
    }
    time_machine.move_to((now_ms() + 3 * DAY) / 1000)
    for event in told:  # newest first: the failure arrives after the success
        name = Event(event.id, event.type, event.data.object.id, livemode=False)
        await top_ups.apply_event(shop.payments, name)
    assert await available(actor) == TWENTY
    assert [row.state for row in await rows(TopUp)] == ["credited"]


async def test_seen_is_not_done(shop: Site, actor: Actor) -> None:
    shop.sandbox.faults.drop = 100
    started = await top_ups.start(shop.payments, actor, "20")
    await shop.pay(started.url)
    event = Event("evt_1", "checkout.session.completed", await session_of(started), livemode=False)
    shop.sandbox.faults.fail = 3
    with pytest.raises(Unavailable):
        await top_ups.apply_event(shop.payments, event)
    [kept] = await rows(InboxEvent)
    assert (kept.handled_at, kept.error) == (None, "payment_processor_unavailable")
    await top_ups.apply_event(shop.payments, event)
    assert await available(actor) == TWENTY


async def test_a_webhook_of_ours_that_failed_is_called_again(shop: Site, actor: Actor) -> None:
    started = await top_ups.start(shop.payments, actor, "20")
    shop.refuse_webhooks = 3
    shop.sandbox.faults.forge = 6
    await shop.pay(started.url)
    await until_available(actor, TWENTY)
    assert {503, 400} <= set(shop.delivered)
    await settled(shop)
    assert await available(actor) == TWENTY


async def test_a_declined_card_credits_nothing_and_says_why(shop: Site, actor: Actor) -> None:
    started = await top_ups.start(shop.payments, actor, "20")
    await shop.pay(started.url, POOR)
    shown = await top_ups.settle_return(shop.payments, actor, started.top_up_id)
    assert (shown.state, shown.trouble) == ("processing", "The card has insufficient funds.")
    await shop.pay(started.url, CHALLENGED)
    assert await available(actor) == 0
    await shop.http.post(shop.url(started.url) + "/confirm", data={"answer": "yes"})
    await until_available(actor, TWENTY)


async def test_the_reconciler_finds_what_no_webhook_told(
    shop: Site, actor: Actor, time_machine: Any
) -> None:
    shop.sandbox.faults.drop = 100
    paid = await top_ups.start(shop.payments, actor, "20")
    await top_ups.start(shop.payments, actor, "30")
    await shop.pay(paid.url)
    assert await top_ups.reconcile(shop.payments) == 0  # too young to worry about
    time_machine.move_to((now_ms() + 2 * MINUTE) / 1000)
    shop.sandbox.faults.fail = 3
    await top_ups.reconcile(shop.payments)  # a processor that stumbles stops nothing
    await top_ups.reconcile(shop.payments)
    assert await available(actor) == TWENTY
    time_machine.move_to((now_ms() + 2 * HOUR) / 1000)
    await top_ups.reconcile(shop.payments)
    assert sorted(row.state for row in await rows(TopUp)) == ["credited", "failed"]


async def test_a_process_that_died_before_the_page_leaves_nothing_open(
    shop: Site, actor: Actor, time_machine: Any
) -> None:
    await db.run(top_ups._create, shop.payments, actor.org_id, actor.person_id, top_ups.quote("20"))
    time_machine.move_to((now_ms() + 2 * HOUR) / 1000)
    assert await top_ups.reconcile(shop.payments) == 0
    assert [(row.state, row.failure) for row in await rows(TopUp)] == [("failed", "abandoned")]


async def test_a_processor_that_times_out_charges_nobody_and_says_so(
    database: db.Database, actor: Actor, tmp_path: Path
) -> None:
    async with running(tmp_path / "var", payment_timeout=0.2) as shop:
        shop.sandbox.faults.time_out_after_commit = 3
        shop.sandbox.faults.silence_ms = 400
        with pytest.raises(Unavailable) as caught:
            await top_ups.start(shop.payments, actor, "20")
        assert "Nothing was charged" in str(caught.value)
        shop.sandbox.faults.time_out_after_commit = 0
        started = await top_ups.start(shop.payments, actor, "20")
        await shop.pay(started.url)
        await until_available(actor, TWENTY)
        charges = (await shop.stripe.v1.charges.list_async()).data
        assert [charge.amount for charge in charges] == [2100]
        assert sorted(row.state for row in await rows(TopUp)) == ["credited", "failed"]


async def test_an_event_of_the_other_book_changes_nothing(shop: Site, actor: Actor) -> None:
    started = await top_ups.start(shop.payments, actor, "20")
    await shop.pay(started.url)
    session_id = await session_of(started)
    await top_ups.apply_event(
        shop.payments, Event("evt_live", "checkout.session.completed", session_id, livemode=True)
    )
    kept = {event.event_id: event for event in await rows(InboxEvent)}
    assert kept["evt_live"].error == "livemode differs from our book"


async def test_what_is_not_about_a_top_up_is_put_aside(shop: Site, actor: Actor) -> None:
    await top_ups.apply_event(
        shop.payments, Event("evt_1", "customer.created", "cus_1", livemode=False)
    )
    await top_ups.apply_event(
        shop.payments, Event("evt_2", "charge.dispute.created", "dp_1", livemode=False)
    )
    kept = {event.event_id: event for event in await rows(InboxEvent)}
    assert kept["evt_1"].handled_at is not None
    assert (kept["evt_2"].handled_at, kept["evt_2"].error) == (
        None,
        "needs a person: charge.dispute.created",
    )


async def test_only_who_may_pay_pays_and_only_their_own(shop: Site, actor: Actor) -> None:
    developer = await people.sign_in("Dev", role=Role.DEVELOPER, org_id=actor.org_id)
    with pytest.raises(Forbidden):
        await top_ups.start(shop.payments, developer.actor, "20")
    started = await top_ups.start(shop.payments, actor, "20")
    stranger = (await people.sign_in("Stranger")).actor
    with pytest.raises(NotFound):
        await top_ups.settle_return(shop.payments, stranger, started.top_up_id)


async def test_a_forged_event_is_refused_at_the_door(shop: Site, actor: Actor) -> None:
    started = await top_ups.start(shop.payments, actor, "20")
    event = {
        "id": "evt_forged",
        "object": "event",
        "type": "checkout.session.completed",
        "livemode": False,
        "data": {"object": {"id": await session_of(started), "payment_status": "paid"}},
    }
    answers = [
        await deliver(shop, event, secret="", at=now_ms() // SECOND),
        await deliver(shop, event, secret="whsec_guess", at=now_ms() // SECOND),
        await deliver(shop, event, at=now_ms() // SECOND - 400),
        await deliver(shop, event, at=now_ms() // SECOND + 400),
    ]
    assert {answer.status_code for answer in answers} == {400}
    assert await rows(InboxEvent) == []
    genuine = await deliver(shop, event, at=now_ms() // SECOND)
    assert genuine.status_code == 200  # signed, but the page is unpaid when we look ourselves
    assert await available(actor) == 0


async def deliver(
    shop: Site, event: dict[str, Any], *, at: int, secret: str | None = None
) -> httpx.Response:
    body = json.dumps(event).encode()
    key = (shop.secrets.sandbox_webhook_secret if secret is None else secret).encode()
    digest = hmac.new(key, b"%d." % at + body, hashlib.sha256).hexdigest()
    url = f"http://127.0.0.1:{shop.settings.port}/webhooks/stripe"
    headers = {"stripe-signature": f"t={at},v1={digest}"}
    return await shop.http.post(url, content=body, headers=headers)
