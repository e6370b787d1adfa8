"""The web app's endpoints as a browser on this machine meets them."""

from collections.abc import AsyncIterator, Callable
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from alltoken_app import crypto, db
from alltoken_app.services.sessions import COOKIE, SignedIn
from alltoken_app.settings import Settings
from alltoken_app.web_api import app

ORIGIN = "http://localhost:3000"
SECRETS = crypto.Secrets(b"p" * 32, "", "", "")

# For tests of a face: what it calls is tested on both databases.
ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

Browser = Callable[..., httpx.AsyncClient]


@pytest.fixture
async def browser(database: db.Database) -> AsyncIterator[Browser]:
    """Opens browsers: `browser()`, `browser(signed_in)`, or with other settings and peers."""
    opened: list[httpx.AsyncClient] = []

    def open_one(
        signed_in: SignedIn | None = None,
        *,
        peer: str = "127.0.0.1",
        headers: dict[str, str] | None = None,
        **changed: Any,
    ) -> httpx.AsyncClient:
        plane = SimpleNamespace(settings=Settings(_env_file=None, **changed), secrets=SECRETS)
        transport = httpx.ASGITransport(app.create(plane), client=(peer, 5000))
        client = httpx.AsyncClient(
            transport=transport,
            base_url="https://localhost:3000",  # the jar keeps Secure cookies for https alone
            headers={"origin": ORIGIN, **(headers or {})},
        )
        if signed_in:
            client.cookies.set(COOKIE, signed_in.cookie)
        opened.append(client)
        return client

    yield open_one
    for client in opened:
        await client.aclose()
