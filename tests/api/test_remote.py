"""alltoken_app/services/remote.py: URLs in chats, in front of providers that take them or do not"""

import asyncio
import base64
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import openai
import pytest
import pytest_asyncio

from alltoken_app import db
from alltoken_app.catalog import publish
from alltoken_app.settings import Settings
from tests.api.conftest import Product, serving
from tests.api.scripted import Scripted, scripted
from tests.egress.server import Web, page, web
from tests.postgres import free_port

pytestmark = pytest.mark.asyncio(loop_scope="module")
PNG = b"\x89PNG\r\n\x1a\n" + b"pixels"
CONVERSED = {
    "output": {"message": {"role": "assistant", "content": [{"text": "A harbour."}]}},
    "stopReason": "end_turn",
    "usage": {"inputTokens": 10, "outputTokens": 3, "totalTokens": 13},
}
COMPLETED = {
    "id": "c",
    "choices": [
        {"index": 0, "message": {"role": "assistant", "content": "Hi."}, "finish_reason": "stop"}
    ],
    "usage": {"prompt_tokens": 10, "completion_tokens": 3},
}


@dataclass
class Port:
    """The product, a provider behind it, and a site with a picture."""

    product: Product
    upstream: Scripted
    site: Web

    def model(self, provider: str) -> str:
        """A model of this provider alone that sees."""
        for model in self.product.plane.catalog.models.values():
            served = {endpoint.provider for endpoint in model.endpoints} & {"bedrock", "openai"}
            sees = model.kind == "chat" and "image" in model.input_modalities
            priced = all(e.price.image_input is not None for e in model.endpoints)
            if served == {provider} and sees and priced:
                return model.slug
        raise AssertionError(provider)

    async def ask(self, provider: str, url: str, **more: Any) -> Any:
        content = [
            {"type": "text", "text": "What is this?"},
            {"type": "image_url", "image_url": {"url": url}},
        ]
        return await self.product.client().chat.completions.with_raw_response.create(
            model=self.model(provider),
            messages=[{"role": "user", "content": content}],  # type: ignore[list-item]
            max_tokens=50,
            **more,
        )


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def opened(
    tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path
) -> AsyncIterator[Port]:
    folder = tmp_path_factory.mktemp("remote")
    shutil.copy(sqlite_template, folder / "alltoken.db")
    async with scripted() as upstream, web() as site:
        site.pages["/a.png"] = page(PNG)
        chosen = Settings(
            _env_file=None,
            var=folder / "var",
            port=free_port(),
            database_url=f"sqlite:///{folder / 'alltoken.db'}",
            fault_provider=True,
            provider_urls={"bedrock": upstream.url, "openai": upstream.url},
            aws_bearer_token_bedrock="key",
            alltoken_openai_key="key",
            sandbox_providers="bedrock,openai,fault",
            egress_hosts=site.name,
        )
        async with serving(chosen) as product:
            await db.run(publish.publish_built_in)
            while not any(slug.startswith("amazon/") for slug in product.plane.catalog.models):
                await asyncio.sleep(0.01)
            yield Port(product, upstream, site)


@pytest.fixture
def port(opened: Port) -> Port:
    opened.upstream.asked.clear()
    opened.upstream.answers.clear()
    opened.site.asked.clear()
    return opened


@pytest.mark.parametrize("strict", ["0", "1"])
async def test_a_provider_that_takes_bytes_gets_the_picture_itself(port: Port, strict: str) -> None:
    port.upstream.says(CONVERSED)
    raw = await port.ask(
        "bedrock", port.site.url("/a.png"), extra_headers={"x-alltoken-strict": strict}
    )
    assert raw.parse().choices[0].message.content == "A harbour."
    assert "x-alltoken-warnings" not in raw.headers
    assert "fetch;dur=" in raw.headers["server-timing"]
    [asked] = port.upstream.asked
    image = asked.body["messages"][0]["content"][1]["image"]
    assert (image["format"], base64.b64decode(image["source"]["bytes"])) == ("png", PNG)


async def test_a_provider_that_takes_addresses_gets_the_address(port: Port) -> None:
    port.upstream.says(COMPLETED)
    await port.ask("openai", port.site.url("/a.png"))
    assert port.site.url("/a.png") in port.upstream.asked[0].raw.decode()
    assert port.site.asked == []


async def test_what_may_not_be_fetched_is_refused_and_free(port: Port) -> None:
    before = await port.product.balance()
    port.upstream.says(CONVERSED)
    inside = f"http://127.0.0.1:{port.product.plane.settings.port}/v1/models"
    for url, code in (
        ("https://169.254.169.254/latest/meta-data/", "url_not_allowed"),
        (inside, "url_not_allowed"),
        (port.site.url("/missing.png"), "url_fetch_failed"),
    ):
        with pytest.raises(openai.BadRequestError) as caught:
            await port.ask("bedrock", url)
        assert caught.value.code == code
        assert caught.value.body["param"] == "messages[0].content[1].image_url.url"  # type: ignore[index]
    assert port.upstream.asked == []
    assert await port.product.balance() == before
