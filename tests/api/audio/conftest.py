"""The product before a provider that hears, speaks and judges; one for all tests of a module."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from alltoken_app import db
from alltoken_app.catalog import publish
from alltoken_app.settings import Settings
from tests.api.conftest import Product, serving
from tests.api.upstream import Provider, provider
from tests.postgres import free_port

ACME = {
    "name": "acme",
    "models": [
        {"slug": "acme/silent", "upstream": "silent-about-usage", "kind": "transcription",
         "minute_price": "0.006"},
        {"slug": "acme/rerank", "upstream": "rerank-1", "kind": "rerank", "unit_price": "0.002"},
    ],
}  # fmt: skip


@dataclass
class Shop:
    """The product and the provider behind it."""

    product: Product
    upstream: Provider


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def opened(
    tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path
) -> AsyncIterator[Shop]:
    folder = tmp_path_factory.mktemp("audio")
    shutil.copy(sqlite_template, folder / "alltoken.db")
    async with provider() as upstream:
        chosen = Settings(
            _env_file=None,
            var=folder / "var",
            port=free_port(),
            database_url=f"sqlite:///{folder / 'alltoken.db'}",
            fault_provider=True,
            extra_providers=[ACME | {"base_url": upstream.url}],
            provider_urls={"openai": upstream.url},
            alltoken_openai_key="sk-upstream",
            sandbox_providers="openai,acme,local,fault",
            whole_timeout=5,
        )
        async with serving(chosen) as product:
            await db.run(publish.publish_built_in)
            while "openai/whisper-1" not in product.plane.catalog.models:
                await asyncio.sleep(0.01)
            yield Shop(product, upstream)


@pytest.fixture
def shop(opened: Shop) -> Shop:
    """With a provider that was asked nothing yet and answers as it should."""
    opened.upstream.asked.clear()
    opened.upstream.answers.clear()
    return opened
