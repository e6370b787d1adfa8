"""alltoken_app/ledger/credits.py and accounts.py"""

import asyncio

import pytest
import time_machine
from sqlmodel import Session, select

from alltoken_app import clock, db
from alltoken_app.ledger import accounts, credits, holds, invariants
from alltoken_app.ledger.accounts import Balance
from alltoken_app.tables.ledger import LedgerAccount, LotKind
from tests.ledger.purses import CENT, balance, give, pay, place, settle, wallet


def posted(session: Session) -> dict[str, int]:
    return {a.id.partition("/")[2].partition(":org")[0]: a.posted for a in accounts_of(session)}


def accounts_of(session: Session) -> list[LedgerAccount]:
    return list(session.exec(select(LedgerAccount).where(LedgerAccount.posted != 0)))


async def test_an_organisation_has_one_wallet_per_book(database: db.Database) -> None:
    first = await db.run(wallet, 0, "org_a")
    again = await asyncio.gather(
        *[db.run(accounts.open_wallet, "org_a", book) for book in ("sandbox", "live") * 4]
    )
    assert {each.id for each in again if each.book == "sandbox"} == {first}
    assert len({each.id for each in again}) == 2
    assert await db.read(accounts.find_wallet, "org_b", "sandbox") is None


async def test_a_payment_is_credited_once(database: db.Database) -> None:
    mine = await db.run(wallet)
    done = await asyncio.gather(*[db.run(pay, mine, 100 * CENT, "pi_1") for _ in range(6)])
    assert sorted(done) == [False] * 5 + [True]
    assert await db.read(balance, mine) == Balance(available=100 * CENT, cash=100 * CENT)
    assert await db.read(posted) == {
        "stripe:clearing": 105 * CENT,
        "wallet:cash": -100 * CENT,
        "revenue:topup_fee": -5 * CENT,
    }
    assert await db.read(invariants.check) == []


async def test_given_credit_is_promo_and_never_cash(database: db.Database) -> None:
    mine = await db.run(wallet)
    await db.run(give, mine, 2 * CENT)
    await db.run(give, mine, 3 * CENT, LotKind.GOODWILL)
    assert await db.read(balance, mine) == Balance(available=5 * CENT, promo=5 * CENT)
    with pytest.raises(ValueError, match="promo or goodwill"):
        await db.run(give, mine, CENT, LotKind.CASH)
    assert await db.read(invariants.check) == []


async def test_a_grant_is_given_once(database: db.Database) -> None:
    mine = await db.run(wallet)
    for expected in (True, False):
        given = await db.run(
            lambda s: credits.grant(
                s, mine, LotKind.PROMO, CENT, effect="welcome:org", actor="test", reason="welcome"
            )
        )
        assert given is expected


async def test_expired_credit_cannot_be_spent_and_is_taken_back(database: db.Database) -> None:
    mine = await db.run(wallet, CENT)
    await db.run(give, mine, 10 * CENT, LotKind.GOODWILL, days=1)
    with time_machine.travel((clock.now_ms() + clock.DAY) / 1000 + 1):
        before = await db.read(balance, mine)
        assert await db.run(credits.expire_lots) == 1
        assert await db.run(credits.expire_lots) == 0
        assert before == await db.read(balance, mine) == Balance(available=CENT, cash=CENT)
    assert "contra:goodwill" not in await db.read(posted)
    assert await db.read(invariants.check) == []


async def test_credit_that_expires_while_held_stays_usable_by_its_request(
    database: db.Database,
) -> None:
    mine = await db.run(wallet)
    await db.run(give, mine, 10 * CENT, days=1)
    held = place(mine, 6 * CENT)
    await db.run(holds.apply, [held])
    with time_machine.travel((clock.now_ms() + clock.DAY) / 1000 + 1):
        assert await db.run(credits.expire_lots) == 1
        assert await db.read(balance, mine) == Balance(held=6 * CENT, promo=6 * CENT)
        [settled] = await db.run(holds.apply, [settle(held.hold_id, 2 * CENT)])
        assert (settled.captured, settled.available) == (2 * CENT, 0)
        assert await db.run(credits.expire_lots) == 1
        assert await db.read(balance, mine) == Balance()
    assert await db.read(posted) == {"contra:promo": 2 * CENT, "revenue:usage": -2 * CENT}
    assert await db.read(invariants.check) == []
