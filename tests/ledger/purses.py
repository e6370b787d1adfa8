"""Funded wallets, and hold commands with what the tests do not care about filled in."""

from typing import Any

from sqlmodel import Session, select

from alltoken_app import clock, ids
from alltoken_app.ledger import accounts, credits
from alltoken_app.ledger.accounts import Balance
from alltoken_app.ledger.holds import Place, Settle
from alltoken_app.money import NANO_PER_CENT
from alltoken_app.tables.account import Organisation
from alltoken_app.tables.generation import Generation
from alltoken_app.tables.ledger import Budget, Hold, LotKind

CENT = NANO_PER_CENT
FACTS = {
    "request_id": "req_1",
    "book": "sandbox",
    "operation": "chat",
    "model_requested": "author/small",
    "model": "author/small",
    "provider": "local",
    "endpoint_id": "local:small",
    "price_version": "1",
    "created_at": 1,
}


def wallet(
    session: Session, cash: int = 0, org_id: str | None = None, book: str = "sandbox"
) -> str:
    """A new organisation's wallet with `cash` nano paid in; its id."""
    org_id = org_id or ids.new_id("org")
    if session.get(Organisation, org_id) is None:
        session.add(Organisation(id=org_id, name="a"))
        session.flush()
    opened = accounts.open_wallet(session, org_id, book)
    if cash:
        pay(session, opened.id, cash)
    return opened.id


def pay(session: Session, wallet_id: str, cash: int, payment: str | None = None) -> bool:
    return credits.credit_top_up(
        session,
        wallet_id,
        top_up_id=ids.new_id("top"),
        payment_intent_id=payment or ids.new_id("pi"),
        credit=cash,
        fee=cash // 20,
        actor="test",
    )


def give(
    session: Session, wallet_id: str, amount: int, kind: LotKind = LotKind.PROMO, days: float = 0
) -> bool:
    expires_at = clock.now_ms() + int(days * clock.DAY) if days else None
    return credits.grant(
        session,
        wallet_id,
        kind,
        amount,
        effect=ids.new_id("gift"),
        actor="test",
        reason="test",
        expires_at=expires_at,
    )


def limit(session: Session, nano: int, period: str = "day") -> str:
    """A key's limit; its id."""
    budget = Budget(id=ids.new_id("key"), limit_nano=nano, period=period)
    session.add(budget)
    session.flush()
    return budget.id


def place(wallet_id: str, amount: int, hold_id: str | None = None, **more: Any) -> Place:
    values = {
        "hold_id": hold_id or ids.new_id("gen"),
        "wallet_id": wallet_id,
        "budget_id": None,
        "amount": amount,
        "at_least": amount,
        "facts": FACTS,
        "worker": "w1",
        "expires_at": clock.now_ms() + clock.HOUR,
    }
    return Place(**(values | more))


def settle(hold_id: str, cost: int) -> Settle:
    return Settle(hold_id, cost, {**FACTS, "status": "ok", "input_tokens": 7})


def balance(session: Session, wallet_id: str) -> Balance:
    return accounts.balance(session, wallet_id)


def generation(session: Session, id_: str) -> Generation | None:
    return session.exec(select(Generation).where(Generation.id == id_)).first()


def hold(session: Session, id_: str) -> Hold:
    return session.exec(select(Hold).where(Hold.id == id_)).one()
