"""Signed-in browsers: the cookie's session, and the short-lived tokens made from it."""

import secrets
from dataclasses import dataclass
from urllib.parse import urlsplit

from sqlalchemy import ColumnElement, delete, update
from sqlmodel import Session, col, select

from alltoken_app import db, passwords, revisions
from alltoken_app.clock import DAY, HOUR, MINUTE, Millis, now_ms
from alltoken_app.crypto import new_token, sha256_hex, token_digest
from alltoken_app.errors import NotFound, Unauthenticated
from alltoken_app.services import addresses, mail_links, password_rules, security_log
from alltoken_app.services.actors import MAY, Actor
from alltoken_app.services.security_log import Client, Limit
from alltoken_app.settings import settings
from alltoken_app.tables.account import (
    BrowserToken,
    LoginSession,
    Member,
    Organisation,
    Person,
    SecurityEvent,
)

COOKIE = "__Host-at_s"
PLAIN_COOKIE = "at_s"  # `ALLOW_PLAIN_HTTP` off loopback: browsers drop Secure cookies there
IDLE: Millis = 12 * HOUR
LIFE: Millis = 7 * DAY
BROWSER_TOKEN_LIFE: Millis = 15 * MINUTE

PER_ACCOUNT = Limit(5, 15 * MINUTE)
PER_ADDRESS = Limit(50, 15 * MINUTE)
FAILED = "sign_in_failed"
WRONG = (
    "Email and password do not match, or the address is not confirmed yet. "
    "Set a new password, or ask for a new confirmation mail."
)


@dataclass(frozen=True, repr=False)
class SignedIn:
    """A new session; `cookie` is the secret the browser keeps."""

    cookie: str
    actor: Actor
    expires_at: Millis


@dataclass(frozen=True)
class SessionView:
    """One of a person's sessions, as they see it."""

    id: str
    current: bool
    created_at: Millis
    last_seen_at: Millis
    ip: str
    user_agent: str


@dataclass(frozen=True)
class BrowserCaller:
    """Who acts by an `ats_` token."""

    token_id: str
    person_id: str
    org_id: str
    session_id: str
    expires_at: Millis
    org_suspended: bool


@dataclass(frozen=True, repr=False)
class _Attempt:
    event_id: str
    person: Person | None


def cookie_name() -> str:
    """The session cookie's name; its prefix makes browsers insist on Secure and on our host."""
    return PLAIN_COOKIE if cookie_is_plain() else COOKIE


def cookie_is_plain() -> bool:
    """Whether this installation is reached over plain http from other machines."""
    ours = settings()
    parts = urlsplit(ours.origin)
    local = parts.hostname in ("localhost", "127.0.0.1", "::1")
    return ours.allow_plain_http and parts.scheme == "http" and not local


async def sign_in(
    email: str, password: str, client: Client, *, replaces: str | None = None
) -> SignedIn:
    """Open a session under a new id; the one the browser had before (`replaces`) ends.

    Every try counts as failed until it has succeeded, so tries in parallel count too.

    Raises:
        Unauthenticated: `invalid_credentials`, the same for every reason.
        RateLimited: Five failed for this account and address in 15 minutes.
    """
    attempt = await db.run(_begin, email, client)
    password = password_rules.prepared(password)
    worth_it = password_rules.hashable(password)
    kept = attempt.person.password_hash if attempt.person else None
    fits = await passwords.verify(password if worth_it else "", kept) and worth_it
    if not fits or attempt.person is None:
        raise Unauthenticated(WRONG, code="invalid_credentials")
    if attempt.person.verified_at is None:
        await db.run(mail_links.send_confirmation, attempt.person.id)
        raise Unauthenticated(WRONG, code="invalid_credentials")
    return await db.run(_complete, attempt, replaces)


def _begin(session: Session, email: str, client: Client) -> _Attempt:
    canonical = addresses.canonical(email)
    subject = sha256_hex(canonical)
    security_log.take_turn(session, f"{FAILED} {client.ip}")
    security_log.refuse_above(session, FAILED, PER_ACCOUNT, client, subject=subject)
    security_log.refuse_above(session, FAILED, PER_ADDRESS, client)
    person = session.exec(select(Person).where(col(Person.email) == canonical)).first()
    event = security_log.record(
        session, FAILED, client, person_id=person.id if person else None, subject_id=subject
    )
    return _Attempt(event.id, person)


