"""Money: a double-entry journal, and beside it lots, holds and budgets of what is pending.

Signs: a debit is positive, a credit negative. `wallet.held` and `lot.held` are pending money and
write no journal rows. See docs/money.md.
"""

from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, CheckConstraint, Column, Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from alltoken_app.clock import Millis, now_ms
from alltoken_app.ids import new_id
from alltoken_app.money import Nano
from alltoken_app.tables.columns import big, maybe_big


class Book(StrEnum):
    """Real and play money never meet: nothing may cross books."""

    LIVE = "live"
    SANDBOX = "sandbox"


class LotKind(StrEnum):
    """Where a lot of credit came from; promo and goodwill are spent before cash."""

    CASH = "cash"
    PROMO = "promo"
    GOODWILL = "goodwill"


class HoldState(StrEnum):
    """A hold leaves HELD or IN_FLIGHT exactly once."""

    HELD = "held"
    IN_FLIGHT = "in_flight"
    CAPTURED = "captured"
    RELEASED = "released"


class LedgerAccount(SQLModel, table=True):
    """An account of the books; `posted` caches the sum of its entries."""

    __tablename__ = "ledger_account"

    id: str = Field(primary_key=True)  # "sandbox/wallet:cash:org_…"
    book: str = Field(index=True)
    kind: str
    org_id: str | None = Field(default=None, index=True)
    posted: Nano = big(0)


class JournalTx(SQLModel, table=True):
    """One balanced movement. `effect` makes it happen once, whoever asks again."""

    __tablename__ = "journal_tx"
    __table_args__ = (Index("ix_journal_tx_org_time", "org_id", "at"),)

    id: str = Field(default_factory=lambda: new_id("jtx"), primary_key=True)
    effect: str = Field(unique=True)
    kind: str
    book: str
    org_id: str | None = None
    actor: str
    reason: str = ""
    at: Millis = big(default_factory=now_ms, index=True)


class Entry(SQLModel, table=True):
    """A line of the journal. Immutable: triggers refuse UPDATE and DELETE."""

    __table_args__ = (CheckConstraint("amount <> 0", name="entry_not_zero"),)

    tx_id: str = Field(foreign_key="journal_tx.id", primary_key=True)
    seq: int = Field(primary_key=True)
    account_id: str = Field(foreign_key="ledger_account.id", index=True)
    amount: Nano = big()


class Wallet(SQLModel, table=True):
    """One organisation's prepaid money in one book. Available = open lots − held − debt.

    Attributes:
        held: What its open holds have. Its lots' `held` is this and `leased` together.
        leased: What its leases have; shown as available.
    """

    __table_args__ = (
        UniqueConstraint("org_id", "book"),
        CheckConstraint("held >= 0", name="wallet_held_not_negative"),
        CheckConstraint("leased >= 0", name="wallet_leased_not_negative"),
    )

    id: str = Field(default_factory=lambda: new_id("wal"), primary_key=True)
    org_id: str = Field(foreign_key="organisation.id", index=True)
    book: str
    held: Nano = big(0)
    leased: Nano = big(0)


class Lot(SQLModel, table=True):
    """Credit that came in together. Holds pin parts of lots."""

    __table_args__ = (
        CheckConstraint("held >= 0", name="lot_held_not_negative"),
        CheckConstraint("held <= remaining", name="lot_held_within_remaining"),
        CheckConstraint("remaining <= granted", name="lot_remaining_within_granted"),
        Index("ix_lot_open", "wallet_id", "remaining"),
    )

    id: str = Field(default_factory=lambda: new_id("lot"), primary_key=True)
    wallet_id: str = Field(foreign_key="wallet.id")
    kind: str
    granted: Nano = big()
    remaining: Nano = big()
    held: Nano = big(0)
    expires_at: Millis | None = maybe_big()
    created_at: Millis = big(default_factory=now_ms)


class Budget(SQLModel, table=True):
    """A spending limit of a key per period; held and spent move with the hold's transaction.

    Attributes:
        id: The API key's id.
        period: "day", "week", "month" (calendar, UTC) or "total".
        period_start: Start of the period that `spent` counts; an older one counts as zero.
        leased: What leases have of it beside `held`; shown as unspent.
    """

    __table_args__ = (
        CheckConstraint("held >= 0", name="budget_held_not_negative"),
        CheckConstraint("leased >= 0", name="budget_leased_not_negative"),
    )

    id: str = Field(primary_key=True)
    limit_nano: Nano = big()
    period: str
    period_start: Millis = big(0)
    spent: Nano = big(0)
    held: Nano = big(0)
    leased: Nano = big(0)


class Lease(SQLModel, table=True):
    """Money set aside for one process, which places holds against it in memory. Deleted at its end.

    Attributes:
        amount: What no hold has taken of it, as of the last commit.
        alloc: [[lot id, lot kind, nano], …]: where `amount` comes from.
        recalled: Somebody else needs the money: the process gives it back with its next commit.
    """

    __table_args__ = (CheckConstraint("amount >= 0", name="lease_amount_not_negative"),)

    id: str = Field(primary_key=True)
    wallet_id: str = Field(foreign_key="wallet.id", index=True)
    budget_id: str | None = None
    worker: str
    amount: Nano = big()
    alloc: list[Any] = Field(sa_column=Column(JSON, nullable=False))
    recalled: bool = False
    created_at: Millis = big(default_factory=now_ms)


class Hold(SQLModel, table=True):
    """Money set aside for one generation (same id), until captured or released, once.

    Attributes:
        alloc: [[lot id, lot kind, nano], …] in the order they are spent.
        progress: What has been delivered so far would cost this much, as of the last checkpoint.
        facts: What a reaper needs to close the generation (key, model, endpoint …); no content.
        worker: The process that serves it.
    """

    __table_args__ = (Index("ix_hold_open", "state", "worker"),)

    id: str = Field(primary_key=True)
    wallet_id: str = Field(foreign_key="wallet.id")
    budget_id: str | None = None
    amount: Nano = big()
    alloc: list[Any] = Field(sa_column=Column(JSON, nullable=False))
    state: str = HoldState.HELD
    worker: str
    progress: Nano = big(0)
    captured: Nano | None = maybe_big()
    facts: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    created_at: Millis = big(default_factory=now_ms)
    expires_at: Millis = big()
    settled_at: Millis | None = maybe_big()


class Worker(SQLModel, table=True):
    """A serving process and when it last said it lives; holds of the dead are settled for them."""

    id: str = Field(primary_key=True)
    seen_at: Millis = big()


class Counter(SQLModel, table=True):
    """Numbers without gaps, raised in the transaction that uses them (receipts)."""

    series: str = Field(primary_key=True)
    next: int = big(1)
