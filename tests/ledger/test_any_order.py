"""Whatever happens in whatever order: the books balance and nobody spends what is not there.

Hypothesis draws sequences of payments, grants, holds, settlements, reaping and passing time; a
small model says what each step must do, and every invariant is checked after each.
"""

import asyncio
import itertools
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import asyncpg
import time_machine
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from sqlmodel import Session, col, func, select

from alltoken_app import clock
from alltoken_app.db import Database
from alltoken_app.errors import Conflict, InsufficientCredits
from alltoken_app.ledger import credits, holds, invariants, reaper
from alltoken_app.ledger.holds import Checkpoint, Extend, Placed, Settle, Settled
from alltoken_app.ledger.periods import PERIODS, period_start
from alltoken_app.tables.everything import METADATA
from alltoken_app.tables.generation import Generation
from alltoken_app.tables.ledger import Budget, Hold, JournalTx, LotKind
from tests.ledger.purses import CENT, balance, give, limit, pay, place, settle, wallet

GRACE = 15 * clock.SECOND
START = 1_795_350_000  # 2026-11-22

STEPS = ["hold", "go_on", "hold", "go_on", "pass_time", "pass_time", "grant", "top_up"]
Draw: TypeAlias = Callable[[st.SearchStrategy[Any]], Any]

wallets = st.integers(0, 1)
amounts = st.sampled_from([7 * CENT, CENT + 1, 40 * CENT, 1, 0])
percents = st.sampled_from([37, 100, 120, 0, 99, 1])


@dataclass
class Known:
    """What the model knows of a hold."""

    wallet: int
    amount: int
    budget: bool
    worker: str
    created_at: int
    expires_at: int
    progress: int = 0
    captured: int | None = None


