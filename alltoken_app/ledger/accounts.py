"""Wallets and what is in them."""

from dataclasses import dataclass

from sqlmodel import Session

from alltoken_app.money import Nano
from alltoken_app.tables.ledger import Wallet


@dataclass(frozen=True)
class Balance:
    """A wallet's money, in nano-USD: available + held = cash + promo - debt.

    Attributes:
        available: What a new request may spend.
        held: Set aside for running requests.
        cash: Paid credit, the held part included.
        promo: Given credit (promo and goodwill) that has not expired, the held part included.
        debt: Owed after a dispute or a bounced payment; running up usage never makes debt.
    """

    available: Nano = 0
    held: Nano = 0
    cash: Nano = 0
    promo: Nano = 0
    debt: Nano = 0


def open_wallet(session: Session, org_id: str, book: str) -> Wallet:
    """The organisation's wallet in this book, made when it is missing."""
    raise NotImplementedError


def find_wallet(session: Session, org_id: str, book: str) -> Wallet | None:
    """The organisation's wallet in this book."""
    raise NotImplementedError


def balance(session: Session, wallet_id: str) -> Balance:
    """What is in the wallet now; zeros for an unknown one."""
    raise NotImplementedError
