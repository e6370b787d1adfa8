"""A running sandbox processor for each test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.payments.site import Site, running


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    """The processor and our webhook, without a database behind it: events wait."""
    async with running(tmp_path) as started:
        yield started