class Machine(RuleBasedStateMachine):
    def __init__(self, url: str) -> None:
        super().__init__()
        self.loop = asyncio.Runner()
        self.database = Database(url)
        self.time = time_machine.travel(START, tick=False)
        self.moment = self.time.start()
        self.numbers = itertools.count()
        self.payments: list[str] = []
        self.holds: dict[str, Known] = {}
        self.spent = [(0, 0), (0, 0)]  # per limit: start of the period, spent in it
        self.seen: dict[str, int] = {}
        self.expected: dict[int, int] = {}

    def run(self, work: Callable[..., Any], *args: Any, **kw: Any) -> Any:
        return self.loop.run(self.database.run(work, *args, **kw))

    def apply(self, *commands: Any) -> list[Any]:
        return self.run(holds.apply, commands)

    @initialize(
        periods=st.tuples(*[st.sampled_from(PERIODS)] * 2),
        worth=st.sampled_from([30 * CENT, 500 * CENT, 0]),
    )
    def open(self, periods: tuple[str, str], worth: int) -> None:
        self.periods = periods
        self.limit = worth
        self.wallets, self.budgets = self.run(self.set_up)

    def set_up(self, session: Session) -> tuple[list[str], list[str]]:
        wallets = [wallet(session, cash) for cash in (60 * CENT, 25 * CENT)]
        give(session, wallets[0], 20 * CENT, days=0.01)
        return wallets, [limit(session, self.limit, period) for period in self.periods]

    def roll(self, at: int) -> int:
        """What the model says was spent in the limit's current period."""
        start = period_start(self.periods[at], clock.now_ms())
        if self.spent[at][0] < start:
            self.spent[at] = (start, 0)
        return self.spent[at][1]

    def left(self, at: int) -> int:
        held = sum(
            each.amount
            for each in self.holds.values()
            if each.wallet == at and each.budget and each.captured is None
        )
        return self.limit - self.roll(at) - held

    def close(self, id_: str, cost: int) -> None:
        known = self.holds[id_]
        known.captured = min(cost, known.amount)
        if known.budget:
            spent = self.roll(known.wallet)
            self.spent[known.wallet] = (self.spent[known.wallet][0], spent + known.captured)

    def expect(self, at: int, available: int) -> None:
        """Say what the wallet must have after this step."""
        self.expected[at] = available

    @rule(data=st.data(), what=st.sampled_from(STEPS))
    def step(self, data: st.DataObject, what: str) -> None:
        """One rule for all kinds: Hypothesis would leave whole rules out of most short runs."""
        getattr(self, what)(data.draw)

    def top_up(self, draw: Draw) -> None:
        """A payment, or the news of one that was credited before."""
        at, worth = draw(wallets), draw(st.sampled_from([9 * CENT, 1, 90 * CENT]))
        if self.payments and draw(st.booleans()):
            assert not self.run(pay, self.wallets[at], worth, self.payments[-1])
            return
        self.payments.append(f"pi_{next(self.numbers)}")
        assert self.run(pay, self.wallets[at], worth, self.payments[-1])
        self.expect(at, self.balances[at].available + worth)

    def grant(self, draw: Draw) -> None:
        at, worth = draw(wallets), draw(st.sampled_from([5 * CENT, 1, 40 * CENT]))
        kind = draw(st.sampled_from([LotKind.PROMO, LotKind.GOODWILL]))
        days = draw(st.sampled_from([0.01, 1, 0]))
        assert self.run(give, self.wallets[at], worth, kind, days)
        self.expect(at, self.balances[at].available + worth)

    def hold(self, draw: Draw) -> None:
        at, amount, limited = draw(wallets), draw(amounts), draw(st.booleans())
        at_least = amount * draw(st.sampled_from([100, 50, 0])) // 100
        worker = draw(st.sampled_from(["beats", "beats", "silent"]))
        now = clock.now_ms()
        command = place(
            self.wallets[at],
            amount,
            f"gen_{next(self.numbers):03d}",
            at_least=at_least,
            budget_id=self.budgets[at] if limited else None,
            worker=worker,
            expires_at=now + draw(st.sampled_from([clock.HOUR, clock.HOUR, clock.MINUTE])),
        )
        have, left = self.balances[at].available, self.left(at)
        first, again = self.apply(command, command)
        if have < at_least:
            assert first.code == "insufficient_credits"
        elif limited and left < at_least:
            assert first.code == "key_limit_exceeded"
        else:
            granted = min(amount, have, left) if limited else min(amount, have)
            assert first == again
            assert first == Placed(granted, have - granted, left - granted if limited else None)
            known = Known(at, granted, limited, worker, now, command.expires_at)
            self.holds[command.hold_id] = known
            self.expect(at, have - granted)

    def go_on(self, draw: Draw) -> None:
        """Several commands in one batch, about open and settled holds, also the same one."""
        if not self.holds:
            return
        commands = [self.command(draw) for _ in range(draw(st.integers(1, 4)))]
        have = {known.wallet: 0 for known in self.holds.values()}
        have = {at: self.balances[at].available for at in have}
        for command, outcome in zip(commands, self.apply(*commands), strict=True):
            known = self.holds[command.hold_id]
            match command:
                case Settle():
                    self.check_settled(command, outcome, known)
                case Extend():
                    self.check_extended(command, outcome, known, have[known.wallet])
                case Checkpoint() if known.captured is None:
                    known.progress = command.progress
            if isinstance(outcome, Placed | Settled):
                have[known.wallet] = outcome.available
                self.expect(known.wallet, outcome.available)

    def command(self, draw: Draw) -> Settle | Extend | Checkpoint:
        """A command about any hold, most often about one that is open."""
        still_open = [id_ for id_, known in self.holds.items() if known.captured is None]
        id_ = draw(st.sampled_from(still_open * 3 + list(self.holds)))
        share = self.holds[id_].amount * draw(percents) // 100
        match draw(st.sampled_from(["settle", "extend", "settle", "checkpoint"])):
            case "settle":
                return settle(id_, share)
            case "extend":
                return Extend(id_, share)
        return Checkpoint(id_, share)

    def check_settled(self, command: Settle, outcome: Any, known: Known) -> None:
        first = known.captured is None
        if first:
            self.close(command.hold_id, command.cost)
        assert isinstance(outcome, Settled)
        assert (outcome.captured, outcome.first) == (known.captured, first)

    def check_extended(self, command: Extend, outcome: Any, known: Known, have: int) -> None:
        left = self.left(known.wallet) if known.budget else command.amount
        if known.captured is not None:
            assert isinstance(outcome, Conflict)
        elif have < command.amount or left < command.amount:
            assert isinstance(outcome, InsufficientCredits)
        else:
            known.amount += command.amount
            assert (outcome.granted, outcome.available) == (known.amount, have - command.amount)

    def pass_time(self, draw: Draw) -> None:
        seconds = draw(st.sampled_from([1_000, 1_000, 14, 61, 3_600, 90_000]))
        self.moment.shift(seconds)
        if draw(st.sampled_from([True, True, False])):
            self.run(reaper.beat, "beats")
            self.seen["beats"] = clock.now_ms()
        if seconds > 600 or draw(st.booleans()):  # the reaper never pauses that long
            self.reap()
        if draw(st.booleans()):
            self.run(credits.expire_lots)

    def reap(self) -> None:
        now = clock.now_ms()
        dead = [id_ for id_, known in self.holds.items() if self.is_dead(known, now)]
        assert self.run(reaper.reap, grace_ms=GRACE) == len(dead)
        for id_ in dead:
            self.close(id_, self.holds[id_].progress)

    def is_dead(self, known: Known, now: int) -> bool:
        sign = self.seen.get(known.worker, known.created_at)
        late = known.expires_at <= now or sign <= now - GRACE
        return known.captured is None and late

    @invariant()
    def all_is_well(self) -> None:
        if not hasattr(self, "wallets"):
            return
        wrong, self.balances, charges, budgets = self.loop.run(self.database.read(self.look))
        assert wrong == []
        for at, now in enumerate(self.balances):
            mine = [known for known in self.holds.values() if known.wallet == at]
            assert now.available >= 0
            assert now.held == sum(known.amount for known in mine if known.captured is None)
            assert now.available + now.held == now.cash + now.promo
            assert charges[at] == sum(known.captured or 0 for known in mine)
            assert budgets[at] == self.left(at)
        for at, available in self.expected.items():
            assert self.balances[at].available == available
        self.expected = {}

    def look(self, session: Session) -> Any:
        """All that the invariants need, in one transaction."""
        balances = [balance(session, id_) for id_ in self.wallets]
        charges = [charged(session, id_) for id_ in self.wallets]
        pairs = zip(self.budgets, self.periods, strict=True)
        budgets = [remaining(session, id_, period) for id_, period in pairs]
        return invariants.check(session), balances, charges, budgets

    def teardown(self) -> None:
        self.loop.run(self.database.close())
        self.loop.close()
        self.time.stop()


