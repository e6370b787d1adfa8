"""What every request needs of its process, opened once by `runtime.py`."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from alltoken_app.catalog.snapshot import Catalog
from alltoken_app.crypto import Secrets
from alltoken_app.db import Database
from alltoken_app.egress.fetch import Guard
from alltoken_app.engines.supervisor import LocalEngine
from alltoken_app.ledger.books import Books
from alltoken_app.limits.rates import Rates
from alltoken_app.providers.forward import Clocks
from alltoken_app.providers.table import Connection
from alltoken_app.providers.upstream import Upstream
from alltoken_app.routing.plans import Network
from alltoken_app.services.callers import Callers
from alltoken_app.settings import Settings

if TYPE_CHECKING:
    from alltoken_app.payments.stripe_client import Payments


@dataclass
class Plane:
    """The process's open resources. `catalog` is replaced whole when it changes."""

    settings: Settings
    secrets: Secrets
    worker: str
    database: Database
    books: Books
    callers: Callers
    rates: Rates
    catalog: Catalog
    connections: dict[str, Connection]
    upstream: Upstream
    clocks: Clocks
    engines: LocalEngine
    network: Network = field(init=False)
    egress: Guard = field(default_factory=Guard)
    background: set[asyncio.Task[Any]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.network = Network(self.connections)

    @cached_property
    def payments(self) -> "Payments":
        """The payment processor, loaded at its first use: the API alone has none."""
        from alltoken_app.payments.stripe_client import Payments

        return Payments(self.settings, self.secrets)

    async def close_payments(self) -> None:
        """Close the payment processor's client, if it was used."""
        if "payments" in self.__dict__:
            await self.payments.close()

    def spawn(self, work: Coroutine[Any, Any, Any]) -> None:
        """Run `work` beside the requests; a shutdown waits for it."""
        task = asyncio.get_running_loop().create_task(work)
        self.background.add(task)
        task.add_done_callback(self.background.discard)


class _Current:
    plane: Plane | None = None


def use(plane: Plane | None) -> None:
    """Make this the process's plane; None when it closes."""
    _Current.plane = plane


def current() -> Plane:
    """The process's plane, for faces that are not handed one (Reflex states).

    Raises:
        RuntimeError: It is not open.
    """
    if _Current.plane is None:
        raise RuntimeError("the process's plane is not open")
    return _Current.plane
