"""`serve --api-only --workers 2`: two real processes, one database, one limit."""

import asyncio
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from alltoken_app import crypto, db
from alltoken_app.catalog import seed
from alltoken_app.services import keys
from alltoken_app.services.keys import NewKey
from alltoken_app.settings import Settings
from tests.api.conftest import USD, _person
from tests.conftest import ROOT
from tests.postgres import free_port

HANG = 60.0
LIMIT = 40
BODY = {"model": "fault/ok", "messages": [{"role": "user", "content": "hi"}], "max_tokens": 2}


@dataclass
class Served:
    """A running server, and a key of its with money behind it."""

    url: str
    key: str


@pytest.fixture
async def two_workers(
    tmp_path: Path, sqlite_template: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Served]:
    """A server of two processes."""
    var, port = tmp_path / "var", free_port()
    var.mkdir()
    (var / "alltoken.db").write_bytes(sqlite_template.read_bytes())
    chosen = {
        "VAR": str(var), "PORT": str(port), "LOCAL_MODELS": "false", "FAULT_PROVIDER": "true",
        "REQUESTS_PER_MINUTE": str(LIMIT),
    }  # fmt: skip
    for name, value in chosen.items():
        monkeypatch.setenv(name, value)
    secret = await prepared(Settings(_env_file=None))
    process = subprocess.Popen(
        [sys.executable, "-m", "alltoken_app", "serve", "--api-only", "--workers", "2"],
        cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT,
    )  # fmt: skip
    yield Served(f"http://127.0.0.1:{port}", secret)
    process.terminate()
    process.wait(HANG)


async def prepared(chosen: Settings) -> str:
    """Write the catalogue and a key with money behind it; its secret."""
    database = db.Database(chosen.database)
    await database.run(seed.seed, chosen)
    actor, _ = await database.run(_person, USD)
    pepper = crypto.load_secrets(chosen.var).pepper
    _, secret = await database.run(
        keys.create, actor, NewKey(name="test"), pepper=pepper, book="sandbox"
    )
    await database.close()
    return secret


async def ready(url: str) -> None:
    deadline = time.monotonic() + HANG
    async with httpx.AsyncClient() as http:
        while time.monotonic() < deadline:
            try:
                if (await http.get(f"{url}/health/ready")).is_success:
                    return
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.1)
    raise AssertionError("the server did not start")


async def test_two_processes_let_in_together_what_the_limit_says(
    two_workers: Served,
) -> None:
    await ready(two_workers.url)
    headers = {"authorization": f"Bearer {two_workers.key}"}
    began = time.monotonic()

    async def send() -> int:
        async with httpx.AsyncClient(headers=headers, timeout=30) as own:  # a connection each
            return (await own.post(f"{two_workers.url}/v1/chat/completions", json=BODY)).status_code

    codes: Counter[int] = Counter()
    for _ in range(4):
        codes.update(await asyncio.gather(*(send() for _ in range(20))))
    came_back = (time.monotonic() - began) * LIMIT / 60 + 1
    assert set(codes) == {200, 429}
    assert LIMIT - 1 <= codes[200] <= LIMIT + came_back
