"""Takes blocks of requests and tokens, and places, out of what all processes share."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, text
from sqlmodel import Session, col, delete, select

from alltoken_app.clock import HOUR, Millis, now_ms
from alltoken_app.limits.allowances import MINUTE_SECONDS, Subject
from alltoken_app.tables.ledger import Worker
from alltoken_app.tables.limits import RateBucket, RateSlots

FORGOTTEN: Millis = 6 * HOUR

_open = text(
    "INSERT INTO rate_bucket (subject, requests, tokens, at)"
    " VALUES (:subject, :requests, :tokens, :at) ON CONFLICT (subject) DO NOTHING"
)
_hold = text(
    "INSERT INTO rate_slots (subject, worker, slots, changed_at)"
    " VALUES (:subject, :worker, :slots, :at) ON CONFLICT (subject, worker)"
    " DO UPDATE SET slots = excluded.slots, changed_at = excluded.changed_at"
)


@dataclass(frozen=True, slots=True)
class Ask:
    """What a process wants of a subject's limits; less than nothing is given back.

    Attributes:
        owed: Tokens that were used beyond what was taken: taken whatever is there.
        slots: Places it wants to hold in all; of them it needs `in_use` in any case.
    """

    subject: Subject
    requests: int = 0
    tokens: int = 0
    owed: int = 0
    slots: int = 0
    in_use: int = 0


@dataclass(frozen=True, slots=True)
class Grant:
    """What it got: requests and tokens more, places in all; and what is left for everybody."""

    requests: int
    tokens: int
    slots: int
    requests_left: float
    tokens_left: float


def exchange(
    session: Session, asks: Sequence[Ask], worker: str, *, grace_ms: Millis
) -> dict[str, Grant]:
    """Take and give back; what everybody has taken together never exceeds the limits.

    Args:
        grace_ms: A worker that has been silent for so long is dead, and its places are free.

    Returns:
        What became of each ask, by its subject's id.
    """
    ordered = sorted(asks, key=lambda ask: ask.subject.id)  # nobody waits for each other
    return {ask.subject.id: _one(session, ask, worker, grace_ms) for ask in ordered}


def sweep(session: Session) -> int:
    """Forget what nobody has used for hours: buckets that are full again, places of the dead."""
    before = now_ms() - FORGOTTEN
    living = select(Worker.id).where(col(Worker.seen_at) >= before)
    dead = col(RateSlots.changed_at) < before, col(RateSlots.worker).not_in(living)
    session.exec(delete(RateSlots).where(*dead))
    return session.exec(delete(RateBucket).where(col(RateBucket.at) < before)).rowcount


def _one(session: Session, ask: Ask, worker: str, grace_ms: Millis) -> Grant:
    now, limits = now_ms(), ask.subject.limits
    most = limits.requests or 0, limits.tokens or 0
    full = {"subject": ask.subject.id, "requests": most[0], "tokens": most[1], "at": now}
    session.execute(_open, full)
    wanted = select(RateBucket).where(col(RateBucket.subject) == ask.subject.id)
    row = session.exec(wanted.with_for_update()).one()
    minutes = max(now - row.at, 0) / (1000 * MINUTE_SECONDS)
    requests, row.requests = _take(row.requests + minutes * most[0], most[0], ask.requests)
    tokens, row.tokens = _take(
        row.tokens + minutes * most[1] - ask.owed, most[1], ask.tokens
    )  # fmt: skip
    row.at = max(now, row.at)
    session.add(row)
    slots = _slots(session, ask, worker, now, grace_ms) if limits.at_once is not None else 0
    return Grant(requests, tokens, slots, row.requests, row.tokens)


def _take(level: float, most: int, wanted: int) -> tuple[int, float]:
    """How many of `wanted` are there, and what is left then."""
    level = min(level, float(most))
    got = wanted if wanted < 0 else min(wanted, max(int(level), 0))
    return got, min(level - got, float(most))


def _slots(session: Session, ask: Ask, worker: str, now: Millis, grace_ms: Millis) -> int:
    """Places this worker holds from now on. The bucket's lock has everybody else wait."""
    others = (
        select(func.coalesce(func.sum(RateSlots.slots), 0))
        .join(Worker, col(Worker.id) == col(RateSlots.worker), isouter=True)
        .where(
            col(RateSlots.subject) == ask.subject.id,
            col(RateSlots.worker) != worker,
            func.coalesce(col(Worker.seen_at), col(RateSlots.changed_at)) > now - grace_ms,
        )
    )
    free = (ask.subject.limits.at_once or 0) - int(session.exec(others).one())
    slots = max(min(ask.slots, free), ask.in_use)
    values = {"subject": ask.subject.id, "worker": worker, "slots": slots, "at": now}
    session.execute(_hold, values)
    return slots
