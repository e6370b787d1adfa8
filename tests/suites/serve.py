"""Serves the product with the pupil behind it until its input ends: `python -m tests.suites.serve`.

A process of its own: the suites are synchronous, and one process has one database open.
"""

import asyncio
import json
import sys
from pathlib import Path

import uvicorn

from alltoken_app.settings import Settings
from tests.api.conftest import serving
from tests.postgres import free_port
from tests.suites import pupil

MODEL = "acme/pupil"


async def serve(folder: Path) -> None:
    """Print where it is and a key with money behind it, and stay."""
    port = free_port()
    upstream = uvicorn.Server(
        uvicorn.Config(pupil.app(), host="127.0.0.1", port=port, log_level="critical")
    )
    teaching = asyncio.create_task(upstream.serve())
    async with serving(_settings(folder, port)) as product:
        print(json.dumps({"url": product.url, "key": product.key}), flush=True)
        await asyncio.to_thread(sys.stdin.read)
    upstream.should_exit = True
    await teaching


def _settings(folder: Path, port: int) -> Settings:
    model = {
        "slug": MODEL, "upstream": "pupil", "input_price": "1", "output_price": "2",
        "input_modalities": ["text", "image", "file", "audio"],
    }  # fmt: skip
    pupils = {"name": "acme", "base_url": f"http://127.0.0.1:{port}", "models": [model]}
    return Settings(
        _env_file=None,
        var=folder / "var",
        port=free_port(),
        database_url=f"sqlite:///{folder / 'alltoken.db'}",
        local_models=False,
        fault_provider=True,
        sandbox_providers=("local", "fault", "acme"),
        requests_per_minute=100_000,
        extra_providers=[pupils],
    )


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1])))
