"""alltoken_app/ledger/books.py"""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlmodel import select

from alltoken_app import db
from alltoken_app.errors import InsufficientCredits, Unavailable
from alltoken_app.ledger import books as module
from alltoken_app.ledger import invariants
from alltoken_app.ledger.books import Books
from alltoken_app.ledger.holds import Checkpoint, Extend, Placed, Settle, Settled
from alltoken_app.tables.ledger import Hold
from tests.ledger.purses import CENT, balance, generation, hold, place, settle, wallet


class Shaky(db.Database):
    """A real database whose transactions can be made to fail, before or after they commit."""

    fail_before = 0
    fail_after = 0
    batches: list[int]

    async def run(self, work: Any, *args: Any, **kw: Any) -> Any:
        self.batches.append(len(args[0]))
        if self.fail_before:
            self.fail_before -= 1
            raise ConnectionError("the database is away")
        done = await super().run(work, *args, **kw)
        if self.fail_after:
            self.fail_after -= 1
            raise ConnectionError("the connection was lost after COMMIT")
        return done


@pytest.fixture
async def shaky(database: db.Database) -> AsyncIterator[Shaky]:
    opened = Shaky(database.url)
    opened.batches = []
    yield opened
    await opened.close()


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FIRST_DELAY", 0.005)


@pytest.fixture(params=[False, True], ids=["alone", "leasing"])
async def books(shaky: Shaky, request: pytest.FixtureRequest) -> AsyncIterator[Books]:
    opened = Books(shaky, leasing=request.param)
    yield opened
    await opened.close()
    assert await db.read(invariants.check) == []


async def state(hold_id: str) -> str | None:
    return await db.read(lambda s: s.exec(select(Hold.state).where(Hold.id == hold_id)).first())


async def test_two_hundred_at_once_share_a_few_commits(books: Books, shaky: Shaky) -> None:
    mine = await db.run(wallet, 150 * CENT)
    asked = [books.place(place(mine, CENT, f"gen_{i}")) for i in range(200)]
    outcomes = await asyncio.gather(*asked, return_exceptions=True)
    assert sum(isinstance(each, Placed) for each in outcomes) == 150
    assert sum(isinstance(each, InsufficientCredits) for each in outcomes) == 50
    assert len(shaky.batches) <= 5
    done = await asyncio.gather(*[books.settle(settle(f"gen_{i}", 1000)) for i in range(200)])
    assert sum(each.first for each in done) == 150
    assert (await db.read(balance, mine)).available == 150 * CENT - 150_000


async def test_a_hold_lives_through_the_books(books: Books) -> None:
    mine = await db.run(wallet, 5 * CENT)
    await books.place(place(mine, 2 * CENT, "gen_1"))
    assert (await books.extend(Extend("gen_1", CENT))).granted == 3 * CENT
    with pytest.raises(InsufficientCredits):
        await books.extend(Extend("gen_1", 3 * CENT))
    books.checkpoint(Checkpoint("gen_1", 7))
    assert await books.settle(settle("gen_1", 9 * CENT)) == Settled(
        3 * CENT, 2 * CENT, first=True, lost=6 * CENT
    )
    assert (await db.read(hold, "gen_1")).progress == 7
    assert (books.losses.count, books.losses.nano) == (1, 6 * CENT)


async def test_one_bad_command_fails_nobody_else(books: Books) -> None:
    mine = await db.run(wallet, 5 * CENT)
    good, bad, too = await asyncio.gather(
        books.place(place(mine, CENT, "gen_1")),
        books.place(place(mine, CENT, "gen_2", at_least=2 * CENT)),
        books.place(place(mine, CENT, "gen_3")),
        return_exceptions=True,
    )
    assert isinstance(good, Placed)
    assert isinstance(too, Placed)
    assert isinstance(bad, Unavailable)
    assert (bad.code, bad.retry_after) == ("billing_unavailable", 1)


async def test_an_outage_fails_places_at_once_and_delays_settlements(
    books: Books, shaky: Shaky
) -> None:
    mine = await db.run(wallet, 5 * CENT)
    await books.place(place(mine, CENT, "gen_1"))
    shaky.fail_before = 4
    settling = books.settle(settle("gen_1", 7))
    with pytest.raises(Unavailable):
        await books.place(place(mine, CENT, "gen_2"))
    assert await settling == Settled(7, 5 * CENT - 7, first=True)
    assert shaky.fail_before == 0


async def test_a_hold_whose_commit_was_not_confirmed_is_released(
    books: Books, shaky: Shaky
) -> None:
    mine = await db.run(wallet, 5 * CENT)
    shaky.fail_after = 1
    with pytest.raises(Unavailable):
        await books.place(place(mine, CENT, "gen_1"))
    await books.settled("gen_1")
    assert await state("gen_1") == "released"  # so it had been committed
    assert await db.read(generation, "gen_1") is None


async def test_a_settlement_whose_commit_was_not_confirmed_counts_once(
    books: Books, shaky: Shaky
) -> None:
    mine = await db.run(wallet, 5 * CENT)
    await books.place(place(mine, CENT, "gen_1"))
    shaky.fail_after = 1
    assert (await books.settle(settle("gen_1", 7))).captured == 7
    assert (await db.read(balance, mine)).available == 5 * CENT - 7


async def test_a_hold_nobody_waits_for_is_released(books: Books) -> None:
    mine = await db.run(wallet, 5 * CENT)
    waiter = asyncio.create_task(books.place(place(mine, CENT, "gen_1")))
    others = [asyncio.create_task(books.place(place(mine, CENT, f"gen_{i}"))) for i in (2, 3)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    waiter.cancel()
    placed = await asyncio.gather(waiter, *others, return_exceptions=True)
    assert isinstance(placed[0], asyncio.CancelledError)
    assert [each.granted for each in placed[1:]] == [CENT, CENT]
    await books.settled("gen_1")
    assert await state("gen_1") in ("released", None)
    assert (await db.read(balance, mine)).held == 2 * CENT


async def test_a_settlement_is_applied_though_its_waiter_left(books: Books) -> None:
    mine = await db.run(wallet, 5 * CENT)
    await books.place(place(mine, CENT, "gen_1"))
    books.settle(settle("gen_1", 7)).cancel()
    await books.settled("gen_1")
    await books.settled("gen_none")
    assert (await db.read(generation, "gen_1")).cost == 7


async def test_closing_applies_what_is_queued(shaky: Shaky) -> None:
    mine = await db.run(wallet, 5 * CENT)
    books = Books(shaky)
    await books.place(place(mine, CENT, "gen_1"))
    await books.place(place(mine, CENT, "gen_2"))
    shaky.fail_before = 2
    books.settle(settle("gen_1", 7))
    books.settle(Settle("gen_2", 0, None))
    await books.close()
    assert [await state("gen_1"), await state("gen_2")] == ["captured", "released"]
    with pytest.raises(Unavailable):
        await books.place(place(mine, CENT, "gen_3"))


async def test_closing_gives_up_on_a_database_that_stays_away(shaky: Shaky) -> None:
    mine = await db.run(wallet, 5 * CENT)
    books = Books(shaky)
    await books.place(place(mine, CENT, "gen_1"))
    shaky.fail_before = 1000
    settling = books.settle(settle("gen_1", 7))
    await asyncio.sleep(0.02)
    await books.close()
    with pytest.raises(Unavailable):
        await settling
    assert await state("gen_1") == "held"  # the reaper's now
