"""Leases: alltoken_app/ledger/{leases,promises,books}.py together, on a real database."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
import time_machine
from sqlmodel import Session, col, func, select

from alltoken_app import clock, db
from alltoken_app.errors import InsufficientCredits, Unavailable
from alltoken_app.ledger import books as module
from alltoken_app.ledger import holds, invariants, promises, reaper
from alltoken_app.ledger.books import Books
from alltoken_app.ledger.holds import Checkpoint, Extend, GiveBack, Place, Placed, Settle
from alltoken_app.money import NANO_PER_USD
from alltoken_app.tables.generation import Generation
from alltoken_app.tables.ledger import Budget, Hold, Lease
from tests.ledger.purses import (
    CENT,
    balance,
    generation,
    give,
    hold,
    limit,
    pay,
    place,
    settle,
    wallet,
)
from tests.ledger.test_books import Shaky

GRACE = 15 * clock.SECOND
USD = NANO_PER_USD


@pytest.fixture
async def shaky(database: db.Database) -> AsyncIterator[Shaky]:
    opened = Shaky(database.url)
    opened.batches = []
    yield opened
    await opened.close()


@pytest.fixture
async def books(shaky: Shaky) -> AsyncIterator[Books]:
    opened = Books(shaky, leasing=True)
    yield opened
    await opened.close()
    assert await db.read(invariants.check) == []
    assert await db.read(leased) == 0


def leased(session: Session) -> int:
    return int(session.exec(select(func.coalesce(func.sum(Lease.amount), 0))).one())


def generations(session: Session) -> int:
    return int(session.exec(select(func.count()).select_from(Generation)).one())


def kill(books: Books) -> None:
    """What kill -9 does to the books: nothing of theirs is written any more."""
    for timer in (books._flushing, books._sweeping):
        if timer is not None:
            timer.cancel()
    books._queue.clear()


async def warm(books: Books, wallet_id: str, amount: int = CENT, **more: Any) -> None:
    """The first request is held alone and brings the lease."""
    first = place(wallet_id, amount, **more)
    await books.place(first)
    await books.settle(settle(first.hold_id, 0))


async def reap(seconds: float = 16) -> None:
    with time_machine.travel(clock.now_ms() / 1000 + seconds):
        await db.run(reaper.reap, grace_ms=GRACE)
        assert await db.read(invariants.check) == []


async def test_holds_of_a_lease_share_one_commit(books: Books, shaky: Shaky) -> None:
    mine = await db.run(wallet, 10 * USD)
    await warm(books, mine)
    before = len(shaky.batches)
    for number in range(100):
        placed = await books.place(place(mine, CENT, f"gen_{number}"))
        assert placed == Placed(CENT, 10 * USD - number * 1000 - CENT, None)
        books.settle(settle(f"gen_{number}", 1000))
    assert len(shaky.batches) == before
    await books.flushed()
    assert len(shaky.batches) == before + 1
    left = await db.read(balance, mine)
    assert (left.available, left.held) == (10 * USD - 100_000, 0)
    assert await db.read(leased) > 0
    row = await db.read(generation, "gen_7")
    assert (row.cost, row.held, row.input_tokens) == (1000, CENT, 7)
    assert (await db.read(hold, "gen_7")).state == "captured"


async def test_a_hold_that_lasts_is_written(books: Books) -> None:
    mine = await db.run(wallet, 10 * USD)
    await warm(books, mine)
    await books.place(place(mine, CENT, "gen_1"))
    await asyncio.sleep(4 * module.FLUSH)
    await books.flushed()
    kept = await db.read(hold, "gen_1")
    assert (kept.state, kept.amount, kept.facts["model"]) == ("held", CENT, "author/small")
    assert (await db.read(balance, mine)).held == CENT
    books.checkpoint(Checkpoint("gen_1", 5))
    assert (await books.extend(Extend("gen_1", CENT))).granted == 2 * CENT
    settled = await books.settle(settle("gen_1", 2 * CENT))
    assert (settled.captured, settled.first) == (2 * CENT, True)


async def test_a_refused_extension_leaves_the_hold(books: Books) -> None:
    mine = await db.run(wallet, 10 * USD)
    await warm(books, mine)
    await books.place(place(mine, CENT, "gen_1"))
    assert (await books.extend(Extend("gen_1", 9 * USD))).granted == 9 * USD + CENT
    with pytest.raises(InsufficientCredits):
        await books.extend(Extend("gen_1", USD))
    assert (await books.settle(settle("gen_1", 9 * USD))).captured == 9 * USD


async def test_what_a_lease_lacks_comes_from_the_wallet_to_the_last_nano(books: Books) -> None:
    mine = await db.run(wallet, 10 * USD)
    await warm(books, mine)
    outcomes = await asyncio.gather(
        *[books.place(place(mine, USD + 1)) for _ in range(10)], return_exceptions=True
    )
    assert sum(isinstance(each, Placed) for each in outcomes) == 9
    assert (await books.place(place(mine, USD - 9))).available == 0
    with pytest.raises(InsufficientCredits):
        await books.place(place(mine, 1))


async def test_money_leased_by_others_is_had_before_a_refusal(
    books: Books, database: db.Database
) -> None:
    mine = await db.run(wallet, 10 * USD)
    await warm(books, mine)
    assert await db.read(leased) > USD
    other = Books(database, leasing=True)
    assert (await other.place(place(mine, 10 * USD))).granted == 10 * USD
    with pytest.raises(InsufficientCredits):
        await books.place(place(mine, 1))
    await other.close()


async def test_two_workers_spend_one_wallet(books: Books, database: db.Database) -> None:
    mine, other = await db.run(wallet, USD), Books(database, leasing=True)

    async def spend(by: Books, name: str) -> int:
        spent = 0
        for number in range(60):
            try:
                await by.place(place(mine, CENT, f"gen_{name}{number}"))
            except InsufficientCredits:
                return spent
            by.settle(settle(f"gen_{name}{number}", CENT))
            spent += CENT
        return spent

    spent = await asyncio.gather(spend(books, "a"), spend(other, "b"))
    await other.close()
    await books.flushed()
    assert sum(spent) == USD
    assert (await db.read(balance, mine)).available == 0


async def test_a_killed_process_costs_what_was_durable(shaky: Shaky, database: db.Database) -> None:
    mine, books = await db.run(wallet, 10 * USD), Books(shaky, leasing=True)
    await warm(books, mine)
    for number in range(3):
        await books.place(place(mine, CENT, f"gen_{number}"))
    books.settle(settle("gen_0", 1000))
    await books.flushed()
    books.checkpoint(Checkpoint("gen_1", 500))
    await books.flushed()
    books.settle(settle("gen_1", 900))  # never written
    await books.place(place(mine, CENT, "gen_3"))
    books.settle(settle("gen_3", 900))
    kill(books)
    assert (await db.read(balance, mine)).available == 10 * USD - 1000 - 2 * CENT
    await reap()
    left = await db.read(balance, mine)
    assert (left.available, left.held) == (10 * USD - 1500, 0)
    assert await db.read(leased) == 0
    assert (await db.read(generation, "gen_1")).status == "interrupted"
    assert await db.read(generation, "gen_3") is None


async def test_a_lease_that_was_taken_away_costs_nobody_else(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that slept so long that it counted as dead: its promises find what is there."""
    mine = await db.run(wallet, 10 * USD)
    await warm(books, mine)
    monkeypatch.setattr(module, "FLUSH", 60)  # it sleeps
    await books.place(place(mine, 3 * USD, "gen_1"))
    await reap(20)
    assert await db.read(leased) == 0
    await db.run(holds.apply, [place(mine, 9 * USD, "gen_other", worker="w2")])
    settling = books.settle(settle("gen_1", 2 * USD))
    await books.flushed()
    settled = await settling
    assert (settled.captured, settled.lost) == (USD, USD)
    assert (await db.read(balance, mine)).available == 0
    await db.run(holds.apply, [settle("gen_other", 0)])


