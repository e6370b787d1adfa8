"""CPU per place + settle pair, by batch size: `python -m bench.ledger [--postgres]`.

Counts this process only (user and system), through `Database.run`, so the thread hop, BEGIN and
COMMIT are in it; a PostgreSQL server's own work is not. The least is what a quiet machine shows.
"""

import argparse
import asyncio
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Any

from sqlmodel import Session

from alltoken_app import clock, ids
from alltoken_app.db import Database
from alltoken_app.ledger import accounts, credits, holds, invariants
from alltoken_app.ledger.holds import Place, Settle
from alltoken_app.money import NANO_PER_USD
from alltoken_app.tables.account import Organisation
from alltoken_app.tables.ledger import Budget
from tests import postgres
from tests.conftest import migrate

PAIRS = {1: 600, 16: 3_200, 100: 8_000}
WALLETS = 4


def generation(number: int) -> dict[str, Any]:
    """Columns as a real request writes them."""
    now = clock.now_ms()
    return {
        "request_id": f"req_{number}",
        "org_id": "org_bench",
        "key_id": "key_01jabcdefghjkmnpqrstvwxyz0",
        "book": "sandbox",
        "operation": "chat.completions",
        "streamed": True,
        "model_requested": "local/smollm2-135m-instruct",
        "model": "local/smollm2-135m-instruct",
        "provider": "local",
        "endpoint_id": "local:smollm2-135m-instruct",
        "status": "ok",
        "finish_reason": "stop",
        "input_tokens": 412,
        "output_tokens": 187,
        "price_version": "2026-11-22.1",
        "lines": [["input", 412, 150_000, 61_800_000], ["output", 187, 600_000, 112_200_000]],
        "attempts": [
            {
                "provider": "local",
                "endpoint": "local:smollm2",
                "status": 200,
                "ms": 31,
                "code": None,
            }
        ],
        "first_token_ms": 31,
        "duration_ms": 812,
        "gateway_us": 900,
        "created_at": now,
        "finished_at": now,
    }


def fund(session: Session, number: int) -> str:
    """A funded wallet with two lots and a budget; its id."""
    session.add(Organisation(id=f"org_{number}", name="bench"))
    session.flush()
    wallet = accounts.open_wallet(session, f"org_{number}", "sandbox")
    for part in range(2):
        credits.credit_top_up(
            session,
            wallet.id,
            top_up_id=f"top_{number}_{part}",
            payment_intent_id=f"pi_{number}_{part}",
            credit=500_000 * NANO_PER_USD,
            fee=0,
            actor="bench",
        )
    session.add(Budget(id=f"key_{number}", limit_nano=10**15, period="month"))
    return wallet.id


def commands(size: int, wallets: list[str], budgets: bool) -> tuple[list[Place], list[Settle]]:
    """A batch of placements and the batch that settles them."""
    places, settles = [], []
    until = clock.now_ms() + clock.HOUR
    for number in range(size):
        id_, at = ids.new_id("gen"), number % len(wallets)
        columns = generation(number)
        facts = {k: v for k, v in columns.items() if isinstance(v, str)}
        key = f"key_{at}" if budgets else None
        places.append(Place(id_, wallets[at], key, 2_000_000, 1_000, facts, "worker", until))
        settles.append(Settle(id_, 174_000, columns | {"org_id": f"org_{at}"}))
    return places, settles


async def measure(database: Database, size: int, wallets: list[str], budgets: bool) -> None:
    """Print the cost of one pair at this batch size."""
    rounds = PAIRS[size] // size
    work = [commands(size, wallets, budgets) for _ in range(rounds)]
    spent: dict[str, list[float]] = {"place": [], "settle": []}
    begun = time.perf_counter()
    for places, settles in work:
        for name, batch in (("place", places), ("settle", settles)):
            at = time.process_time()
            await database.run(holds.apply, batch)
            spent[name].append(time.process_time() - at)
    wall = time.perf_counter() - begun
    place, settle = (median(spent[name]) / size * 1e6 for name in ("place", "settle"))
    least = sum(min(spent[name]) for name in spent) / size * 1e6
    print(
        f"  batch {size:4}{' with limits' if budgets else '            '}: "
        f"place {place:6.1f} + settle {settle:6.1f} = {place + settle:6.1f} us CPU (median; "
        f"least {least:6.1f}), {rounds * size / wall:7.0f} pairs/s"
    )


async def bench(url: str) -> None:
    """Print all batch sizes on one database."""
    database = Database(url)
    wallets = [await database.run(fund, number) for number in range(WALLETS)]
    for budgets in (False, True):
        for size in PAIRS:
            await measure(database, size, wallets, budgets)
    wrong = await database.read(invariants.check)
    print(f"  books: {'balance' if not wrong else wrong[:3]}")
    await database.close()


def main() -> None:
    """Run the bench on SQLite, or on a PostgreSQL it starts itself."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--postgres", action="store_true")
    wanted = parser.parse_args()
    with ExitStack() as stack:
        if wanted.postgres:
            url = stack.enter_context(postgres.server())
        else:
            folder = stack.enter_context(tempfile.TemporaryDirectory())
            url = f"sqlite:///{Path(folder) / 'bench.db'}"
        migrate(url)
        print("PostgreSQL" if wanted.postgres else "SQLite")
        asyncio.run(bench(url))


if __name__ == "__main__":
    main()
