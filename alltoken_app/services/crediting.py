"""Applies the processor's word about a payment to its top-up: credits it once, or says why not.

A webhook, the return page and the reconciler all end here, under the row's lock: whoever comes
first credits, the others find it done.
"""

from dataclasses import dataclass

import structlog
from sqlalchemy import text
from sqlmodel import Session, col, select

from alltoken_app.clock import now_ms
from alltoken_app.ledger import credits
from alltoken_app.payments.stripe_client import CheckoutFacts, Payment
from alltoken_app.services import inbox
from alltoken_app.tables.ledger import Book
from alltoken_app.tables.payment import TopUp, TopUpState

SERIES = {Book.SANDBOX: "TEST-", Book.LIVE: "AT-"}

log = structlog.get_logger()


@dataclass(frozen=True)
class Seen:
    """What the processor says now about one payment, whichever way we came to ask."""

    processor: str
    livemode: bool
    top_up_id: str | None
    payment: Payment | None
    session_id: str | None = None
    closed: str = ""  # "expired" or "canceled" once nobody can pay any more


def seen_checkout(processor: str, found: CheckoutFacts) -> Seen:
    """The word about a payment page."""
    closed = "expired" if found.status == "expired" else ""
    if found.status == "complete" and found.payment and found.payment.failure:
        closed = found.payment.failure  # a delayed payment that did not arrive
    return Seen(processor, found.livemode, found.top_up_id, found.payment, found.session_id, closed)


def seen_payment(processor: str, found: Payment) -> Seen:
    """The word about a payment alone."""
    closed = "canceled" if found.status == "canceled" else ""
    return Seen(processor, found.livemode, found.top_up_id, found, closed=closed)


def apply(session: Session, seen: Seen, event_id: str | None = None) -> TopUp | None:
    """Credit, fail or leave the top-up as the processor's word demands; the one place that does.

    A word that does not fit our row changes nothing: the reason is logged, and kept in the inbox
    row of `event_id`, which stays unhandled. Returns the top-up, None when it is about none.
    """
    if seen.top_up_id is None:
        inbox.handled(session, seen.processor, event_id)
        return None
    row = locked(session, seen.top_up_id)
    mismatch = _mismatch(row, seen)
    if row is None or mismatch:
        log.error("payment_not_credited", top_up=seen.top_up_id, mismatch=mismatch)
        inbox.note(session, seen.processor, event_id, mismatch)
        return row
    _move(session, row, seen)
    inbox.handled(session, seen.processor, event_id)
    return row


def _mismatch(row: TopUp | None, seen: Seen) -> str:
    """Why this payment must not be credited to this row; "" when nothing speaks against it."""
    if row is None:
        return "no such top-up"
    checks = {
        "another processor's top-up": row.processor == seen.processor,
        "another book": (row.book == Book.LIVE) == seen.livemode,
        "another payment page": not (row.session_id and seen.session_id)
        or row.session_id == seen.session_id,
    }
    if seen.payment is not None and seen.payment.status == "succeeded":
        checks |= _payment_checks(row, seen.payment)
    return ", ".join(reason for reason, fits in checks.items() if not fits)


def _payment_checks(row: TopUp, payment: Payment) -> dict[str, bool]:
    return {
        "another book's payment": (row.book == Book.LIVE) == payment.livemode,
        "another top-up's payment": payment.top_up_id == row.id,
        f"currency {payment.currency}": payment.currency == row.currency,
        f"{payment.received_minor} cents instead of {row.gross_minor}": (
            payment.received_minor == row.gross_minor
        ),
        "already credited by another payment": (
            row.payment_intent_id in (None, payment.payment_intent_id)
        ),
        "refunded before it was credited": (
            payment.refunded_minor == 0 or row.state == TopUpState.CREDITED
        ),
    }


def _move(session: Session, row: TopUp, seen: Seen) -> None:
    if row.state == TopUpState.CREDITED:
        return
    row.session_id = row.session_id or seen.session_id
    if seen.payment is not None and seen.payment.status == "succeeded":
        _credit(session, row, seen.payment)
    elif seen.closed:
        row.state, row.failure = TopUpState.FAILED, seen.closed
    elif seen.payment is not None and row.state != TopUpState.FAILED:
        row.state, row.failure = TopUpState.PROCESSING, seen.payment.failure


def _credit(session: Session, row: TopUp, payment: Payment) -> None:
    first = credits.credit_top_up(
        session,
        row.wallet_id,
        top_up_id=row.id,
        payment_intent_id=payment.payment_intent_id,
        credit=row.credit,
        fee=row.fee,
        actor=f"processor:{row.processor}",
    )
    if not first:
        raise RuntimeError(f"the ledger had payment {payment.payment_intent_id}, its top-up not")
    row.state, row.failure = TopUpState.CREDITED, None
    row.payment_intent_id = payment.payment_intent_id
    row.credited_at = now_ms()
    row.receipt_number = _receipt_number(session, row.book)


def _receipt_number(session: Session, book: str) -> str:
    """The next number of the book's series; a roll-back gives it back, so there are no gaps."""
    series = SERIES[Book(book)]
    session.connection().execute(
        text("INSERT INTO counter (series, next) VALUES (:s, 1) ON CONFLICT (series) DO NOTHING"),
        {"s": series},
    )
    raised = session.connection().execute(
        text("UPDATE counter SET next = next + 1 WHERE series = :s RETURNING next - 1"),
        {"s": series},
    )
    return f"{series}{raised.scalar_one():06d}"


def locked(session: Session, top_up_id: str) -> TopUp | None:
    """The top-up as it is now; nobody else changes it until this transaction ends."""
    mine = select(TopUp).where(col(TopUp.id) == top_up_id).with_for_update()
    return session.exec(mine.execution_options(populate_existing=True)).first()
