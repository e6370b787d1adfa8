"""The wallet as people and programs see it: what is in it, what moved, receipts, statements."""

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from sqlalchemy import func
from sqlmodel import Session, col, select

from alltoken_app.clock import DAY, Millis, iso, now_ms, to_datetime
from alltoken_app.errors import Invalid, NotFound
from alltoken_app.ledger import accounts
from alltoken_app.ledger.accounts import Balance
from alltoken_app.money import NANO_PER_USD, Nano, show_left, show_usd, usd
from alltoken_app.services import movements, top_ups
from alltoken_app.services.actors import Actor
from alltoken_app.services.movements import NEWEST, USAGE, Movement, Owner, Place
from alltoken_app.settings import settings
from alltoken_app.tables.account import Organisation
from alltoken_app.tables.generation import Generation
from alltoken_app.tables.ledger import Book, Lot
from alltoken_app.tables.payment import TopUp, TopUpState

PAGE = 20
WEEK = 7
LABELS = {
    "top_up": "Top-up",
    USAGE: "Usage",
    "grant_promo": "Promotion",
    "grant_goodwill": "Goodwill credit",
    "expiry": "Expired credit",
}
HEADER = ("time_utc", "type", "detail", "amount_usd", "balance_usd", "requests", "receipt")
FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True)
class WalletView:
    """What is in the wallet. `*_nano` are nano-USD, the same fields without it are for showing.

    Attributes:
        available: What a new request may spend. held: Set aside for running ones.
        cash, promo: Paid and given credit, what is held of them included.
        low: Available is under the threshold `low_at`.
        runway: "≈ 21 days at $5.89 a day, the last 7 days' rate"; "" when nothing was spent.
        sandbox: No real money is in it.
        may_pay: The actor's role may top up.
        least, most, preset: Limits and proposal of a top-up, whole US dollars.
    """

    id: str = ""
    available: str = "$0.00"
    held: str = "$0.00"
    cash: str = "$0.00"
    promo: str = "$0.00"
    debt: str = "$0.00"
    available_nano: Nano = 0
    held_nano: Nano = 0
    cash_nano: Nano = 0
    promo_nano: Nano = 0
    debt_nano: Nano = 0
    low: bool = False
    low_at: str = "$0.00"
    runway: str = ""
    book: str = Book.SANDBOX
    sandbox: bool = True
    may_pay: bool = False
    least: int = top_ups.LEAST
    most: int = top_ups.MOST
    preset: int = top_ups.PRESET
    fee_percent: int = 0


@dataclass(frozen=True)
class EntryView:
    """A line of the wallet's history.

    Attributes:
        at: Time of its newest part, RFC 3339; `day` the same as "22 Nov 2026".
        amount, balance: For showing, signed; `*_nano` exact.
        incoming: It added to the wallet.
        top_up_id, receipt_number: Of a top-up, else "".
    """

    id: str = ""
    at: str = ""
    day: str = ""
    kind: str = ""
    label: str = ""
    detail: str = ""
    amount: str = ""
    balance: str = ""
    amount_nano: Nano = 0
    balance_nano: Nano = 0
    incoming: bool = False
    requests: int = 0
    top_up_id: str = ""
    receipt_number: str = ""


@dataclass(frozen=True)
class EntriesPage:
    """Entries, newest first: `opening` + their amounts = `closing`. `older` asks for the next page.

    `older` is "" when there is nothing older.
    """

    entries: list[EntryView] = field(default_factory=list)
    opening_nano: Nano = 0
    closing_nano: Nano = 0
    opening: str = "$0.00"
    closing: str = "$0.00"
    older: str = ""


@dataclass(frozen=True)
class ReceiptView:
    """The receipt of a credited top-up."""

    number: str = ""
    top_up_id: str = ""
    paid_at: str = ""
    day: str = ""
    organisation: str = ""
    credit: str = ""
    fee: str = ""
    total: str = ""
    currency: str = "USD"
    processor: str = ""
    payment_reference: str = ""
    sandbox: bool = True


@dataclass(frozen=True)
class Credits:
    """All that was ever put into a wallet, and all that was ever used of it, in nano-USD."""

    total_credits: Nano
    total_usage: Nano