async def test_a_lowered_limit_bites_at_once(books: Books) -> None:
    mine, key = await db.run(wallet, 10 * USD), await db.run(limit, 8 * USD)
    await warm(books, mine, budget_id=key)
    placed = await books.place(place(mine, CENT, budget_id=key))
    assert placed.budget_remaining == 8 * USD - CENT

    def lower(session: Session) -> None:
        budget = session.get(Budget, key)
        assert budget is not None
        assert budget.leased > USD
        budget.limit_nano = 2 * CENT
        session.add(budget)

    await db.run(lower)
    books.limits_changed()
    await books.place(place(mine, CENT, "gen_1", budget_id=key))
    with pytest.raises(InsufficientCredits) as refused:
        await books.place(place(mine, CENT, budget_id=key))
    assert refused.value.code == "key_limit_exceeded"


async def test_a_limit_of_one_key_is_not_another_keys(books: Books) -> None:
    mine = await db.run(wallet, 100 * USD)
    one, two = await db.run(limit, USD), await db.run(limit, 2 * USD)
    for key, most in ((one, USD), (two, 2 * USD)):
        await warm(books, mine, budget_id=key)
        await books.place(place(mine, most - CENT, budget_id=key))
        await books.place(place(mine, CENT, budget_id=key))
        with pytest.raises(InsufficientCredits):
            await books.place(place(mine, 1, budget_id=key))


