"""alltoken_app/ledger/reaper.py"""

import time_machine
from sqlmodel import Session

from alltoken_app import clock, db
from alltoken_app.ledger import holds, invariants, reaper
from alltoken_app.ledger.holds import Checkpoint
from alltoken_app.tables.ledger import Worker
from tests.ledger.purses import CENT, balance, generation, hold, place, settle, wallet

GRACE = 15 * clock.SECOND


def later(seconds: float) -> time_machine.travel:
    return time_machine.travel(clock.now_ms() / 1000 + seconds)


async def reap() -> int:
    reaped = await db.run(reaper.reap, grace_ms=GRACE)
    assert await db.read(invariants.check) == []
    return reaped


def start(session: Session, worker: str = "w1", **more: object) -> str:
    """A wallet of ten cents with two of them held by `worker`."""
    mine = wallet(session, 10 * CENT)
    holds.apply(session, [place(mine, 2 * CENT, "gen_1", worker=worker, **more)])
    return mine


async def test_the_living_are_left_alone(database: db.Database) -> None:
    await db.run(start)
    await db.run(reaper.beat, "w1")
    with later(14):
        assert await reap() == 0
        await db.run(reaper.beat, "w1")
    with later(28):
        assert await reap() == 0
    assert (await db.read(hold, "gen_1")).state == "held"


async def test_a_dead_workers_request_costs_what_was_delivered(database: db.Database) -> None:
    mine = await db.run(start)
    await db.run(reaper.beat, "w1")
    await db.run(holds.apply, [Checkpoint("gen_1", 7)])
    with later(16):
        assert await reap() == 1
        assert await reap() == 0
        row = await db.read(generation, "gen_1")
    assert (row.status, row.estimated, row.cost, row.model) == (
        "interrupted",
        True,
        7,
        "author/small",
    )
    assert row.finished_at is not None
    assert (await db.read(balance, mine)).available == 10 * CENT - 7


async def test_a_dead_workers_request_that_delivered_nothing_is_free(
    database: db.Database,
) -> None:
    mine = await db.run(start, "never_seen")
    with later(16):
        assert await reap() == 1
    row = await db.read(generation, "gen_1")
    assert (row.status, row.cost, row.held, row.journal_tx) == ("interrupted", 0, 2 * CENT, None)
    assert (await db.read(balance, mine)).available == 10 * CENT


async def test_an_overdue_hold_is_settled_though_its_worker_lives(database: db.Database) -> None:
    await db.run(start, expires_at=clock.now_ms() + clock.MINUTE)
    with later(61):
        await db.run(reaper.beat, "w1")
        assert await reap() == 1
        [late] = await db.run(holds.apply, [settle("gen_1", CENT)])
    assert (late.first, late.captured) == (False, 0)


async def test_facts_from_before_an_upgrade_do_not_stop_the_reaper(database: db.Database) -> None:
    facts = {"model": "author/small", "a_column_long_gone": 1}
    await db.run(start, facts=facts)
    with later(16):
        assert await reap() == 1
    row = await db.read(generation, "gen_1")
    assert (row.model, row.provider, row.book) == ("author/small", "", "sandbox")


async def test_workers_long_silent_are_forgotten(database: db.Database) -> None:
    await db.run(reaper.beat, "w_old")
    with later(86_401):
        await reap()
        assert await db.read(lambda s: s.get(Worker, "w_old")) is None
