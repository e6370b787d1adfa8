"""alltoken_app/limits/{pool,blocks}.py: several processes, one limit. Each has its own database."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from sqlmodel import Session, col, func, select

from alltoken_app import clock, db
from alltoken_app.errors import AllTokenError
from alltoken_app.ledger import reaper
from alltoken_app.limits import blocks
from alltoken_app.limits.pool import Pool
from alltoken_app.limits.rates import Entry, Limits, Rates, Subject
from alltoken_app.tables.limits import RateBucket, RateSlots

GRACE_MS = 15_000
ORG = "org_1"

Open = Callable[..., Awaitable[Rates]]


class Counted(db.Database):
    """A database that counts what is written."""

    writes = 0

    async def run(self, *args, **more):  # type: ignore[no-untyped-def]
        self.writes += 1
        return await super().run(*args, **more)


@pytest.fixture
async def opened(database: db.Database) -> AsyncIterator[list[tuple[Counted, Rates]]]:
    """What `process` has opened; all of it is closed at the end."""
    processes: list[tuple[Counted, Rates]] = []
    yield processes
    for own, rates in processes:
        await rates.close()
        await own.close()


@pytest.fixture
def process(database: db.Database, opened: list[tuple[Counted, Rates]]) -> Open:
    """Open another process with these limits."""

    async def start(
        requests: int | None, tokens: int | None = None, at_once: int = 10_000
    ) -> Rates:
        own, worker = Counted(database.url), f"wrk_{len(opened)}"
        await own.run(reaper.beat, worker)
        own.writes = 0
        rates = Rates(Limits(requests, tokens, at_once), Pool(own, worker, GRACE_MS))
        opened.append((own, rates))
        return rates

    return start


async def enter(rates: Rates, tokens: int = 0) -> Entry | AllTokenError:
    try:
        return await rates.enter(ORG, None, tokens)
    except AllTokenError as refusal:
        return refusal


async def storm(count: int, *processes: Rates, tokens: int = 0) -> list[Entry]:
    """That many requests at once in every process; those that were let in."""
    found = await asyncio.gather(*(enter(one, tokens) for _ in range(count) for one in processes))
    return [each for each in found if isinstance(each, Entry)]


def slots(session: Session) -> int:
    return int(session.exec(select(func.coalesce(func.sum(RateSlots.slots), 0))).one())


def bucket(session: Session) -> RateBucket:
    return session.exec(select(RateBucket).where(col(RateBucket.subject) == ORG)).one()


@pytest.mark.parametrize("limit", [10, 300])
async def test_the_sum_over_processes_never_exceeds_the_limit(process: Open, limit: int) -> None:
    began = time.monotonic()
    first, second = await process(limit), await process(limit)
    let_in = await storm(limit, first, second)
    came_back = (time.monotonic() - began) * limit / 60 + 1
    assert limit - 2 * (limit // 50) <= len(let_in) <= limit + came_back


async def test_a_storm_of_several_waves_stays_within_the_limit(process: Open) -> None:
    began = time.monotonic()
    workers = [await process(120) for _ in range(3)]
    let_in = 0
    for _ in range(20):
        for entry in await storm(5, *workers):
            let_in += 1
            entry.leave()
        await asyncio.gather(*(one.turn() for one in workers))
    assert let_in <= 120 + (time.monotonic() - began) * 2 + 1
    assert let_in >= 110


async def test_most_requests_of_a_high_limit_wait_for_nobody(
    process: Open, opened: list[tuple[Counted, Rates]]
) -> None:
    rates = await process(100_000, 10_000_000, 64)
    for _ in range(2_000):
        (await rates.enter(ORG, None, 100)).leave(150)
        await asyncio.sleep(0)
    assert opened[0][0].writes < 20


async def test_places_are_shared_and_move_to_where_they_are_needed(process: Open) -> None:
    first, second = await process(None, None, 4), await process(None, None, 4)
    here = await storm(3, first)
    there = await storm(3, second)
    assert (len(here), len(there)) == (3, 1)
    for entry in here:
        entry.leave()
    await asyncio.sleep(0.2)
    assert len(await storm(5, second)) == 3


async def test_open_requests_never_exceed_the_limit_of_all_together(process: Open) -> None:
    processes = [await process(None, None, 40), await process(None, None, 40)]
    together = most = 0

    async def one(rates: Rates) -> None:
        nonlocal together, most
        found = await enter(rates)
        if isinstance(found, Entry):
            together += 1
            most = max(most, together)
            await asyncio.sleep(0.005)
            together -= 1
            found.leave()

    for _ in range(6):
        await asyncio.gather(*(one(rates) for rates in processes for _ in range(40)))
    assert 30 < most <= 40


async def test_tokens_that_one_process_used_the_others_miss(process: Open) -> None:
    first, second = await process(None, 1_000), await process(None, 1_000)
    (await first.enter(ORG, None, 100)).leave(1_400)
    await asyncio.sleep(0.2)
    refusal = await enter(second, 10)
    assert isinstance(refusal, AllTokenError)
    assert refusal.details["limit"] == "tokens_per_minute"
    assert refusal.retry_after is not None
    assert 10 < refusal.retry_after < 30  # 400 owed, 11 needed, 16.7 a second


async def test_what_is_not_used_is_given_back(process: Open, database: db.Database) -> None:
    rates = await process(5_000, 50_000, 64)
    entry = await rates.enter(ORG, None, 100)
    entry.leave(100)
    await asyncio.sleep(0.1)
    await rates.close()
    left = await database.read(bucket)
    assert left.requests == pytest.approx(4_999, abs=15)
    assert left.tokens == pytest.approx(49_900, abs=150)
    assert await database.read(slots) == 0


async def test_the_places_of_a_dead_process_come_back(process: Open, database: db.Database) -> None:
    dead, living = await process(None, None, 3), await process(None, None, 3)
    assert len(await storm(3, dead)) == 3
    assert await storm(1, living) == []
    await database.run(_silence, "wrk_0")
    await asyncio.sleep(0.05)
    assert len(await storm(3, living)) == 3


def _silence(session: Session, worker: str) -> None:
    silent = clock.now_ms() - GRACE_MS - 1
    row = session.get(reaper.Worker, worker)
    assert row is not None
    row.seen_at = silent
    session.add(row)


async def test_a_keys_own_limit_holds_over_all_processes(process: Open) -> None:
    own = Subject("key_1", "key", Limits(6, None, None))
    processes = [await process(1_000), await process(1_000)]

    tries = (rates.enter(ORG, own) for rates in processes for _ in range(20))
    found = await asyncio.gather(*tries, return_exceptions=True)
    refusals = [one for one in found if isinstance(one, AllTokenError)]
    assert 33 <= len(refusals) <= 34
    assert {refusal.details["scope"] for refusal in refusals} == {"key"}


async def test_buckets_nobody_uses_are_forgotten(process: Open, database: db.Database) -> None:
    rates = await process(10)
    (await rates.enter(ORG)).leave()
    await rates.close()
    assert await database.run(blocks.sweep) == 0
    await database.run(_age)
    assert await database.run(blocks.sweep) == 1


def _age(session: Session) -> None:
    found = bucket(session)
    found.at -= blocks.FORGOTTEN + 1
    session.add(found)
