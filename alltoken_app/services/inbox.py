"""The payment processor's events as they came in, and whether their effect has been applied.

"Seen" is not "done": an event is handled only by the transaction that applied its effect.
"""

from sqlalchemy import Update, text, update
from sqlmodel import Session, col, select

from alltoken_app.clock import now_ms
from alltoken_app.payments.events import Event
from alltoken_app.tables.payment import InboxEvent


def receive(session: Session, processor: str, event: Event) -> bool:
    """Put the event in the inbox; whether its effect was applied before."""
    session.connection().execute(
        text(
            "INSERT INTO inbox_event (processor, event_id, type, object_id, livemode, received_at,"
            " attempts) VALUES (:processor, :event_id, :type, :object_id, :livemode, :at, 0)"
            " ON CONFLICT (processor, event_id) DO NOTHING"
        ),
        {
            "processor": processor,
            "event_id": event.event_id,
            "type": event.type,
            "object_id": event.object_id,
            "livemode": event.livemode,
            "at": now_ms(),
        },
    )
    session.exec(_mine(processor, event.event_id).values(attempts=InboxEvent.attempts + 1))
    done = select(InboxEvent.handled_at).where(
        col(InboxEvent.processor) == processor, col(InboxEvent.event_id) == event.event_id
    )
    return session.exec(done).one() is not None


def handled(session: Session, processor: str, event_id: str | None) -> None:
    """Its effect is applied by this transaction; no event (None) is fine."""
    if event_id is not None:
        done = _mine(processor, event_id).values(handled_at=now_ms(), error=None)
        session.exec(done)


def note(session: Session, processor: str, event_id: str | None, error: str) -> None:
    """Keep why it could not be applied; it stays unhandled."""
    if event_id is not None:
        session.exec(_mine(processor, event_id).values(error=error[:200]))


def _mine(processor: str, event_id: str) -> Update:
    return update(InboxEvent).where(
        col(InboxEvent.processor) == processor, col(InboxEvent.event_id) == event_id
    )
