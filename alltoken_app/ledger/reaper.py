"""Settles the holds of processes that died, and those that are overdue; ends their leases."""

from typing import Any

from sqlalchemy import Row, func, or_, text
from sqlmodel import Session, col, delete, select

from alltoken_app.clock import DAY, HOUR, Millis, now_ms
from alltoken_app.ledger import holds
from alltoken_app.ledger.holds import GiveBack, Settle, Settled
from alltoken_app.tables.generation import Generation
from alltoken_app.tables.ledger import Hold, HoldState, Lease, Worker

REAP = 500  # holds settled in one transaction; the next call takes the rest
OLD_LEASE = HOUR

_COLUMNS = Generation.__table__.c  # type: ignore[attr-defined]
# A hold placed before an upgrade may lack a column that is required now; its money comes first.
_BLANK = {
    c.name: ""
    for c in _COLUMNS
    if not c.nullable and c.default is None and c.name not in ("id", "org_id", "book")
}

_beat = text(
    "INSERT INTO worker (id, seen_at) VALUES (:id, :now)"
    " ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at"
)


def beat(session: Session, worker: str) -> None:
    """Say that this worker lives."""
    session.execute(_beat, {"id": worker, "now": now_ms()})


def reap(session: Session, *, grace_ms: Millis) -> int:
    """Settle open holds that are overdue or whose worker is silent; returns how many.

    What the last checkpoint noted is charged; without one the hold is released. Then what is left
    of the leases of silent workers is the wallets' again.

    Args:
        grace_ms: How long a worker may be silent before it counts as dead.
    """
    orphans = _orphans(session, grace_ms)
    ended = [GiveBack(lost.id, lost.wallet_id) for lost in _lost_leases(session, grace_ms)]
    outcomes = holds.apply(session, [*map(_settlement, orphans), *ended])
    session.exec(delete(Worker).where(col(Worker.seen_at) <= now_ms() - max(DAY, grace_ms)))
    return sum(isinstance(each, Settled) and each.first for each in outcomes)


def _orphans(session: Session, grace_ms: Millis) -> list[Row[Any]]:
    now = now_ms()
    last_sign = func.coalesce(col(Worker.seen_at), col(Hold.created_at))
    columns = select(Hold.id, Hold.progress, Hold.created_at, Hold.facts)
    orphans = (
        columns.outerjoin(Worker, col(Worker.id) == col(Hold.worker))
        .where(
            col(Hold.state).in_([HoldState.HELD, HoldState.IN_FLIGHT]),
            or_(col(Hold.expires_at) <= now, last_sign <= now - grace_ms),
        )
        .order_by(col(Hold.created_at))
        .limit(REAP)
    )
    return list(session.execute(orphans))


def _lost_leases(session: Session, grace_ms: Millis) -> list[Row[Any]]:
    """Those of silent workers, and old ones: a worker that still uses one takes another."""
    now = now_ms()
    last_sign = func.coalesce(col(Worker.seen_at), col(Lease.created_at))
    lost = (
        select(Lease.id, Lease.wallet_id)
        .outerjoin(Worker, col(Worker.id) == col(Lease.worker))
        .where(or_(last_sign <= now - grace_ms, col(Lease.created_at) <= now - OLD_LEASE))
        .order_by(col(Lease.id))
        .limit(REAP)
    )
    return list(session.execute(lost))


def _settlement(orphan: Row[Any]) -> Settle:
    known = {name: value for name, value in orphan.facts.items() if name in _COLUMNS}
    closing = {
        "status": "interrupted",
        "estimated": orphan.progress > 0,
        "finished_at": now_ms(),
    }
    generation = _BLANK | {"created_at": orphan.created_at} | known | closing
    return Settle(orphan.id, orphan.progress, generation)
