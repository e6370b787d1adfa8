"""GET /web/activity.csv and /web/wallet.csv: downloads of what the pages show."""

from collections.abc import AsyncIterator

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from alltoken_app import db
from alltoken_app.clock import now_ms
from alltoken_app.services import activity_csv, activity_query, sessions, wallets
from alltoken_app.services.activity import ActivityFilter
from alltoken_app.services.activity_csv import Part
from alltoken_app.services.actors import Actor
from alltoken_app.services.periods import local
from alltoken_app.settings import Settings
from alltoken_app.web_api.sessions import cookie_of

CSV = "text/csv; charset=utf-8"


async def activity(request: Request) -> Response:
    """Every request of the query string's filter, streamed.

    Raises:
        Unauthenticated: `signed_out`.
        Invalid: The range or a filter makes no sense.
    """
    actor = await sessions.require(cookie_of(request))
    settings: Settings = request.app.state.plane.settings
    period = activity_query.read_period(request.query_params)
    wanted = activity_query.read_filter(request.query_params, period, settings.book)
    first = await db.read(activity_csv.part, actor, wanted)
    name = f"alltoken-activity-{_today(period.zone)}.csv"
    return StreamingResponse(_parts(actor, wanted, first), media_type=CSV, headers=_as(name))


async def _parts(actor: Actor, wanted: ActivityFilter, found: Part) -> AsyncIterator[str]:
    yield activity_csv.header()
    yield found.text
    while found.cursor:
        found = await db.read(activity_csv.part, actor, wanted, found.cursor)
        yield found.text


async def wallet(request: Request) -> Response:
    """The wallet's whole statement: opening + amounts = closing.

    Raises:
        Unauthenticated: `signed_out`.
    """
    actor = await sessions.require(cookie_of(request))
    text = await db.read(wallets.statement_csv, actor)
    return Response(text, media_type=CSV, headers=_as(f"alltoken-wallet-{_today('UTC')}.csv"))


def _today(zone: str) -> str:
    return local(now_ms(), zone).date().isoformat()


def _as(name: str) -> dict[str, str]:
    return {"content-disposition": f'attachment; filename="{name}"'}


ROUTES = [
    Route("/web/activity.csv", activity, methods=["GET"]),
    Route("/web/wallet.csv", wallet, methods=["GET"]),
]
