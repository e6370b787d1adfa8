"""alltoken_app/ledger/holds.py"""

from typing import Any

import pytest
import time_machine
from sqlmodel import Session, select
from structlog.testing import capture_logs

from alltoken_app import clock, db
from alltoken_app.errors import Conflict, InsufficientCredits
from alltoken_app.ledger import holds, invariants
from alltoken_app.ledger.accounts import Balance
from alltoken_app.ledger.holds import Checkpoint, Extend, Placed, Settle, Settled
from alltoken_app.tables.ledger import Budget, Hold, JournalTx, LedgerAccount, LotKind
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


async def apply(database: db.Database, *commands: Any) -> list[Any]:
    outcomes = await database.run(holds.apply, commands)
    assert await database.read(invariants.check) == []
    return outcomes


def posted(session: Session, account: str) -> int:
    found = session.get(LedgerAccount, f"sandbox/{account}")
    return found.posted if found else 0


async def test_a_hold_takes_from_what_is_available(database: db.Database) -> None:
    mine = await db.run(wallet, 10 * CENT)
    [placed] = await apply(database, place(mine, 4 * CENT, "gen_1"))
    assert placed == Placed(granted=4 * CENT, available=6 * CENT, budget_remaining=None)
    assert await db.read(balance, mine) == Balance(6 * CENT, 4 * CENT, 10 * CENT)
    kept = await db.read(hold, "gen_1")
    assert (kept.state, kept.facts["model"], kept.worker) == ("held", "author/small", "w1")


async def test_a_hold_gets_what_there_is_down_to_its_least(database: db.Database) -> None:
    mine = await db.run(wallet, 5 * CENT)
    [placed] = await apply(database, place(mine, 9 * CENT, at_least=5 * CENT))
    assert placed == Placed(granted=5 * CENT, available=0, budget_remaining=None)


async def test_a_refusal_says_need_and_have_and_changes_nothing(database: db.Database) -> None:
    mine = await db.run(wallet, 5 * CENT)
    [refusal] = await apply(database, place(mine, 9 * CENT, at_least=6 * CENT))
    assert isinstance(refusal, InsufficientCredits)
    assert refusal.code == "insufficient_credits"
    assert refusal.details == {"need": "0.06", "have": "0.05"}
    assert "$0.06" in str(refusal)
    assert "$0.05" in str(refusal)
    assert await db.read(balance, mine) == Balance(5 * CENT, 0, 5 * CENT)


async def test_a_wallet_that_does_not_exist_has_nothing(database: db.Database) -> None:
    [refusal] = await apply(database, place("wal_none", CENT))
    assert refusal.details["have"] == "0"


async def test_one_batch_never_spends_more_than_there_is(database: db.Database) -> None:
    mine, other = await db.run(wallet, 5 * CENT), await db.run(wallet, CENT)
    outcomes = await apply(
        database, *[place(w, 2 * CENT, f"{w}{i}") for i in range(4) for w in (mine, other)]
    )
    assert [isinstance(each, Placed) for each in outcomes] == [True, False, True] + [False] * 5


async def test_placing_a_hold_again_changes_nothing(database: db.Database) -> None:
    mine = await db.run(wallet, 10 * CENT)
    same = place(mine, 4 * CENT, "gen_1")
    first, second = await apply(database, same, same)
    [third] = await apply(database, place(mine, 9 * CENT, "gen_1"))
    assert first == second == third
    await apply(database, settle("gen_1", CENT))
    [refusal] = await apply(database, same)
    assert isinstance(refusal, Conflict)
    assert refusal.details == {"charged": "0.01"}


async def test_given_credit_is_spent_before_cash_and_soonest_expiry_first(
    database: db.Database,
) -> None:
    mine = await db.run(wallet, CENT)
    await db.run(give, mine, CENT, LotKind.GOODWILL)
    await db.run(give, mine, CENT, LotKind.PROMO, days=9)
    await db.run(give, mine, CENT, LotKind.PROMO, days=2)
    await db.run(pay, mine, CENT)
    await apply(database, place(mine, 5 * CENT, "gen_1"))
    kept = await db.read(hold, "gen_1")
    assert [kind for _, kind, _ in kept.alloc] == ["promo", "promo", "goodwill", "cash", "cash"]
    [settled] = await apply(database, settle("gen_1", 4 * CENT - 1))
    assert settled.available == CENT + 1
    assert await db.read(posted, "wallet:promo:" + await db.read(org_of, mine)) == 0
    assert await db.read(posted, "revenue:usage") == -4 * CENT + 1


def org_of(session: Session, wallet_id: str) -> str:
    from_tx = select(JournalTx.org_id).where(JournalTx.kind == "top_up")
    return str(session.exec(from_tx).first())


