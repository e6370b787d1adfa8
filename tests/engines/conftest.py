"""The real local engine, started once per module, and a client that speaks to it."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from alltoken_app.crypto import load_secrets
from alltoken_app.engines.supervisor import LocalEngine
from alltoken_app.settings import Settings


def make_engine(var: Path) -> LocalEngine:
    return LocalEngine(Settings(var=var, _env_file=None), load_secrets(var))


@pytest.fixture(scope="module")
def var(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("var")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def engine(var: Path) -> AsyncIterator[LocalEngine]:
    started = make_engine(var)
    await started.ensure()
    yield started
    await started.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(engine: LocalEngine, var: Path) -> AsyncIterator[httpx.AsyncClient]:
    bearer = {"authorization": f"Bearer {load_secrets(var).engine_token}"}
    url = await engine.ensure()
    async with httpx.AsyncClient(
        base_url=url, headers=bearer, timeout=110, trust_env=False
    ) as opened:
        yield opened
