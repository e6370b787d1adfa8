"""Money set aside for a generation and settled once: commands, outcomes, and one transaction."""

from collections.abc import Callable, Sequence
from typing import Any

import structlog
from sqlmodel import Session

from alltoken_app import failpoints
from alltoken_app.clock import iso, now_ms
from alltoken_app.errors import Conflict, InsufficientCredits
from alltoken_app.ledger import leases
from alltoken_app.ledger.commands import Checkpoint as Checkpoint
from alltoken_app.ledger.commands import Command as Command
from alltoken_app.ledger.commands import Extend as Extend
from alltoken_app.ledger.commands import GiveBack as GiveBack
from alltoken_app.ledger.commands import Outcome as Outcome
from alltoken_app.ledger.commands import Place as Place
from alltoken_app.ledger.commands import Placed as Placed
from alltoken_app.ledger.commands import Scarce as Scarce
from alltoken_app.ledger.commands import Settle as Settle
from alltoken_app.ledger.commands import Settled as Settled
from alltoken_app.ledger.commands import Standing as Standing
from alltoken_app.ledger.periods import resets_at
from alltoken_app.ledger.rows import (
    CAPTURED,
    HELD,
    IN_FLIGHT,
    RELEASED,
    Batch,
    OpenBudget,
    OpenHold,
    OpenLease,
    OpenWallet,
)
from alltoken_app.ledger.statements import Runner
from alltoken_app.money import Nano, usd

log = structlog.get_logger()


GONE = Standing(0, 0, None, over=True)


def apply(session: Session, commands: Sequence[Command]) -> list[Outcome]:
    """Apply commands in their order, in this one transaction; one outcome each.

    Refusals are values: InsufficientCredits (`insufficient_credits`, `key_limit_exceeded`), and
    Conflict (`hold_closed`) for a hold that was settled before. A checkpoint's outcome is None,
    also when its hold is closed, and so is that of giving a lease back.

    Raises:
        ValueError: A command that makes no sense, such as a negative amount.
    """
    if not commands:
        return []
    runner = Runner(session.connection())
    batch = Batch(now_ms())
    _load(batch, runner, commands)
    outcomes = [_RULES[type(command)](batch, command) for command in commands]
    batch.save(runner)
    if batch.generations:
        failpoints.reach("capturing")  # everything is written, nothing is committed
    return outcomes


def _load(batch: Batch, runner: Runner, commands: Sequence[Command]) -> None:
    holds, wallets, budgets, wanted = set[str](), set[str](), set[str](), set[str]()
    for command in commands:
        place = command.place if type(command) is Settle else command
        if type(place) is Place:
            wallets.add(place.wallet_id)
            if place.budget_id:
                budgets.add(place.budget_id)
            if lease := place.lease_id or place.wish:
                wanted.add(lease)
        if type(command) is GiveBack:
            wallets.add(command.wallet_id)
            wanted.add(command.lease_id)
        else:
            holds.add(command.hold_id)
    batch.load(runner, holds, wallets, budgets, wanted)


def _place(batch: Batch, command: Place) -> Outcome:
    if not 0 <= command.at_least <= command.amount:
        raise ValueError(f"{command.hold_id}: at_least is between 0 and amount")
    hold = batch.holds.get(command.hold_id)
    if hold is not None and not hold.is_open:
        return _closed(hold)
    if command.lease_id is not None:
        return _take(batch, command, hold)
    if hold is not None:
        return _placed(hold)
    wallet = batch.wallets.get(command.wallet_id)
    budget = batch.budgets.get(command.budget_id or "")
    if command.patient and _is_leased(batch, wallet, budget, command.amount):
        return Scarce(command.wallet_id)
    refusal = _refusal(batch, wallet, budget, command.at_least, "Nothing was charged.")
    if wallet is None or refusal is not None:
        return refusal
    hold = _open(batch, command, wallet, budget)
    _set_aside(hold, min(command.amount, _affordable(wallet, budget)))
    lease = None
    if command.wish is not None:
        lease = leases.grow(batch, command.wish, command.worker, wallet, budget, hold.amount)
    return _placed(hold, lease)


def _take(batch: Batch, command: Place, hold: OpenHold | None) -> Outcome:
    """Take what the process has promised from its lease; should that be gone, what there is."""
    wallet = batch.wallets[command.wallet_id]
    lease = batch.leases.get(command.lease_id or "")
    if hold is None:
        hold = _open(batch, command, wallet, batch.budgets.get(command.budget_id or ""))
    wanted = max(0, command.amount - hold.amount)
    hold.grown = hold.grown or wanted > 0
    if lease is not None and not lease.ended:
        wanted -= leases.take(lease, hold, wanted)
    missing = wanted
    if missing:
        _set_aside(hold, max(0, min(missing, _affordable(wallet, hold.budget))))
    return _placed(hold, _standing(lease, missing))