async def test_a_limit_starts_over_while_it_is_leased(books: Books) -> None:
    with time_machine.travel("2026-11-22T23:59:00Z", tick=False) as now:
        mine, key = await db.run(wallet, 10 * USD), await db.run(limit, USD)
        await warm(books, mine, budget_id=key)
        await books.place(place(mine, 90 * CENT, "gen_1", budget_id=key))
        await books.settle(settle("gen_1", 90 * CENT))
        now.shift(120)
        placed = await books.place(place(mine, 50 * CENT, "gen_2", budget_id=key))
        assert placed.granted == 50 * CENT
        await books.settle(settle("gen_2", 50 * CENT))
        placed = await books.place(place(mine, 50 * CENT, "gen_3", budget_id=key))
        assert placed.budget_remaining == 0
        await books.settle(settle("gen_3", 0))


async def test_credit_that_expires_ends_its_lease(books: Books) -> None:
    mine = await db.run(wallet, CENT)
    await db.run(give, mine, 10 * USD, days=1)
    with time_machine.travel(clock.now_ms() / 1000, tick=False) as now:
        await warm(books, mine)
        now.shift(86_401)
        await books.place(place(mine, CENT, "gen_1"))  # promised by what had not expired
        await books.settle(settle("gen_1", CENT))
        await books.flushed()
        assert await db.read(leased) == 0
        assert (await books.place(place(mine, CENT))).available == 0
        with pytest.raises(InsufficientCredits):
            await books.place(place(mine, 1))


async def test_money_that_comes_in_can_be_held_at_once(books: Books) -> None:
    mine = await db.run(wallet, USD)
    await warm(books, mine)
    await books.place(place(mine, USD))
    await db.run(pay, mine, USD)
    await books.place(place(mine, USD))


