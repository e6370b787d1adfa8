"""People, organisations, who belongs to which, their sessions, and what they accepted."""

from enum import StrEnum

from sqlalchemy import UniqueConstraint
from sqlmodel import Field, SQLModel

from alltoken_app.clock import Millis, now_ms
from alltoken_app.ids import new_id
from alltoken_app.tables.columns import big, maybe_big


class Role(StrEnum):
    """What a member may do in an organisation."""

    OWNER = "owner"
    ADMIN = "admin"
    DEVELOPER = "developer"
    BILLING = "billing"
    VIEWER = "viewer"


class Person(SQLModel, table=True):
    """A login. `email` is the canonical form and unique; `email_shown` is as typed."""

    id: str = Field(default_factory=lambda: new_id("usr"), primary_key=True)
    email: str = Field(unique=True)
    email_shown: str
    name: str
    password_hash: str
    verified_at: Millis | None = maybe_big()
    age_attested_at: Millis = big()
    created_at: Millis = big(default_factory=now_ms)


class Organisation(SQLModel, table=True):
    """Who pays. `company` is what sign-up calls the optional organisation."""

    id: str = Field(default_factory=lambda: new_id("org"), primary_key=True)
    name: str
    created_at: Millis = big(default_factory=now_ms)
    suspended_at: Millis | None = maybe_big()


class Member(SQLModel, table=True):
    """A person in an organisation."""

    __table_args__ = (UniqueConstraint("org_id", "person_id"),)

    id: str = Field(default_factory=lambda: new_id("mem"), primary_key=True)
    org_id: str = Field(foreign_key="organisation.id", index=True)
    person_id: str = Field(foreign_key="person.id", index=True)
    role: str = Role.OWNER
    created_at: Millis = big(default_factory=now_ms)


class LoginSession(SQLModel, table=True):
    """One signed-in browser. Only the SHA-256 of its cookie is kept."""

    __tablename__ = "login_session"

    id: str = Field(default_factory=lambda: new_id("ses"), primary_key=True)
    digest: str = Field(unique=True)
    person_id: str = Field(foreign_key="person.id", index=True)
    org_id: str = Field(foreign_key="organisation.id")
    created_at: Millis = big(default_factory=now_ms)
    last_seen_at: Millis = big(default_factory=now_ms)
    expires_at: Millis = big()
    revoked_at: Millis | None = maybe_big()


class BrowserToken(SQLModel, table=True):
    """A short-lived `ats_` token of a signed-in browser; dies with its session."""

    __tablename__ = "browser_token"

    id: str = Field(default_factory=lambda: new_id("btk"), primary_key=True)
    digest: str = Field(unique=True)
    session_id: str = Field(foreign_key="login_session.id", index=True)
    person_id: str
    org_id: str
    created_at: Millis = big(default_factory=now_ms)
    expires_at: Millis = big(index=True)


class MailToken(SQLModel, table=True):
    """A single-use link in a mail: verify an address, or reset a password."""

    __tablename__ = "mail_token"

    digest: str = Field(primary_key=True)
    purpose: str
    person_id: str = Field(foreign_key="person.id", index=True)
    created_at: Millis = big(default_factory=now_ms)
    expires_at: Millis = big()
    used_at: Millis | None = maybe_big()


class Mail(SQLModel, table=True):
    """The outbox. Without SMTP the mails stay here and the development mailbox shows them."""

    id: str = Field(default_factory=lambda: new_id("mail"), primary_key=True)
    recipient: str = Field(index=True)
    subject: str
    text: str
    kind: str
    created_at: Millis = big(default_factory=now_ms)
    sent_at: Millis | None = maybe_big()
    attempts: int = 0
    next_attempt_at: Millis = big(default_factory=now_ms)


class Acceptance(SQLModel, table=True):
    """Who accepted which version of which document, and when."""

    id: str = Field(default_factory=lambda: new_id("acc"), primary_key=True)
    person_id: str = Field(foreign_key="person.id", index=True)
    org_id: str = Field(index=True)
    document: str
    version: str
    at: Millis = big(default_factory=now_ms)


class SecurityEvent(SQLModel, table=True):
    """The security log: the only place for an address and a user agent. Kept 90 days."""

    __tablename__ = "security_event"

    id: str = Field(default_factory=lambda: new_id("sev"), primary_key=True)
    kind: str
    person_id: str | None = Field(default=None, index=True)
    org_id: str | None = Field(default=None, index=True)
    subject_id: str | None = None
    ip: str | None = None
    user_agent: str | None = None
    at: Millis = big(default_factory=now_ms, index=True)
