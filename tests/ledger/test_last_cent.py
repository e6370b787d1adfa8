"""Many writers at once, each a process of its own to the database."""

import asyncio
import random
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text

from alltoken_app import db
from alltoken_app.errors import InsufficientCredits
from alltoken_app.ledger import holds, invariants
from alltoken_app.ledger.books import Books
from tests.ledger.purses import CENT, balance, place, settle, wallet

THREADS = 32


def spend(url: str, wallet_id: str, leasing: bool) -> int:
    """Try three times to hold one cent; how often it was granted."""

    async def attempts() -> int:
        database = db.Database(url)
        books = Books(database, leasing=leasing)
        granted = 0
        for _ in range(3):
            try:
                await books.place(place(wallet_id, CENT))
                granted += 1
            except InsufficientCredits:
                pass
        await books.close()
        await database.close()
        return granted

    return asyncio.run(attempts())


@pytest.mark.parametrize("leasing", [False, True])
async def test_ten_cents_are_held_ten_times(
    database: db.Database, database_url: str, leasing: bool
) -> None:
    mine = await db.run(wallet, 10 * CENT)
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(THREADS) as threads:
        tries = [
            loop.run_in_executor(threads, spend, database_url, mine, leasing)
            for _ in range(THREADS)
        ]
        granted = await asyncio.gather(*tries)
    assert sum(granted) == 10
    left = await db.read(balance, mine)
    assert (left.available, left.held) == (0, 10 * CENT)
    assert await db.read(invariants.check) == []


async def turn(database: db.Database, wallets: list[str], number: int) -> int:
    """Place and settle in wallets in a random order; how many settlements were the first."""
    order = random.Random(number).sample(wallets, len(wallets))
    ids = [f"gen_{number}_{at}" for at in range(len(order))]
    held = [place(wallet_id, CENT, id_) for wallet_id, id_ in zip(order, ids, strict=True)]
    await database.run(holds.apply, held)
    settled = [settle(id_, 1000) for id_ in reversed(ids)]
    twice = await asyncio.gather(*[database.run(holds.apply, settled) for _ in range(2)])
    return sum(each.first for outcomes in twice for each in outcomes)


async def test_batches_of_the_same_wallets_settle_once_and_never_deadlock(
    database: db.Database,
) -> None:
    wallets = [await db.run(wallet, 100 * CENT) for _ in range(6)]
    firsts = await asyncio.gather(*[turn(database, wallets, number) for number in range(12)])
    assert firsts == [6] * 12
    assert (await db.read(balance, wallets[0])).available == 100 * CENT - 12_000
    assert await db.read(invariants.check) == []
    if not database.is_sqlite:
        deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
        assert await db.read(lambda s: s.execute(text(deadlocks)).scalar_one()) == 0
