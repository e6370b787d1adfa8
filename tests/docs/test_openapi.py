"""Every example of the OpenAPI document is answered as the document says."""

import asyncio
import json
import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from alltoken_app import db
from alltoken_app.api.openapi import examples
from alltoken_app.api.openapi.document import document
from alltoken_app.guides import calls as written
from alltoken_app.guides import reference, texts
from alltoken_app.services import management_keys
from alltoken_app.settings import Settings
from tests.api.conftest import Product, serving
from tests.api.openapi import valid
from tests.docs import samples
from tests.docs.samples import Block
from tests.postgres import free_port

pytestmark = pytest.mark.local_models
MODEL = {"author": "alltoken", "slug": "smollm2-135m-instruct"}
STREAMED = {"/chat/completions": "ChatChunk", "/completions": "CompletionAnswer",
            "/messages": "MessageEvent", "/responses": "ResponseEvent"}  # fmt: skip
LANGUAGES = ("bash", "python", "javascript")
ELSEWHERE = ("/audio/", "/moderations")  # what these need is not everywhere; the guides' samples do


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def product(
    tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path
) -> AsyncIterator[Product]:
    folder = tmp_path_factory.mktemp("openapi")
    shutil.copy(sqlite_template, folder / "alltoken.db")
    chosen = Settings(
        _env_file=None,
        var=folder / "var",
        port=free_port(),
        database_url=f"sqlite:///{folder / 'alltoken.db'}",
        fault_provider=True,
    )
    async with serving(chosen) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def manager(product: Product) -> str:
    pepper = product.plane.secrets.pepper
    _, secret = await db.run(management_keys.create, product.actor, "docs", pepper=pepper)
    return secret


def calls() -> list[tuple[str, str]]:
    """What can be called here, records of what was done last."""
    found = [
        (method.upper(), path)
        for path, item in document()["paths"].items()
        for method in item
        if not path.startswith((*ELSEWHERE, "/responses/"))
    ]
    return sorted(found, key=lambda call: (call[0] == "DELETE", call[1] == "/generation"))


@pytest.mark.asyncio(loop_scope="module")
async def test_every_operation_answers_as_it_is_documented(product: Product, manager: str) -> None:
    known = dict(MODEL)
    for method, path in calls():
        found = document()["paths"][path][method.lower()]
        key = manager if {"ManagementKey": []} in found["security"] else product.key
        answer = await _call(product, key, method, path, known)
        [status] = [one for one in found["responses"] if one.startswith("2")]
        assert answer.status_code == int(status), (path, answer.text)
        content = found["responses"][status]["content"]["application/json"]
        assert valid.against(content["schema"], answer.json()) == [], path
        if path == "/chat/completions":
            known["id"] = answer.json()["id"]
        if (method, path) == ("POST", "/keys"):
            known["hash"] = answer.json()["data"]["hash"]


async def _call(
    product: Product, key: str, method: str, path: str, known: dict[str, str]
) -> httpx.Response:
    query = {"id": known["id"]} if path == "/generation" else None
    async with product.http(key) as client:
        return await client.request(
            method,
            f"/v1{path.format(**known)}",
            params=query,
            json=examples.request(method, path),
            timeout=100,
        )


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("path", STREAMED)
async def test_every_event_of_a_stream_is_as_it_is_documented(product: Product, path: str) -> None:
    body = {**(examples.request("POST", path) or {}), "stream": True}
    async with product.http() as client:
        answer = await client.post(f"/v1{path}", json=body, timeout=100)
    events = [
        json.loads(line.removeprefix("data: "))
        for line in answer.text.splitlines()
        if line.startswith("data: {")
    ]
    assert len(events) > 2
    shape = {"$ref": f"#/components/schemas/{STREAMED[path]}"}
    assert [valid.against(shape, event) for event in events if valid.against(shape, event)] == []


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(
    ("mount", "path", "name"),
    [
        ("/v1", "/chat/completions", "OpenAIError"),
        ("/api/v1", "/chat/completions", "OpenRouterError"),
        ("/v1", "/messages", "AnthropicError"),
        ("/api/v1", "/messages", "AnthropicError"),
    ],
)
async def test_every_dialect_of_errors_is_as_it_is_documented(
    product: Product, mount: str, path: str, name: str
) -> None:
    bodies: list[dict[str, Any]] = [{}, {"model": "acme/none", "messages": [
        {"role": "user", "content": "Hello"}], "max_tokens": 5}]  # fmt: skip
    async with product.http() as client:
        for body in bodies:
            answer = await client.post(mount + path, json=body)
            assert answer.status_code in (400, 404)
            wrong = valid.against({"$ref": f"#/components/schemas/{name}"}, answer.json())
            assert wrong == []


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("place", ["/models/count", "/key", "/route/explain"])
async def test_a_sample_runs_as_it_stands(
    product: Product, tmp_path: Path, language: str, place: str
) -> None:
    [item] = [one for path, one in document()["paths"].items() if path == place]
    [(method, found)] = item.items()
    call = reference.call(place, method, found)
    [text] = [
        fence[2]
        for fence in samples.FENCE.finditer(written.fences(call) + "\n")
        if fence[1] == language
    ]
    block = Block("reference", language, text.replace(texts.HERE, product.url), 0)
    process = await asyncio.create_subprocess_exec(
        *samples.command(block, tmp_path),
        env=os.environ | {"ALLTOKEN_API_KEY": product.key},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    assert "error" not in out.decode()
    assert len(out) > 10
