"""What one batch of hold commands reads and writes: a few set-based statements.

Rows are locked in one order (holds, wallets, budgets, each by id), so batches never deadlock.
"""

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import (
    JSON,
    Text,
    bindparam,
    cast,
    insert,
    literal_column,
    null,
    select,
    text,
    union_all,
    update,
)
from sqlalchemy.sql import ColumnElement

from alltoken_app.clock import Millis
from alltoken_app.ids import new_id
from alltoken_app.ledger import journal
from alltoken_app.ledger.journal import Movement, account_id
from alltoken_app.ledger.periods import period_start
from alltoken_app.ledger.statements import Runner, Statement, Values, among, dumps, loads
from alltoken_app.money import Nano
from alltoken_app.tables.columns import Big
from alltoken_app.tables.everything import METADATA
from alltoken_app.tables.ledger import HoldState, LotKind

_HOLD = METADATA.tables["hold"]
_WALLET = METADATA.tables["wallet"]
_LOT = METADATA.tables["lot"]
_BUDGET = METADATA.tables["budget"]
_ACCOUNT = METADATA.tables["ledger_account"]
_GENERATION = METADATA.tables["generation"]

CASH = LotKind.CASH.value
HELD, IN_FLIGHT = HoldState.HELD.value, HoldState.IN_FLIGHT.value
CAPTURED, RELEASED = HoldState.CAPTURED.value, HoldState.RELEASED.value
REVENUE = "revenue:usage"
_FOREVER: Millis = 2**63 - 1


def _texts(name: str) -> ColumnElement[str]:
    return bindparam(name)


def _change(name: str) -> ColumnElement[int]:
    return bindparam(name, type_=Big)


_h, _w, _l, _b, _a = _HOLD.c, _WALLET.c, _LOT.c, _BUDGET.c, _ACCOUNT.c
_still_open = text("state IN ('held', 'in_flight')")

_holds = Statement(
    select(
        _h.id, _h.wallet_id, _h.budget_id, _h.amount, cast(_h.alloc, Text), _h.state, _h.captured
    )
    .where(among(_h.id, _texts("holds")))
    .order_by(_h.id)
    .with_for_update()
)
_wallets = Statement(
    select(_w.id, _w.org_id, _w.book)
    .where(among(_w.id, _texts("wallets")))
    .order_by(_w.id)
    .with_for_update()
)
_credit = Statement(  # what each wallet can spend, and what it owes
    union_all(
        select(
            _l.wallet_id, _l.id, _l.kind, _l.remaining - _l.held, _l.expires_at, _l.created_at
        ).where(among(_l.wallet_id, _texts("wallets")), _l.remaining > literal_column("0")),
        select(_a.id, null(), null(), -_a.posted, null(), literal_column("0")).where(
            among(_a.id, _texts("debts"))
        ),
    )
)
_budgets = Statement(
    select(_b.id, _b.limit_nano, _b.period, _b.period_start, _b.spent, _b.held)
    .where(among(_b.id, _texts("budgets")))
    .order_by(_b.id)
    .with_for_update()
)

_change_wallet = Statement(
    update(_WALLET).where(_w.id == bindparam("key")).values(held=_w.held + _change("held_by"))
)
_change_lot = Statement(
    update(_LOT)
    .where(_l.id == bindparam("key"))
    .values(held=_l.held + _change("held_by"), remaining=_l.remaining + _change("remaining_by"))
)
_set_budget = Statement(
    update(_BUDGET)
    .where(_b.id == bindparam("key"))
    .values(
        {name: bindparam(f"new_{name}", type_=Big) for name in ("period_start", "spent", "held")}
    )
)
_insert_hold = Statement(insert(_HOLD))
_grow_hold = Statement(
    update(_HOLD)
    .where(_h.id == bindparam("key"), _still_open)
    .values(amount=bindparam("new_amount"), alloc=bindparam("new_alloc"))
)
_note_hold = Statement(
    update(_HOLD)
    .where(_h.id == bindparam("key"), _still_open)
    .values(state=literal_column("'in_flight'"), progress=bindparam("new_progress"))
)
_close_hold = Statement(
    update(_HOLD)
    .where(_h.id == bindparam("key"), _still_open)
    .values(
        state=bindparam("new_state"),
        captured=bindparam("new_captured"),
        settled_at=bindparam("new_settled_at"),
    )
)
_insert_generation = Statement(insert(_GENERATION))

