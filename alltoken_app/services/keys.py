"""API keys: made, limited, paused, rotated and revoked by the organisation they belong to.

A rotation gives the key a new secret and keeps its id, history and budget. The old secret moves to
a row of its own (`replaced_by` names the key) and works until its grace ends.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import ColumnElement, case, func, update
from sqlmodel import Session, col, select

from alltoken_app import revisions
from alltoken_app.clock import DAY, Millis, now_ms
from alltoken_app.crypto import display, new_token, token_digest
from alltoken_app.errors import Conflict, Forbidden, Invalid, NotFound
from alltoken_app.ledger.periods import period_start
from alltoken_app.limits.allowances import UNLIMITED, Limits, Subject
from alltoken_app.money import Nano
from alltoken_app.services import key_rules, key_views, names, security_log
from alltoken_app.services.actors import Actor
from alltoken_app.services.key_views import KeyView
from alltoken_app.tables.account import Organisation
from alltoken_app.tables.key import ApiKey
from alltoken_app.tables.ledger import Budget

LONGEST_NAME = 48
LONGEST_GRACE: Millis = 7 * DAY
GRACE: Millis = DAY


@dataclass(frozen=True)
class NewKey:
    """A key to be made.

    Attributes:
        limit_usd: Spending limit per period, a decimal string in USD; None for none.
        period: "day", "week", "month" (calendar, UTC) or "total".
        expires_at: When it stops working; None for never.
        models: The only slugs it may call; empty means all.
        rates: Requests and tokens a minute and requests at once, within the organisation's.
    """

    name: str
    limit_usd: str | None = None
    period: str = "month"
    expires_at: Millis | None = None
    models: tuple[str, ...] = ()
    rates: Limits = UNLIMITED


@dataclass(frozen=True)
class KeyRecord:
    """What the API needs to know of a key, to be cached by its digest.

    Attributes:
        budget_id: The budget that holds of this key count against; None without a limit.
        models: Slugs it may call; empty means all.
        rated: Whose use its rate limits count: the key's and its rotated secrets'; None without.
    """

    key_id: str
    org_id: str
    created_by: str
    name: str
    display: str
    book: str
    budget_id: str | None
    limit: Nano | None
    period: str | None
    models: frozenset[str]
    created_at: Millis
    expires_at: Millis | None
    paused: bool
    revoked: bool
    org_suspended: bool
    rated: Subject | None = None


def create(
    session: Session, actor: Actor, new: NewKey, *, pepper: bytes, book: str
) -> tuple[KeyView, str]:
    """Make a key. The secret is returned here and never again.

    Raises:
        Forbidden: `email_not_verified`, or the role may not.
        Invalid: A field of `new` is wrong; `param` names it.
        Conflict: `too_many_keys`.
    """
    actor.require("keys")
    if not actor.verified:
        raise Forbidden(
            "Confirm your email address first; the link is in our mail.", code="email_not_verified"
        )
    key_rules.require_room(session, actor.org_id)
    token = _new_secret(book)
    key = ApiKey(
        org_id=actor.org_id,
        created_by=actor.person_id,
        name=names.clean(new.name, param="name", longest=LONGEST_NAME),
        digest=token_digest(pepper, token),
        display=display(token),
        book=book,
        models=",".join(key_rules.models(session, new.models)),
        expires_at=key_rules.future(new.expires_at),
    )
    _limit_rates(key, new.rates)
    session.add(key)
    session.flush()
    if new.limit_usd is not None:
        key_rules.set_limit(session, key, new.limit_usd, new.period)
    _changed(session, actor, key, "key_created")
    return key_views.of(session, key), token


def list_keys(session: Session, actor: Actor) -> list[KeyView]:
    """The organisation's keys, the newest first; a developer sees their own."""
    actor.require("keys")
    newest = (col(ApiKey.created_at).desc(), col(ApiKey.id).desc())
    rows = list(session.exec(select(ApiKey).where(*_scope(actor)).order_by(*newest)))
    ids = [key.id for key in rows]
    kept = session.exec(select(Budget).where(col(Budget.id).in_(ids)))
    budgets = {budget.id: budget for budget in kept}
    months = key_rules.spent_since(session, actor.org_id, period_start("month", now_ms()))
    return [key_views.show(key, budgets.get(key.id), months.get(key.id, 0)) for key in rows]


