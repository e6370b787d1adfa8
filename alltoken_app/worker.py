"""A data-plane process: `/v1` and `/health` only. Never imports Reflex."""

import asyncio
from contextlib import AsyncExitStack
from typing import Any

from alltoken_app.api.app import Api
from alltoken_app.api.http import Receive, Scope, Send
from alltoken_app.runtime import running
from alltoken_app.settings import settings


class Worker:
    """ASGI application with its own lifespan."""

    def __init__(self) -> None:
        self._api: Api | None = None
        self._open = AsyncExitStack()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve; before the lifespan has started everything is 503."""
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "http":
            if scope["path"].startswith("/health/") or self._api is None:
                await health(scope, send, ready=self._api is not None)
            else:
                await self._api(scope, receive, send)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                plane = await self._open.enter_async_context(running(settings(), upkeep_here=False))
                self._api = Api(plane)
                await send({"type": "lifespan.startup.complete"})
            elif message["type"] == "lifespan.shutdown":
                self._api = None
                await asyncio.shield(self._open.aclose())
                await send({"type": "lifespan.shutdown.complete"})
                return


async def health(scope: Scope, send: Send, *, ready: bool) -> None:
    """GET /health/live is always 200; /health/ready is 503 until the process can serve."""
    ok = ready or scope["path"] == "/health/live"
    body = b'{"status":"ok"}' if ok else b'{"status":"starting"}'
    headers: list[Any] = [(b"content-type", b"application/json"), (b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": 200 if ok else 503, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def create() -> Worker:
    """The ASGI factory."""
    return Worker()
