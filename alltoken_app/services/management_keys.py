"""Management keys: programs make and change API keys with them, and can do nothing else."""

from dataclasses import dataclass

from sqlmodel import Session, col, func, select

from alltoken_app.clock import Millis, now_ms
from alltoken_app.crypto import display, new_token, token_digest
from alltoken_app.errors import Conflict, Forbidden, NotFound, Unauthenticated
from alltoken_app.services import key_rules, names, security_log
from alltoken_app.services.actors import Actor
from alltoken_app.tables.account import Member, Organisation, Person
from alltoken_app.tables.key import ManagementKey

PREFIX = "atm_"
MOST = 20
LONGEST_NAME = 48


@dataclass(frozen=True)
class ManagementKeyView:
    """A management key for showing. `status`: "active", "expired" or "revoked"."""

    id: str
    name: str
    display: str
    status: str
    created_at: Millis
    last_used_at: Millis | None
    expires_at: Millis | None


def create(
    session: Session, actor: Actor, name: str, *, pepper: bytes, expires_at: Millis | None = None
) -> tuple[ManagementKeyView, str]:
    """Make a management key. The secret is returned here and never again.

    Raises:
        Forbidden: `email_not_verified`, or the role may not.
        Invalid: The name or the expiry is wrong; `param` names it.
        Conflict: `too_many_keys`.
    """
    actor.require("all_keys")
    if not actor.verified:
        text = "Confirm your email address first; the link is in our mail."
        raise Forbidden(text, code="email_not_verified")
    kept = (col(ManagementKey.org_id) == actor.org_id, col(ManagementKey.revoked_at).is_(None))
    if session.exec(select(func.count()).select_from(ManagementKey).where(*kept)).one() >= MOST:
        text = f"An organisation can have {MOST} management keys. Revoke one that is not used."
        raise Conflict(text, code="too_many_keys")
    token = new_token(PREFIX.rstrip("_"))
    row = ManagementKey(
        org_id=actor.org_id,
        created_by=actor.person_id,
        name=names.clean(name, param="name", longest=LONGEST_NAME),
        digest=token_digest(pepper, token),
        display=display(token),
        expires_at=key_rules.future(expires_at),
    )
    session.add(row)
    session.flush()
    _log(session, actor, "management_key_created", row)
    return _view(row), token


def list_keys(session: Session, actor: Actor) -> list[ManagementKeyView]:
    """The organisation's management keys, the newest first."""
    actor.require("all_keys")
    newest = col(ManagementKey.created_at).desc()
    ours = select(ManagementKey).where(col(ManagementKey.org_id) == actor.org_id)
    return [_view(row) for row in session.exec(ours.order_by(newest))]


def revoke(session: Session, actor: Actor, key_id: str) -> ManagementKeyView:
    """End a management key for good; again is no error.

    Raises:
        NotFound: No such key, or not the organisation's.
    """
    actor.require("all_keys")
    row = session.get(ManagementKey, key_id)
    if row is None or row.org_id != actor.org_id:
        raise NotFound("No such key.")
    row.revoked_at = row.revoked_at or now_ms()
    session.add(row)
    _log(session, actor, "management_key_revoked", row)
    return _view(row)


def use(session: Session, digest: str) -> Actor:
    """Who acts by the management key with this digest: the member who made it, as they are now.

    Raises:
        Unauthenticated: Unknown, revoked or expired, or its maker has left.
        Forbidden: The organisation is suspended.
    """
    row = session.exec(select(ManagementKey).where(col(ManagementKey.digest) == digest)).first()
    if row is None:
        raise Unauthenticated("This management key does not work. Make a new one.")
    if row.revoked_at is not None:
        raise Unauthenticated("This management key was revoked.", code="api_key_revoked")
    if row.expires_at is not None and row.expires_at <= now_ms():
        raise Unauthenticated("This management key has expired.", code="api_key_expired")
    maker = (
        select(Member, Person, Organisation)
        .join(Person, col(Person.id) == Member.person_id)
        .join(Organisation, col(Organisation.id) == Member.org_id)
        .where(col(Member.org_id) == row.org_id, col(Member.person_id) == row.created_by)
    )
    found = session.exec(maker).first()
    if found is None:
        raise Unauthenticated("Whoever made this management key has left.", code="api_key_revoked")
    member, person, organisation = found
    if organisation.suspended_at is not None:
        raise Forbidden("This organisation is suspended.", code="organisation_suspended")
    row.last_used_at = now_ms()
    session.add(row)
    return Actor(
        person_id=person.id, org_id=row.org_id, session_id=row.id, role=member.role,
        name=person.name, email=person.email, org_name=organisation.name,
        verified=person.verified_at is not None,
    )  # fmt: skip


def _log(session: Session, actor: Actor, kind: str, row: ManagementKey) -> None:
    security_log.record(
        session, kind, person_id=actor.person_id, org_id=actor.org_id, subject_id=row.id
    )


def _view(row: ManagementKey) -> ManagementKeyView:
    expired = row.expires_at is not None and row.expires_at <= now_ms()
    ended = "expired" if expired else "active"
    return ManagementKeyView(
        row.id, row.name, row.display, "revoked" if row.revoked_at else ended,
        row.created_at, row.last_used_at, row.expires_at,
    )  # fmt: skip