def _complete(session: Session, attempt: _Attempt, replaces: str | None) -> SignedIn:
    person = attempt.person
    if person is None:
        raise Unauthenticated(WRONG, code="invalid_credentials")
    if replaces:
        _end(session, col(LoginSession.digest) == sha256_hex(replaces))
    signed_in = start(session, person.id)
    event = session.get_one(SecurityEvent, attempt.event_id)
    event.kind, event.org_id = "sign_in", signed_in.actor.org_id
    event.subject_id = signed_in.actor.session_id
    session.add(event)
    return signed_in


def start(session: Session, person_id: str) -> SignedIn:
    """Open a session for a person in the organisation they joined first. Proves nothing itself.

    Raises:
        NotFound: No such person, or one without an organisation.
    """
    membership = select(Member).where(col(Member.person_id) == person_id)
    member = session.exec(membership.order_by(col(Member.created_at), col(Member.id))).first()
    if member is None:
        raise NotFound("No such person.")
    cookie = secrets.token_urlsafe(32)
    row = LoginSession(
        digest=sha256_hex(cookie),
        person_id=person_id,
        org_id=member.org_id,
        expires_at=now_ms() + LIFE,
    )
    session.add(row)
    session.flush()
    actor = find(session, cookie)
    assert actor is not None
    return SignedIn(cookie, actor, row.expires_at)


def find(session: Session, cookie: str | None) -> Actor | None:
    """Who holds this cookie; None when it is unknown, ended, idle for 12 h or 7 days old."""
    found = _look_up(session, cookie)
    return found[0] if found else None


async def recognise(cookie: str | None) -> Actor | None:
    """`find`, and note (once a minute at most) that the session was used."""
    found = await db.read(_look_up, cookie)
    if found is None:
        return None
    actor, seen = found
    if now_ms() - seen >= MINUTE:
        await db.run(_touch, actor.session_id)
    return actor


async def require(cookie: str | None) -> Actor:
    """Who holds this cookie.

    Raises:
        Unauthenticated: `signed_out`.
    """
    actor = await recognise(cookie)
    if actor is None:
        raise Unauthenticated("You are signed out. Sign in to go on.", code="signed_out")
    return actor


def _alive(now: Millis) -> tuple[ColumnElement[bool], ...]:
    return (
        col(LoginSession.revoked_at).is_(None),
        col(LoginSession.expires_at) > now,
        col(LoginSession.last_seen_at) > now - IDLE,
    )


def _look_up(session: Session, cookie: str | None) -> tuple[Actor, Millis] | None:
    if not cookie:
        return None
    query = (
        select(LoginSession, Person, Organisation, Member)
        .join(Person, col(Person.id) == LoginSession.person_id)
        .join(Organisation, col(Organisation.id) == LoginSession.org_id)
        .join(
            Member,
            (col(Member.org_id) == LoginSession.org_id)
            & (col(Member.person_id) == LoginSession.person_id),
        )
        .where(col(LoginSession.digest) == sha256_hex(cookie), *_alive(now_ms()))
    )
    found = session.exec(query).first()
    if found is None:
        return None
    row, person, organisation, member = found
    actor = Actor(
        person_id=person.id,
        org_id=organisation.id,
        session_id=row.id,
        role=member.role,
        name=person.name,
        email=person.email_shown,
        org_name=organisation.name,
        verified=person.verified_at is not None,
    )
    return actor, row.last_seen_at


def _touch(session: Session, session_id: str) -> None:
    mine = update(LoginSession).where(col(LoginSession.id) == session_id)
    session.exec(mine.values(last_seen_at=now_ms()))


def sign_out(session: Session, cookie: str | None) -> None:
    """End the cookie's session; a cookie nobody knows is no error."""
    if cookie:
        _end(session, col(LoginSession.digest) == sha256_hex(cookie))


def sign_out_everywhere(session: Session, person_id: str, *, but: str | None = None) -> int:
    """End all of a person's sessions, except the session id `but`; returns how many ended."""
    return _end(session, col(LoginSession.person_id) == person_id, col(LoginSession.id) != but)