def charged(session: Session, wallet_id: str) -> int:
    """What the wallet's generations cost, of which each has its movement."""
    costs = (
        select(func.coalesce(func.sum(Generation.cost), 0))
        .join(Hold, col(Hold.id) == col(Generation.id))
        .join(JournalTx, col(JournalTx.id) == col(Generation.journal_tx))
        .where(col(Hold.wallet_id) == wallet_id)
    )
    return int(session.exec(costs).one())


def remaining(session: Session, id_: str, period: str) -> int:
    """What is left of a limit, as its row says."""
    row = session.get(Budget, id_)
    assert row is not None
    current = row.period_start >= period_start(period, clock.now_ms())
    return row.limit_nano - (row.spent if current else 0) - row.held


def emptied(url: str, pristine: Path) -> str:
    """The same database without a row, so that no example depends on the one before."""
    if url.startswith("sqlite"):
        path = Path(url.removeprefix("sqlite:///"))
        for side in ("-wal", "-shm"):
            path.with_name(path.name + side).unlink(missing_ok=True)
        shutil.copy(pristine, path)
        return url

    async def truncate() -> None:
        connection = await asyncpg.connect(url.replace("+asyncpg", ""))
        tables = ", ".join(f'"{table}"' for table in METADATA.tables)
        await connection.execute(f"TRUNCATE {tables}")
        await connection.close()

    asyncio.run(truncate())
    return url


def test_the_books_balance_whatever_happens(database_url: str, sqlite_template: Path) -> None:
    examples = 24 if database_url.startswith("sqlite") else 7
    run_state_machine_as_test(
        lambda: Machine(emptied(database_url, sqlite_template)),
        settings=settings(
            max_examples=examples,
            stateful_step_count=30,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
