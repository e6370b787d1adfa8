"""Two processes, their leases, deaths and limits, in any order: nobody overspends, all adds up.

Each process is a `Books` of its own on one real database. What a process that lives has settled is
charged exactly; what a killed one had not written is free; money is never there twice.
"""

import asyncio
import itertools
from dataclasses import dataclass, field
from typing import Any

import time_machine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import Session, col, func, select

from alltoken_app import clock, db
from alltoken_app.errors import InsufficientCredits
from alltoken_app.ledger import books as module
from alltoken_app.ledger import holds, invariants, reaper
from alltoken_app.ledger.books import Books
from alltoken_app.ledger.holds import Checkpoint, Extend, GiveBack
from alltoken_app.tables.generation import Generation
from alltoken_app.tables.ledger import Budget, Hold, Lease
from tests.ledger.purses import CENT, balance, limit, pay, place, settle, wallet
from tests.ledger.test_leases import kill

GRACE = 15 * clock.SECOND
KINDS = ["place", "place", "place", "settle", "settle", "extend", "note", "flush", "kill", "reap",
         "pay", "limit", "forget"]  # fmt: skip
steps = st.lists(
    st.tuples(
        st.sampled_from(KINDS),
        st.integers(0, 1),
        st.booleans(),
        st.sampled_from([CENT, 1, 7 * CENT, 90 * CENT, 400 * CENT, 0]),
        st.sampled_from([0, 37, 100, 120]),
    ),
    min_size=5,
    max_size=25,
)


@dataclass
class Known:
    by: int
    granted: int
    limited: bool
    captured: int | None = None