def _standing(lease: OpenLease | None, missing: Nano = 0) -> Standing:
    if lease is None or lease.ended or missing:
        return GONE
    return leases.standing(lease)


def _open(batch: Batch, command: Place, wallet: OpenWallet, budget: OpenBudget | None) -> OpenHold:
    hold = OpenHold(command.hold_id, wallet, budget, 0, [], HELD, None)
    hold.placed = {"worker": command.worker, "expires_at": command.expires_at}
    hold.facts = command.facts
    batch.holds[hold.id] = hold
    return hold


def _affordable(wallet: OpenWallet, budget: OpenBudget | None) -> Nano:
    return wallet.available if budget is None else min(wallet.available, budget.remaining)


def _is_leased(
    batch: Batch, wallet: OpenWallet | None, budget: OpenBudget | None, amount: Nano
) -> bool:
    """Whether leases have what is missing; they are asked to give it back then."""
    if wallet is None:
        return False
    short = wallet.available < amount and wallet.leased > 0
    if not short and (budget is None or budget.remaining >= amount or budget.leased == 0):
        return False
    batch.recalls.add(wallet.id)
    return True


def _extend(batch: Batch, command: Extend) -> Outcome:
    if command.amount < 0:
        raise ValueError(f"{command.hold_id}: a hold only grows")
    hold = batch.holds.get(command.hold_id)
    if hold is None or not hold.is_open:
        return _closed(hold)
    if command.patient and _is_leased(batch, hold.wallet, hold.budget, command.amount):
        return Scarce(hold.wallet.id)
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
    lease, promised = None, command.place
    if promised is not None:
        _place(batch, promised)
        lease = batch.leases.get(promised.lease_id or "")
    hold = batch.holds.get(command.hold_id)
    if hold is None:
        return Settled(captured=0, available=0, first=False)
    if not hold.is_open:
        over = GONE if promised else None
        return Settled(hold.captured or 0, _left(hold.wallet), first=False, lease=over)
    captured = min(command.cost, hold.amount)
    _release(batch, hold, captured, lease if lease and not lease.ended else None)
    hold.captured = captured
    hold.state = CAPTURED if captured else RELEASED
    hold.closed = True
    if command.generation is not None:
        batch.generations.append((hold, command.generation))
    lost = command.cost - captured
    if lost:
        log.warning("cost_beyond_hold", hold=hold.id, held=hold.amount, lost=lost)
    standing = _standing(lease) if promised else None
    return Settled(captured, _left(hold.wallet), first=True, lost=lost, lease=standing)


def _give_back(batch: Batch, command: GiveBack) -> Outcome:
    lease = batch.leases.get(command.lease_id)
    if lease is not None and not lease.ended:
        leases.end(batch, lease)
    return None


_RULES: dict[type, Callable[[Batch, Any], Outcome]] = {
    Place: _place,
    Extend: _extend,
    Checkpoint: _checkpoint,
    Settle: _settle,
    GiveBack: _give_back,
}


def _set_aside(hold: OpenHold, amount: Nano) -> None:
    """Take `amount`, which is there, from the wallet's lots in their order."""
    hold.amount += amount
    hold.wallet.available -= amount
    hold.wallet.held_by += amount
    if hold.budget is not None:
        hold.budget.move(amount, 0)
    for lot in hold.wallet.lots:
        if amount == 0:
            return
        part = min(lot.free, amount)
        if part:
            lot.free -= part
            lot.held_by += part
            hold.alloc.append([lot.id, lot.kind, part])
            amount -= part


def _release(batch: Batch, hold: OpenHold, captured: Nano, lease: OpenLease | None) -> None:
    """Free what is held; `captured` of it, from the first lots on, is spent."""
    wallet, budget, left = hold.wallet, hold.budget, captured
    unspent: dict[str, Nano] = {}
    wallet.held_by -= hold.amount
    for lot_id, kind, part in hold.alloc:
        lot, used = batch.lots[lot_id], min(left, part)
        left -= used
        lot.remaining_by -= used
        if used:
            wallet.charge(kind, used)
        if lease is not None:
            lot.held_by -= used
            unspent[lot_id] = unspent.get(lot_id, 0) + part - used
            continue
        lot.held_by -= part
        if not lot.expired:
            lot.free += part - used
            wallet.available += part - used
    if lease is not None:
        leases.put_back(lease, unspent)
    if budget is not None:
        budget.move(-hold.amount, 0)
        budget.spent += captured


def _placed(hold: OpenHold, lease: Standing | None = None) -> Placed:
    budget = hold.budget
    left = None if budget is None else budget.remaining + budget.leased
    return Placed(hold.amount, _left(hold.wallet), left, lease)


def _left(wallet: OpenWallet) -> Nano:
    return wallet.available + wallet.leased


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
