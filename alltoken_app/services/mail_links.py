"""Links in mails that prove a mailbox: made once, used once, kept only as a hash."""

import secrets

from sqlalchemy import delete, update
from sqlmodel import Session, col

from alltoken_app.clock import DAY, HOUR, MINUTE, Millis, now_ms
from alltoken_app.crypto import sha256_hex
from alltoken_app.errors import Invalid
from alltoken_app.mail import outbox, templates
from alltoken_app.services import security_log
from alltoken_app.services.security_log import Limit
from alltoken_app.settings import settings
from alltoken_app.tables.account import MailToken, Person

VERIFY, RESET = "verify", "reset"
LIFE: dict[str, Millis] = {VERIFY: DAY, RESET: 30 * MINUTE}
PER_PERSON = Limit(5, HOUR)


def send_confirmation(session: Session, person_id: str) -> None:
    """Mail a link that confirms the address; nothing when it is confirmed or asked too often."""
    person = session.get_one(Person, person_id)
    if person.verified_at is None and _within_limit(session, VERIFY, person_id):
        link = _issue(session, VERIFY, person_id)
        letter = templates.confirm_address(link, settings().origin)
        outbox.queue(session, person.email_shown, letter)


def send_reset(session: Session, person: Person) -> None:
    """Mail a link that sets a new password; nothing when asked too often."""
    if _within_limit(session, RESET, person.id):
        link = _issue(session, RESET, person.id)
        outbox.queue(session, person.email_shown, templates.reset_password(link, settings().origin))


def send_already_registered(session: Session, person: Person) -> None:
    """Tell the owner of an address that somebody signed up with it again."""
    if _within_limit(session, "already_registered", person.id):
        letter = templates.already_registered(settings().origin)
        outbox.queue(session, person.email_shown, letter)


def peek(session: Session, token: str, purpose: str) -> Person:
    """Whose token this is, without using it up.

    Raises:
        Invalid: `invalid_token`: unknown, used, too old, or made for something else.
    """
    kept = session.get(MailToken, sha256_hex(token))
    if (
        kept is None
        or kept.purpose != purpose
        or kept.used_at is not None
        or kept.expires_at <= now_ms()
    ):
        raise _no_good()
    return session.get_one(Person, kept.person_id)


def use(session: Session, token: str, purpose: str) -> Person:
    """Use the token up; of two that try at once, one succeeds.

    Raises:
        Invalid: `invalid_token`, as in `peek`.
    """
    person, now = peek(session, token, purpose), now_ms()
    mine = (col(MailToken.digest) == sha256_hex(token), col(MailToken.used_at).is_(None))
    if session.exec(update(MailToken).where(*mine).values(used_at=now)).rowcount == 0:
        raise _no_good()
    return person


def drop(session: Session, person_id: str) -> None:
    """Make every unused link of a person worthless."""
    theirs = (col(MailToken.person_id) == person_id, col(MailToken.used_at).is_(None))
    session.exec(delete(MailToken).where(*theirs))


def sweep(session: Session) -> None:
    """Delete the tokens that ended more than a day ago."""
    session.exec(delete(MailToken).where(col(MailToken.expires_at) < now_ms() - DAY))


def _issue(session: Session, purpose: str, person_id: str) -> str:
    token = secrets.token_urlsafe(32)
    session.add(
        MailToken(
            digest=sha256_hex(token),
            purpose=purpose,
            person_id=person_id,
            expires_at=now_ms() + LIFE[purpose],
        )
    )
    return f"{settings().origin}/{purpose}?token={token}"


def _within_limit(session: Session, purpose: str, person_id: str) -> bool:
    kind = f"mail_{purpose}"
    if security_log.wait_for(session, kind, PER_PERSON, subject=person_id):
        return False
    security_log.record(session, kind, person_id=person_id, subject_id=person_id)
    return True


def _no_good() -> Invalid:
    return Invalid(
        "This link has been used, is too old, or is not complete. Ask for a new one.",
        code="invalid_token",
        param="token",
        status=400,
    )