async def test_an_unused_lease_is_given_back(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(promises, "IDLE", 0.05)
    monkeypatch.setattr(module, "SWEEP", 0.02)
    mine = await db.run(wallet, 10 * USD)
    await warm(books, mine)
    for _ in range(200):
        if await db.read(leased) == 0:
            break
        await asyncio.sleep(0.01)
    assert await db.read(leased) == 0
    await books.place(place(mine, 10 * USD))


async def test_without_the_database_nothing_more_is_promised(
    books: Books, shaky: Shaky, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FIRST_DELAY", 0.02)
    mine = await db.run(wallet, 10 * USD)
    await warm(books, mine)
    await books.place(place(mine, CENT, "gen_1"))
    await books.place(place(mine, CENT, "gen_2"))
    shaky.fail_before = 3
    settling = [books.settle(settle(id_, 1000)) for id_ in ("gen_1", "gen_2")]
    await asyncio.sleep(2 * module.FLUSH)
    with pytest.raises(Unavailable):
        await books.place(place(mine, CENT, "gen_3"))
    assert [(await each).captured for each in settling] == [1000, 1000]
    assert (await books.place(place(mine, CENT))).granted == CENT


async def test_an_unconfirmed_commit_counts_once(books: Books, shaky: Shaky) -> None:
    mine = await db.run(wallet, 10 * USD)
    await warm(books, mine)
    await books.place(place(mine, CENT, "gen_1"))
    shaky.fail_after = 1
    settled = await books.settle(settle("gen_1", 1000))
    assert settled.captured == 1000
    await books.flushed()
    assert (await db.read(balance, mine)).available == 10 * USD - 1000
    assert await db.read(generations) == 2


async def test_a_lease_nobody_heard_of_is_given_back(books: Books, shaky: Shaky) -> None:
    mine = await db.run(wallet, 10 * USD)
    shaky.fail_after = 1
    with pytest.raises(Unavailable):
        await books.place(place(mine, CENT, "gen_1"))
    await books.flushed()
    assert await db.read(leased) == 0
    assert (await db.read(balance, mine)).available == 10 * USD


async def test_whoever_gives_up_the_first_hold_leaves_the_lease_usable(books: Books) -> None:
    mine = await db.run(wallet, 10 * USD)
    waiters = [asyncio.create_task(books.place(place(mine, CENT))) for _ in range(2)]
    await asyncio.sleep(0)
    waiters[0].cancel()
    await asyncio.gather(*waiters, return_exceptions=True)
    await warm(books, mine)
    placed = await books.place(place(mine, CENT))
    assert placed.granted == CENT


async def test_closing_writes_promises_and_gives_back(shaky: Shaky) -> None:
    mine, books = await db.run(wallet, 10 * USD), Books(shaky, leasing=True)
    await warm(books, mine)
    await books.place(place(mine, CENT, "gen_1"))
    await books.place(place(mine, CENT, "gen_2"))
    books.settle(settle("gen_1", 1000))
    await books.close()
    assert await db.read(leased) == 0
    left = await db.read(balance, mine)
    assert (left.available, left.held) == (10 * USD - 1000 - CENT, CENT)
    assert await db.read(invariants.check) == []


async def test_applying_twice_changes_nothing(database: db.Database) -> None:
    mine = await db.run(wallet, 10 * USD)
    first = place(mine, CENT, "gen_1", wish="lea_1")
    promised = place(mine, CENT, "gen_2", lease_id="lea_1")
    second = replace(settle("gen_2", 7), place=promised)
    batch = [first, promised, second, settle("gen_1", 9)]
    await database.run(holds.apply, batch)
    before = await db.read(leased)
    again = await database.run(holds.apply, batch)
    assert not again[2].first
    assert await db.read(leased) == before
    await database.run(holds.apply, [GiveBack("lea_1", mine), GiveBack("lea_1", mine)])
    assert (await db.read(balance, mine)).available == 10 * USD - 16
    assert await db.read(invariants.check) == []


def states(session: Session) -> list[str]:
    return list(session.exec(select(Hold.state).order_by(col(Hold.id))))


async def test_a_promise_is_kept_when_its_lease_is_gone(database: db.Database) -> None:
    mine = await db.run(wallet, CENT)
    promised: Place = place(mine, CENT, "gen_1", lease_id="lea_gone")
    [placed, settled] = await database.run(
        holds.apply, [promised, Settle("gen_1", 5, None, promised)]
    )
    assert placed.lease.over
    assert settled.captured == 5
    assert await db.read(states) == ["captured"]
