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
from alltoken_app.tables.ledger import Hold, Lease
from tests.api.conftest import USD, _person
from tests.postgres import free_port

ROOT = Path(__file__).parent.parent
OPEN = ("held", "in_flight")


@asynccontextmanager
async def child(
    environment: dict[str, str], failpoint: str, passes: int = 0
) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.crash_child", failpoint, str(passes),
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


async def ask(port: int, key: str, *, stream: bool = True) -> str:
    """A stream long enough to pass every failpoint; the connection dies with the process."""
    body = {
        "model": "fault/ok", "messages": [{"role": "user", "content": "hi"}],
        "stream": stream, "max_tokens": 200,
    }  # fmt: skip
    try:
        async with httpx.AsyncClient(timeout=60) as http:
            url = f"http://127.0.0.1:{port}/v1/chat/completions"
            answer = await http.post(url, json=body, headers={"authorization": f"Bearer {key}"})
    except httpx.HTTPError as error:
        return repr(error)
    return f"{answer.status_code} {answer.text[-500:]}"


# What the database may know of a killed request that its lease promised: nothing, or more.
KNOWN = {
    "held": 0, "first_piece": 0, "delivered": 0, "settling": 1, "capturing": 1, "settled": 1,
    "checkpointed": 1,
}  # fmt: skip


@pytest.mark.parametrize("failpoint", KNOWN)
async def test_a_killed_process_gives_its_lease_back(
    database_url: str, tmp_path: Path, failpoint: str
) -> None:
    """The first request brings a lease; the second lives in memory and is killed."""
    port = free_port()
    environment = {
        "VAR": str(tmp_path / "var"), "DATABASE_URL": database_url, "PORT": str(port),
        "FAULT_PROVIDER": "true", "WORKER_GRACE": "4",
    }  # fmt: skip
    database = db.open_database(database_url)
    try:
        actor, wallet_id = await db.run(_person, 10 * USD)
        pepper = crypto.load_secrets(tmp_path / "var").pepper
        new = NewKey(name="crash")
        _, key = await db.run(keys.create, actor, new, pepper=pepper, book="sandbox")
        streamed = failpoint in ("delivered", "checkpointed")
        passes = 0 if streamed else 1
        async with child(environment, failpoint, passes) as process:
            assert (await ask(port, key, stream=False)).startswith("200")
            while not await db.read(statuses):
                await asyncio.sleep(0.01)
            assert await db.read(leased) > USD
            await ask(port, key, stream=streamed)
            async with asyncio.timeout(60):
                await process.wait()
        assert len(await db.read(holds)) - 1 <= KNOWN[failpoint]
        before = sum(captured for *_, captured in await db.read(holds))
        async with child(environment, ""):
            for _ in range(300):
                if await db.read(leased) == 0:
                    break
                await asyncio.sleep(0.1)
        assert await db.read(invariants.check) == []
        known = await db.read(holds)
        charged = sum(captured for *_, captured in known)
        assert all(state not in OPEN for state, *_ in known)
        assert charged - before in (0, sum(progress for _, progress, _ in known))
        after = await db.read(accounts.balance, wallet_id)
        assert (after.held, after.available) == (0, 10 * USD - charged)
        assert sum(cost for _, cost in await db.read(statuses)) == charged
    finally:
        await database.close()


def leased(session: Session) -> int:
    return sum(session.exec(select(Lease.amount)))
