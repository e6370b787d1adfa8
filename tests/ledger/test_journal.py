"""alltoken_app/ledger/journal.py"""

import asyncio

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session, select

from alltoken_app import db
from alltoken_app.ledger import invariants, journal
from alltoken_app.tables.ledger import Entry, JournalTx, LedgerAccount

BANK = {"bank:x": 5, "bank:y": -5}


def post(session: Session, effect: str, lines: dict[str, int]) -> JournalTx | None:
    return journal.post(
        session,
        effect=effect,
        kind="test",
        book="sandbox",
        org_id="org_a",
        actor="test",
        lines=lines,
    )


async def test_a_movement_moves_sums_and_leaves_entries(database: db.Database) -> None:
    await db.run(post, "e1", {"bank:x": 5, "wallet:cash:org_a": -5})
    await db.run(post, "e2", {"bank:x": 2, "tax:y": -2})
    accounts = await db.read(lambda s: {a.id: a for a in s.exec(select(LedgerAccount))})
    assert {id_: a.posted for id_, a in accounts.items()} == {
        "sandbox/bank:x": 7,
        "sandbox/tax:y": -2,
        "sandbox/wallet:cash:org_a": -5,
    }
    cash = accounts["sandbox/wallet:cash:org_a"]
    assert (cash.kind, cash.org_id, cash.book) == ("wallet:cash", "org_a", "sandbox")
    assert await db.read(lambda s: len(s.exec(select(Entry)).all())) == 4
    assert await db.read(invariants.check) == []


async def test_an_effect_is_applied_once(database: db.Database) -> None:
    first = await db.run(post, "e1", BANK)
    assert first is not None
    assert first.effect == "e1"
    assert await db.run(post, "e1", {"bank:x": 9, "bank:y": -9}) is None
    assert await db.read(lambda s: s.get(LedgerAccount, "sandbox/bank:x").posted) == 5


async def test_an_effect_is_applied_once_when_many_ask_at_once(database: db.Database) -> None:
    done = await asyncio.gather(*[db.run(post, "e1", BANK) for _ in range(8)])
    assert sum(tx is not None for tx in done) == 1
    assert await db.read(invariants.check) == []


@pytest.mark.parametrize(
    "lines",
    [{"bank:x": 5, "bank:y": -4}, {}, {"bank:x": 0}, {"live/bank:x": 5, "bank:y": -5}],
)
async def test_what_does_not_balance_in_one_book_is_refused(
    database: db.Database, lines: dict[str, int]
) -> None:
    with pytest.raises(ValueError, match="e1"):
        await db.run(post, "e1", lines)
    assert await db.read(lambda s: s.exec(select(JournalTx)).all()) == []


@pytest.mark.parametrize("change", ["UPDATE entry SET amount = 1", "DELETE FROM journal_tx"])
async def test_what_is_written_stays_written(database: db.Database, change: str) -> None:
    await db.run(post, "e1", BANK)
    with pytest.raises(DBAPIError, match="append-only"):
        await db.run(lambda session: session.execute(text(change)))
