"""API keys for showing: what they are, may and have spent."""

from dataclasses import dataclass

from sqlmodel import Session

from alltoken_app.clock import Millis, now_ms
from alltoken_app.ledger.periods import period_start
from alltoken_app.limits.allowances import UNLIMITED, Limits
from alltoken_app.money import Nano, show_usd, usd
from alltoken_app.services import key_rules
from alltoken_app.tables.key import ApiKey
from alltoken_app.tables.ledger import Budget


@dataclass(frozen=True)
class KeyView:
    """A key for showing.

    Attributes:
        status: "active", "paused", "expired", "revoked", or "rotating": the old secret of a
            rotated key, which works until `expires_at`.
        limit_usd: Exact decimal string for forms; "" without a limit.
        limit, spent: For people: "$5.00"; `limit` is "" without one.
        period: Of the limit; `spent` counts this period (the month for a key without a limit).
        spent_share: Part of the limit that is spent, 0 to 100.
        rates: Its own limits per minute and at once.
    """

    id: str
    name: str
    display: str
    status: str
    book: str
    limit_usd: str
    limit: str
    period: str
    spent: str
    spent_share: int
    models: tuple[str, ...]
    created_at: Millis
    last_used_at: Millis | None
    expires_at: Millis | None
    rates: Limits = UNLIMITED


def of(session: Session, key: ApiKey) -> KeyView:
    """A key as it is now."""
    session.flush()
    month = key_rules.spent_since(session, key.org_id, period_start("month", now_ms()))
    return show(key, session.get(Budget, key.id), month.get(key.id, 0))


def show(key: ApiKey, budget: Budget | None, month: Nano) -> KeyView:
    """A key with its budget, if it has one, and what it has spent this month."""
    limit, period, spent = None, "month", month
    if budget := key_rules.limited(budget):
        limit, period = budget.limit_nano, budget.period
        current = budget.period_start == period_start(period, now_ms())
        spent = budget.spent if current else 0
    return KeyView(
        id=key.id,
        name=key.name,
        display=key.display,
        status=_status(key),
        book=key.book,
        limit_usd="" if limit is None else usd(limit),
        limit="" if limit is None else show_usd(limit),
        period=period,
        spent=show_usd(spent),
        spent_share=0 if limit is None else min(100, spent * 100 // limit),
        models=tuple(slugs(key)),
        created_at=key.created_at,
        last_used_at=key.last_used_at,
        expires_at=key.expires_at,
        rates=rates(key),
    )


def _status(key: ApiKey) -> str:
    if key.revoked_at is not None:
        return "revoked"
    if key.expires_at is not None and key.expires_at <= now_ms():
        return "expired"
    if key.paused_at is not None:
        return "paused"
    return "active" if key.replaced_by is None else "rotating"


def slugs(key: ApiKey) -> list[str]:
    """The models it may call; none means all."""
    return [slug for slug in key.models.split(",") if slug]


def rates(key: ApiKey) -> Limits:
    """Its own rate limits."""
    return Limits(key.requests_per_minute, key.tokens_per_minute, key.concurrent)