def get(session: Session, actor: Actor, key_id: str) -> KeyView:
    """One key.

    Raises:
        NotFound: No such key, or not the organisation's.
    """
    return key_views.of(session, _own(session, actor, key_id))


def rename(session: Session, actor: Actor, key_id: str, name: str) -> KeyView:
    """Give a key another name.

    Raises:
        NotFound: No such key, or not the organisation's.
        Invalid: `invalid_name`.
    """
    key = _own(session, actor, key_id)
    key.name = names.clean(name, param="name", longest=LONGEST_NAME)
    _changed(session, actor, key, "key_renamed")
    return key_views.of(session, key)


def set_limit(
    session: Session, actor: Actor, key_id: str, limit_usd: str | None, period: str = "month"
) -> KeyView:
    """Limit what a key may spend per period, or lift the limit (None).

    What the key has spent in the running period counts, also when it had no limit then.

    Raises:
        NotFound: No such key, or not the organisation's.
        Invalid: `invalid_amount` or `invalid_value`.
        Conflict: `key_revoked`, `key_replaced`.
    """
    key = _usable(session, actor, key_id)
    if limit_usd is None:
        key_rules.lift_limit(session, key)
    else:
        key_rules.set_limit(session, key, limit_usd, period)
    _changed(session, actor, key, "key_limit_changed")
    return key_views.of(session, key)


def set_rates(session: Session, actor: Actor, key_id: str, rates: Limits) -> KeyView:
    """Limit the requests and tokens a minute and the requests at once of a key.

    Its rotated secrets share them.

    Raises:
        NotFound: No such key, or not the organisation's.
        Invalid: `invalid_value`.
        Conflict: `key_revoked`, `key_replaced`.
    """
    key = _usable(session, actor, key_id)
    for row in _family(session, key):
        _limit_rates(row, rates)
        session.add(row)
    _changed(session, actor, key, "key_limit_changed")
    return key_views.of(session, key)


def pause(session: Session, actor: Actor, key_id: str) -> KeyView:
    """Stop a key, with its rotated secrets, until it is resumed.

    Raises:
        NotFound: No such key, or not the organisation's.
        Conflict: `key_revoked`, `key_replaced`.
    """
    return _set_paused(session, actor, key_id, now_ms())


def resume(session: Session, actor: Actor, key_id: str) -> KeyView:
    """Let a paused key work again.

    Raises:
        NotFound: No such key, or not the organisation's.
        Conflict: `key_revoked`, `key_replaced`.
    """
    return _set_paused(session, actor, key_id, None)


def rotate(
    session: Session, actor: Actor, key_id: str, *, pepper: bytes, grace: Millis = GRACE
) -> tuple[KeyView, str]:
    """Give a key a new secret; the old one works for `grace` more milliseconds, 0 to 7 days.

    Returns:
        The key, and its new secret, shown once.

    Raises:
        NotFound: No such key, or not the organisation's.
        Invalid: `invalid_value`: the grace is too long.
        Conflict: `key_revoked`, `key_replaced`.
    """
    if not 0 <= grace <= LONGEST_GRACE:
        raise Invalid("An old secret can work for 7 more days.", param="grace", status=422)
    key = _usable(session, actor, key_id)
    now = now_ms()
    ends = now + grace if key.expires_at is None else min(key.expires_at, now + grace)
    outgoing = ApiKey(
        **key.model_dump(exclude={"id", "replaced_by", "expires_at"}),
        replaced_by=key.id,
        expires_at=ends,
    )
    outgoing.revoked_at = now if grace == 0 else None
    token = _new_secret(key.book)
    key.digest, key.display, key.last_used_at = token_digest(pepper, token), display(token), None
    session.add(key)
    session.flush()  # frees the old digest
    session.add(outgoing)
    _changed(session, actor, key, "key_rotated")
    return key_views.of(session, key), token


def revoke(session: Session, actor: Actor, key_id: str) -> KeyView:
    """End a key for good, with its rotated secrets; again is no error.

    Raises:
        NotFound: No such key, or not the organisation's.
    """
    key = _own(session, actor, key_id)
    for row in _family(session, key):
        row.revoked_at = row.revoked_at or now_ms()
        session.add(row)
    _changed(session, actor, key, "key_revoked")
    return key_views.of(session, key)