async def test_expired_credit_cannot_be_held(database: db.Database) -> None:
    mine = await db.run(wallet, CENT)
    await db.run(give, mine, 9 * CENT, LotKind.PROMO, days=1)
    with time_machine.travel((clock.now_ms() + clock.DAY) / 1000 + 1):
        [placed] = await apply(database, place(mine, 5 * CENT, at_least=1))
    assert placed == Placed(granted=CENT, available=0, budget_remaining=None)


async def test_a_capture_charges_the_cost_and_frees_the_rest(database: db.Database) -> None:
    mine = await db.run(wallet, 10 * CENT)
    await apply(database, place(mine, 4 * CENT, "gen_1"))
    [settled] = await apply(database, settle("gen_1", 1_234_567))
    assert settled == Settled(captured=1_234_567, available=10 * CENT - 1_234_567, first=True)
    row = await db.read(generation, "gen_1")
    assert (row.cost, row.held, row.status, row.input_tokens) == (1_234_567, 4 * CENT, "ok", 7)
    tx = await db.read(lambda s: s.get(JournalTx, row.journal_tx))
    assert (tx.kind, tx.effect.startswith("usage:")) == ("usage", True)
    kept = await db.read(hold, "gen_1")
    assert (kept.state, kept.captured) == ("captured", 1_234_567)
    assert kept.settled_at is not None


async def test_what_the_usage_record_leaves_out_takes_the_tables_defaults(
    database: db.Database,
) -> None:
    mine = await db.run(wallet, CENT)
    await apply(database, place(mine, CENT, "gen_1"), settle("gen_1", 1))
    row = await db.read(generation, "gen_1")
    assert (row.lines, row.attempts, row.estimated, row.output_tokens) == ([], [], False, 0)
    assert (row.key_id, row.finished_at) == (None, None)


async def test_a_cost_of_nothing_releases(database: db.Database) -> None:
    mine = await db.run(wallet, CENT)
    await apply(database, place(mine, CENT, "gen_1"), place(mine, 0, "gen_2"))
    await apply(database, settle("gen_1", 0), Settle("gen_2", 0, None))
    assert (await db.read(hold, "gen_1")).state == "released"
    row = await db.read(generation, "gen_1")
    assert (row.cost, row.journal_tx) == (0, None)
    assert await db.read(generation, "gen_2") is None
    assert await db.read(balance, mine) == Balance(CENT, 0, CENT)


async def test_a_capture_never_exceeds_its_hold(database: db.Database) -> None:
    mine = await db.run(wallet, 10 * CENT)
    await apply(database, place(mine, 2 * CENT, "gen_1"))
    with capture_logs() as logs:
        [settled] = await apply(database, settle("gen_1", 3 * CENT))
    assert settled == Settled(2 * CENT, 8 * CENT, first=True, lost=CENT)
    assert (logs[0]["event"], logs[0]["hold"], logs[0]["lost"]) == (
        "cost_beyond_hold",
        "gen_1",
        CENT,
    )
    assert (await db.read(generation, "gen_1")).cost == 2 * CENT


async def test_a_hold_ends_once(database: db.Database) -> None:
    mine = await db.run(wallet, 10 * CENT)
    await apply(database, place(mine, 4 * CENT, "gen_1"))
    first, second = await apply(database, settle("gen_1", CENT), settle("gen_1", 2 * CENT))
    [third] = await apply(database, settle("gen_1", 0))
    assert first.first
    assert second == third == Settled(CENT, 9 * CENT, first=False)
    assert await db.read(posted, "revenue:usage") == -CENT


async def test_settling_what_was_never_held_does_nothing(database: db.Database) -> None:
    assert await apply(database, settle("gen_none", CENT)) == [Settled(0, 0, first=False)]
    assert await db.read(generation, "gen_none") is None


async def test_one_batch_writes_one_movement_per_wallet(database: db.Database) -> None:
    one, two = await db.run(wallet, 9 * CENT), await db.run(wallet, 9 * CENT)
    ids = [f"gen_{i}" for i in range(6)]
    await apply(database, *[place((one, two)[i % 2], CENT, id_) for i, id_ in enumerate(ids)])
    await apply(database, *[settle(id_, 1000 + i) for i, id_ in enumerate(ids)])
    usage = select(JournalTx).where(JournalTx.kind == "usage")
    assert len(await db.read(lambda s: s.exec(usage).all())) == 2
    assert len({(await db.read(generation, id_)).journal_tx for id_ in ids}) == 2


async def test_a_hold_grows_whole_or_not_at_all(database: db.Database) -> None:
    mine = await db.run(wallet, 5 * CENT)
    await apply(database, place(mine, 2 * CENT, "gen_1"))
    grown, refused = await apply(database, Extend("gen_1", 2 * CENT), Extend("gen_1", CENT + 1))
    assert grown == Placed(granted=4 * CENT, available=CENT, budget_remaining=None)
    assert refused.code == "insufficient_credits"
    [settled] = await apply(database, settle("gen_1", 3 * CENT))
    assert settled == Settled(3 * CENT, 2 * CENT, first=True)
    [closed] = await apply(database, Extend("gen_1", CENT))
    assert closed.code == "hold_closed"


