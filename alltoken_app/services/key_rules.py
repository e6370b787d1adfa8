"""What a key may be: how many there are, what it may call, how long, and for how much money."""

from sqlalchemy import func
from sqlmodel import Session, col, select

from alltoken_app.clock import DAY, Millis, now_ms
from alltoken_app.errors import Conflict, Invalid
from alltoken_app.ledger.periods import PERIODS, period_start
from alltoken_app.limits.allowances import HIGHEST, Limits
from alltoken_app.money import NANO_PER_USD, Nano, parse_usd
from alltoken_app.tables.catalog import AiModel
from alltoken_app.tables.generation import Generation
from alltoken_app.tables.key import ApiKey
from alltoken_app.tables.ledger import Budget

LARGEST_LIMIT: Nano = 1_000_000 * NANO_PER_USD
LONGEST_LIFE: Millis = 5 * 366 * DAY
MOST_KEYS = 200
MOST_MODELS = 50
NO_LIMIT: Nano = 2**62  # a budget stays when its limit goes: open holds still settle against it


def require_room(session: Session, org_id: str) -> None:
    """Refuse when an organisation has too many keys already.

    Raises:
        Conflict: `too_many_keys`.
    """
    kept = (col(ApiKey.org_id) == org_id, col(ApiKey.revoked_at).is_(None))
    if session.exec(select(func.count()).select_from(ApiKey).where(*kept)).one() >= MOST_KEYS:
        message = f"An organisation can have {MOST_KEYS} keys. Revoke one that is not used."
        raise Conflict(message, code="too_many_keys")


def future(at: Millis | None) -> Millis | None:
    """When a key stops working, if that lies ahead.

    Raises:
        Invalid: `invalid_value`.
    """
    if at is not None and not now_ms() < at <= now_ms() + LONGEST_LIFE:
        message = "A key expires in the future, within five years."
        raise Invalid(message, param="expires_at", status=422)
    return at


def models(session: Session, slugs: tuple[str, ...]) -> list[str]:
    """The models a key may call, sorted, each once; all of them exist.

    Raises:
        Invalid: `invalid_value`.
    """
    wanted = sorted(set(slugs))
    if len(wanted) > MOST_MODELS:
        message = f"Name at most {MOST_MODELS} models, or none to allow all."
        raise Invalid(message, param="models", status=422)
    known = set(session.exec(select(AiModel.slug).where(col(AiModel.slug).in_(wanted))))
    if unknown := [slug for slug in wanted if slug not in known]:
        raise Invalid(f"There is no model {unknown[0][:80]!r}.", param="models", status=422)
    return wanted


def check_rates(rates: Limits) -> None:
    """Refuse limits that make no sense.

    Raises:
        Invalid: `invalid_value`.
    """
    named = {
        "requests_per_minute": rates.requests,
        "tokens_per_minute": rates.tokens,
        "concurrent": rates.at_once,
    }
    for name, limit in named.items():
        if limit is not None and not 0 < limit <= HIGHEST:
            text = f"{name}: a whole number from 1 to {HIGHEST}, or null for no limit of its own."
            raise Invalid(text, param=f"rate_limit.{name}", status=422)


def set_limit(session: Session, key: ApiKey, limit_usd: str, period: str) -> None:
    """Limit what a key and its rotated secrets spend together per period.

    What they have spent in the running period counts, also when there was no limit then.

    Raises:
        Invalid: `invalid_amount` or `invalid_value`.
    """
    limit = _parse(limit_usd)
    if period not in PERIODS:
        message = f"A limit counts per {', '.join(PERIODS[:-1])}, or in {PERIODS[-1]}."
        raise Invalid(message, param="period", status=422)
    _write(session, key, limit, period)


def lift_limit(session: Session, key: ApiKey) -> None:
    """Let a key spend what the wallet has."""
    if session.get(Budget, key.id) is not None:
        _write(session, key, NO_LIMIT, "total")


def limited(budget: Budget | None) -> Budget | None:
    """The budget, if it limits anything."""
    return budget if budget is not None and budget.limit_nano < NO_LIMIT else None


def spent_since(session: Session, org_id: str, since: Millis) -> dict[str, Nano]:
    """What each key of an organisation has spent since then."""
    costs = (
        select(Generation.key_id, func.sum(Generation.cost))
        .where(col(Generation.org_id) == org_id, col(Generation.created_at) >= since)
        .group_by(col(Generation.key_id))
    )
    return {key_id: int(cost) for key_id, cost in session.exec(costs) if key_id is not None}


def _parse(text: str) -> Nano:
    try:
        nano = parse_usd(text)
    except ValueError as error:
        raise _wrong(str(error)) from None
    if not 0 < nano <= LARGEST_LIMIT:
        raise _wrong("A limit is more than $0 and at most $1,000,000.")
    return nano


def _wrong(message: str) -> Invalid:
    return Invalid(message, code="invalid_amount", param="limit_usd", status=422)


def _write(session: Session, key: ApiKey, limit: Nano, period: str) -> None:
    """The lock comes before the sum: a settlement is in the sum, or adds itself afterwards."""
    locked = select(Budget).where(col(Budget.id) == key.id).with_for_update()
    found = session.exec(locked.execution_options(populate_existing=True)).first()
    budget = found or Budget(id=key.id, limit_nano=limit, period=period)
    start = period_start(period, now_ms())
    of_it = select(ApiKey.id).where(
        (col(ApiKey.id) == key.id) | (col(ApiKey.replaced_by) == key.id)
    )
    spent = select(func.coalesce(func.sum(Generation.cost), 0)).where(
        col(Generation.key_id).in_(of_it), col(Generation.created_at) >= start
    )
    budget.limit_nano, budget.period, budget.period_start = limit, period, start
    budget.spent = int(session.exec(spent).one())
    session.add(budget)
