"""Money set aside for a generation and settled once: commands, outcomes, and one transaction."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import structlog
from sqlmodel import Session

from alltoken_app import failpoints
from alltoken_app.clock import Millis, iso, now_ms
from alltoken_app.errors import AllTokenError, Conflict, InsufficientCredits
from alltoken_app.ledger.periods import resets_at
from alltoken_app.ledger.rows import (
    CAPTURED,
    HELD,
    IN_FLIGHT,
    RELEASED,
    Batch,
    OpenBudget,
    OpenHold,
    OpenWallet,
)
from alltoken_app.ledger.statements import Runner, dumps
from alltoken_app.money import Nano, usd

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Place:
    """Set money aside. Placing the same `hold_id` again changes nothing.

    Attributes:
        hold_id: The generation's id.
        budget_id: The key whose limit this counts against; None when it has none.
        amount, at_least: Up to `amount` is granted, and nothing when less than `at_least` is there.
        facts: Generation columns the reaper needs should this process die; JSON values only.
        expires_at: When the reaper settles it, whatever the worker says.
    """

    hold_id: str
    wallet_id: str
    budget_id: str | None
    amount: Nano
    at_least: Nano
    facts: dict[str, Any]
    worker: str
    expires_at: Millis


@dataclass(frozen=True, slots=True)
class Extend:
    """Add `amount` to an open hold: all of it or nothing."""

    hold_id: str
    amount: Nano


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Note what the delivered part would cost; that much is charged if this process dies."""

    hold_id: str
    progress: Nano


@dataclass(frozen=True, slots=True)
class Settle:
    """Charge `cost` (never more than the hold) and free the rest; 0 frees all of it.

    Attributes:
        generation: Columns of the usage record; None writes none (the request never began).
    """

    hold_id: str
    cost: Nano
    generation: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class Placed:
    """What a hold has now.

    Attributes:
        granted: The hold's whole amount, extensions included.
        available: What is left to spend beside it.
        budget_remaining: What is left of the key's limit; None without a limit.
    """

    granted: Nano
    available: Nano
    budget_remaining: Nano | None


@dataclass(frozen=True, slots=True)
class Settled:
    """How a hold ended.

    Attributes:
        captured: What was charged.
        first: Whether this very command ended it.
        lost: Cost beyond the hold, which we bear.
    """

    captured: Nano
    available: Nano
    first: bool
    lost: Nano = 0


Command: TypeAlias = Place | Extend | Checkpoint | Settle
Outcome: TypeAlias = Placed | Settled | AllTokenError | None


def apply(session: Session, commands: Sequence[Command]) -> list[Outcome]:
    """Apply commands in their order, in this one transaction; one outcome each.

    Refusals are values: InsufficientCredits (`insufficient_credits`, `key_limit_exceeded`), and
    Conflict (`hold_closed`) for a hold that was settled before. A checkpoint's outcome is None,
    also when its hold is closed.

    Raises:
        ValueError: A command that makes no sense, such as a negative amount.
    """
    if not commands:
        return []
    places = [command for command in commands if type(command) is Place]
    runner = Runner(session.connection())
    batch = Batch(now_ms())
    batch.load(
        runner,
        holds={command.hold_id for command in commands},
        wallets={place.wallet_id for place in places},
        budgets={place.budget_id for place in places if place.budget_id},
    )
    outcomes = [_RULES[type(command)](batch, command) for command in commands]
    batch.save(runner)
    if batch.generations:
        failpoints.reach("capturing")  # everything is written, nothing is committed
    return outcomes


def _place(batch: Batch, command: Place) -> Outcome:
    if not 0 <= command.at_least <= command.amount:
        raise ValueError(f"{command.hold_id}: at_least is between 0 and amount")
    hold = batch.holds.get(command.hold_id)
    if hold is not None:
        return _placed(hold) if hold.is_open else _closed(hold)
    wallet = batch.wallets.get(command.wallet_id)
    budget = batch.budgets.get(command.budget_id or "")
    refusal = _refusal(batch, wallet, budget, command.at_least, "Nothing was charged.")
    if wallet is None or refusal is not None:
        return refusal
    granted = min(command.amount, wallet.available)
    if budget is not None:
        granted = min(granted, budget.remaining)
    hold = OpenHold(command.hold_id, wallet, budget, 0, [], HELD, None)
    hold.placed = {
        "facts": dumps(command.facts),
        "worker": command.worker,
        "expires_at": command.expires_at,
    }
    batch.holds[hold.id] = hold
    _set_aside(hold, granted)
    return _placed(hold)


