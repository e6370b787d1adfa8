"""What one batch of hold commands reads and writes: a few set-based statements.

Rows are locked in one order (holds, wallets, budgets, each by id), so batches never deadlock.
"""

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import JSON

from alltoken_app.clock import Millis
from alltoken_app.ids import new_id
from alltoken_app.ledger import hold_statements as sql
from alltoken_app.ledger import journal
from alltoken_app.ledger.journal import Movement, account_id
from alltoken_app.ledger.periods import period_start
from alltoken_app.ledger.statements import Runner, Values, dumps, loads
from alltoken_app.money import Nano
from alltoken_app.tables.ledger import HoldState, LotKind

CASH = LotKind.CASH.value
HELD, IN_FLIGHT = HoldState.HELD.value, HoldState.IN_FLIGHT.value
CAPTURED, RELEASED = HoldState.CAPTURED.value, HoldState.RELEASED.value
REVENUE = "revenue:usage"
_FOREVER: Millis = 2**63 - 1

_JSON_COLUMNS = tuple(c.name for c in sql.GENERATION_COLUMNS if isinstance(c.type, JSON))


def _generation_defaults() -> Values:
    values: Values = {}
    for each in sql.GENERATION_COLUMNS:
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
        available: What new holds may take; what is leased is not in it.
        usage: Account key to nano: the lines of this batch's one movement of the wallet.
    """

    id: str
    org_id: str
    book: str
    leased: Nano = 0
    available: Nano = 0
    lots: list[OpenLot] = field(default_factory=list)
    held_by: Nano = 0
    leased_by: Nano = 0
    usage: dict[str, Nano] = field(default_factory=dict)
    usage_tx: str | None = None

    def lease(self, by: Nano) -> None:
        """What its leases have together changes."""
        self.leased += by
        self.leased_by += by

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
    leased: Nano
    changed: bool = False

    @property
    def remaining(self) -> Nano:
        """What may still be held or leased; negative after the limit was lowered."""
        return self.limit - self.spent - self.held - self.leased

    def move(self, held: Nano, leased: Nano) -> None:
        """Change both. A limit that was removed and set again knows nothing of what was before."""
        self.held = max(0, self.held + held)
        self.leased = max(0, self.leased + leased)
        self.changed = True


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
    facts: Any = None  # of these, what makes them or they themselves
    progress: Nano | None = None  # when this batch noted some
    grown: bool = False
    closed: bool = False

    @property
    def is_open(self) -> bool:
        """Whether it has not been settled."""
        return self.state in (HELD, IN_FLIGHT)


@dataclass(slots=True)
class OpenLease:
    """A lease as this batch leaves it; `parts` is lot id to nano."""

    id: str
    wallet: OpenWallet
    budget: OpenBudget | None
    parts: dict[str, Nano]
    amount: Nano
    recalled: bool = False
    worker: str | None = None  # when this batch opened it
    changed: bool = False
    ended: bool = False


class Batch:
    """The rows of one batch: read by `load`, changed in memory by the rules, written by `save`."""

    def __init__(self, now: Millis) -> None:
        self.now = now
        self.wallets: dict[str, OpenWallet] = {}
        self.lots: dict[str, OpenLot] = {}
        self.budgets: dict[str, OpenBudget] = {}
        self.holds: dict[str, OpenHold] = {}
        self.leases: dict[str, OpenLease] = {}
        self.recalls: set[str] = set()  # wallets whose leases are asked back
        self.generations: list[tuple[OpenHold, Values]] = []

    def load(
        self,
        runner: Runner,
        holds: set[str],
        wallets: set[str],
        budgets: set[str],
        leases: set[str],
    ) -> None:
        """Lock and read these rows, and the wallets and budgets of these holds and leases.

        The wallet of a lease is among `wallets` or those of `holds`.
        """
        found = runner.rows(sql.HOLDS, {"holds": dumps(list(holds))}) if holds else []
        self._load_wallets(runner, wallets.union(row[1] for row in found))
        leased = runner.rows(sql.LEASES, {"leases": dumps(list(leases))}) if leases else []
        budgets = budgets.union(row[2] for row in (*found, *leased) if row[2])
        self._load_budgets(runner, budgets)
        for id_, wallet_id, budget_id, amount, alloc, state, captured in found:
            wallet, budget = self.wallets[wallet_id], self.budgets.get(budget_id)
            self.holds[id_] = OpenHold(id_, wallet, budget, amount, loads(alloc), state, captured)
        for id_, wallet_id, budget_id, alloc, recalled in leased:
            parts = {lot: part for lot, _, part in loads(alloc)}
            wallet, budget = self.wallets[wallet_id], self.budgets.get(budget_id)
            total = sum(parts.values())
            self.leases[id_] = OpenLease(id_, wallet, budget, parts, total, bool(recalled))

    def _load_wallets(self, runner: Runner, ids: set[str]) -> None:
        if not ids:
            return
        asked = dumps(list(ids))
        debts: dict[str, OpenWallet] = {}
        for id_, org_id, book, leased in runner.rows(sql.WALLETS, {"wallets": asked}):
            self.wallets[id_] = debts[account_id(book, f"debt:{org_id}")] = OpenWallet(
                id_, org_id, book, leased
            )
        credit = runner.rows(sql.CREDIT, {"wallets": asked, "debts": dumps(list(debts))})
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
        found = runner.rows(sql.BUDGETS, {"budgets": dumps(list(ids))})
        for id_, limit, period, started, spent, held, leased in found:
            start = period_start(period, self.now)
            if started < start:
                started, spent = start, 0
            self.budgets[id_] = OpenBudget(id_, limit, period, started, spent, held, leased)

    def save(self, runner: Runner) -> None:
        """Write what the rules changed; the accounts that every batch shares come last."""
        runner.each(
            sql.CHANGE_WALLET,
            [
                {"key": w.id, "held_by": w.held_by, "leased_by": w.leased_by}
                for w in self.wallets.values()
                if w.held_by or w.leased_by
            ],
        )
        runner.each(
            sql.CHANGE_LOT,
            [_lot_row(lot) for lot in self.lots.values() if lot.held_by or lot.remaining_by],
        )
        runner.each(sql.SET_BUDGET, [_budget_row(b) for b in self.budgets.values() if b.changed])
        self._save_holds(runner)
        self._save_leases(runner)
        if self.generations:
            runner.each(
                sql.INSERT_GENERATION, [_generation_row(*closed) for closed in self.generations]
            )
        usage = [_movement(w) for w in self.wallets.values() if w.usage_tx]
        if usage:
            journal.write(runner, usage)

    def _save_holds(self, runner: Runner) -> None:
        new = [hold for hold in self.holds.values() if hold.placed]
        known = [hold for hold in self.holds.values() if not hold.placed]
        runner.each(sql.INSERT_HOLD, [_hold_row(hold, self.now) for hold in new])
        runner.each(
            sql.GROW_HOLD,
            [
                {"key": h.id, "new_amount": h.amount, "new_alloc": dumps(h.alloc)}
                for h in known
                if h.grown
            ],
        )
        runner.each(
            sql.NOTE_HOLD,
            [{"key": h.id, "new_progress": h.progress} for h in known if h.progress is not None],
        )
        runner.each(
            sql.CLOSE_HOLD,
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

    def _save_leases(self, runner: Runner) -> None:
        leases = self.leases.values()
        opened = [lease for lease in leases if lease.worker and not lease.ended]
        known = [lease for lease in leases if not lease.worker]
        runner.each(sql.INSERT_LEASE, [_lease_row(lease, self.now) for lease in opened])
        runner.each(
            sql.SET_LEASE,
            [
                {"key": lease.id, "new_amount": lease.amount, "new_alloc": dumps(_parts(lease))}
                for lease in known
                if lease.changed and not lease.ended
            ],
        )
        runner.each(sql.END_LEASE, [{"key": lease.id} for lease in known if lease.ended])
        runner.each(sql.RECALL, [{"key": wallet_id} for wallet_id in sorted(self.recalls)])


def _parts(lease: OpenLease) -> list[list[Any]]:
    lots = ((lot, lease.parts.get(lot.id)) for lot in lease.wallet.lots)
    return [[lot.id, lot.kind, part] for lot, part in lots if part]


def _lease_row(lease: OpenLease, now: Millis) -> Values:
    return {
        "id": lease.id,
        "wallet_id": lease.wallet.id,
        "budget_id": lease.budget and lease.budget.id,
        "worker": lease.worker,
        "amount": lease.amount,
        "alloc": dumps(_parts(lease)),
        "recalled": lease.recalled,
        "created_at": now,
    }


def _lot_row(lot: OpenLot) -> Values:
    return {"key": lot.id, "held_by": lot.held_by, "remaining_by": lot.remaining_by}


def _budget_row(budget: OpenBudget) -> Values:
    return {
        "key": budget.id,
        "new_period_start": budget.period_start,
        "new_spent": budget.spent,
        "new_held": budget.held,
        "new_leased": budget.leased,
    }


def _facts(hold: OpenHold) -> Any:
    return hold.facts() if callable(hold.facts) else hold.facts


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
        "facts": "{}" if hold.closed else dumps(_facts(hold)),
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
