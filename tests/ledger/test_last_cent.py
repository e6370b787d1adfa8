"""Many threads, each a process of its own to the database, spend the last ten cents."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from alltoken_app import db
from alltoken_app.errors import InsufficientCredits
from alltoken_app.ledger import invariants
from alltoken_app.ledger.books import Books
from tests.ledger.purses import CENT, balance, place, wallet

THREADS = 32


def spend(url: str, wallet_id: str) -> int:
    """Try three times to hold one cent; how often it was granted."""

    async def attempts() -> int:
        database = db.Database(url)
        books = Books(database)
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


async def test_ten_cents_are_held_ten_times(database: db.Database, database_url: str) -> None:
    mine = await db.run(wallet, 10 * CENT)
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(THREADS) as threads:
        tries = [loop.run_in_executor(threads, spend, database_url, mine) for _ in range(THREADS)]
        granted = await asyncio.gather(*tries)
    assert sum(granted) == 10
    left = await db.read(balance, mine)
    assert (left.available, left.held) == (0, 10 * CENT)
    assert await db.read(invariants.check) == []
