"""alltoken_app/ledger/invariants.py: each kind of damage is noticed and named."""

import pytest
from sqlalchemy import text
from sqlmodel import Session

from alltoken_app import db
from alltoken_app.ledger import holds, invariants
from tests.ledger.purses import CENT, give, limit, place, settle, wallet


def books(session: Session) -> None:
    """A wallet with cash and promo, a captured, a released and an open hold, and a limit."""
    mine = wallet(session, 50 * CENT, "org_a")
    give(session, mine, CENT)
    key = limit(session, 90 * CENT)
    holds.apply(session, [place(mine, 5 * CENT, f"gen_{i}", budget_id=key) for i in range(3)])
    holds.apply(session, [settle("gen_0", 3 * CENT), settle("gen_1", 0)])


async def test_sound_books_balance(database: db.Database) -> None:
    await db.run(books)
    assert await db.read(invariants.check) == []


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (
            "INSERT INTO entry SELECT id, 9, 'sandbox/revenue:usage', 5 FROM journal_tx"
            " WHERE kind = 'usage'",
            "does not balance",
        ),
        (
            "INSERT INTO journal_tx VALUES ('t1', 'e1', 'x', 'sandbox', NULL, 'x', '', 1)",
            "has no entries",
        ),
        (
            "UPDATE ledger_account SET posted = posted + 1 WHERE id = 'sandbox/revenue:usage'",
            "its entries add up to",
        ),
        ("UPDATE lot SET remaining = remaining - 1 WHERE kind = 'cash'", "cash credit in its lots"),
        ("UPDATE wallet SET held = held + 1", "its open holds"),
        ("UPDATE hold SET amount = amount + 1 WHERE state = 'held'", "its open holds"),
        ("UPDATE hold SET captured = 1 WHERE state = 'released'", "ended as released"),
        ("UPDATE hold SET state = 'held' WHERE state = 'captured'", "its open holds"),
        ("UPDATE hold SET expires_at = 1 WHERE state = 'held'", "should have been settled"),
        ("UPDATE budget SET held = held + 1", "The limit of key"),
        ("UPDATE generation SET cost = cost + 1 WHERE cost > 0", "its generations cost"),
        ("UPDATE generation SET held = held + 1", "its hold captured"),
        ("UPDATE generation SET journal_tx = NULL", "names no movement"),
        (
            "UPDATE ledger_account SET book = 'live' WHERE id = 'sandbox/revenue:usage'",
            "of the sandbox book touches",
        ),
        ("UPDATE generation SET book = 'live'", "is paid from the sandbox book"),
    ],
)
async def test_damage_is_noticed(database: db.Database, damage: str, sentence: str) -> None:
    await db.run(books)
    await db.run(lambda session: session.execute(text(damage)))
    found = await db.read(invariants.check)
    assert any(sentence in each for each in found), found