def revoke(session: Session, actor: Actor, session_id: str) -> None:
    """End one of the actor's own sessions.

    Raises:
        NotFound: No such session that is open, or not theirs.
    """
    mine = col(LoginSession.person_id) == actor.person_id
    if not _end(session, mine, col(LoginSession.id) == session_id):
        raise NotFound("No such session.")


def _end(session: Session, *which: ColumnElement[bool]) -> int:
    """End sessions and their browser tokens; other processes drop what they cached of them."""
    open_ones = select(LoginSession).where(col(LoginSession.revoked_at).is_(None), *which)
    ended = list(session.exec(open_ones.with_for_update()))
    for row in ended:
        row.revoked_at = now_ms()
        session.add(row)
        security_log.record(session, "session_ended", person_id=row.person_id, subject_id=row.id)
    if ended:
        ids = [row.id for row in ended]
        session.exec(delete(BrowserToken).where(col(BrowserToken.session_id).in_(ids)))
        revisions.bump(session, "keys")
    return len(ended)


def list_sessions(session: Session, actor: Actor) -> list[SessionView]:
    """The person's open sessions, the newest first."""
    is_of = (col(SecurityEvent.subject_id) == LoginSession.id) & (
        col(SecurityEvent.kind) == "sign_in"
    )
    query = (
        select(LoginSession, SecurityEvent)
        .join(SecurityEvent, is_of, isouter=True)
        .where(col(LoginSession.person_id) == actor.person_id, *_alive(now_ms()))
        .order_by(col(LoginSession.created_at).desc())
    )
    return [
        SessionView(
            id=row.id,
            current=row.id == actor.session_id,
            created_at=row.created_at,
            last_seen_at=row.last_seen_at,
            ip=(event.ip if event else None) or "",
            user_agent=(event.user_agent if event else None) or "",
        )
        for row, event in session.exec(query)
    ]


def mint_browser_token(session: Session, actor: Actor, pepper: bytes) -> tuple[str, Millis]:
    """A new `ats_` token for the page to call the API with, and when it ends (15 minutes).

    Raises:
        Forbidden: The role may not call models.
    """
    actor.require("use")
    token, now = new_token("ats"), now_ms()
    stale = (col(BrowserToken.session_id) == actor.session_id, col(BrowserToken.expires_at) <= now)
    session.exec(delete(BrowserToken).where(*stale))
    row = BrowserToken(
        digest=token_digest(pepper, token),
        session_id=actor.session_id,
        person_id=actor.person_id,
        org_id=actor.org_id,
        expires_at=now + BROWSER_TOKEN_LIFE,
    )
    session.add(row)
    _touch(session, actor.session_id)
    return token, row.expires_at


def find_browser_token(session: Session, digest: str) -> BrowserCaller | None:
    """Who holds the token with this digest, while it, its session and the membership live."""
    now = now_ms()
    query = (
        select(BrowserToken, Organisation, Member)
        .join(LoginSession, col(LoginSession.id) == BrowserToken.session_id)
        .join(Organisation, col(Organisation.id) == BrowserToken.org_id)
        .join(
            Member,
            (col(Member.org_id) == BrowserToken.org_id)
            & (col(Member.person_id) == BrowserToken.person_id),
        )
        .where(
            col(BrowserToken.digest) == digest,
            col(BrowserToken.expires_at) > now,
            *_alive(now),
        )
    )
    found = session.exec(query).first()
    if found is None or found[2].role not in MAY["use"]:
        return None
    token, organisation, _member = found
    return BrowserCaller(
        token_id=token.id,
        person_id=token.person_id,
        org_id=token.org_id,
        session_id=token.session_id,
        expires_at=token.expires_at,
        org_suspended=organisation.suspended_at is not None,
    )


def sweep(session: Session) -> None:
    """Delete browser tokens and sessions that ended more than a day ago."""
    old = now_ms() - DAY
    session.exec(delete(BrowserToken).where(col(BrowserToken.expires_at) < old))
    with_tokens = select(BrowserToken.session_id)
    over = delete(LoginSession).where(
        (col(LoginSession.expires_at) < old) | (col(LoginSession.revoked_at) < old),
        col(LoginSession.id).not_in(with_tokens),
    )
    session.exec(over)
