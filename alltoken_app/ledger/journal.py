"""The journal: balanced movements between accounts, each applied once."""

from collections.abc import Mapping

from sqlmodel import Session

from alltoken_app.money import Nano
from alltoken_app.tables.ledger import JournalTx


def post(
    session: Session,
    *,
    effect: str,
    kind: str,
    book: str,
    org_id: str | None,
    actor: str,
    lines: Mapping[str, Nano],
    reason: str = "",
) -> JournalTx | None:
    """Write one movement: account key ("wallet:cash:{org}") to nano, debits positive.

    Returns None, and writes nothing, when `effect` was applied before.

    Raises:
        ValueError: The lines do not add up to zero, or name another book.
    """
    raise NotImplementedError