async def test_a_checkpoint_notes_progress(database: db.Database) -> None:
    mine = await db.run(wallet, 5 * CENT)
    await apply(database, place(mine, 2 * CENT, "gen_1"))
    outcomes = await apply(database, Checkpoint("gen_1", 7), Checkpoint("gen_none", 7))
    assert outcomes == [None, None]
    kept = await db.read(hold, "gen_1")
    assert (kept.state, kept.progress) == ("in_flight", 7)


async def test_a_whole_life_fits_in_one_batch(database: db.Database) -> None:
    mine = await db.run(wallet, 5 * CENT)
    life = [
        place(mine, CENT, "gen_1"),
        Extend("gen_1", CENT),
        Checkpoint("gen_1", 5),
        settle("gen_1", CENT + 5),
        place(mine, 4 * CENT - 5, "gen_2"),
    ]
    assert (await apply(database, *life))[-1] == Placed(4 * CENT - 5, 0, None)


async def test_a_limit_is_held_and_spent_with_the_money(database: db.Database) -> None:
    mine, key = await db.run(wallet, 50 * CENT), await db.run(limit, 10 * CENT)
    [placed] = await apply(database, place(mine, 6 * CENT, "gen_1", budget_id=key))
    assert placed.budget_remaining == 4 * CENT
    [part] = await apply(database, place(mine, 6 * CENT, "gen_2", budget_id=key, at_least=CENT))
    assert (part.granted, part.budget_remaining) == (4 * CENT, 0)
    await apply(database, settle("gen_1", 5 * CENT), settle("gen_2", 0))
    [last] = await apply(database, place(mine, 5 * CENT, "gen_3", budget_id=key))
    assert last == Placed(5 * CENT, 40 * CENT, 0)


@time_machine.travel("2026-11-22T23:55:00Z", tick=False)
async def test_a_limit_refuses_and_starts_over(database: db.Database) -> None:
    mine, key = await db.run(wallet, 50 * CENT), await db.run(limit, 10 * CENT)
    await apply(database, place(mine, 9 * CENT, "gen_1", budget_id=key), settle("gen_1", 9 * CENT))
    await apply(database, place(mine, CENT, "gen_2", budget_id=key))
    [refusal] = await apply(database, place(mine, CENT, "gen_3", budget_id=key))
    [extension] = await apply(database, Extend("gen_2", CENT))
    assert refusal.code == extension.code == "key_limit_exceeded"
    assert refusal.details == {
        "need": "0.01",
        "have": "0",
        "limit": "0.1",
        "resets_at": "2026-11-23T00:00:00.000Z",
    }
    with time_machine.travel("2026-11-23T00:00:00Z", tick=False):
        [placed] = await apply(database, place(mine, CENT, "gen_4", budget_id=key))
        assert placed.budget_remaining == 8 * CENT  # what is still held counts on
        await apply(database, settle("gen_2", CENT), settle("gen_4", 0))
        row = await db.read(lambda s: s.get(Budget, key))
        assert (row.spent, row.held, clock.iso(row.period_start)[:10]) == (CENT, 0, "2026-11-23")


async def test_a_limit_set_anew_owes_nothing_to_older_holds(database: db.Database) -> None:
    mine, key = await db.run(wallet, 50 * CENT), await db.run(limit, 10 * CENT, "total")
    await apply(database, place(mine, 6 * CENT, "gen_1", budget_id=key))
    await db.run(lambda s: s.delete(s.get(Budget, key)))
    await db.run(lambda s: s.add(Budget(id=key, limit_nano=CENT, period="total")))
    [settled] = await apply(database, settle("gen_1", 2 * CENT))
    assert settled.first
    [refusal] = await apply(database, place(mine, 1, budget_id=key))
    assert refusal.details["resets_at"] is None


async def test_a_limit_that_is_gone_limits_nothing(database: db.Database) -> None:
    mine = await db.run(wallet, CENT)
    [placed] = await apply(database, place(mine, CENT, "gen_1", budget_id="key_gone"))
    assert placed.budget_remaining is None


@pytest.mark.parametrize(
    "command",
    [place("wal", 1, at_least=2), place("wal", -1), Settle("gen_1", -1, None), Extend("gen_1", -1)],
)
async def test_what_makes_no_sense_is_an_error(database: db.Database, command: Any) -> None:
    with pytest.raises(ValueError, match="gen_"):
        await db.run(holds.apply, [command])


async def test_an_error_undoes_the_whole_batch(database: db.Database) -> None:
    mine = await db.run(wallet, CENT)
    with pytest.raises(KeyError):
        await db.run(holds.apply, [place(mine, CENT, "gen_1"), Settle("gen_1", 1, {"book": "x"})])
    assert await db.read(lambda s: s.exec(select(Hold)).all()) == []
    assert await db.read(balance, mine) == Balance(CENT, 0, CENT)
