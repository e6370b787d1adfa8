"""The whole API over a real socket: granian, a real database, a scripted provider behind it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from granian.constants import Interfaces
from granian.server.embed import Server
from openai import AsyncOpenAI
from sqlmodel import Session

from alltoken_app import db
from alltoken_app.api.app import Api
from alltoken_app.catalog import seed
from alltoken_app.ledger import accounts, credits, invariants
from alltoken_app.runtime import running
from alltoken_app.services import keys
from alltoken_app.services.actors import Actor
from alltoken_app.services.keys import NewKey
from alltoken_app.services.plane import Plane
from alltoken_app.settings import Settings, settings
from alltoken_app.tables.account import Member, Organisation, Person
from alltoken_app.tables.ledger import LotKind
from tests.postgres import free_port

USD = 10**9


@dataclass
class Product:
    """A running product: where it is, what runs it, and a key with money behind it."""

    url: str
    plane: Plane
    actor: Actor
    key: str
    wallet_id: str

    def client(self, key: str | None = None, **options: Any) -> AsyncOpenAI:
        """The official client; it does not retry, so that a test sees every answer."""
        options = {"max_retries": 0, **options}
        return AsyncOpenAI(base_url=f"{self.url}/v1", api_key=key or self.key, **options)

    def http(self, key: str | None = None) -> httpx.AsyncClient:
        headers = {"authorization": f"Bearer {key or self.key}"}
        return httpx.AsyncClient(base_url=self.url, headers=headers, timeout=30)

    async def new_key(self, **fields: Any) -> str:
        """Another key of the same organisation."""
        new = NewKey(**{"name": "another", **fields})
        pepper = self.plane.secrets.pepper
        _, secret = await db.run(keys.create, self.actor, new, pepper=pepper, book="sandbox")
        return secret

    async def balance(self) -> accounts.Balance:
        """The wallet once every queued settlement has been applied."""
        await self.quiet()
        return await db.read(accounts.balance, self.wallet_id)

    async def quiet(self) -> None:
        """Wait until nothing is held: every request has been settled."""
        for _ in range(500):
            await self.plane.books.flushed()
            if (await db.read(accounts.balance, self.wallet_id)).held == 0:
                return
            await asyncio.sleep(0.01)
        raise AssertionError("something is still held")


def _person(session: Session, credit: int) -> tuple[Actor, str]:
    person = Person(
        email="a@example.com", email_shown="a@example.com", name="Ada", password_hash="x",
        verified_at=1, age_attested_at=1,
    )  # fmt: skip
    organisation = Organisation(name="Ada's organisation")
    session.add(person)
    session.add(organisation)
    session.flush()
    session.add(Member(org_id=organisation.id, person_id=person.id, role="owner"))
    wallet = accounts.open_wallet(session, organisation.id, "sandbox")
    if credit:
        credits.grant(
            session, wallet.id, LotKind.PROMO, credit, effect="test", actor="test", reason="test"
        )
    actor = Actor(
        person.id, organisation.id, "ses_x", "owner", "Ada", person.email, organisation.name, True
    )
    return actor, wallet.id


@asynccontextmanager
async def serving(chosen: Settings, credit: int = 10 * USD) -> AsyncIterator[Product]:
    """Serve the API with these settings; the books must balance in the end."""
    async with running(chosen) as plane:
        await db.run(seed.seed, chosen)
        actor, wallet_id = await db.run(_person, credit)
        server = Server(
            Api(plane), address="127.0.0.1", port=chosen.port, interface=Interfaces.ASGINL
        )
        task = asyncio.create_task(server.serve())
        product = Product(f"http://127.0.0.1:{chosen.port}", plane, actor, "", wallet_id)
        await _answers(product.url)
        product.key = await product.new_key(name="test")
        while "fault/ok" not in plane.catalog.models:
            await asyncio.sleep(0.01)
        yield product
        server.stop()
        await task
        await plane.books.close()
        assert await db.read(invariants.check) == []


async def _answers(url: str) -> None:
    async with httpx.AsyncClient() as client:
        for _ in range(500):
            try:
                await client.get(f"{url}/v1/models")
            except httpx.HTTPError:
                await asyncio.sleep(0.01)
            else:
                return
    raise AssertionError("the server did not start")


@pytest.fixture
def chosen(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings of a product of its own, with the scripted provider and clocks in fractions."""
    values = {
        "VAR": str(tmp_path / "var"),
        "DATABASE_URL": database_url,
        "PORT": str(free_port()),
        "FAULT_PROVIDER": "true",
        "FAULT_DELAY_SCALE": "0.3",
        "FIRST_TOKEN_TIMEOUT": "0.6",
        "WHOLE_TIMEOUT": "0.6",
        "INTER_TOKEN_TIMEOUT": "0.5",
        "KEEP_ALIVE": "5",
        "REQUESTS_PER_MINUTE": "100000",
        "TOKENS_PER_MINUTE": "1000000000",
        "CONCURRENT_REQUESTS": "500",
    }
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    settings.cache_clear()
    return settings()


@pytest.fixture
async def product(chosen: Settings) -> AsyncIterator[Product]:
    async with serving(chosen) as running_product:
        yield running_product
    settings.cache_clear()
