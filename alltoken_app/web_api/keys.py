"""POST /web/keys, /web/keys/management and /web/keys/rotate: the answers that hold a secret.

They do not pass through the web app's state, which may be written to disk: the secret goes to the
page that asked, once, and exists nowhere else.
"""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from alltoken_app import db
from alltoken_app.clock import DAY, HOUR, now_ms
from alltoken_app.errors import Invalid
from alltoken_app.services import keys, management_keys, sessions
from alltoken_app.services.key_views import KeyView
from alltoken_app.services.keys import NewKey
from alltoken_app.web_api.http import Fields, post
from alltoken_app.web_api.sessions import cookie_of


async def create(request: Request, fields: Fields) -> Response:
    """A new key; `days` until it expires and `limit_usd` may be empty, `models` has commas."""
    actor = await sessions.require(cookie_of(request))
    plane = request.app.state.plane
    days = _whole(fields, "days")
    new = NewKey(
        name=fields.text("name"),
        limit_usd=fields.text("limit_usd").strip() or None,
        period=fields.text("period") or "month",
        expires_at=now_ms() + days * DAY if days else None,
        models=tuple(slug for slug in fields.text("models").split(",") if slug),
    )
    made = await db.run(
        keys.create, actor, new, pepper=plane.secrets.pepper, book=plane.settings.book
    )
    return _shown_once(*made)


async def create_management(request: Request, fields: Fields) -> Response:
    """A new management key; `days` until it expires may be empty."""
    actor = await sessions.require(cookie_of(request))
    days = _whole(fields, "days")
    key, secret = await db.run(
        management_keys.create,
        actor,
        fields.text("name"),
        pepper=request.app.state.plane.secrets.pepper,
        expires_at=now_ms() + days * DAY if days else None,
    )
    told = {
        "id": key.id, "name": key.name, "display": key.display, "limit": "", "period": "total",
        "expires_at": key.expires_at, "models": (), "secret": secret, "manages": True,
    }  # fmt: skip
    return JSONResponse(told, 201)


async def rotate(request: Request, fields: Fields) -> Response:
    """A new secret for the key `id`; the old one works for `hours` more."""
    actor = await sessions.require(cookie_of(request))
    pepper = request.app.state.plane.secrets.pepper
    grace = _whole(fields, "hours") * HOUR
    made = await db.run(keys.rotate, actor, fields.text("id"), pepper=pepper, grace=grace)
    return _shown_once(*made)


def _whole(fields: Fields, name: str) -> int:
    text = fields.text(name).strip()
    if text and not (text.isascii() and text.isdigit() and len(text) <= 5):
        raise Invalid(f"{name} is a whole number.", param=name, status=422)
    return int(text or 0)


def _shown_once(key: KeyView, secret: str) -> Response:
    told = {
        "id": key.id,
        "name": key.name,
        "display": key.display,
        "limit": key.limit,
        "period": key.period,
        "expires_at": key.expires_at,
        "models": key.models,
        "secret": secret,
    }
    return JSONResponse(told, 201)


ROUTES = [
    post("/web/keys", create),
    post("/web/keys/management", create_management),
    post("/web/keys/rotate", rotate),
]
