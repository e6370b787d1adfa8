"""What the API tells a caller about its own money, key and generations. Read only."""

from dataclasses import dataclass, fields
from typing import Any

from sqlalchemy import func
from sqlmodel import Session, col, select

from alltoken_app.clock import Millis, now_ms
from alltoken_app.errors import NotFound
from alltoken_app.ledger import accounts, periods
from alltoken_app.money import Nano, usd, usd_of_pico
from alltoken_app.tables.generation import Generation
from alltoken_app.tables.key import ApiKey, ManagementKey
from alltoken_app.tables.ledger import Budget, Lot


@dataclass(frozen=True)
class Credits:
    """Nano-USD of a wallet: ever received, ever used, free now, set aside now."""

    received: Nano
    used: Nano
    available: Nano
    held: Nano


@dataclass(frozen=True)
class KeyRecord:
    """A key as its own caller may see it. Money in nano-USD; None means no limit."""

    label: str
    name: str
    limit: Nano | None
    remaining: Nano | None
    period: str | None
    used: Nano
    used_day: Nano
    used_week: Nano
    used_month: Nano
    expires_at: Millis | None
    models: tuple[str, ...]
    created_by: str | None = None


@dataclass(frozen=True)
class GenerationRecord:
    """A generation's record, with its money also as exact text."""

    id: str
    request_id: str
    upstream_id: str | None
    operation: str
    model: str
    model_requested: str
    provider: str
    endpoint_id: str
    key_id: str | None
    created_at: Millis
    streamed: bool
    status: str
    error_code: str | None
    finish_reason: str | None
    native_finish_reason: str | None
    first_token_ms: int | None
    duration_ms: int
    gateway_us: int
    input_tokens: int
    output_tokens: int
    cached_tokens: int
    reasoning_tokens: int
    estimated: bool
    price_version: str
    cost: Nano
    held: Nano
    served: dict[str, Any]
    attempts: list[Any]
    warnings: list[Any]
    lines: list[dict[str, Any]]
    cost_text: str
    held_text: str


MADE_HERE = {"lines", "cost_text", "held_text"}


def credits(session: Session, wallet_id: str) -> Credits:
    """The wallet's sums; received and used count every lot there ever was."""
    granted, remaining = session.exec(
        select(func.coalesce(func.sum(Lot.granted), 0), func.coalesce(func.sum(Lot.remaining), 0))
        .where(Lot.wallet_id == wallet_id)
    ).one()  # fmt: skip
    balance = accounts.balance(session, wallet_id)
    received, used = int(granted), int(granted) - int(remaining)
    return Credits(received, used, balance.available, balance.held)


def key(session: Session, key_id: str | None, budget_id: str | None, label: str) -> KeyRecord:
    """The calling key; a browser token has no limit and no record of its own."""
    row = session.get(ApiKey, key_id) if key_id else None
    budget = session.get(Budget, budget_id) if budget_id else None
    now = now_ms()
    since = {period: periods.period_start(period, now) for period in ("day", "week", "month")}
    remaining = None
    if budget is not None:
        current = budget.period_start >= periods.period_start(budget.period, now)
        remaining = budget.limit_nano - budget.held - (budget.spent if current else 0)
    return KeyRecord(
        label=row.display if row else label,
        name=row.name if row else label,
        limit=budget.limit_nano if budget else None,
        remaining=max(remaining, 0) if remaining is not None else None,
        period=budget.period if budget and budget.period != "total" else None,
        used=_used(session, key_id, 0),
        used_day=_used(session, key_id, since["day"]),
        used_week=_used(session, key_id, since["week"]),
        used_month=_used(session, key_id, since["month"]),
        expires_at=row.expires_at if row else None,
        models=tuple(filter(None, row.models.split(","))) if row else (),
        created_by=row.created_by if row else None,
    )


def management_key(session: Session, key_id: str) -> KeyRecord:
    """A management key: it spends nothing.

    Raises:
        NotFound: It is gone.
    """
    row = session.get(ManagementKey, key_id)
    if row is None:
        raise NotFound("There is no such key.")
    return KeyRecord(
        label=row.display, name=row.name, limit=None, remaining=None, period=None, used=0,
        used_day=0, used_week=0, used_month=0, expires_at=row.expires_at, models=(),
        created_by=row.created_by,
    )  # fmt: skip


def _used(session: Session, key_id: str | None, since: Millis) -> Nano:
    if key_id is None:
        return 0
    total = select(func.coalesce(func.sum(Generation.cost), 0)).where(
        col(Generation.key_id) == key_id, col(Generation.created_at) >= since
    )
    return int(session.exec(total).one())


def generation(session: Session, org_id: str, generation_id: str) -> GenerationRecord:
    """One generation of this organisation.

    Raises:
        NotFound: No such generation, or another organisation's.
    """
    row = session.get(Generation, generation_id)
    if row is None or row.org_id != org_id:
        raise NotFound("There is no such generation in this organisation.", param="id")
    kept = {
        f.name: getattr(row, f.name) for f in fields(GenerationRecord) if f.name not in MADE_HERE
    }
    lines = [
        {"meter": meter, "quantity": n, "rate": usd_of_pico(rate), "amount": usd_of_pico(product)}
        for meter, n, rate, product in row.lines
    ]
    return GenerationRecord(**kept, lines=lines, cost_text=usd(row.cost), held_text=usd(row.held))
