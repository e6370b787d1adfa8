"""The security log, and the limits on guessing that are counted from it.

It is the only place for an IP address and a user agent. Kept 90 days.
"""

from dataclasses import dataclass

from sqlalchemy import delete, func
from sqlmodel import Session, col, select

from alltoken_app.clock import DAY, SECOND, Millis, now_ms
from alltoken_app.errors import RateLimited
from alltoken_app.tables.account import SecurityEvent

KEPT: Millis = 90 * DAY


@dataclass(frozen=True)
class Client:
    """Where a request came from."""

    ip: str = ""
    user_agent: str = ""


NOWHERE = Client()


@dataclass(frozen=True)
class Limit:
    """At most `count` events of one kind in `window` milliseconds."""

    count: int
    window: Millis


def record(
    session: Session,
    kind: str,
    client: Client = NOWHERE,
    *,
    person_id: str | None = None,
    org_id: str | None = None,
    subject_id: str | None = None,
) -> SecurityEvent:
    """Write one event; `subject_id` names what it is about (a key, a session)."""
    event = SecurityEvent(
        kind=kind,
        person_id=person_id,
        org_id=org_id,
        subject_id=subject_id,
        ip=client.ip or None,
        user_agent=client.user_agent or None,
    )
    session.add(event)
    return event


def take_turn(session: Session, name: str) -> None:
    """Make transactions that name the same thing follow one another, so that counts are exact."""
    if session.get_bind().dialect.name == "postgresql":  # SQLite has one writer anyway
        lock = func.pg_advisory_xact_lock(func.hashtextextended(name, 0))
        session.execute(select(lock))


def wait_for(
    session: Session, kind: str, limit: Limit, *, ip: str | None = None, subject: str | None = None
) -> Millis:
    """How long until one more event of `kind` is within the limit; 0 when it is now."""
    now = now_ms()
    recent = (
        select(SecurityEvent.at)
        .where(col(SecurityEvent.kind) == kind, col(SecurityEvent.at) > now - limit.window)
        .order_by(col(SecurityEvent.at).desc())
        .offset(limit.count - 1)
        .limit(1)
    )
    if ip is not None:
        recent = recent.where(col(SecurityEvent.ip) == (ip or None))
    if subject is not None:
        recent = recent.where(col(SecurityEvent.subject_id) == subject)
    oldest = session.exec(recent).first()
    return 0 if oldest is None else max(1, oldest + limit.window - now)


def refuse_above(session: Session, kind: str, limit: Limit, client: Client, **of: str) -> None:
    """Refuse when this address (and `subject`, when given) used up its limit.

    Raises:
        RateLimited: `too_many_attempts`, with `retry_after`.
    """
    wait = wait_for(session, kind, limit, ip=client.ip, **of)
    if wait:
        seconds = -(-wait // SECOND)
        raise RateLimited(
            f"Too many attempts. Try again in {-(-seconds // 60)} min.",
            code="too_many_attempts",
            retry_after=seconds,
        )


def sweep(session: Session) -> int:
    """Delete what is older than 90 days; returns how many events."""
    old = delete(SecurityEvent).where(col(SecurityEvent.at) < now_ms() - KEPT)
    return session.exec(old).rowcount
