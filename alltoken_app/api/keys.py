"""/v1/keys: API keys managed by programs, with a management key (`atm_…`)."""

from decimal import Decimal
from typing import Any, Literal

import msgspec

from alltoken_app.api import parse
from alltoken_app.api.auth import manager
from alltoken_app.api.http import Request
from alltoken_app.api.render import exact
from alltoken_app.clock import from_iso, iso
from alltoken_app.errors import Invalid
from alltoken_app.limits.allowances import UNLIMITED, Limits
from alltoken_app.services import provisioning
from alltoken_app.services.actors import Actor
from alltoken_app.services.keys import NewKey
from alltoken_app.services.provisioning import Change, ManagedKey

PERIODS = {"daily": "day", "weekly": "week", "monthly": "month"}
RESETS = {period: reset for reset, period in PERIODS.items()}
Reset = Literal["daily", "weekly", "monthly"]
PAGE = 100
UNSET = msgspec.UNSET


class RateLimit(msgspec.Struct, forbid_unknown_fields=True):
    """Limits of a key within its organisation's; null: none of its own."""

    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    concurrent: int | None = None


class Wanted(msgspec.Struct, forbid_unknown_fields=True):
    """A new key. Money in USD; null means no limit, no reset, no expiry."""

    name: str
    limit: Decimal | None = None
    limit_reset: Reset | None = None
    include_byok_in_limit: bool | None = None
    expires_at: str | None = None
    models: list[str] | None = None
    creator_user_id: str | None = None
    workspace_id: str | None = None
    rate_limit: RateLimit | None = None


class Changed(msgspec.Struct, forbid_unknown_fields=True):
    """What is to change; a `limit` of null takes the limit away."""

    name: str | None = None
    disabled: bool | None = None
    limit: Decimal | msgspec.UnsetType | None = UNSET
    limit_reset: Reset | msgspec.UnsetType | None = UNSET
    include_byok_in_limit: bool | None = None
    rate_limit: RateLimit | msgspec.UnsetType | None = UNSET


_wanted = msgspec.json.Decoder(Wanted)
_changed = msgspec.json.Decoder(Changed)


async def list_keys(request: Request) -> None:
    """The organisation's keys, a hundred at a time: `?offset=`."""
    actor = await manager(request)
    offset = request.query.get("offset", "0")
    if not offset.isdigit():
        raise Invalid("offset: a whole number, 0 or more.", param="offset")
    disabled = request.query.get("include_disabled", "true").lower() in ("1", "true")
    found = await request.plane.database.read(
        provisioning.list_managed, actor, offset=int(offset), limit=PAGE, disabled=disabled
    )
    await request.json(200, {"data": [_document(key, actor) for key in found]})


async def create_key(request: Request) -> None:
    """Make a key. Its secret is in this answer and never shown again."""
    actor = await manager(request)
    body = await request.body()
    parse.document(body, request.header(b"content-type"))
    wanted = parse.decode(_wanted, body)
    plane = request.plane
    new = NewKey(
        name=wanted.name,
        limit_usd=_text(wanted.limit),
        period=PERIODS[wanted.limit_reset] if wanted.limit_reset else "total",
        expires_at=_time(wanted.expires_at),
        models=tuple(wanted.models or ()),
        rates=_limits(wanted.rate_limit),
    )
    made, secret = await plane.database.run(
        provisioning.create, actor, new, pepper=plane.secrets.pepper, book=plane.settings.book
    )
    await request.json(201, {"data": _document(made, actor), "key": secret})


async def show_key(request: Request) -> None:
    """One key, by its hash."""
    actor = await manager(request)
    found = await request.plane.database.read(provisioning.get, actor, _hash(request))
    await request.json(200, {"data": _document(found, actor)})


async def change_key(request: Request) -> None:
    """Rename, disable, enable or limit a key."""
    actor = await manager(request)
    body = await request.body()
    parse.document(body, request.header(b"content-type"))
    wanted = parse.decode(_changed, body)
    change = Change(
        name=wanted.name,
        disabled=wanted.disabled,
        limit_usd=_text(wanted.limit) if isinstance(wanted.limit, Decimal) else None,
        lift_limit=wanted.limit is None,
        period=_period(wanted.limit_reset),
        rates=None if wanted.rate_limit is UNSET else _limits(wanted.rate_limit),
    )
    changed = await request.plane.database.run(provisioning.change, actor, _hash(request), change)
    await request.json(200, {"data": _document(changed, actor)})


async def delete_key(request: Request) -> None:
    """Revoke a key for good."""
    actor = await manager(request)
    await request.plane.database.run(provisioning.delete, actor, _hash(request))
    await request.json(200, {"deleted": True})


def _limits(wanted: RateLimit | msgspec.UnsetType | None) -> Limits:
    if not isinstance(wanted, RateLimit):
        return UNLIMITED
    return Limits(wanted.requests_per_minute, wanted.tokens_per_minute, wanted.concurrent)


def _hash(request: Request) -> str:
    return request.path.removeprefix("/keys/")[:128]


def _period(reset: Reset | msgspec.UnsetType | None) -> str | None:
    if reset is UNSET:
        return None
    return PERIODS[reset] if isinstance(reset, str) else "total"


def _text(dollars: Decimal | None) -> str | None:
    return None if dollars is None else format(dollars, "f")


def _time(text: str | None) -> int | None:
    if text is None:
        return None
    try:
        return from_iso(text)
    except ValueError:
        text = "expires_at: a time such as 2027-01-31T00:00:00Z."
        raise Invalid(text, param="expires_at") from None


def _document(key: ManagedKey, actor: Actor) -> dict[str, Any]:
    """OpenRouter's shape: every field is there, null where there is nothing to say."""
    view, nothing = key.key, exact(0)
    return {
        "hash": key.hash,
        "name": view.name,
        "label": view.display,
        "disabled": view.status == "paused",
        "limit": None if key.limit is None else exact(key.limit),
        "limit_remaining": None if key.remaining is None else exact(key.remaining),
        "limit_reset": RESETS.get(key.period or ""),
        "include_byok_in_limit": False,
        "usage": exact(key.used),
        "usage_daily": exact(key.used_day),
        "usage_weekly": exact(key.used_week),
        "usage_monthly": exact(key.used_month),
        "byok_usage": nothing,
        "byok_usage_daily": nothing,
        "byok_usage_weekly": nothing,
        "byok_usage_monthly": nothing,
        "created_at": iso(view.created_at),
        "updated_at": None,
        "expires_at": iso(view.expires_at) if view.expires_at else None,
        "last_used_at": iso(view.last_used_at) if view.last_used_at else None,
        "external_user": None,
        "creator_user_id": key.created_by,
        "workspace_id": actor.org_id,
        "models": list(view.models),
        "book": view.book,
        "rate_limit": {
            "requests_per_minute": view.rates.requests,
            "tokens_per_minute": view.rates.tokens,
            "concurrent": view.rates.at_once,
        },
    }
