"""API keys as programs manage them: by a hash of their id, with their limit and use in numbers."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import func
from sqlmodel import Session, col, select

from alltoken_app.clock import Millis, now_ms
from alltoken_app.crypto import sha256_hex
from alltoken_app.errors import NotFound
from alltoken_app.ledger.periods import period_start
from alltoken_app.limits.allowances import Limits
from alltoken_app.money import Nano
from alltoken_app.services import key_rules, keys
from alltoken_app.services.actors import Actor
from alltoken_app.services.key_views import KeyView
from alltoken_app.services.keys import NewKey
from alltoken_app.tables.generation import Generation
from alltoken_app.tables.key import ApiKey
from alltoken_app.tables.ledger import Budget

SPANS = ("total", "day", "week", "month")


@dataclass(frozen=True)
class ManagedKey:
    """One API key. Money in nano-USD; `used` is ever, then this UTC day, week and month.

    Attributes:
        hash: Hex SHA-256 of the key's id: names the key in addresses.
        limit, remaining: None without a limit; `period` is None when it never resets.
    """

    hash: str
    key: KeyView
    created_by: str
    limit: Nano | None
    remaining: Nano | None
    period: str | None
    used: Nano
    used_day: Nano
    used_week: Nano
    used_month: Nano


@dataclass(frozen=True)
class Change:
    """What is to change of a key; None leaves it. `lift_limit` takes its limit away.

    Attributes:
        limit_usd: A decimal string in USD.
        period: "day", "week", "month" or "total".
        rates: All of its rate limits.
    """

    name: str | None = None
    disabled: bool | None = None
    limit_usd: str | None = None
    lift_limit: bool = False
    period: str | None = None
    rates: Limits | None = None


def list_managed(
    session: Session, actor: Actor, *, offset: int = 0, limit: int = 100, disabled: bool = True
) -> list[ManagedKey]:
    """The organisation's keys that are not revoked, the newest first.

    Args:
        disabled: Whether paused keys are among them.
    """
    shown = [
        key
        for key in keys.list_keys(session, actor)
        if key.status not in ("revoked", "rotating") and (disabled or key.status != "paused")
    ]
    return _managed(session, actor, shown[offset : offset + limit])


def get(session: Session, actor: Actor, hash_: str) -> ManagedKey:
    """One key by its hash.

    Raises:
        NotFound: No such key, or not the organisation's.
    """
    return _managed(session, actor, [_find(session, actor, hash_)])[0]


def create(
    session: Session, actor: Actor, new: NewKey, *, pepper: bytes, book: str
) -> tuple[ManagedKey, str]:
    """Make a key; its secret is returned here and never again. Raises as `keys.create`."""
    view, secret = keys.create(session, actor, new, pepper=pepper, book=book)
    return _managed(session, actor, [view])[0], secret


def change(session: Session, actor: Actor, hash_: str, wanted: Change) -> ManagedKey:
    """Rename, pause, resume or limit a key.

    Raises:
        NotFound: No such key, or not the organisation's.
        Invalid: The name or the limit is wrong.
    """
    found = _find(session, actor, hash_)
    if wanted.name is not None:
        keys.rename(session, actor, found.id, wanted.name)
    if wanted.disabled is not None:
        (keys.pause if wanted.disabled else keys.resume)(session, actor, found.id)
    if wanted.lift_limit:
        keys.set_limit(session, actor, found.id, None)
    elif wanted.limit_usd is not None or (wanted.period is not None and found.limit_usd):
        limit = wanted.limit_usd or found.limit_usd
        keys.set_limit(session, actor, found.id, limit, wanted.period or found.period)
    if wanted.rates is not None:
        keys.set_rates(session, actor, found.id, wanted.rates)
    return get(session, actor, hash_)


def delete(session: Session, actor: Actor, hash_: str) -> None:
    """Revoke a key for good.

    Raises:
        NotFound: No such key, or not the organisation's.
    """
    keys.revoke(session, actor, _find(session, actor, hash_).id)


def _find(session: Session, actor: Actor, hash_: str) -> KeyView:
    for key in keys.list_keys(session, actor):
        if sha256_hex(key.id) == hash_ and key.status != "revoked":
            return key
    raise NotFound("There is no such key in this organisation.", param="hash")


def _managed(session: Session, actor: Actor, shown: list[KeyView]) -> list[ManagedKey]:
    ids = [key.id for key in shown]
    budgets = {row.id: row for row in session.exec(select(Budget).where(col(Budget.id).in_(ids)))}
    makers = dict(
        session.exec(select(ApiKey.id, ApiKey.created_by).where(col(ApiKey.id).in_(ids))).all()
    )
    now = now_ms()
    used = {span: _used(session, ids, period_start(span, now)) for span in SPANS}
    return [
        ManagedKey(
            hash=sha256_hex(key.id),
            key=key,
            created_by=makers[key.id],
            **_limits(budgets.get(key.id), now),
            used=used["total"].get(key.id, 0),
            used_day=used["day"].get(key.id, 0),
            used_week=used["week"].get(key.id, 0),
            used_month=used["month"].get(key.id, 0),
        )
        for key in shown
    ]


def _limits(found: Budget | None, now: Millis) -> dict[str, Any]:
    budget = key_rules.limited(found)
    if budget is None:
        return {"limit": None, "remaining": None, "period": None}
    current = budget.period_start >= period_start(budget.period, now)
    left = budget.limit_nano - budget.held - (budget.spent if current else 0)
    period = None if budget.period == "total" else budget.period
    return {"limit": budget.limit_nano, "remaining": max(left, 0), "period": period}


def _used(session: Session, ids: list[str], since: Millis) -> dict[str, Nano]:
    costs = (
        select(Generation.key_id, func.sum(Generation.cost))
        .where(col(Generation.key_id).in_(ids), col(Generation.created_at) >= since)
        .group_by(col(Generation.key_id))
    )
    return {key_id: int(cost) for key_id, cost in session.exec(costs) if key_id is not None}
