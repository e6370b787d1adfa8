"""Top-ups: a quote, a hosted payment page, and the credit once the payment is really there."""

import re
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal

import structlog
from sqlalchemy import update
from sqlmodel import Session, col, select

from alltoken_app import db
from alltoken_app.clock import DAY, HOUR, MINUTE, SECOND, Millis, iso, now_ms
from alltoken_app.errors import AllTokenError, Invalid, NotFound
from alltoken_app.ledger import accounts
from alltoken_app.money import NANO_PER_CENT, show_usd
from alltoken_app.payments.events import Event
from alltoken_app.payments.stripe_client import NewCheckout, Payments
from alltoken_app.services import crediting, inbox
from alltoken_app.services.actors import Actor
from alltoken_app.services.crediting import locked, seen_checkout, seen_payment
from alltoken_app.settings import settings
from alltoken_app.tables.payment import TopUp, TopUpState

LEAST, MOST, PRESET = 5, 500, 20  # US dollars
PAGE_LIFE = HOUR  # how long the payment page stays open
STALE = MINUTE  # older ones the reconciler asks about
FORGOTTEN = 3 * DAY  # older ones it no longer asks about: their pages closed long ago
BATCH = 100
FOR_STAFF = ("charge.dispute.", "charge.refund", "refund.", "radar.", "review.")
REASONS = {
    "insufficient_funds": "The card has insufficient funds.",
    "payment_intent_authentication_failure": "The bank did not confirm the payment.",
    "expired": "The payment page was left open too long.",
    "abandoned": "The payment page was never opened.",
    "processor_unavailable": "The payment processor did not answer.",
    "canceled": "The payment was cancelled.",
}

log = structlog.get_logger()


@dataclass(frozen=True)
class Quote:
    """What a top-up costs, to be shown before paying. Amounts in cents, and as shown."""

    credit_minor: int = 0
    fee_minor: int = 0
    gross_minor: int = 0
    fee_percent: int = 0
    credit: str = "$0.00"
    fee: str = "$0.00"
    total: str = "$0.00"


@dataclass(frozen=True)
class Started:
    """A top-up that waits for its payment at `url`."""

    top_up_id: str
    url: str


@dataclass(frozen=True)
class TopUpView:
    """A top-up for showing.

    Attributes:
        state: "processing" also while its page has not been opened, "credited" or "failed".
        trouble: Why the last attempt to pay failed; "" when none did.
    """

    id: str = ""
    state: str = ""
    credit: str = ""
    fee: str = ""
    total: str = ""
    receipt_number: str = ""
    trouble: str = ""
    book: str = ""
    at: str = ""


def quote(dollars: str | int | Decimal, fee_percent: int | None = None) -> Quote:
    """The price of `dollars` of credit; the fee is rounded to the cent, half to even.

    Args:
        fee_percent: Per cent on top; the setting when None.

    Raises:
        Invalid: `invalid_amount`: not an amount in whole cents, or outside $5 to $500.
    """
    percent = settings().top_up_fee_percent if fee_percent is None else fee_percent
    credit = _cents(str(dollars))
    fee = int((Decimal(credit * percent) / 100).quantize(Decimal(1), ROUND_HALF_EVEN))
    shown = [show_usd(cents * NANO_PER_CENT) for cents in (credit, fee, credit + fee)]
    return Quote(credit, fee, credit + fee, percent, *shown)


def _cents(typed: str) -> int:
    match = re.fullmatch(r"\$?([0-9]{1,9})(?:\.([0-9]{1,2}))?", typed.strip(), re.ASCII)
    if match is None:
        raise _invalid("Write an amount in US dollars, for example 20 or 20.50.")
    cents = int(match[1]) * 100 + int((match[2] or "").ljust(2, "0"))
    if not LEAST * 100 <= cents <= MOST * 100:
        raise _invalid(f"A top-up is from ${LEAST} to ${MOST}.")
    return cents


