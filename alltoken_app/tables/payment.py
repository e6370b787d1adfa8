"""Top-ups and the inbox of the payment processor's events."""

from enum import StrEnum

from sqlmodel import Field, SQLModel

from alltoken_app.clock import Millis, now_ms
from alltoken_app.ids import new_id
from alltoken_app.money import Nano
from alltoken_app.tables.columns import big, maybe_big


class TopUpState(StrEnum):
    """created → processing → credited | failed; a later success of a failed one still credits."""

    CREATED = "created"
    PROCESSING = "processing"
    CREDITED = "credited"
    FAILED = "failed"


class TopUp(SQLModel, table=True):
    """One payment into a wallet; its id is the processor's idempotency key.

    Attributes:
        credit, fee: Nano-USD; `gross_minor` is both together in cents, what the card pays.
        receipt_number: Gapless per series ("TEST-000001" in the sandbox book), set when credited.
    """

    __tablename__ = "top_up"

    id: str = Field(default_factory=lambda: new_id("top"), primary_key=True)
    org_id: str = Field(foreign_key="organisation.id", index=True)
    wallet_id: str = Field(foreign_key="wallet.id")
    person_id: str
    book: str
    processor: str
    state: str = TopUpState.CREATED
    credit: Nano = big()
    fee: Nano = big(0)
    gross_minor: int = big()
    currency: str = "usd"
    session_id: str | None = Field(default=None, unique=True)
    payment_intent_id: str | None = Field(default=None, unique=True)
    receipt_number: str | None = Field(default=None, unique=True)
    failure: str | None = None
    created_at: Millis = big(default_factory=now_ms)
    credited_at: Millis | None = maybe_big()


class InboxEvent(SQLModel, table=True):
    """A processor's event: what it was about and whether it has been applied. No raw body."""

    __tablename__ = "inbox_event"

    processor: str = Field(primary_key=True)
    event_id: str = Field(primary_key=True)
    type: str
    object_id: str
    livemode: bool
    received_at: Millis = big(default_factory=now_ms)
    handled_at: Millis | None = maybe_big()
    attempts: int = 0
    error: str | None = None