def _extend(batch: Batch, command: Extend) -> Outcome:
    if command.amount < 0:
        raise ValueError(f"{command.hold_id}: a hold only grows")
    hold = batch.holds.get(command.hold_id)
    if hold is None or not hold.is_open:
        return _closed(hold)
    refusal = _refusal(
        batch, hold.wallet, hold.budget, command.amount, "What was delivered so far is charged."
    )
    if refusal is not None:
        return refusal
    hold.grown = True
    _set_aside(hold, command.amount)
    return _placed(hold)


def _checkpoint(batch: Batch, command: Checkpoint) -> Outcome:
    hold = batch.holds.get(command.hold_id)
    if hold is not None and hold.is_open:
        hold.progress = command.progress
        hold.state = IN_FLIGHT
    return None


def _settle(batch: Batch, command: Settle) -> Outcome:
    if command.cost < 0:
        raise ValueError(f"{command.hold_id}: a cost is not negative")
    hold = batch.holds.get(command.hold_id)
    if hold is None:
        return Settled(captured=0, available=0, first=False)
    if not hold.is_open:
        return Settled(hold.captured or 0, hold.wallet.available, first=False)
    captured = min(command.cost, hold.amount)
    _release(batch, hold, captured)
    hold.captured = captured
    hold.state = CAPTURED if captured else RELEASED
    hold.closed = True
    if command.generation is not None:
        batch.generations.append((hold, command.generation))
    lost = command.cost - captured
    if lost:
        log.warning("cost_beyond_hold", hold=hold.id, held=hold.amount, lost=lost)
    return Settled(captured, hold.wallet.available, first=True, lost=lost)


_RULES: dict[type, Callable[[Batch, Any], Outcome]] = {
    Place: _place,
    Extend: _extend,
    Checkpoint: _checkpoint,
    Settle: _settle,
}


def _set_aside(hold: OpenHold, amount: Nano) -> None:
    """Take `amount`, which is there, from the wallet's lots in their order."""
    hold.amount += amount
    hold.wallet.available -= amount
    hold.wallet.held_by += amount
    if hold.budget is not None:
        hold.budget.held += amount
        hold.budget.changed = True
    for lot in hold.wallet.lots:
        if amount == 0:
            return
        part = min(lot.free, amount)
        if part:
            lot.free -= part
            lot.held_by += part
            hold.alloc.append([lot.id, lot.kind, part])
            amount -= part


def _release(batch: Batch, hold: OpenHold, captured: Nano) -> None:
    """Free what is held; `captured` of it, from the first lots on, is spent."""
    wallet, budget, left = hold.wallet, hold.budget, captured
    wallet.held_by -= hold.amount
    for lot_id, kind, part in hold.alloc:
        lot, used = batch.lots[lot_id], min(left, part)
        left -= used
        lot.held_by -= part
        lot.remaining_by -= used
        if used:
            wallet.charge(kind, used)
        if not lot.expired:
            lot.free += part - used
            wallet.available += part - used
    if budget is not None:
        # A limit that was removed and set again knows nothing of holds from before.
        budget.held = max(0, budget.held - hold.amount)
        budget.spent += captured
        budget.changed = True


def _placed(hold: OpenHold) -> Placed:
    budget = hold.budget
    return Placed(hold.amount, hold.wallet.available, None if budget is None else budget.remaining)


def _closed(hold: OpenHold | None) -> Conflict:
    charged = usd(hold.captured or 0) if hold else "0"
    return Conflict(
        f"This generation has ended already; it was charged ${charged}. Send a new request.",
        code="hold_closed",
        details={"charged": charged},
    )


def _refusal(
    batch: Batch, wallet: OpenWallet | None, budget: OpenBudget | None, need: Nano, charged: str
) -> InsufficientCredits | None:
    have = wallet.available if wallet else 0
    if wallet is None or have < need:
        return InsufficientCredits(
            f"This needs up to ${usd(need)} and the wallet has ${usd(have)} available. {charged}"
            " Add credit, or ask for less output.",
            details={"need": usd(need), "have": usd(have)},
        )
    if budget is None or budget.remaining >= need:
        return None
    left = max(0, budget.remaining)
    resets = resets_at(budget.period, batch.now)
    when = f" The limit starts over at {iso(resets)}." if resets else ""
    return InsufficientCredits(
        f"This needs up to ${usd(need)} and the key's limit (${usd(budget.limit)} per"
        f" {budget.period}) has ${usd(left)} left. {charged}{when}",
        code="key_limit_exceeded",
        details={
            "need": usd(need),
            "have": usd(left),
            "limit": usd(budget.limit),
            "resets_at": iso(resets) if resets else None,
        },
    )