def _invalid(message: str) -> Invalid:
    return Invalid(message, code="invalid_amount", param="dollars", status=400)


async def start(payments: Payments, actor: Actor, dollars: str | int | Decimal) -> Started:
    """Open a payment page for the actor's organisation.

    The row is written first: whatever happens to us afterwards, a payment finds its top-up.

    Raises:
        Forbidden: The role may not pay.
        Invalid: `invalid_amount`.
        Unavailable: The processor did not answer; nothing was charged.
    """
    actor.require("pay")
    return await begin(payments, actor.org_id, actor.person_id, dollars)


async def begin(
    payments: Payments, org_id: str, person_id: str, dollars: str | int | Decimal
) -> Started:
    """`start` for callers that know who asks without a session (the command line)."""
    price = quote(dollars, payments.settings.top_up_fee_percent)
    top_up = await db.run(_create, payments, org_id, person_id, price)
    try:
        page = await payments.create_checkout(_checkout(payments, top_up))
    except AllTokenError:
        await db.run(_fail, top_up.id, "processor_unavailable")
        raise
    await db.run(_processing, top_up.id, page.session_id)
    return Started(top_up.id, page.url)


def _create(
    session: Session, payments: Payments, org_id: str, person_id: str, price: Quote
) -> TopUp:
    top_up = TopUp(
        org_id=org_id,
        wallet_id=accounts.open_wallet(session, org_id, payments.book).id,
        person_id=person_id,
        book=payments.book,
        processor=payments.processor,
        credit=price.credit_minor * NANO_PER_CENT,
        fee=price.fee_minor * NANO_PER_CENT,
        gross_minor=price.gross_minor,
    )
    session.add(top_up)
    session.flush()
    return top_up


def _checkout(payments: Payments, top_up: TopUp) -> NewCheckout:
    wallet = f"{payments.settings.origin}/app/wallet"
    return NewCheckout(
        top_up_id=top_up.id,
        credit_minor=top_up.credit // NANO_PER_CENT,
        fee_minor=top_up.fee // NANO_PER_CENT,
        currency=top_up.currency,
        success_url=f"{wallet}?top_up={top_up.id}",
        cancel_url=f"{wallet}?cancelled={top_up.id}",
        expires_at=(top_up.created_at + PAGE_LIFE) // SECOND,
    )


def _processing(session: Session, top_up_id: str, session_id: str) -> None:
    """Note the payment page; a webhook that was faster keeps its state."""
    row = locked(session, top_up_id)
    if row is not None:
        row.session_id = session_id
        if row.state == TopUpState.CREATED:
            row.state = TopUpState.PROCESSING


def _fail(session: Session, top_up_id: str, failure: str) -> None:
    row = locked(session, top_up_id)
    if row is not None and row.state in (TopUpState.CREATED, TopUpState.PROCESSING):
        row.state, row.failure = TopUpState.FAILED, failure


async def apply_event(payments: Payments, event: Event) -> None:
    """Apply a verified event of the processor, once, however often it is delivered.

    Raises:
        AllTokenError: It could not be applied now and must be delivered again; the reason is
            kept in its inbox row.
    """
    if await db.run(inbox.receive, payments.processor, event):
        return
    try:
        await _handle(payments, event)
    except Exception as error:
        told = error.code if isinstance(error, AllTokenError) else type(error).__name__
        await db.run(inbox.note, payments.processor, event.event_id, told)
        raise