def overview(session: Session, actor: Actor) -> WalletView:
    """What is in the actor's wallet.

    Raises:
        Forbidden: The role may not see money.
    """
    actor.require("see_money")
    rules = settings()
    book = Book(rules.book)
    wallet = accounts.find_wallet(session, actor.org_id, book)
    balance = accounts.balance(session, wallet.id) if wallet else Balance()
    low_at = rules.low_balance_usd * NANO_PER_USD
    return WalletView(
        id=wallet.id if wallet else "",
        available=show_left(balance.available),
        held=show_usd(balance.held),
        cash=show_left(balance.cash),
        promo=show_left(balance.promo),
        debt=show_usd(balance.debt),
        available_nano=balance.available,
        held_nano=balance.held,
        cash_nano=balance.cash,
        promo_nano=balance.promo,
        debt_nano=balance.debt,
        low=balance.available < low_at,
        low_at=show_usd(low_at),
        runway=_runway(session, actor.org_id, book, balance.available),
        book=book,
        sandbox=book is Book.SANDBOX,
        may_pay=actor.allowed("pay"),
        fee_percent=rules.top_up_fee_percent,
    )


def _runway(session: Session, org_id: str, book: Book, available: Nano) -> str:
    spent = session.exec(
        select(func.sum(Generation.cost)).where(
            col(Generation.org_id) == org_id,
            col(Generation.book) == book,
            col(Generation.created_at) >= now_ms() - WEEK * DAY,
        )
    ).one()
    per_day = int(spent or 0) // WEEK
    if per_day <= 0 or available <= 0:
        return ""
    days = available // per_day
    many = "over a year" if days > 365 else f"{days} day{'' if days == 1 else 's'}"
    return f"≈ {many} at {show_usd(per_day)} a day, the last 7 days’ rate"


def entries(session: Session, actor: Actor, cursor: str = "", limit: int = PAGE) -> EntriesPage:
    """A page of the wallet's history, newest first.

    Args:
        cursor: `older` of the page before; "" for the newest.

    Raises:
        Forbidden: The role may not see money.
        Invalid: Not a cursor of ours.
    """
    actor.require("see_money")
    found = movements.newest(session, _owner(actor), _place(cursor), limit + 1)
    page = found[-limit:]
    if not page:
        return EntriesPage()
    first, opening = page[0], page[0].balance - page[0].amount
    more = len(found) > limit
    return EntriesPage(
        entries=list(reversed(_entry_views(session, page))),
        opening_nano=opening,
        closing_nano=page[-1].balance,
        opening=show_left(opening),
        closing=show_left(page[-1].balance),
        older=f"{first.first_at}.{first.id}.{opening}" if more else "",
    )


def _owner(actor: Actor) -> Owner:
    return Owner(actor.org_id, settings().book)


def _place(cursor: str) -> Place:
    if not cursor:
        return NEWEST
    match = re.fullmatch(r"([0-9]{1,15})\.(jtx_[0-9a-z]{26})\.(-?[0-9]{1,18})", cursor, re.ASCII)
    if match is None:
        raise Invalid("This is not a page of the wallet's history.", param="cursor")
    return Place(int(match[1]), match[2], int(match[3]))


def _entry_views(session: Session, page: list[Movement]) -> list[EntryView]:
    paid = [movement.reason for movement in page if movement.kind == "top_up"]
    rows = session.exec(select(TopUp).where(col(TopUp.id).in_(paid)))
    top_up = {row.id: row for row in rows}
    return [_entry_view(movement, top_up.get(movement.reason)) for movement in page]


def _entry_view(movement: Movement, top_up: TopUp | None) -> EntryView:
    return EntryView(
        id=movement.id,
        at=iso(movement.last_at),
        day=_day(movement.last_at),
        kind=movement.kind,
        label=LABELS.get(movement.kind, "Adjustment"),
        detail=_detail(movement, top_up),
        amount=_signed(movement.amount),
        balance=show_left(movement.balance),
        amount_nano=movement.amount,
        balance_nano=movement.balance,
        incoming=movement.amount > 0,
        requests=movement.requests,
        top_up_id=top_up.id if top_up else "",
        receipt_number=(top_up.receipt_number or "") if top_up else "",
    )


