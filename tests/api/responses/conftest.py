"""The product with two scripted providers behind it: one speaks Responses, one chat alone."""

import dataclasses
import json
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import pytest
from openai import AsyncOpenAI

from alltoken_app.providers.credentials import Bearer
from alltoken_app.providers.dialects.openai_chat import OpenAIChat
from alltoken_app.providers.dialects.openai_completions import OpenAICompletions
from alltoken_app.providers.dialects.openai_responses import OpenAIResponses
from alltoken_app.providers.table import Connection, fixed
from alltoken_app.settings import Settings, settings
from tests.api.conftest import Product, serving
from tests.api.scripted import Scripted, scripted

MORE = frozenset({
    "reasoning", "reasoning_effort", "parallel_tool_calls", "verbosity", "service_tier",
})  # fmt: skip


@dataclass
class Wired:
    """A running product and the providers behind it.

    Models: `own/model` is at a provider that speaks Responses and chat, `own/only` there in
    Responses alone, `own/prompts` there also takes plain prompts, `plain/model` speaks chat alone.
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
            _extra("own", own.url, ["own/model", "own/only", "own/prompts"]),
            _extra("plain", plain.url, ["plain/model"]),
        ]
        monkeypatch.setenv("EXTRA_PROVIDERS", json.dumps(extra))
        monkeypatch.setenv("SANDBOX_PROVIDERS", "fault,own,plain")
        monkeypatch.setenv("LOCAL_MODELS", "false")
        settings.cache_clear()
        async with serving(settings()) as product:
            others = {"responses": OpenAIResponses(), "completions": OpenAICompletions()}
            product.plane.connections["own"] = Connection(
                "own", OpenAIChat(), fixed(own.url), Bearer("k"), others
            )
            _know_more(product, "own/only", wires={"responses"})
            _know_more(product, "own/prompts", wires={"chat", "responses", "completions"})
            _know_more(product, "own/model", wires=set())
            made = Wired(product, own, plain)
            yield made
            for client in made.clients:
                await client.close()
        settings.cache_clear()


def _know_more(product: Product, slug: str, wires: set[str]) -> None:
    """Give a model's endpoint wires, and the parameters of a reasoning model."""
    model = product.plane.catalog.models[slug]
    endpoints = tuple(
        msgspec.structs.replace(
            endpoint, wires=frozenset(wires), parameters=endpoint.parameters | MORE
        )
        for endpoint in model.endpoints
    )
    takes = ("text", "image", "file")
    product.plane.catalog.models[slug] = dataclasses.replace(
        model, endpoints=endpoints, input_modalities=takes
    )
