"""alltoken_app/services/crediting.py"""

import asyncio
from typing import Any

import pytest
from sqlmodel import Session

from alltoken_app import db
from alltoken_app.payments.events import Event
from alltoken_app.services import crediting, inbox, top_ups
from alltoken_app.services.actors import Actor
from alltoken_app.services.crediting import Seen
from alltoken_app.tables.payment import InboxEvent, TopUp
from tests.payments.site import Site
from tests.services.shop import TWENTY, available, books_balance, rows, seen, session_of


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"received_minor": 2099}, "2099 cents instead of 2100"),
        ({"received_minor": 210_000}, "210000 cents instead of 2100"),
        ({"currency": "jpy"}, "currency jpy"),
        ({"processor": "stripe"}, "another processor's top-up"),
        ({"livemode": True}, "another book's payment"),
        ({"refunded_minor": 2100}, "refunded before it was credited"),
        ({"session_id": "cs_other"}, "another payment page"),
    ],
)
async def test_a_payment_that_does_not_fit_is_kept_and_never_credited(
    shop: Site, actor: Actor, wrong: dict[str, Any], why: str
) -> None:
    started = await top_ups.start(shop.payments, actor, "20")
    event = Event("evt_1", "payment_intent.succeeded", "pi_1", livemode=False)

    def apply(session: Session) -> None:
        for processor in ("sandbox", "stripe"):
            inbox.receive(session, processor, event)
        crediting.apply(session, seen(started.top_up_id, **wrong), "evt_1")

    await db.run(apply)
    assert await available(actor) == 0
    kept = {event.processor: event for event in await rows(InboxEvent)}
    mine = kept[str(wrong.get("processor", "sandbox"))]
    assert (mine.handled_at, mine.error) == (None, why)
    assert [row.state for row in await rows(TopUp)] == ["processing"]


async def test_a_payment_cannot_be_passed_off_as_another_top_ups(shop: Site, actor: Actor) -> None:
    mine = await top_ups.start(shop.payments, actor, "20")
    theirs = await top_ups.start(shop.payments, actor, "20")
    word = seen(theirs.top_up_id)
    await db.run(crediting.apply, Seen("sandbox", False, mine.top_up_id, word.payment))
    assert await available(actor) == 0
    await db.run(crediting.apply, word)
    await db.run(crediting.apply, Seen("sandbox", False, theirs.top_up_id, seen("x").payment))
    assert await available(actor) == TWENTY


async def test_receipt_numbers_have_no_gaps_also_when_payments_come_together(
    shop: Site, actor: Actor
) -> None:
    shop.sandbox.faults.drop = 100
    started = [await top_ups.start(shop.payments, actor, "20") for _ in range(6)]
    words = [seen(one.top_up_id, payment_intent_id=f"pi_{one.top_up_id}") for one in started]

    def apply_and_fail(session: Session) -> None:
        crediting.apply(session, words[0])
        raise RuntimeError("the power went")

    with pytest.raises(RuntimeError):
        await db.run(apply_and_fail)
    await asyncio.gather(*(db.run(crediting.apply, word) for word in words for _ in range(2)))
    numbers = sorted(row.receipt_number for row in await rows(TopUp))
    assert numbers == [f"TEST-{number:06d}" for number in range(1, 7)]
    assert await available(actor) == 6 * TWENTY
    await books_balance()


async def test_a_page_nobody_paid_ends_as_failed_but_a_late_success_still_credits(
    shop: Site, actor: Actor
) -> None:
    started = await top_ups.start(shop.payments, actor, "20")
    session_id = await session_of(started)
    await shop.stripe.v1.checkout.sessions.expire_async(session_id)
    shown = await top_ups.settle_checkout(shop.payments, session_id)
    assert shown is not None
    assert (shown.state, shown.trouble) == ("failed", "The payment page was left open too long.")
    await db.run(crediting.apply, seen(started.top_up_id))
    assert await available(actor) == TWENTY