def _detail(movement: Movement, top_up: TopUp | None) -> str:
    if movement.kind == USAGE:
        return f"{movement.requests:,} request{'' if movement.requests == 1 else 's'}"
    if top_up is not None:
        return "Test card, no real money" if top_up.book == Book.SANDBOX else "Card payment"
    return movement.reason


def _signed(amount: Nano) -> str:
    return f"+{show_usd(amount)}" if amount > 0 else f"−{show_usd(-amount)}"


def _day(at: Millis) -> str:
    when = to_datetime(at)
    return f"{when.day} {when:%b %Y}"


def receipt(session: Session, actor: Actor, top_up_id: str) -> ReceiptView:
    """The receipt of a top-up of the actor's organisation.

    Raises:
        Forbidden: The role may not see money.
        NotFound: There is none, or it is not paid.
    """
    actor.require("see_money")
    row = session.get(TopUp, top_up_id)
    if row is None or row.org_id != actor.org_id or row.state != TopUpState.CREDITED:
        raise NotFound("There is no such receipt.")
    organisation = session.get(Organisation, row.org_id)
    paid_at = row.credited_at or row.created_at
    return ReceiptView(
        number=row.receipt_number or "",
        top_up_id=row.id,
        paid_at=iso(paid_at),
        day=_day(paid_at),
        organisation=organisation.name if organisation else "",
        credit=show_usd(row.credit),
        fee=show_usd(row.fee),
        total=show_usd(row.credit + row.fee),
        currency=row.currency.upper(),
        processor="Stripe" if row.processor == "stripe" else "Sandbox processor",
        payment_reference=row.payment_intent_id or "",
        sandbox=row.book == Book.SANDBOX,
    )


def credits(session: Session, wallet_id: str) -> Credits:
    """What a wallet ever got and what is gone of it; credit that expired counts as used.

    total_credits - total_usage = available + held, also while requests run.
    """
    granted = select(func.sum(Lot.granted)).where(col(Lot.wallet_id) == wallet_id)
    total = int(session.exec(granted).one() or 0)
    balance = accounts.balance(session, wallet_id)
    return Credits(total, total - balance.available - balance.held)


def statement_rows(
    session: Session, actor: Actor, since: Millis = 0, until: Millis | None = None
) -> Iterator[tuple[str, ...]]:
    """The statement from `since` until before `until`: header, opening, movements, closing.

    Amounts are exact decimal strings in USD; opening + amounts = closing. Safe in a spreadsheet.

    Raises:
        Forbidden: The role may not see money.
    """
    actor.require("see_money")
    found = movements.between(session, _owner(actor), since, NEWEST)
    kept = [movement for movement in found if until is None or movement.first_at < until]
    opening = _opening(session, actor, found)
    closing = kept[-1].balance if kept else opening
    yield HEADER
    yield _row("", "Opening balance", balance=usd(opening))
    for movement, entry in zip(kept, _entry_views(session, kept), strict=True):
        yield _row(
            iso(movement.last_at),
            entry.label,
            entry.detail,
            usd(movement.amount),
            usd(movement.balance),
            str(movement.requests) if movement.kind == USAGE else "",
            entry.receipt_number,
        )
    yield _row("", "Closing balance", balance=usd(closing))


def _opening(session: Session, actor: Actor, found: list[Movement]) -> Nano:
    if found:
        return found[0].balance - found[0].amount
    return movements.balance_now(session, _owner(actor))


def statement_csv(
    session: Session, actor: Actor, since: Millis = 0, until: Millis | None = None
) -> str:
    """`statement_rows` as CSV text (RFC 4180)."""
    out = io.StringIO()
    csv.writer(out).writerows(statement_rows(session, actor, since, until))
    return out.getvalue()


def _row(
    time: str,
    kind: str,
    detail: str = "",
    amount: str = "",
    balance: str = "",
    requests: str = "",
    receipt_number: str = "",
) -> tuple[str, ...]:
    cells = (time, kind, detail, amount, balance, requests, receipt_number)
    return tuple(_inert(cell) for cell in cells)


def _inert(cell: str) -> str:
    """A cell no spreadsheet takes for a formula; a plain number is none."""
    if cell.startswith(FORMULA) and not re.fullmatch(r"-[0-9]+(\.[0-9]+)?", cell, re.ASCII):
        return f"'{cell}"
    return cell
