"""One port: `/v1` first, then the web app's own endpoints, and Reflex's pages behind them."""

import os
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import AsyncExitStack
from typing import Any
from urllib.parse import urlsplit

# Reflex serves what `build` made; it must not compile again when it is imported.
os.environ.setdefault("REFLEX_ENV_MODE", "prod")  # noqa: TID251 - Reflex reads only this
os.environ.setdefault("__REFLEX_SKIP_COMPILE", "true")  # noqa: TID251
os.environ.setdefault("__REFLEX_MOUNT_FRONTEND_COMPILED_APP", "true")  # noqa: TID251

from alltoken_app.alltoken_app import app as reflex_app
from alltoken_app.api.app import DOCUMENT, Api
from alltoken_app.api.http import Receive, Scope, Send
from alltoken_app.payments.sandbox import app as sandbox
from alltoken_app.runtime import running
from alltoken_app.settings import settings
from alltoken_app.site import Site
from alltoken_app.web_api import app as web_api
from alltoken_app.worker import health

Asgi = Callable[[Scope, Receive, Send], Awaitable[None]]
Message = MutableMapping[str, Any]


class Dispatcher:
    """Sends each request to the room that serves it, and opens and closes the process."""

    def __init__(self) -> None:
        self._site = Site(reflex_app(), settings())
        self._rooms: dict[str, Asgi] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] == "lifespan":
            await self._live(scope, receive, send)
            return
        if scope["type"] == "http":
            path: str = scope["path"]
            if path.startswith("/health/"):
                await health(scope, send, ready=bool(self._rooms))
                return
            room = self._rooms.get(_room_of(path))
            if room is not None:
                await room(scope, receive, send)
                return
        await self._site(scope, receive, send)

    async def _live(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Our plane opens before Reflex starts and has closed before we say that we have."""
        last: list[Message] = []

        async def hold_back(message: Message) -> None:
            if message["type"] == "lifespan.shutdown.complete":
                last.append(message)
                self._rooms = {}
                return
            await send(message)

        try:
            async with AsyncExitStack() as opened:
                plane = await opened.enter_async_context(running(settings()))
                self._site.catalog = lambda: plane.catalog
                api, web = Api(plane), web_api.create(plane)
                self._rooms = {"v1": api, "api": api, "web": web, "webhooks": web}
                if plane.payments.processor == "sandbox":
                    processor = sandbox.create(plane.settings, plane.secrets)
                    self._rooms["sandbox"] = await opened.enter_async_context(processor)
                await self._site.app(scope, receive, hold_back)
        except Exception as error:
            await send({"type": "lifespan.startup.failed", "message": type(error).__name__})
            raise
        for message in last:
            await send(message)


def _room_of(path: str) -> str:
    if path == DOCUMENT:
        return "v1"
    if path.startswith("/api/") and not path.startswith("/api/v1/"):
        return ""
    return path[1:].partition("/")[0] if path.count("/") > 1 else ""


def create() -> Dispatcher:
    """The ASGI factory."""
    if urlsplit(settings().origin).scheme == "http" and not _may_be_plain():
        raise SystemExit("PUBLIC_URL is plain http. Use https, or set ALLOW_PLAIN_HTTP=true.")
    return Dispatcher()


def _may_be_plain() -> bool:
    host = urlsplit(settings().origin).hostname
    return settings().allow_plain_http or host in ("localhost", "127.0.0.1", "::1")
