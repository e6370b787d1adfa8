"""alltoken_app/services/wallets.py and movements.py"""

import csv
import io
from typing import Any

import pytest
from sqlmodel import Session

from alltoken_app import db, ids
from alltoken_app.clock import DAY, HOUR, MINUTE, now_ms
from alltoken_app.errors import Invalid, NotFound
from alltoken_app.ledger import accounts, credits, holds
from alltoken_app.money import NANO_PER_USD, parse_usd
from alltoken_app.services import crediting, wallets
from alltoken_app.services.actors import Actor
from alltoken_app.services.wallets import EntriesPage
from alltoken_app.tables.ledger import LotKind
from alltoken_app.tables.payment import TopUp
from tests import people
from tests.ledger import purses
from tests.services.shop import seen

NOON = 1_795_003_200_000  # 18 November 2026, 12:00 UTC
USD = NANO_PER_USD


@pytest.fixture(autouse=True)
def _noon(time_machine: Any) -> None:
    time_machine.move_to(NOON / 1000, tick=False)


def top_up(session: Session, actor: Actor, dollars: int = 20) -> TopUp:
    """A paid and credited top-up."""
    wallet = accounts.open_wallet(session, actor.org_id, "sandbox")
    row = TopUp(
        org_id=actor.org_id,
        wallet_id=wallet.id,
        person_id=actor.person_id,
        book="sandbox",
        processor="sandbox",
        credit=dollars * USD,
        fee=dollars * USD // 20,
        gross_minor=dollars * 105,
    )
    session.add(row)
    session.flush()
    payment = {"received_minor": row.gross_minor, "payment_intent_id": f"pi_{row.id}"}
    crediting.apply(session, seen(row.id, **payment))
    return row


def spend(session: Session, actor: Actor, *costs: int) -> None:
    """A request for each cost, in nano."""
    wallet = accounts.open_wallet(session, actor.org_id, "sandbox")
    for cost in costs:
        facts = purses.FACTS | {"created_at": now_ms()}
        hold = purses.place(wallet.id, cost, facts=facts)
        generation = {**facts, "org_id": actor.org_id, "status": "ok"}
        holds.apply(session, [hold, holds.Settle(hold.hold_id, cost, generation)])


async def a_history(actor: Actor, time_machine: Any) -> None:
    """Three days: top-up, usage, a gift between usage of one day, usage of the next days."""
    await db.run(top_up, actor)
    time_machine.move_to((NOON + MINUTE) / 1000, tick=False)
    await db.run(spend, actor, 5, 7)
    time_machine.move_to((NOON + HOUR) / 1000, tick=False)
    await db.run(give, actor)
    time_machine.move_to((NOON + 2 * HOUR) / 1000, tick=False)
    await db.run(spend, actor, 11)
    time_machine.move_to((NOON + DAY) / 1000, tick=False)
    await db.run(spend, actor, 13, 17, 19)


def give(session: Session, actor: Actor) -> None:
    wallet = accounts.open_wallet(session, actor.org_id, "sandbox")
    purses.give(session, wallet.id, 3 * USD)


def adds_up(page: EntriesPage) -> bool:
    """opening + Σ = closing, and each balance follows from the one before."""
    balance = page.opening_nano
    for entry in reversed(page.entries):
        balance += entry.amount_nano
        if entry.balance_nano != balance:
            return False
    return balance == page.closing_nano


async def test_a_new_wallet_is_empty_and_low(actor: Actor, database: db.Database) -> None:
    view = await db.read(wallets.overview, actor)
    assert (view.available, view.available_nano, view.low) == ("$0.00", 0, True)
    assert (view.book, view.sandbox, view.may_pay) == ("sandbox", True, True)
    assert (view.least, view.most, view.preset, view.fee_percent) == (5, 500, 20, 5)
    page = await db.read(wallets.entries, actor)
    assert (page.entries, page.older) == ([], "")