_JSON_COLUMNS = tuple(c.name for c in _GENERATION.c if isinstance(c.type, JSON))


def _generation_defaults() -> Values:
    values: Values = {}
    for each in _GENERATION.c:
        if each.name in _JSON_COLUMNS:
            values[each.name] = []
        elif each.default is not None or each.nullable:
            values[each.name] = getattr(each.default, "arg", None)
    return values


_DEFAULTS = _generation_defaults()


@dataclass(slots=True)
class OpenLot:
    """A lot with something left; `free` is what new holds may take (nothing once expired)."""

    id: str
    kind: str
    free: Nano
    expired: bool
    order: tuple[bool, Millis, Millis, str]
    held_by: Nano = 0
    remaining_by: Nano = 0


@dataclass(slots=True)
class OpenWallet:
    """A wallet, its lots in the order they are spent, and what this batch charges it.

    Attributes:
        usage: Account key to nano: the lines of this batch's one movement of the wallet.
    """

    id: str
    org_id: str
    book: str
    available: Nano = 0
    lots: list[OpenLot] = field(default_factory=list)
    held_by: Nano = 0
    usage: dict[str, Nano] = field(default_factory=dict)
    usage_tx: str | None = None

    def charge(self, kind: str, amount: Nano) -> None:
        """Move `amount` of this kind of credit to revenue."""
        self.usage_tx = self.usage_tx or new_id("jtx")
        mine = f"wallet:{'cash' if kind == CASH else 'promo'}:{self.org_id}"
        self.usage[mine] = self.usage.get(mine, 0) + amount
        self.usage[REVENUE] = self.usage.get(REVENUE, 0) - amount


@dataclass(slots=True)
class OpenBudget:
    """A key's limit, with its period brought up to now."""

    id: str
    limit: Nano
    period: str
    period_start: Millis
    spent: Nano
    held: Nano
    changed: bool = False

    @property
    def remaining(self) -> Nano:
        """What may still be held against it; negative after the limit was lowered."""
        return self.limit - self.spent - self.held


@dataclass(slots=True)
class OpenHold:
    """A hold as this batch leaves it; `alloc` is [[lot id, lot kind, nano], …]."""

    id: str
    wallet: OpenWallet
    budget: OpenBudget | None
    amount: Nano
    alloc: list[Any]
    state: str
    captured: Nano | None
    placed: Values | None = None  # its other columns, when this batch placed it
    progress: Nano | None = None  # when this batch noted some
    grown: bool = False
    closed: bool = False

    @property
    def is_open(self) -> bool:
        """Whether it has not been settled."""
        return self.state in (HELD, IN_FLIGHT)


