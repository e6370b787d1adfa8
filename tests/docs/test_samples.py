"""Every sample in README.md and the guides runs as it is written and prints what is shown."""

import asyncio
import os
import shutil
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from alltoken_app import db
from alltoken_app.guides import texts
from alltoken_app.services import management_keys
from alltoken_app.settings import Settings
from tests.api.conftest import Product, serving
from tests.docs import samples
from tests.docs.samples import Block
from tests.postgres import free_port

pytestmark = pytest.mark.local_models
LIMIT = 100.0
SOUNDS = Path(__file__).parent.parent / "sounds"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def product(
    tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path
) -> AsyncIterator[Product]:
    """One server for all samples, with the real local models and the scripted provider."""
    folder = tmp_path_factory.mktemp("docs")
    shutil.copy(sqlite_template, folder / "alltoken.db")
    chosen = Settings(
        _env_file=None,
        var=folder / "var",
        port=free_port(),
        database_url=f"sqlite:///{folder / 'alltoken.db'}",
        fault_provider=True,
        speech_command=f"{sys.executable} {SOUNDS / 'voice.py'}",
    )
    async with serving(chosen) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def manager(product: Product) -> str:
    """A management key of the same organisation."""
    pepper = product.plane.secrets.pepper
    _, secret = await db.run(management_keys.create, product.actor, "docs", pepper=pepper)
    return secret


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("block", samples.blocks(), ids=lambda block: block.id)
async def test_a_sample_does_what_it_shows(
    product: Product, manager: str, block: Block, tmp_path: Path
) -> None:
    here = Block(**{**vars(block), "text": block.text.replace(texts.HERE, product.url)})
    shutil.copy(SOUNDS / "train.wav", tmp_path)
    process = await asyncio.create_subprocess_exec(
        *samples.command(here, tmp_path),
        cwd=tmp_path,
        env=os.environ | {"ALLTOKEN_API_KEY": product.key, "ALLTOKEN_MANAGEMENT_KEY": manager},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        out, err = await asyncio.wait_for(process.communicate(), LIMIT)
    except TimeoutError:
        process.kill()
        await process.wait()
        raise
    assert process.returncode == 0, err.decode()
    assert samples.differs(here, out.decode()) == ""


def test_every_language_is_among_them() -> None:
    found = {(block.file, block.language) for block in samples.blocks()}
    assert {("README", "python"), ("README", "bash"), ("README", "javascript")} <= found
    assert len(found) > 20
