"""Money coming in: paid top-ups, granted credit, and credit that expires."""

from sqlmodel import Session

from alltoken_app.clock import Millis
from alltoken_app.money import Nano
from alltoken_app.tables.ledger import LotKind


def credit_top_up(
    session: Session,
    wallet_id: str,
    *,
    top_up_id: str,
    payment_intent_id: str,
    credit: Nano,
    fee: Nano,
    actor: str,
) -> bool:
    """Credit a payment; False when this payment was credited before, whoever asked."""
    raise NotImplementedError


def grant(
    session: Session,
    wallet_id: str,
    kind: LotKind,
    amount: Nano,
    *,
    effect: str,
    actor: str,
    reason: str,
    expires_at: Millis | None = None,
) -> bool:
    """Give promo or goodwill credit; False when `effect` was applied before."""
    raise NotImplementedError


def expire_lots(session: Session) -> int:
    """Take back what nobody holds of expired credit; returns from how many lots."""
    raise NotImplementedError
