"""A running product for other people's test suites: it serves from a thread of its own."""

import asyncio
import shutil
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from alltoken_app.settings import Settings
from tests.api.conftest import serving
from tests.postgres import free_port
from tests.suites import pupil

MODEL = "acme/pupil"


@dataclass
class Gateway:
    """Where the product is, and a key with money behind it."""

    url: str
    key: str


async def _serve(
    chosen: Settings, port: int, ready: "Future[Gateway]", stop: asyncio.Event
) -> None:
    upstream = uvicorn.Server(
        uvicorn.Config(pupil.app(), host="127.0.0.1", port=port, log_level="critical")
    )
    teaching = asyncio.create_task(upstream.serve())
    try:
        async with serving(chosen) as product:
            ready.set_result(Gateway(product.url, product.key))
            await stop.wait()
    except BaseException as error:
        if not ready.done():
            ready.set_exception(error)
        raise
    finally:
        upstream.should_exit = True
        await teaching


@pytest.fixture
def benchmark() -> Callable[..., Any]:
    """What a suite would time is run once: the bench is elsewhere."""
    return lambda work, *arguments, **options: work(*arguments, **options)


@pytest.fixture
def vcr() -> None:
    """Nothing is recorded: the product and its upstream are real."""


@pytest.fixture(scope="session")
def gateway(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Iterator[Gateway]:
    """One product for all suites, with the pupil behind it."""
    folder, port = tmp_path_factory.mktemp("suites"), free_port()
    shutil.copy(sqlite_template, folder / "alltoken.db")
    model = {
        "slug": MODEL, "upstream": "pupil", "input_price": "1", "output_price": "2",
        "input_modalities": ["text", "image", "file", "audio"],
    }  # fmt: skip
    chosen = Settings(
        _env_file=None,
        var=folder / "var",
        port=free_port(),
        database_url=f"sqlite:///{folder / 'alltoken.db'}",
        local_models=False,
        fault_provider=True,
        sandbox_providers=("local", "fault", "acme"),
        requests_per_minute=100_000,
        extra_providers=[
            {"name": "acme", "base_url": f"http://127.0.0.1:{port}", "models": [model]}
        ],
    )
    ready: Future[Gateway] = Future()
    loop, stop = asyncio.new_event_loop(), asyncio.Event()
    task = _serve(chosen, port, ready, stop)
    thread = threading.Thread(target=loop.run_until_complete, args=(task,))
    thread.start()
    yield ready.result(60)
    loop.call_soon_threadsafe(stop.set)
    thread.join(60)
    loop.close()
