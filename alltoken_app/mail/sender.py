"""Sends what lies in the outbox over SMTP, and tries again later when that fails.

A mail is claimed before it is sent, so two processes never send the same attempt; a crash between
sending and noting it may send it twice.
"""

import asyncio
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import format_datetime
from urllib.parse import unquote, urlsplit

import aiosmtplib
import structlog
from sqlalchemy import update
from sqlmodel import Session, col, select

from alltoken_app import db
from alltoken_app.clock import HOUR, MINUTE, Millis, now_ms, to_datetime
from alltoken_app.mail.outbox import LOOPBACK
from alltoken_app.settings import Settings
from alltoken_app.tables.account import Mail

POLL_SECONDS = 1.0
ATTEMPTS = 12  # about seven hours
FIRST_PAUSE: Millis = MINUTE  # longer than one attempt may take
LONGEST_PAUSE: Millis = HOUR
TIMEOUT_SECONDS = 30.0

log = structlog.get_logger(__name__)


@dataclass(frozen=True, repr=False)
class Server:
    """Where mails are handed in; from `SMTP_URL`."""

    host: str
    port: int
    user: str | None
    password: str | None
    tls: bool
    start_tls: bool | None  # None: when the server offers it


def parse_url(url: str) -> Server:
    """Read `smtp://user:password@host:port` (STARTTLS) or `smtps://…` (TLS from the start).

    Over plain `smtp` STARTTLS is required, except on this machine.

    Raises:
        ValueError: Another scheme, or no host. The message does not repeat the URL.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
        raise ValueError("SMTP_URL must look like smtp://user:password@host:port or smtps://…")
    tls = parts.scheme == "smtps"
    return Server(
        host=parts.hostname,
        port=parts.port or (465 if tls else 587),
        user=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        tls=tls,
        start_tls=False if tls else (None if parts.hostname in LOOPBACK else True),
    )


async def deliver_forever(settings: Settings) -> None:
    """Send mails as they come, until cancelled; returns at once when no SMTP is set."""
    url = settings.smtp_url.get_secret_value()
    if not url:
        return
    server = parse_url(url)
    while True:
        try:
            sent = await deliver(server, settings.mail_from)
        except Exception as error:  # noqa: BLE001  the task must survive a database that is away
            log.error("mail.outbox_unreachable", error=type(error).__name__)
            sent = 0
        if not sent:
            await asyncio.sleep(POLL_SECONDS)


async def deliver(server: Server, sender: str) -> int:
    """Send what is due now; returns how many mails were sent."""
    sent = 0
    while (mail := await db.run(claim)) is not None:
        sent += await _send(server, sender, mail)
    return sent


def claim(session: Session) -> Mail | None:
    """Take the oldest mail that is due: until its next attempt nobody else will."""
    now = now_ms()
    waiting = (
        select(Mail)
        .where(
            col(Mail.sent_at).is_(None),
            col(Mail.next_attempt_at) <= now,
            col(Mail.attempts) < ATTEMPTS,
        )
        .order_by(col(Mail.created_at))
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    mail = session.exec(waiting).first()
    if mail is not None:
        mail.next_attempt_at = now + min(FIRST_PAUSE * 2**mail.attempts, LONGEST_PAUSE)
        mail.attempts += 1
        session.add(mail)
    return mail


async def _send(server: Server, sender: str, mail: Mail) -> bool:
    try:
        await aiosmtplib.send(
            compose(mail, sender),
            hostname=server.host,
            port=server.port,
            username=server.user,
            password=server.password,
            use_tls=server.tls,
            start_tls=server.start_tls,
            timeout=TIMEOUT_SECONDS,
        )
    except (aiosmtplib.SMTPException, OSError) as error:
        log.warning("mail.not_sent", id=mail.id, attempt=mail.attempts, error=type(error).__name__)
        return False
    await db.run(_sent, mail.id)
    return True


def compose(mail: Mail, sender: str) -> EmailMessage:
    """The mail as it goes over the wire; the email package refuses line breaks in headers."""
    message = EmailMessage()
    message["From"] = sender
    message["To"] = mail.recipient
    message["Subject"] = mail.subject
    message["Date"] = format_datetime(to_datetime(mail.created_at))
    message["Message-ID"] = f"<{mail.id}@{sender.rpartition('@')[2].rstrip('>') or 'localhost'}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(mail.text)
    return message


def _sent(session: Session, mail_id: str) -> None:
    """Note the sending and forget the text: it held a link that opens an account."""
    done = update(Mail).where(col(Mail.id) == mail_id).values(sent_at=now_ms(), text="")
    session.exec(done)