async def test_the_overview_tells_what_is_paid_given_and_held(actor: Actor) -> None:
    await db.run(top_up, actor)
    await db.run(give, actor)

    def hold(session: Session) -> None:
        wallet = accounts.open_wallet(session, actor.org_id, "sandbox")
        holds.apply(session, [purses.place(wallet.id, USD // 2)])

    await db.run(hold)
    view = await db.read(wallets.overview, actor)
    shown = (view.available, view.held, view.cash, view.promo)
    assert shown == ("$22.50", "$0.50", "$20.00", "$3.00")
    assert view.available_nano + view.held_nano == view.cash_nano + view.promo_nano
    assert (view.low, view.runway) == (False, "")


async def test_a_member_who_only_looks_may_not_pay(actor: Actor) -> None:
    viewer = (await people.sign_in("Vic", role="viewer", org_id=actor.org_id)).actor
    assert (await db.read(wallets.overview, viewer)).may_pay is False


async def test_the_runway_is_told_from_the_last_week(actor: Actor, time_machine: Any) -> None:
    await db.run(top_up, actor)
    await db.run(spend, actor, 7 * USD)
    view = await db.read(wallets.overview, actor)
    assert view.runway == "≈ 13 days at $1.00 a day, the last 7 days’ rate"
    time_machine.move_to((NOON + 8 * DAY) / 1000, tick=False)
    assert (await db.read(wallets.overview, actor)).runway == ""


async def test_usage_is_summed_per_day_but_never_across_another_movement(
    actor: Actor, time_machine: Any
) -> None:
    await a_history(actor, time_machine)
    page = await db.read(wallets.entries, actor)
    told = [(entry.label, entry.amount_nano, entry.requests) for entry in page.entries]
    assert told == [
        ("Usage", -49, 3),
        ("Usage", -11, 1),
        ("Promotion", 3 * USD, 0),
        ("Usage", -12, 2),
        ("Top-up", 20 * USD, 0),
    ]
    assert (page.opening_nano, page.closing_nano) == (0, 23 * USD - 72)
    assert adds_up(page)
    assert page.entries[0].detail == "3 requests"
    assert (page.entries[-1].receipt_number, page.entries[-1].amount) == ("TEST-000001", "+$20.00")


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 5])
async def test_pages_join_without_a_gap_however_they_are_cut(
    actor: Actor, time_machine: Any, limit: int
) -> None:
    await a_history(actor, time_machine)
    whole = await db.read(wallets.entries, actor)
    found, cursor, closing = [], "", whole.closing_nano
    while True:
        page = await db.read(wallets.entries, actor, cursor, limit)
        assert adds_up(page)
        assert page.closing_nano == closing
        found += page.entries
        cursor, closing = page.older, page.opening_nano
        if not cursor:
            break
    assert (found, closing) == (whole.entries, 0)


async def test_old_movements_are_found_however_long_ago(actor: Actor, time_machine: Any) -> None:
    await db.run(top_up, actor)
    time_machine.move_to((NOON + 900 * DAY) / 1000, tick=False)
    await db.run(spend, actor, 5)
    page = await db.read(wallets.entries, actor)
    assert [entry.label for entry in page.entries] == ["Usage", "Top-up"]
    assert page.opening_nano == 0


async def test_a_page_that_was_asked_for_stays_right_while_money_moves(
    actor: Actor, time_machine: Any
) -> None:
    await a_history(actor, time_machine)
    first = await db.read(wallets.entries, actor, "", 2)
    await db.run(spend, actor, 23)
    second = await db.read(wallets.entries, actor, first.older, 10)
    assert adds_up(second)
    assert second.closing_nano == first.opening_nano


@pytest.mark.parametrize("cursor", ["x", "1.jtx_.1", "1.jtx_' OR 1=1--.5", "1." + "9" * 40])
async def test_a_made_up_cursor_is_refused(
    actor: Actor, database: db.Database, cursor: str
) -> None:
    with pytest.raises(Invalid):
        await db.read(wallets.entries, actor, cursor)


async def test_nobody_sees_another_organisations_money(actor: Actor) -> None:
    row = await db.run(top_up, actor)
    stranger = (await people.sign_in("Stranger")).actor
    assert (await db.read(wallets.overview, stranger)).available_nano == 0
    assert (await db.read(wallets.entries, stranger)).entries == []
    with pytest.raises(NotFound):
        await db.read(wallets.receipt, stranger, row.id)


async def test_a_receipt_tells_what_was_paid_to_whom(actor: Actor) -> None:
    row = await db.run(top_up, actor)
    receipt = await db.read(wallets.receipt, actor, row.id)
    assert (receipt.number, receipt.organisation) == ("TEST-000001", actor.org_name)
    assert (receipt.credit, receipt.fee, receipt.total) == ("$20.00", "$1.00", "$21.00")
    assert (receipt.paid_at, receipt.sandbox) == ("2026-11-18T12:00:00.000Z", True)


async def test_what_is_not_paid_has_no_receipt(actor: Actor) -> None:
    def unpaid(session: Session) -> str:
        row = top_up(session, actor)
        row.state = "processing"
        return row.id

    with pytest.raises(NotFound):
        await db.read(wallets.receipt, actor, await db.run(unpaid))


async def test_credits_are_what_came_in_and_what_is_gone(actor: Actor) -> None:
    await db.run(top_up, actor)
    await db.run(give, actor)
    await db.run(spend, actor, 5 * USD)
    wallet_id = (await db.read(wallets.overview, actor)).id
    found = await db.read(wallets.credits, wallet_id)
    assert (found.total_credits, found.total_usage) == (23 * USD, 5 * USD)
    nobody = await db.read(wallets.credits, "wal_none")
    assert (nobody.total_credits, nobody.total_usage) == (0, 0)


async def test_the_statement_adds_up_to_the_nano(actor: Actor, time_machine: Any) -> None:
    await a_history(actor, time_machine)
    text = await db.read(wallets.statement_csv, actor)
    table = list(csv.DictReader(io.StringIO(text)))
    opening, *moved, closing = table
    assert (opening["type"], closing["type"]) == ("Opening balance", "Closing balance")
    total = sum(parse_usd(row["amount_usd"]) for row in moved)
    assert parse_usd(opening["balance_usd"]) + total == parse_usd(closing["balance_usd"])
    assert moved[1]["amount_usd"] == "-0.000000012"
    later = await db.read(wallets.statement_csv, actor, NOON + 90 * MINUTE)
    rows = list(csv.DictReader(io.StringIO(later)))
    assert rows[0]["balance_usd"] == "22.999999988"
    assert rows[-1]["balance_usd"] == closing["balance_usd"]
    until = await db.read(wallets.statement_csv, actor, 0, NOON + 90 * MINUTE)
    assert list(csv.DictReader(io.StringIO(until)))[-1]["balance_usd"] == "22.999999988"
    empty = await db.read(wallets.statement_csv, actor, NOON + 2 * DAY)
    assert [row["balance_usd"] for row in csv.DictReader(io.StringIO(empty))] == [
        closing["balance_usd"]
    ] * 2


@pytest.mark.parametrize("reason", ["=1+1", "+1", "-1+1", "@SUM(A1)", "\tx", "-2"])
async def test_no_cell_of_the_statement_is_a_formula(actor: Actor, reason: str) -> None:
    def gift(session: Session) -> None:
        wallet = accounts.open_wallet(session, actor.org_id, "sandbox")
        effect = ids.new_id("gift")
        credits.grant(
            session, wallet.id, LotKind.GOODWILL, 1, effect=effect, actor="t", reason=reason
        )

    await db.run(gift)
    rows = list(csv.reader(io.StringIO(await db.read(wallets.statement_csv, actor))))
    assert rows[2][2] == (reason if reason == "-2" else f"'{reason}")