def find_by_digest(session: Session, digest: str) -> KeyRecord | None:
    """The key with this digest, whatever its state; None when there is none."""
    query = (
        select(ApiKey, Organisation, Budget)
        .join(Organisation, col(Organisation.id) == ApiKey.org_id)
        .join(
            Budget,
            col(Budget.id) == func.coalesce(ApiKey.replaced_by, ApiKey.id),
            isouter=True,
        )
        .where(col(ApiKey.digest) == digest)
    )
    found = session.exec(query).first()
    if found is None:
        return None
    key, organisation, budget = found
    limited = key_rules.limited(budget)
    return KeyRecord(
        key_id=key.id,
        org_id=key.org_id,
        created_by=key.created_by,
        name=key.name,
        display=key.display,
        book=key.book,
        budget_id=limited.id if limited else None,
        limit=limited.limit_nano if limited else None,
        period=limited.period if limited else None,
        models=frozenset(key_views.slugs(key)),
        created_at=key.created_at,
        expires_at=key.expires_at,
        paused=key.paused_at is not None,
        revoked=key.revoked_at is not None,
        org_suspended=organisation.suspended_at is not None,
        rated=_rated(key),
    )


def touch_last_used(session: Session, used: Mapping[str, Millis]) -> None:
    """Note when keys were last used, in one statement; an older time changes nothing."""
    if not used:
        return
    at = case(dict(used), value=col(ApiKey.id), else_=0)
    newer = func.coalesce(ApiKey.last_used_at, 0) < at
    session.exec(update(ApiKey).where(col(ApiKey.id).in_(used), newer).values(last_used_at=at))


def _new_secret(book: str) -> str:
    return new_token("atk_live" if book == "live" else "atk_test")


def _scope(actor: Actor) -> tuple[ColumnElement[bool], ...]:
    ours = (col(ApiKey.org_id) == actor.org_id,)
    if actor.allowed("all_keys"):
        return ours
    return (*ours, col(ApiKey.created_by) == actor.person_id)


def _own(session: Session, actor: Actor, key_id: str) -> ApiKey:
    actor.require("keys")
    mine = select(ApiKey).where(col(ApiKey.id) == key_id, *_scope(actor))
    key = session.exec(mine.with_for_update()).first()
    if key is None:
        raise NotFound("No such key.")
    return key


def _usable(session: Session, actor: Actor, key_id: str) -> ApiKey:
    key = _own(session, actor, key_id)
    if key.revoked_at is not None:
        raise Conflict("This key is revoked. Create a new one.", code="key_revoked")
    if key.replaced_by is not None:
        message = "This is the old secret of a rotated key. Change the key itself, or revoke this."
        raise Conflict(message, code="key_replaced")
    return key


def _family(session: Session, key: ApiKey) -> list[ApiKey]:
    """The key and the secrets that rotations left behind."""
    of_it = (col(ApiKey.id) == key.id) | (col(ApiKey.replaced_by) == key.id)
    return list(session.exec(select(ApiKey).where(of_it)))


def _set_paused(session: Session, actor: Actor, key_id: str, at: Millis | None) -> KeyView:
    key = _usable(session, actor, key_id)
    for row in _family(session, key):
        row.paused_at = at
        session.add(row)
    _changed(session, actor, key, "key_paused" if at else "key_resumed")
    return key_views.of(session, key)


def _changed(session: Session, actor: Actor, key: ApiKey, kind: str) -> None:
    session.add(key)
    security_log.record(
        session, kind, person_id=actor.person_id, org_id=actor.org_id, subject_id=key.id
    )
    session.flush()
    revisions.bump(session, "keys")


def _limit_rates(key: ApiKey, rates: Limits) -> None:
    key_rules.check_rates(rates)
    key.requests_per_minute, key.tokens_per_minute = rates.requests, rates.tokens
    key.concurrent = rates.at_once


def _rated(key: ApiKey) -> Subject | None:
    limits = key_views.rates(key)
    return Subject(key.replaced_by or key.id, "key", limits) if limits.any else None