class Batch:
    """The rows of one batch: read by `load`, changed in memory by the rules, written by `save`."""

    def __init__(self, now: Millis) -> None:
        self.now = now
        self.wallets: dict[str, OpenWallet] = {}
        self.lots: dict[str, OpenLot] = {}
        self.budgets: dict[str, OpenBudget] = {}
        self.holds: dict[str, OpenHold] = {}
        self.generations: list[tuple[OpenHold, Values]] = []

    def load(self, runner: Runner, holds: set[str], wallets: set[str], budgets: set[str]) -> None:
        """Lock and read these rows, and the wallets and budgets of these holds."""
        found = runner.rows(_holds, {"holds": dumps(list(holds))})
        wallets = wallets.union(row[1] for row in found)
        budgets = budgets.union(row[2] for row in found if row[2])
        self._load_wallets(runner, wallets)
        self._load_budgets(runner, budgets)
        for id_, wallet_id, budget_id, amount, alloc, state, captured in found:
            wallet, budget = self.wallets[wallet_id], self.budgets.get(budget_id)
            self.holds[id_] = OpenHold(id_, wallet, budget, amount, loads(alloc), state, captured)

    def _load_wallets(self, runner: Runner, ids: set[str]) -> None:
        if not ids:
            return
        asked = dumps(list(ids))
        debts: dict[str, OpenWallet] = {}
        for id_, org_id, book in runner.rows(_wallets, {"wallets": asked}):
            self.wallets[id_] = debts[account_id(book, f"debt:{org_id}")] = OpenWallet(
                id_, org_id, book
            )
        credit = runner.rows(_credit, {"wallets": asked, "debts": dumps(list(debts))})
        for owner, id_, kind, free, expires, created in credit:
            if id_ is None:
                debts[owner].available += free
            else:
                self._add_lot(self.wallets[owner], id_, kind, free, expires, created)
        for wallet in self.wallets.values():
            wallet.lots.sort(key=lambda lot: lot.order)

    def _add_lot(
        self, wallet: OpenWallet, id_: str, kind: str, free: Nano, expires: int | None, at: Millis
    ) -> None:
        expired = expires is not None and expires <= self.now
        order = (kind == CASH, _FOREVER if expires is None else expires, at, id_)
        lot = OpenLot(id_, kind, 0 if expired else free, expired, order)
        self.lots[id_] = lot
        wallet.lots.append(lot)
        wallet.available += lot.free

    def _load_budgets(self, runner: Runner, ids: set[str]) -> None:
        if not ids:
            return
        found = runner.rows(_budgets, {"budgets": dumps(list(ids))})
        for id_, limit, period, started, spent, held in found:
            start = period_start(period, self.now)
            if started < start:
                started, spent = start, 0
            self.budgets[id_] = OpenBudget(id_, limit, period, started, spent, held)

    def save(self, runner: Runner) -> None:
        """Write what the rules changed; the accounts that every batch shares come last."""
        changed = [w for w in self.wallets.values() if w.held_by]
        runner.each(_change_wallet, [{"key": w.id, "held_by": w.held_by} for w in changed])
        runner.each(
            _change_lot,
            [_lot_row(lot) for lot in self.lots.values() if lot.held_by or lot.remaining_by],
        )
        runner.each(_set_budget, [_budget_row(b) for b in self.budgets.values() if b.changed])
        self._save_holds(runner)
        if self.generations:
            runner.each(
                _insert_generation, [_generation_row(*closed) for closed in self.generations]
            )
        usage = [_movement(w) for w in self.wallets.values() if w.usage_tx]
        if usage:
            journal.write(runner, usage)

    def _save_holds(self, runner: Runner) -> None:
        new = [hold for hold in self.holds.values() if hold.placed]
        known = [hold for hold in self.holds.values() if not hold.placed]
        runner.each(_insert_hold, [_hold_row(hold, self.now) for hold in new])
        runner.each(
            _grow_hold,
            [
                {"key": h.id, "new_amount": h.amount, "new_alloc": dumps(h.alloc)}
                for h in known
                if h.grown
            ],
        )
        runner.each(
            _note_hold,
            [{"key": h.id, "new_progress": h.progress} for h in known if h.progress is not None],
        )
        runner.each(
            _close_hold,
            [
                {
                    "key": h.id,
                    "new_state": h.state,
                    "new_captured": h.captured,
                    "new_settled_at": self.now,
                }
                for h in known
                if h.closed
            ],
        )


def _lot_row(lot: OpenLot) -> Values:
    return {"key": lot.id, "held_by": lot.held_by, "remaining_by": lot.remaining_by}


def _budget_row(budget: OpenBudget) -> Values:
    return {
        "key": budget.id,
        "new_period_start": budget.period_start,
        "new_spent": budget.spent,
        "new_held": budget.held,
    }


def _hold_row(hold: OpenHold, now: Millis) -> Values:
    return {
        "id": hold.id,
        "wallet_id": hold.wallet.id,
        "budget_id": hold.budget and hold.budget.id,
        "amount": hold.amount,
        "alloc": dumps(hold.alloc),
        "state": hold.state,
        "progress": hold.progress or 0,
        "captured": hold.captured,
        "created_at": now,
        "settled_at": now if hold.closed else None,
        **(hold.placed or {}),
    }


def _generation_row(hold: OpenHold, generation: Values) -> Values:
    wallet = hold.wallet
    row = {**_DEFAULTS, "org_id": wallet.org_id, "book": wallet.book, **generation}
    for name in _JSON_COLUMNS:
        row[name] = dumps(row[name])
    row["id"] = hold.id
    row["held"] = hold.amount
    row["cost"] = hold.captured
    row["journal_tx"] = wallet.usage_tx if hold.captured else None
    return row


def _movement(wallet: OpenWallet) -> Movement:
    return Movement(
        effect=f"usage:{wallet.usage_tx}",
        kind="usage",
        book=wallet.book,
        org_id=wallet.org_id,
        actor="system",
        lines=wallet.usage,
        id=str(wallet.usage_tx),
    )
