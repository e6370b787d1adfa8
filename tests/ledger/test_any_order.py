"""Whatever happens in whatever order: the books balance and nobody spends what is not there.

Hypothesis draws sequences of payments, grants, holds, settlements, reaping and passing time; a
small model says what each step must do, and every invariant is checked after each.
"""

import asyncio
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import time_machine
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlmodel import Session, col, func, select

from alltoken_app import clock
from alltoken_app.db import Database
from alltoken_app.errors import Conflict, InsufficientCredits
from alltoken_app.ledger import holds, invariants, reaper
from alltoken_app.ledger.accounts import Balance
from alltoken_app.ledger.holds import Checkpoint, Extend, Placed, Settled
from alltoken_app.ledger.periods import PERIODS, period_start
from alltoken_app.tables.generation import Generation
from alltoken_app.tables.ledger import Budget, Hold, JournalTx, LotKind
from tests.ledger.purses import CENT, balance, give, limit, pay, place, settle, wallet

GRACE = 15 * clock.SECOND
START = 1_795_350_000  # 2026-11-22

_numbers = itertools.count()
wallets = st.integers(0, 1)
amounts = st.integers(0, 40 * CENT) | st.sampled_from([0, 1, CENT])


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
        self.payments: list[tuple[int, str]] = []
        self.holds: dict[str, Known] = {}
        self.spent = [(0, 0), (0, 0)]  # per limit: start of the period, spent in it
        self.seen: dict[str, int] = {}

    def run(self, work: Callable[..., Any], *args: Any, **kw: Any) -> Any:
        return self.loop.run(self.database.run(work, *args, **kw))

    def apply(self, *commands: Any) -> list[Any]:
        return self.run(holds.apply, commands)

    def balance(self, at: int) -> Balance:
        return self.run(balance, self.wallets[at])

    @initialize(periods=st.tuples(*[st.sampled_from(PERIODS)] * 2), worth=st.integers(0, 90 * CENT))
    def open(self, periods: tuple[str, str], worth: int) -> None:
        self.prefix = f"gen_{next(_numbers)}"
        self.wallets = [self.run(wallet, cash) for cash in (50 * CENT, 0)]
        self.periods = periods
        self.limit = worth
        self.budgets = [self.run(limit, worth, period) for period in periods]

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

    @rule(at=wallets, cash=st.integers(1, 90 * CENT))
    def top_up(self, at: int, cash: int) -> None:
        before = self.balance(at)
        payment = f"pi_{next(_numbers)}"
        assert self.run(pay, self.wallets[at], cash, payment)
        self.payments.append((at, payment))
        assert self.balance(at).available == before.available + cash

    @precondition(lambda self: self.payments)
    @rule(data=st.data())
    def top_up_again(self, data: st.DataObject) -> None:
        at, payment = data.draw(st.sampled_from(self.payments))
        assert not self.run(pay, self.wallets[at], CENT, payment)

    @rule(
        at=wallets,
        worth=st.integers(1, 40 * CENT),
        kind=st.sampled_from([LotKind.PROMO, LotKind.GOODWILL]),
        days=st.sampled_from([0, 0.01, 1, 8]),
    )
    def grant(self, at: int, worth: int, kind: LotKind, days: float) -> None:
        before = self.balance(at)
        assert self.run(give, self.wallets[at], worth, kind, days)
        assert self.balance(at).available == before.available + worth

    @rule(
        at=wallets,
        amount=amounts,
        percent=st.integers(0, 100),
        limited=st.booleans(),
        worker=st.sampled_from(["beats", "silent"]),
        ttl=st.sampled_from([clock.MINUTE, clock.HOUR]),
    )
    def hold(
        self, at: int, amount: int, percent: int, limited: bool, worker: str, ttl: int
    ) -> None:
        have, left, now = self.balance(at).available, self.left(at), clock.now_ms()
        at_least = amount * percent // 100
        command = place(
            self.wallets[at],
            amount,
            f"{self.prefix}_{len(self.holds)}",
            at_least=at_least,
            budget_id=self.budgets[at] if limited else None,
            worker=self.prefix + worker,
            expires_at=now + ttl,
        )
        first, again = self.apply(command, command)
        if have < at_least:
            assert first.code == "insufficient_credits"
        elif limited and left < at_least:
            assert first.code == "key_limit_exceeded"
        else:
            granted = min(amount, have, left) if limited else min(amount, have)
            rest = left - granted if limited else None
            assert first == again == Placed(granted, have - granted, rest)
            known = Known(at, granted, limited, self.prefix + worker, now, command.expires_at)
            self.holds[command.hold_id] = known
            assert self.balance(at).available == have - granted

    def draw(self, data: st.DataObject) -> tuple[str, Known]:
        id_ = data.draw(st.sampled_from(sorted(self.holds)))
        return id_, self.holds[id_]

    @precondition(lambda self: self.holds)
    @rule(data=st.data(), amount=amounts)
    def extend(self, data: st.DataObject, amount: int) -> None:
        id_, known = self.draw(data)
        have, left = self.balance(known.wallet).available, self.left(known.wallet)
        [outcome] = self.apply(Extend(id_, amount))
        if known.captured is not None:
            assert isinstance(outcome, Conflict)
        elif have < amount or (known.budget and left < amount):
            assert isinstance(outcome, InsufficientCredits)
        else:
            known.amount += amount
            assert (outcome.granted, outcome.available) == (known.amount, have - amount)

    @precondition(lambda self: self.holds)
    @rule(data=st.data(), percent=st.integers(0, 120))
    def checkpoint(self, data: st.DataObject, percent: int) -> None:
        id_, known = self.draw(data)
        progress = known.amount * percent // 100
        self.apply(Checkpoint(id_, progress))
        if known.captured is None:
            known.progress = progress

    @precondition(lambda self: self.holds)
    @rule(data=st.data(), percents=st.lists(st.integers(0, 120), min_size=1, max_size=5))
    def settle(self, data: st.DataObject, percents: list[int]) -> None:
        """Several in one batch; the same hold may be among them twice, or be settled already."""
        drawn = [(*self.draw(data), percent) for percent in percents]
        commands = [settle(id_, known.amount * percent // 100) for id_, known, percent in drawn]
        for command, outcome in zip(commands, self.apply(*commands), strict=True):
            first = self.holds[command.hold_id].captured is None
            if first:
                self.close(command.hold_id, command.cost)
            captured = self.holds[command.hold_id].captured
            assert isinstance(outcome, Settled)
            assert (outcome.captured, outcome.first) == (captured, first)

    @rule(seconds=st.sampled_from([1, 10, 20, 61, 3_600, 86_400, 700_000]), beating=st.booleans())
    def pass_time(self, seconds: int, beating: bool) -> None:
        self.moment.shift(seconds)
        if beating:
            self.run(reaper.beat, self.prefix + "beats")
            self.seen[self.prefix + "beats"] = clock.now_ms()
        # The reaper runs all the time; a longer pause than its patience would be an outage.
        if seconds > 10:
            self.reap()

    @rule()
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
    def the_books_balance(self) -> None:
        assert self.run(invariants.check) == []

    @invariant()
    def the_model_agrees(self) -> None:
        if not hasattr(self, "wallets"):
            return
        for at, id_ in enumerate(self.wallets):
            mine = [known for known in self.holds.values() if known.wallet == at]
            now = self.balance(at)
            assert now.available >= 0
            assert now.held == sum(known.amount for known in mine if known.captured is None)
            assert now.available + now.held == now.cash + now.promo
            assert self.run(charged, id_) == sum(known.captured or 0 for known in mine)
            spent, held = self.run(budget, self.budgets[at], self.periods[at])
            assert self.limit - spent - held == self.left(at)

    def teardown(self) -> None:
        still_open = [id_ for id_, known in self.holds.items() if known.captured is None]
        self.apply(*[settle(id_, 0) for id_ in still_open])
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


def budget(session: Session, id_: str, period: str) -> tuple[int, int]:
    row = session.get(Budget, id_)
    assert row is not None
    current = row.period_start >= period_start(period, clock.now_ms())
    return (row.spent if current else 0), row.held


def test_the_books_balance_whatever_happens(database_url: str) -> None:
    examples = 25 if database_url.startswith("sqlite") else 8
    run_state_machine_as_test(
        lambda: Machine(database_url),
        settings=settings(
            max_examples=examples,
            stateful_step_count=25,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
