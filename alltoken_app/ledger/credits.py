"""Money coming in: paid top-ups, granted credit, and credit that expires."""

from sqlmodel import Session, col, select

from alltoken_app.clock import Millis, now_ms
from alltoken_app.ledger import journal
from alltoken_app.ledger.accounts import lock_wallet
from alltoken_app.money import Nano
from alltoken_app.tables.ledger import Lot, LotKind, Wallet

SWEEP = 200  # wallets in one transaction; the next call takes the rest
_GIVEN = (LotKind.PROMO, LotKind.GOODWILL)


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
    """Credit a payment; False when this payment was credited before, whoever asked.

    Raises:
        ValueError: `credit` is not positive, or `fee` is negative.
        LookupError: There is no such wallet.
    """
    if credit <= 0 or fee < 0:
        raise ValueError("a top-up credits more than nothing and its fee is not negative")
    wallet = lock_wallet(session, wallet_id)
    posted = journal.post(
        session,
        effect=f"topup:{payment_intent_id}",
        kind="top_up",
        book=wallet.book,
        org_id=wallet.org_id,
        actor=actor,
        reason=top_up_id,
        lines={
            "stripe:clearing": credit + fee,
            f"wallet:cash:{wallet.org_id}": -credit,
            "revenue:topup_fee": -fee,
        },
    )
    if posted is None:
        return False
    _open_lot(session, wallet, LotKind.CASH, credit, None)
    return True


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
    """Give promo or goodwill credit; False when `effect` was applied before.

    Raises:
        ValueError: `kind` is cash, which only a payment brings, or `amount` is not positive.
        LookupError: There is no such wallet.
    """
    if kind not in _GIVEN or amount <= 0:
        raise ValueError("a grant is promo or goodwill, and more than nothing")
    wallet = lock_wallet(session, wallet_id)
    posted = journal.post(
        session,
        effect=effect,
        kind=f"grant_{kind}",
        book=wallet.book,
        org_id=wallet.org_id,
        actor=actor,
        reason=reason,
        lines={f"contra:{kind}": amount, f"wallet:promo:{wallet.org_id}": -amount},
    )
    if posted is None:
        return False
    _open_lot(session, wallet, kind, amount, expires_at)
    return True


def expire_lots(session: Session) -> int:
    """Take back what nobody holds of expired credit; returns from how many lots.

    What a running request holds stays usable by it, and is taken back once it is freed.
    """
    overdue = (
        col(Lot.kind) != LotKind.CASH,
        col(Lot.expires_at) <= now_ms(),
        col(Lot.remaining) > col(Lot.held),
    )
    whose = select(Lot.wallet_id).where(*overdue).distinct().limit(SWEEP)
    # All wallets before any account: the order of every writer.
    wallets = [lock_wallet(session, id_) for id_ in sorted(session.exec(whose))]
    expired = 0
    for wallet in wallets:
        mine = select(Lot).where(col(Lot.wallet_id) == wallet.id, *overdue)
        for lot in session.exec(mine.execution_options(populate_existing=True)).all():
            _take_back(session, wallet, lot)
            expired += 1
    return expired


def _take_back(session: Session, wallet: Wallet, lot: Lot) -> None:
    free = lot.remaining - lot.held
    journal.post(
        session,
        effect=f"expire:{lot.id}:{lot.remaining}",  # `remaining` only falls: once each time
        kind="expiry",
        book=wallet.book,
        org_id=wallet.org_id,
        actor="system",
        lines={f"wallet:promo:{wallet.org_id}": free, f"contra:{lot.kind}": -free},
    )
    lot.remaining = lot.held
    session.add(lot)
    session.flush()


def _open_lot(
    session: Session, wallet: Wallet, kind: LotKind, amount: Nano, expires_at: Millis | None
) -> None:
    session.add(
        Lot(wallet_id=wallet.id, kind=kind, granted=amount, remaining=amount, expires_at=expires_at)
    )
    session.flush()
