"""A shop: the sandbox processor, our webhook and a database behind it; and what to ask of it."""

import asyncio
from typing import Any

from sqlmodel import Session, select

from alltoken_app import db
from alltoken_app.ledger import accounts, invariants
from alltoken_app.money import NANO_PER_USD
from alltoken_app.payments.stripe_client import Payment
from alltoken_app.services.actors import Actor
from alltoken_app.services.crediting import Seen
from alltoken_app.services.top_ups import Started
from alltoken_app.tables.payment import TopUp
from tests.payments.site import Site

TWENTY = 20 * NANO_PER_USD


async def available(actor: Actor) -> int:
    def read(session: Session) -> int:
        wallet = accounts.find_wallet(session, actor.org_id, "sandbox")
        return accounts.balance(session, wallet.id).available if wallet else 0

    return await db.read(read)


async def rows(table: Any) -> list[Any]:
    return await db.read(lambda session: list(session.exec(select(table))))


async def until_available(actor: Actor, nano: int) -> None:
    async with asyncio.timeout(20):
        while await available(actor) != nano:
            await asyncio.sleep(0.02)


async def settled(shop: Site) -> None:
    """Wait until we have accepted every event of the processor."""
    async with asyncio.timeout(30):
        while await _undelivered(shop):
            await asyncio.sleep(0.02)


async def _undelivered(shop: Site) -> bool:
    told = (await shop.stripe.v1.events.list_async({"limit": 100})).data
    return not told or any(event.pending_webhooks for event in told)


async def session_of(started: Started) -> str:
    return next(row.session_id for row in await rows(TopUp) if row.id == started.top_up_id)


async def books_balance() -> None:
    assert await db.read(invariants.check) == []


def seen(top_up_id: str | None, **changes: Any) -> Seen:
    """A payment of $21 as the processor tells it, with something about it different."""
    payment = {
        "payment_intent_id": "pi_1",
        "top_up_id": top_up_id,
        "status": "succeeded",
        "livemode": False,
        "currency": "usd",
        "received_minor": 2100,
        "refunded_minor": 0,
        "failure": None,
    }
    word = {"processor": "sandbox", "livemode": False, "top_up_id": top_up_id}
    paid = Payment(**payment | {k: v for k, v in changes.items() if k in payment})
    return Seen(**word | {k: v for k, v in changes.items() if k not in payment}, payment=paid)
