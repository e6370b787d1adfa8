"""A shop for tests about payments: see tests/services/shop.py."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from alltoken_app import db
from alltoken_app.services.actors import Actor
from tests import people
from tests.payments.site import Site, running


@pytest.fixture
async def shop(database: db.Database, tmp_path: Path) -> AsyncIterator[Site]:
    """The processor, our webhook and a database behind it."""
    async with running(tmp_path / "var") as site:
        yield site


@pytest.fixture
async def actor(database: db.Database) -> Actor:
    return (await people.sign_in()).actor
