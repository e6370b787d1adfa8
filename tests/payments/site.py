"""The sandbox processor and our webhook on one loopback port, in the test's own event loop.

One loop serves and calls: whatever blocks it hangs the test.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import stripe
from granian.constants import Interfaces
from granian.server.embed import Server
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse

from alltoken_app import crypto
from alltoken_app.crypto import Secrets
from alltoken_app.payments.sandbox import cards
from alltoken_app.payments.sandbox.app import Sandbox, create
from alltoken_app.payments.stripe_client import Payments
from alltoken_app.settings import Settings
from alltoken_app.web_api import webhooks

GOOD, DECLINED, POOR, CHALLENGED = (card.number for card in cards.CARDS)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@dataclass
class Site:
    """A running server and the clients that talk to it.

    `refuse_webhooks` answers so many deliveries with 503 before they reach our webhook.
    """

    settings: Settings
    secrets: Secrets
    sandbox: Sandbox
    payments: Payments
    http: httpx.AsyncClient
    refuse_webhooks: int = 0
    delivered: list[int] = field(default_factory=list)  # status of each delivery
    bodies: list[bytes] = field(default_factory=list)  # what the processor's API was sent

    @property
    def stripe(self) -> stripe.StripeClient:
        """The processor's official client, for what the product itself never asks."""
        return self.payments._stripe

    def url(self, page: str) -> str:
        """The address of a payment page as this machine reaches it."""
        return page.replace("localhost", "127.0.0.1")

    async def pay(self, page: str, number: str = GOOD, **more: str) -> httpx.Response:
        form = {"number": number, "expiry": "12 / 34", "security_code": "123"} | more
        return await self.http.post(self.url(page), data=form)

    async def serve(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        path = scope["path"]
        if path.startswith("/sandbox/"):
            await self.sandbox(scope, self._noting(receive), send)
        elif self.refuse_webhooks:
            self.refuse_webhooks -= 1
            self.delivered.append(503)
            await PlainTextResponse("not now", 503)(scope, receive, send)
        else:
            app = Starlette(routes=webhooks.ROUTES)
            app.state.plane = SimpleNamespace(payments=self.payments)
            await app(scope, receive, self._counting(send))

    def _noting(self, receive: Any) -> Any:
        async def noting() -> Any:
            message = await receive()
            self.bodies.append(message.get("body", b""))
            return message

        return noting

    def _counting(self, send: Any) -> Any:
        async def counting(message: Any) -> None:
            if message["type"] == "http.response.start":
                self.delivered.append(message["status"])
            await send(message)

        return counting


@asynccontextmanager
async def listening(app: Any, port: int) -> AsyncIterator[None]:
    server = Server(app, "127.0.0.1", port, interface=Interfaces.ASGINL, log_enabled=False)
    task = asyncio.create_task(server.serve())
    await until(lambda: _open(port))
    try:
        yield
    finally:
        server.stop()
        await asyncio.gather(task, return_exceptions=True)


def _open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


async def until(done: Callable[[], bool], seconds: float = 20) -> None:
    """Wait for something that happens in the background; the limit is a hang guard."""
    async with asyncio.timeout(seconds):
        while not done():
            await asyncio.sleep(0.01)


@asynccontextmanager
async def running(folder: Path, **changes: Any) -> AsyncIterator[Site]:
    """A site with its state in `folder`; `changes` are settings."""
    values = {"var": folder, "port": free_port(), "payment_timeout": 5.0} | changes
    settings = Settings(_env_file=None, **values)
    secrets = crypto.load_secrets(folder)
    async with httpx.AsyncClient(timeout=10, trust_env=False) as http:
        site = Site(
            settings,
            secrets,
            create(settings, secrets, back_off=20),
            Payments(settings, secrets),
            http,
        )
        async with listening(site.serve, settings.port):
            yield site
        await site.payments.close()
        await site.sandbox.close()
