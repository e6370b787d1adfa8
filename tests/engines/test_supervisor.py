"""alltoken_app/engines/supervisor.py"""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from alltoken_app.crypto import load_secrets
from alltoken_app.engines import weights
from alltoken_app.engines.supervisor import LocalEngine
from alltoken_app.engines.weights import File
from alltoken_app.errors import Unavailable
from alltoken_app.settings import ROOT, Settings
from tests.engines.conftest import make_engine

REAL = pytest.mark.local_models
PARENT = """
import asyncio, pathlib, sys
from tests.engines.conftest import make_engine
async def main():
    engine = make_engine(pathlib.Path(sys.argv[1]))
    await engine.ensure()
    print(engine.pid, flush=True)
    await asyncio.sleep(600)
asyncio.run(main())
"""


def alive(pid: int) -> bool:
    """Whether it runs. One whose threads have all ended, unreaped in a container, does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    threads = list(Path(f"/proc/{pid}/task").glob("*/status"))
    try:
        return not threads or any("\nState:\tZ" not in path.read_text() for path in threads)
    except OSError:  # a thread has ended while we looked
        return True


async def gone(pid: int) -> bool:
    for _ in range(500):
        if not alive(pid):
            return True
        await asyncio.sleep(0.02)
    return False


async def answers(engine: LocalEngine, var: Path) -> bool:
    url = await engine.ensure()
    bearer = {"authorization": f"Bearer {load_secrets(var).engine_token}"}
    async with httpx.AsyncClient(headers=bearer, trust_env=False, timeout=60) as client:
        body = {"model": weights.EMBEDDINGS, "input": "dog"}
        return (await client.post(f"{url}/embeddings", json=body)).status_code == 200


def knows_no_secret(pid: int, var: Path) -> bool:
    """Whether nobody who lists processes can read a secret (Linux; elsewhere nobody looks)."""
    process, token = Path(f"/proc/{pid}"), load_secrets(var).engine_token.encode()
    if not process.exists():
        return True
    shown = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
    return token not in shown and b"HOME=" not in shown


@REAL
async def test_callers_share_one_start_and_a_killed_engine_comes_back(tmp_path: Path) -> None:
    engine = make_engine(tmp_path)
    assert (engine.status().state, engine.pid) == ("off", None)
    urls = await asyncio.gather(*(engine.ensure() for _ in range(5)))
    first = engine.pid
    assert len(set(urls)) == 1
    assert engine.status().state == "ready"
    assert engine.status().progress == 1.0
    assert first is not None
    assert knows_no_secret(first, tmp_path)
    os.kill(first, signal.SIGKILL)
    assert await gone(first)
    assert await answers(engine, tmp_path)
    second = engine.pid
    assert second not in (None, first)
    await engine.close()
    assert engine.status().state == "off"
    assert await gone(second or 0)


@REAL
async def test_the_engine_does_not_outlive_its_gateway(tmp_path: Path) -> None:
    command = [sys.executable, "-c", PARENT, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT, text=True) as parent:
        assert parent.stdout is not None
        child = int(await asyncio.to_thread(parent.stdout.readline))
        assert alive(child)
        parent.kill()
    assert await gone(child)


async def test_switched_off_means_unavailable(tmp_path: Path) -> None:
    settings = Settings(var=tmp_path, local_models=False, _env_file=None)
    engine = LocalEngine(settings, load_secrets(tmp_path))
    with pytest.raises(Unavailable, match="LOCAL_MODELS"):
        await engine.ensure()
    assert engine.status().state == "off"


async def test_missing_weights_are_explained_and_looked_for_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(weights, "FILES", (File(weights.CHAT, "no_such_package", "x", "", ()),))
    engine = make_engine(tmp_path)
    for _ in range(2):
        with pytest.raises(Unavailable, match="requirements-models"):
            await engine.ensure()
    assert engine.status().state == "failed"
    await engine.close()


async def test_an_engine_that_cannot_start_fails_and_is_tried_less_often(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    monkeypatch.setattr("alltoken_app.engines.supervisor.BACK_OFF", (0.01, 0.01, 60.0))
    engine = make_engine(tmp_path)
    monkeypatch.setattr(engine, "_verified", weights.find)
    with pytest.raises(Unavailable, match="ended with code 1") as refused:
        await engine.ensure()
    assert 50 < (refused.value.retry_after or 0) <= 60
    assert engine.status().state == "failed"
    await engine.close()
