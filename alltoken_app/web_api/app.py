"""The web app's own endpoints as one ASGI app, mounted under `/web` and `/webhooks`."""

from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from alltoken_app.errors import AllTokenError
from alltoken_app.ids import new_id
from alltoken_app.services.plane import Plane
from alltoken_app.web_api import exports, http, keys, mailbox, sessions, tokens, webhooks

ROUTES = [
    *sessions.ROUTES,
    *tokens.ROUTES,
    *keys.ROUTES,
    *exports.ROUTES,
    *mailbox.ROUTES,
    *webhooks.ROUTES,
]

HEADERS = {
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
}


def create(plane: Plane) -> ASGIApp:
    """The app; `request.app.state.plane` is the process's Plane."""
    app = Starlette(
        routes=ROUTES,
        exception_handlers={
            AllTokenError: http.on_expected,
            HTTPException: http.on_http,
            Exception: http.on_crash,
        },
    )
    app.state.plane = plane
    return Labelled(app)


class Labelled:
    """Gives every request an id and every answer the headers that all of them carry."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        scope["id"] = new_id("req")

        async def labelled(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["x-request-id"] = scope["id"]
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, labelled)
