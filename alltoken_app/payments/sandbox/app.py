"""The sandbox payment processor: answers like the real one, and no real money moves."""

from typing import Self

from starlette.applications import Starlette
from starlette.types import Receive, Scope, Send

from alltoken_app.clock import SECOND, Millis
from alltoken_app.crypto import Secrets
from alltoken_app.payments.sandbox.api import Api
from alltoken_app.payments.sandbox.delivery import Delivery
from alltoken_app.payments.sandbox.faults import Faults
from alltoken_app.payments.sandbox.pay_routes import PREFIX, PayRoutes
from alltoken_app.payments.sandbox.store import Store
from alltoken_app.settings import Settings


class Sandbox:
    """An ASGI app for /sandbox/…; its event delivery runs from `start` (or the first request) on.

    Attributes:
        faults: Troubles it makes on purpose; none unless a test sets them.
    """

    def __init__(self, settings: Settings, secrets: Secrets, back_off: Millis) -> None:
        self.faults = Faults()
        self._store = Store(settings.var / "sandbox_payments.db")
        self._delivery = Delivery(
            url=f"http://127.0.0.1:{settings.port}/webhooks/stripe",
            secret=secrets.sandbox_webhook_secret,
            store=self._store,
            faults=self.faults,
            back_off=back_off,
        )
        page = f"{settings.origin}{PREFIX}"
        api = Api(secrets.sandbox_api_key, page, self._store, self._delivery, self.faults)
        pay = PayRoutes(self._store, self._delivery, settings.origin)
        self._app = Starlette(routes=[*api.routes(), *pay.routes()])

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def start(self) -> None:
        """Begin delivering events, what an earlier process left over first."""
        await self._delivery.start()

    async def close(self) -> None:
        """Stop delivering and close the file; nothing is lost."""
        await self._delivery.close()
        await self._store.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
            return
        await self.start()
        await self._app(scope, receive, send)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                await self.start()
                await send({"type": "lifespan.startup.complete"})
                continue
            await self.close()
            await send({"type": "lifespan.shutdown.complete"})
            return


def create(settings: Settings, secrets: Secrets, *, back_off: Millis = SECOND) -> Sandbox:
    """The processor of this installation.

    Args:
        back_off: Milliseconds before an event is sent a second time; doubled each time after.
    """
    return Sandbox(settings, secrets, back_off)
