"""The API with two scripted providers behind it: one speaks Messages, one chat completions."""

import json
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from anthropic import AsyncAnthropic

from alltoken_app.providers.credentials import ApiKey
from alltoken_app.providers.dialects.anthropic_messages import AnthropicMessages
from alltoken_app.providers.table import Connection, fixed
from alltoken_app.settings import Settings, settings
from tests.api.conftest import USD, Product, serving
from tests.api.messages.upstream import Scripted

CLAUDE, OPEN = "anthropic/claude-test", "open/gpt-test"


@dataclass
class Shop:
    """A running product, and the provider behind it."""

    product: Product
    upstream: Scripted
    clients: list[AsyncAnthropic] = field(default_factory=list)

    def client(self, **options: Any) -> AsyncAnthropic:
        """The official client, which does not retry."""
        options = {"max_retries": 0, "api_key": self.product.key, **options}
        self.clients.append(AsyncAnthropic(base_url=self.product.url, **options))
        return self.clients[-1]


def _provider(name: str, slug: str, upstream_model: str, url: str) -> dict[str, Any]:
    model = {
        "slug": slug, "upstream": upstream_model, "input_price": "3", "output_price": "15",
        "max_output": 64_000, "context": 200_000,
    }  # fmt: skip
    return {"name": name, "base_url": url, "key": "sk-up", "models": [model]}


@pytest.fixture
def database_url(sqlite_template: Path, tmp_path: Path) -> str:
    """One kind of database: nothing here depends on it."""
    path = tmp_path / "alltoken.db"
    shutil.copy(sqlite_template, path)
    return f"sqlite:///{path}"


@asynccontextmanager
async def trading(monkeypatch: pytest.MonkeyPatch, credit: int = 10 * USD) -> AsyncIterator[Shop]:
    """A product in front of a scripted provider, with so much money (nano-USD) in the wallet."""
    upstream = Scripted()
    await upstream.start()
    extra = [
        _provider("claude", CLAUDE, "claude-sonnet-4-5", upstream.url),
        _provider("open", OPEN, "gpt-x", upstream.url),
    ]
    monkeypatch.setenv("EXTRA_PROVIDERS", json.dumps(extra))
    monkeypatch.setenv("SANDBOX_PROVIDERS", "fault,claude,open")
    monkeypatch.setenv("LOCAL_MODELS", "false")
    settings.cache_clear()
    async with serving(settings(), credit) as product:
        product.plane.connections["claude"] = Connection(
            "claude", AnthropicMessages(), fixed(upstream.url), ApiKey("x-api-key", "sk-up")
        )
        found = Shop(product, upstream)
        yield found
        for client in found.clients:
            await client.close()
    await upstream.close()
    settings.cache_clear()


@pytest.fixture
async def shop(chosen: Settings, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Shop]:
    async with trading(monkeypatch) as found:
        yield found