@dataclass
class World:
    """The two processes, and what must be true of what they did."""

    database: db.Database
    wallet: str
    budget: str
    paid: int
    late: int = 0
    numbers: Any = field(default_factory=itertools.count)
    books: list[Books] = field(default_factory=list)
    workers: list[str] = field(default_factory=list)
    known: dict[str, Known] = field(default_factory=dict)

    def start(self) -> Books:
        self.workers.append(f"w{next(self.numbers)}")
        return Books(self.database, leasing=True)

    async def place(self, by: int, limited: bool, amount: int, _share: int) -> None:
        id_ = f"gen_{next(self.numbers):04d}"
        command = place(
            self.wallet, amount, id_, worker=self.workers[by],
            budget_id=self.budget if limited else None, at_least=amount // 2,
        )  # fmt: skip
        try:
            placed = await self.books[by].place(command)
        except InsufficientCredits:
            return
        assert amount // 2 <= placed.granted <= amount
        self.known[id_] = Known(by, placed.granted, limited)
        self.check_not_twice()

    def check_not_twice(self) -> None:
        mine = self.known.values()
        charged = sum(each.captured or 0 for each in mine)
        still_open = sum(each.granted for each in mine if each.captured is None)
        assert charged + still_open <= self.paid

    def open_of(self, by: int) -> list[str]:
        return [i for i, each in self.known.items() if each.by == by and each.captured is None]

    async def settle(self, by: int, _limited: bool, _amount: int, share: int) -> None:
        for id_ in self.open_of(by)[:1]:
            known = self.known[id_]
            cost = known.granted * share // 100
            self.books[by].settle(settle(id_, cost))
            known.captured = min(cost, known.granted)

    async def extend(self, by: int, _limited: bool, amount: int, _share: int) -> None:
        for id_ in self.open_of(by)[-1:]:
            try:
                placed = await self.books[by].extend(Extend(id_, amount))
            except InsufficientCredits:
                return
            assert placed.granted == self.known[id_].granted + amount
            self.known[id_].granted = placed.granted
            self.check_not_twice()

    async def note(self, by: int, _limited: bool, _amount: int, share: int) -> None:
        for id_ in self.open_of(by):
            self.books[by].checkpoint(Checkpoint(id_, self.known[id_].granted * share // 100))

    async def flush(self, by: int, *_: Any) -> None:
        await self.books[by].flushed()
        assert await self.database.read(invariants.check) == []

    async def kill(self, by: int, *_: Any) -> None:
        """Its requests are the reaper's; from here on only the database knows of them."""
        if self.books[by]._committing is not None:
            await asyncio.wait([self.books[by]._committing])
        kill(self.books[by])
        dead = self.workers[by]
        self.workers[by] = f"w{next(self.numbers)}"
        self.books[by] = Books(self.database, leasing=True)
        await self.bury(dead)
        for id_ in [i for i, each in self.known.items() if each.by == by]:
            row = await self.database.read(lambda s, i=id_: s.get(Hold, i))
            self.known[id_].captured = row.captured if row else 0

    async def bury(self, dead: str) -> None:
        def silence(session: Session) -> None:
            for worker in self.workers:
                reaper.beat(session, worker)
            assert dead not in self.workers

        self.late += 32  # beyond every beat there was
        with time_machine.travel(clock.now_ms() / 1000 + self.late):
            await self.database.run(silence)
            await self.database.run(reaper.reap, grace_ms=GRACE)
        assert await self.database.read(invariants.check) == []

    async def reap(self, *_: Any) -> None:
        await self.bury("nobody")

    async def pay(self, _by: int, _limited: bool, amount: int, _share: int) -> None:
        if amount:
            await self.database.run(pay, self.wallet, amount)
            self.paid += amount

    async def limit(self, _by: int, _limited: bool, amount: int, _share: int) -> None:
        def change(session: Session) -> None:
            row = session.get(Budget, self.budget, with_for_update=True)
            assert row is not None
            row.limit_nano = amount
            session.add(row)

        await self.database.run(change)
        for each in self.books:
            each.limits_changed()

    async def forget(self, by: int, *_: Any) -> None:
        """Somebody ends the leases of a process that lives, as if it had been thought dead."""
        await self.books[by].flushed()  # what it has promised is written
        mine = select(Lease.id).where(Lease.wallet_id == self.wallet)
        for id_ in await self.database.read(lambda s: list(s.exec(mine))):
            await self.database.run(holds.apply, [GiveBack(id_, self.wallet)])

    async def end(self, cost_before: int) -> None:
        """`cost_before` is what earlier examples spent, from wallets of their own."""
        for by in (0, 1):
            for _ in self.open_of(by):
                await self.settle(by, False, 0, 50)
            await self.books[by].close()
        assert await self.database.read(invariants.check) == []
        charged = sum(each.captured or 0 for each in self.known.values())
        left = await self.database.read(balance, self.wallet)
        assert (left.held, left.available) == (0, self.paid - charged)
        assert await self.database.read(leased, self.wallet) == 0
        assert await self.database.read(cost) == cost_before + charged


def leased(session: Session, wallet_id: str) -> int:
    return sum(session.exec(select(Lease.amount).where(Lease.wallet_id == wallet_id)))


def cost(session: Session) -> int:
    costs = select(func.coalesce(func.sum(col(Generation.cost)), 0))
    return int(session.exec(costs).one())


async def live(database_url: str, plan: list[Any]) -> None:
    database = db.Database(database_url)
    before = await database.read(cost)
    paid = 1000 * CENT
    world = World(
        database,
        await database.run(wallet, paid),
        await database.run(limit, 300 * CENT, "total"),
        paid,
    )
    world.numbers = itertools.count(int(clock.now_ms()) * 1000)
    world.books = [world.start(), world.start()]
    for kind, *how in plan:
        await getattr(world, kind)(*how)
    await world.end(before)
    await database.close()


def test_nobody_overspends_whatever_processes_do(database_url: str, monkeypatch: Any) -> None:
    monkeypatch.setattr(module, "PATIENCE", 0.15)
    examples = 15 if database_url.startswith("sqlite") else 5

    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(steps)
    def run(plan: list[Any]) -> None:
        asyncio.run(live(database_url, plan))

    run()
