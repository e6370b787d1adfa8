"""The outbox: mails are written in the transaction that causes them and sent afterwards.

Without SMTP they stay in the database, where the development mailbox shows them.
"""

from dataclasses import dataclass
from urllib.parse import urlsplit

from sqlalchemy import delete
from sqlmodel import Session, col, select

from alltoken_app.clock import DAY, Millis, now_ms
from alltoken_app.mail.templates import Letter
from alltoken_app.settings import Settings
from alltoken_app.tables.account import Mail

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
KEPT: Millis = 7 * DAY


@dataclass(frozen=True)
class MailView:
    """A mail as the development mailbox shows it."""

    id: str
    recipient: str
    subject: str
    text: str
    kind: str
    created_at: Millis


def queue(session: Session, recipient: str, letter: Letter) -> None:
    """Put a letter into the outbox; it is sent once the caller's transaction has committed."""
    session.add(
        Mail(recipient=recipient, subject=letter.subject, text=letter.text, kind=letter.kind)
    )


def has_mailbox(settings: Settings) -> bool:
    """Whether the development mailbox may be shown: no SMTP, and only this machine can look."""
    if settings.smtp_url.get_secret_value() or settings.host not in LOOPBACK:
        return False
    return urlsplit(settings.origin).hostname in LOOPBACK


def recent(session: Session, limit: int = 50) -> list[MailView]:
    """The newest mails first, for the development mailbox. Ask `has_mailbox` before."""
    newest = select(Mail).order_by(col(Mail.created_at).desc(), col(Mail.id).desc()).limit(limit)
    return [
        MailView(mail.id, mail.recipient, mail.subject, mail.text, mail.kind, mail.created_at)
        for mail in session.exec(newest)
    ]


def sweep(session: Session) -> int:
    """Delete mails older than 7 days; returns how many."""
    old = delete(Mail).where(col(Mail.created_at) < now_ms() - KEPT)
    return session.exec(old).rowcount
