"""Rules of leases: money that a process has of a wallet and places holds against in memory."""

from alltoken_app.ledger.commands import Standing
from alltoken_app.ledger.rows import Batch, OpenBudget, OpenHold, OpenLease, OpenWallet
from alltoken_app.money import NANO_PER_USD, Nano

SHARE = 2  # a lease is at most this part of what is there, so that others find some
WORTHWHILE = 4  # holds: what is smaller is not worth a lease
PLENTY = 64  # holds: more is not needed,
LARGE: Nano = 20 * NANO_PER_USD  # beyond this amount


def grow(
    batch: Batch, wish: str, worker: str, wallet: OpenWallet, budget: OpenBudget | None, hold: Nano
) -> Standing | None:
    """Open or grow the lease `wish` where there is plenty; `hold` is what one request needs."""
    lease = batch.leases.get(wish)
    have = lease.amount if lease else 0
    free = wallet.available if budget is None else min(wallet.available, budget.remaining)
    more = min((free + have) // SHARE, max(LARGE, PLENTY * hold)) - have
    if more <= 0 or more < WORTHWHILE * hold or (lease and lease.recalled):
        return standing(lease) if lease else None
    if lease is None:
        lease = OpenLease(wish, wallet, budget, {}, 0, worker=worker)
        batch.leases[wish] = lease
    wallet.available -= more
    _change(lease, more)
    left = more
    for lot in wallet.lots:
        part = min(lot.free, left)
        if part:
            lot.free -= part
            lot.held_by += part
            lease.parts[lot.id] = lease.parts.get(lot.id, 0) + part
            left -= part
    return standing(lease, more)


def take(lease: OpenLease, hold: OpenHold, amount: Nano) -> Nano:
    """Move up to `amount` from a lease to a hold, in the order of the lots; how much it was."""
    amount = left = min(lease.amount, amount)
    if not amount:
        return 0
    _change(lease, -amount)
    hold.amount += amount
    hold.wallet.held_by += amount
    if hold.budget is not None:
        hold.budget.move(amount, 0)
    for lot in lease.wallet.lots:
        part = min(lease.parts.get(lot.id, 0), left)
        if part:
            lease.parts[lot.id] -= part
            hold.alloc.append([lot.id, lot.kind, part])
            left -= part
    return amount


def put_back(lease: OpenLease, parts: dict[str, Nano]) -> None:
    """What a hold did not spend, by lot, is the lease's again."""
    for lot_id, part in parts.items():
        lease.parts[lot_id] = lease.parts.get(lot_id, 0) + part
    _change(lease, sum(parts.values()))


def end(batch: Batch, lease: OpenLease) -> None:
    """What is left of a lease is the wallet's again; nothing of what has expired."""
    for lot_id, part in lease.parts.items():
        lot = batch.lots[lot_id] if part else None
        if lot is not None:
            lot.held_by -= part
            if not lot.expired:
                lot.free += part
                lease.wallet.available += part
    _change(lease, -lease.amount)
    lease.parts = {}
    lease.ended = True


def standing(lease: OpenLease, added: Nano = 0) -> Standing:
    """How it stands now."""
    wallet, budget = lease.wallet, lease.budget
    beside = wallet.available + wallet.leased - lease.amount
    limited = None if budget is None else budget.remaining + budget.leased - lease.amount
    stale = any(lot.expired and lease.parts.get(lot.id) for lot in wallet.lots)
    return Standing(added, beside, limited, over=lease.recalled or stale)


def _change(lease: OpenLease, by: Nano) -> None:
    lease.amount += by
    lease.changed = True
    lease.wallet.lease(by)
    if lease.budget is not None:
        lease.budget.move(0, by)
