"""Wallets and what is in them."""

from dataclasses import dataclass

from sqlalchemy import text
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from alltoken_app.clock import now_ms
from alltoken_app.ids import new_id
from alltoken_app.ledger.journal import account_id
from alltoken_app.money import Nano
from alltoken_app.tables.ledger import LedgerAccount, Lot, LotKind, Wallet

_open = text(
    "INSERT INTO wallet (id, org_id, book, held, leased) VALUES (:id, :org_id, :book, 0, 0)"
    " ON CONFLICT (org_id, book) DO NOTHING"
)


@dataclass(frozen=True)
class Balance:
    """A wallet's money, in nano-USD: available + held = cash + promo - debt.

    Attributes:
        available: What a new request may spend, what processes have leased included.
        held: Set aside for running requests.
        cash: Paid credit, the held part included.
        promo: Given credit (promo and goodwill), the held part included; of what has expired
            only the held part counts.
        debt: Owed after a dispute or a bounced payment; usage never makes debt.
    """

    available: Nano = 0
    held: Nano = 0
    cash: Nano = 0
    promo: Nano = 0
    debt: Nano = 0


def open_wallet(session: Session, org_id: str, book: str) -> Wallet:
    """The organisation's wallet in this book, made when it is missing."""
    found = find_wallet(session, org_id, book)
    if found is not None:
        return found
    session.execute(_open, {"id": new_id("wal"), "org_id": org_id, "book": book})
    return session.exec(_wallet_of(org_id, book)).one()


def find_wallet(session: Session, org_id: str, book: str) -> Wallet | None:
    """The organisation's wallet in this book."""
    return session.exec(_wallet_of(org_id, book)).first()


def lock_wallet(session: Session, wallet_id: str) -> Wallet:
    """The wallet, as it is now; nobody else changes its money until this transaction ends.

    Raises:
        LookupError: There is no such wallet.
    """
    mine = select(Wallet).where(col(Wallet.id) == wallet_id).with_for_update()
    wallet = session.exec(mine.execution_options(populate_existing=True)).first()
    if wallet is None:
        raise LookupError(f"there is no wallet {wallet_id}")
    return wallet


def balance(session: Session, wallet_id: str) -> Balance:
    """What is in the wallet now; zeros for an unknown one."""
    wallet = session.get(Wallet, wallet_id)
    if wallet is None:
        return Balance()
    lots = session.execute(
        select(Lot.kind, Lot.remaining, Lot.held, Lot.expires_at).where(
            col(Lot.wallet_id) == wallet_id, col(Lot.remaining) > 0
        )
    ).all()
    now = now_ms()
    valid = [
        (kind, held if expires is not None and expires <= now else remaining, held)
        for kind, remaining, held, expires in lots
    ]
    cash = sum(worth for kind, worth, _ in valid if kind == LotKind.CASH)
    promo = sum(worth for kind, worth, _ in valid if kind != LotKind.CASH)
    held = sum(held for _, _, held in valid) - wallet.leased
    owed = _debt(session, wallet)
    return Balance(cash + promo - held - owed, held, cash, promo, owed)


def _wallet_of(org_id: str, book: str) -> SelectOfScalar[Wallet]:
    return select(Wallet).where(col(Wallet.org_id) == org_id, col(Wallet.book) == book)


def _debt(session: Session, wallet: Wallet) -> Nano:
    account = account_id(wallet.book, f"debt:{wallet.org_id}")
    posted = select(LedgerAccount.posted).where(col(LedgerAccount.id) == account)
    return session.exec(posted).first() or 0
