"""kill -9 at every step of a request: after a restart the books balance and nobody overpays.

A real child process serves the API and kills itself at a failpoint; a second child, without one,
is the restart.
"""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from sqlmodel import Session, select

from alltoken_app import crypto, db
from alltoken_app.ledger import accounts, invariants
from alltoken_app.services import keys
from alltoken_app.services.keys import NewKey
from alltoken_app.tables.generation import Generation
from alltoken_app.tables.ledger import Hold
from tests.api.conftest import USD, _person
from tests.postgres import free_port

ROOT = Path(__file__).parent.parent
OPEN = ("held", "in_flight")


@asynccontextmanager
async def child(
    environment: dict[str, str], failpoint: str
) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.crash_child", failpoint,
        cwd=ROOT, env={**os.environ, **environment}, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        async with asyncio.timeout(100):
            while not (await process.stdout.readline()).startswith(b"{"):
                assert process.returncode is None
        yield process
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
            try:
                async with asyncio.timeout(20):
                    await process.wait()
            except TimeoutError:
                process.kill()
                await process.wait()


def holds(session: Session) -> list[tuple[str, int, int]]:
    rows = session.exec(select(Hold))
    return [(row.state, row.progress, row.captured or 0) for row in rows]


def statuses(session: Session) -> list[tuple[str, int]]:
    return [(row.status, row.cost) for row in session.exec(select(Generation))]


@pytest.mark.parametrize(
    "failpoint",
    ["held", "first_piece", "delivered", "checkpointed", "settling", "capturing", "settled"],
)
async def test_a_killed_process_leaves_the_books_balanced(
    database_url: str, tmp_path: Path, failpoint: str
) -> None:
    port = free_port()
    environment = {
        "VAR": str(tmp_path / "var"), "DATABASE_URL": database_url, "PORT": str(port),
        "FAULT_PROVIDER": "true", "WORKER_GRACE": "0.5",
    }  # fmt: skip
    database = db.open_database(database_url)
    try:
        actor, wallet_id = await db.run(_person, USD)
        pepper = crypto.load_secrets(tmp_path / "var").pepper
        new = NewKey(name="crash")
        _, key = await db.run(keys.create, actor, new, pepper=pepper, book="sandbox")
        async with child(environment, failpoint) as process:
            said = await ask(port, key)
            try:
                async with asyncio.timeout(60):
                    await process.wait()
            except TimeoutError:
                pytest.fail(f"{failpoint} was never reached; the answer was {said}")
            assert process.returncode == -signal.SIGKILL
        before = await db.read(holds)
        assert len(before) == 1
        async with child(environment, ""):
            for _ in range(300):
                if all(state not in OPEN for state, *_ in await db.read(holds)):
                    break
                await asyncio.sleep(0.1)
        ((state, progress, captured),) = await db.read(holds)
        assert state in ("captured", "released")
        assert captured in (progress, before[0][2])
        assert await db.read(invariants.check) == []
        balance = await db.read(accounts.balance, wallet_id)
        assert balance.held == 0
        assert balance.available == USD - captured
        ((status, cost),) = await db.read(statuses)
        assert status == ("ok" if failpoint == "settled" else "interrupted")
        assert cost == captured
    finally:
        await database.close()


async def ask(port: int, key: str) -> str:
    """A stream long enough to pass every failpoint; the connection dies with the process."""
    body = {
        "model": "fault/ok", "messages": [{"role": "user", "content": "hi"}],
        "stream": True, "max_tokens": 200,
    }  # fmt: skip
    try:
        async with httpx.AsyncClient(timeout=60) as http:
            url = f"http://127.0.0.1:{port}/v1/chat/completions"
            answer = await http.post(url, json=body, headers={"authorization": f"Bearer {key}"})
    except httpx.HTTPError as error:
        return repr(error)
    return f"{answer.status_code} {answer.text[-500:]}"
