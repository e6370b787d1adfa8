"""The product with two scripted providers behind it: one speaks Responses, one chat alone."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from openai import AsyncOpenAI
from sqlmodel import Session, select

from alltoken_app import db, revisions
from alltoken_app.providers.credentials import Bearer
from alltoken_app.providers.dialects.openai_chat import OpenAIChat
from alltoken_app.providers.dialects.openai_completions import OpenAICompletions
from alltoken_app.providers.dialects.openai_responses import OpenAIResponses
from alltoken_app.providers.quirks import Quirks
from alltoken_app.providers.table import Connection, fixed
from alltoken_app.settings import Settings, settings
from alltoken_app.tables.catalog import AiModel, Endpoint
from tests.api.conftest import Product, serving
from tests.api.scripted import Scripted, scripted

MORE = frozenset({
    "reasoning", "reasoning_effort", "parallel_tool_calls", "verbosity", "service_tier",
})  # fmt: skip
WIRES: dict[str, list[str]] = {
    "own/model": [],
    "own/only": ["responses"],
    "own/prompts": ["chat", "responses", "completions"],
    "plain/model": [],
}


@dataclass
class Wired:
    """A running product and the providers behind it.

    Models: `own/model` is at a provider that speaks Responses and chat, `own/only` there in
    Responses alone, `own/prompts` there also takes plain prompts, `plain/model` speaks chat alone,
    `both/model` is at both.
    """

    product: Product
    own: Scripted
    plain: Scripted
    clients: list[AsyncOpenAI] = field(default_factory=list)

    def client(self, **options: Any) -> Any:
        """The official client; it refuses what its types do not allow."""
        self.clients.append(self.product.client(**{"_strict_response_validation": True, **options}))
        return self.clients[-1]


@pytest.fixture
def database_url(sqlite_template: Path, tmp_path: Path) -> str:
    """SQLite alone: nothing here depends on the database."""
    path = tmp_path / "alltoken.db"
    shutil.copy(sqlite_template, path)
    return f"sqlite:///{path}"


def _extra(name: str, url: str, slugs: list[str]) -> dict[str, Any]:
    models = [
        {"slug": slug, "upstream": f"{slug}-upstream", "input_price": "1", "output_price": "2"}
        for slug in slugs
    ]
    return {"name": name, "base_url": url, "models": models}


@pytest.fixture
async def wired(chosen: Settings, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Wired]:
    async with scripted() as own, scripted() as plain:
        extra = [
            _extra("own", own.url, ["own/model", "own/only", "own/prompts", "both/model"]),
            _extra("plain", plain.url, ["plain/model", "both/model"]),
        ]
        monkeypatch.setenv("EXTRA_PROVIDERS", json.dumps(extra))
        monkeypatch.setenv("SANDBOX_PROVIDERS", "fault,own,plain")
        monkeypatch.setenv("LOCAL_MODELS", "false")
        settings.cache_clear()
        async with serving(settings()) as product:
            others = {"responses": OpenAIResponses(), "completions": OpenAICompletions()}
            common = OpenAIChat(Quirks(reasoning="reasoning"))  # speaks all of the common form
            product.plane.connections["plain"] = Connection("plain", common, fixed(plain.url))
            product.plane.connections["own"] = Connection(
                "own", OpenAIChat(), fixed(own.url), Bearer("k"), others
            )
            await _told(product)
            made = Wired(product, own, plain)
            yield made
            for client in made.clients:
                await client.close()
        settings.cache_clear()


def _tell_more(session: Session) -> None:
    """Wires, and the parameters of a reasoning model that sees and reads."""
    for slug, wires in WIRES.items():
        endpoint = session.exec(select(Endpoint).where(Endpoint.model_slug == slug)).one()
        endpoint.wires, endpoint.parameters = wires, sorted({*endpoint.parameters, *MORE})
        model = session.exec(select(AiModel).where(AiModel.slug == slug)).one()
        model.input_modalities = ["text", "image", "file"]
        session.add_all([endpoint, model])
    revisions.bump(session, "catalog")


async def _told(product: Product) -> None:
    await db.run(_tell_more)
    for _ in range(500):
        if product.plane.catalog.models["own/only"].endpoints[0].wires:
            return
        await asyncio.sleep(0.01)
    raise AssertionError("the catalogue did not change")