async def _handle(payments: Payments, event: Event) -> None:
    """Fetch what the event is about again, so that the order of events cannot matter."""
    processor, kind = payments.processor, event.type
    if event.livemode != payments.livemode:
        await db.run(inbox.note, processor, event.event_id, "livemode differs from our book")
    elif kind.startswith("checkout.session."):
        checkout = await payments.fetch_checkout(event.object_id)
        await db.run(crediting.apply, seen_checkout(processor, checkout), event.event_id)
    elif kind.startswith("payment_intent."):
        payment = await payments.fetch_payment_intent(event.object_id)
        await db.run(crediting.apply, seen_payment(processor, payment), event.event_id)
    elif kind.startswith(FOR_STAFF):
        log.warning("payment_event_needs_a_person", type=kind, event_id=event.event_id)
        await db.run(inbox.note, processor, event.event_id, f"needs a person: {kind}")
    else:
        await db.run(inbox.handled, processor, event.event_id)


async def settle_checkout(payments: Payments, session_id: str) -> TopUpView | None:
    """Ask the processor about a payment page and apply what it says; None when it is not ours.

    Raises:
        NotFound: The processor does not know it.
        Unavailable: The processor did not answer; ask again later.
    """
    found = await payments.fetch_checkout(session_id)
    row = await db.run(crediting.apply, seen_checkout(payments.processor, found))
    return view(row) if row else None


async def settle_return(payments: Payments, actor: Actor, top_up_id: str) -> TopUpView:
    """The customer came back from the payment page: how the top-up stands now.

    Raises:
        NotFound: The actor's organisation has no such top-up.
        Unavailable: The processor did not answer; the payment is applied later by itself.
    """
    actor.require("see_money")
    found = await db.read(_own, actor.org_id, top_up_id)
    if found.state == TopUpState.CREDITED or found.session_id is None:
        return view(found)
    if found.processor != payments.processor:
        return view(found)
    return await settle_checkout(payments, found.session_id) or view(found)


def _own(session: Session, org_id: str, top_up_id: str) -> TopUp:
    found = session.get(TopUp, top_up_id)
    if found is None or found.org_id != org_id:
        raise NotFound("There is no such top-up.")
    return found


async def reconcile(payments: Payments, *, older_than: Millis = STALE) -> int:
    """Ask again about open top-ups; returns how many it credited. For a job, every minute.

    This is what makes a lost webhook harmless.
    """
    await db.run(_abandon_unopened)
    credited = 0
    for session_id in await db.read(_open_pages, payments.processor, older_than):
        try:
            settled = await settle_checkout(payments, session_id)
        except AllTokenError as error:
            log.warning("top_up_not_reconciled", session=session_id, code=error.code)
            continue
        credited += settled is not None and settled.state == TopUpState.CREDITED
    return credited


def _open_pages(session: Session, processor: str, older_than: Millis) -> list[str]:
    now = now_ms()
    rows = session.exec(
        select(TopUp.session_id)
        .where(
            col(TopUp.state) == TopUpState.PROCESSING,
            col(TopUp.processor) == processor,
            col(TopUp.created_at) <= now - older_than,
            col(TopUp.created_at) > now - FORGOTTEN,
        )
        .order_by(col(TopUp.created_at).desc())
        .limit(BATCH)
    )
    return [session_id for session_id in rows if session_id is not None]


def _abandon_unopened(session: Session) -> None:
    """Rows of a process that died before it could show the page; a payment would still credit."""
    session.exec(
        update(TopUp)
        .where(
            col(TopUp.state) == TopUpState.CREATED,
            col(TopUp.created_at) < now_ms() - PAGE_LIFE,
        )
        .values(state=TopUpState.FAILED, failure="abandoned")
    )


def view(row: TopUp) -> TopUpView:
    """The top-up for showing."""
    credit, fee, total = (show_usd(n) for n in (row.credit, row.fee, row.credit + row.fee))
    state = TopUpState.PROCESSING if row.state == TopUpState.CREATED else row.state
    trouble = REASONS.get(row.failure, "The card was declined.") if row.failure else ""
    return TopUpView(
        id=row.id,
        state=state,
        credit=credit,
        fee=fee,
        total=total,
        receipt_number=row.receipt_number or "",
        trouble=trouble,
        book=row.book,
        at=iso(row.credited_at or row.created_at),
    )
