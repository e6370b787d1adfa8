"""People and their organisations: signing up, confirming an address, names and passwords.

Whether an address has an account is told to nobody but its owner, by mail.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlmodel import Session, col, select

from alltoken_app import db, passwords
from alltoken_app.clock import HOUR, now_ms
from alltoken_app.errors import Conflict, Invalid, Unauthenticated
from alltoken_app.mail import outbox, templates
from alltoken_app.services import (
    acceptances,
    addresses,
    mail_links,
    names,
    password_rules,
    security_log,
    sessions,
)
from alltoken_app.services.actors import Actor
from alltoken_app.services.addresses import Address
from alltoken_app.services.security_log import NOWHERE, Client, Limit
from alltoken_app.settings import settings
from alltoken_app.tables.account import Member, Organisation, Person, Role

LONGEST_NAME = 80
PER_ADDRESS = Limit(60, HOUR)  # sign-ups, and mails asked for, per IP address


@dataclass(frozen=True, repr=False)
class NewPerson:
    """A sign-up form.

    Attributes:
        accepted: Document id to the version shown with its check box.
        of_age: They attested that they are 16 or older.
    """

    name: str
    email: str
    password: str
    organisation: str = ""
    of_age: bool = False
    accepted: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, repr=False)
class _Checked:
    name: str
    organisation: str
    address: Address
    password: str


async def sign_up(form: NewPerson, client: Client = NOWHERE) -> None:
    """Make an account that opens once the link in the mail is used.

    The answer is the same for an address that has an account: its owner gets a mail instead.
    While an address is unconfirmed, the last sign-up with it counts.

    Raises:
        Invalid: `invalid_name`, `invalid_email`, `weak_password`, `age_required`,
            `acceptance_required`; `param` names the field.
        RateLimited: Too many sign-ups from this IP address.
    """
    checked = _check(form)
    await db.run(_count, "sign_up", client)
    password_hash = await passwords.hash_password(checked.password)
    await db.run(_sign_up, checked, password_hash, client)


async def create_confirmed(form: NewPerson) -> str:
    """Make an account whose address counts as confirmed, for the command line; no mail.

    Returns:
        The person's id.

    Raises:
        Invalid: As `sign_up`.
        Conflict: `already_registered`.
    """
    checked = _check(form)
    password_hash = await passwords.hash_password(checked.password)
    return await db.run(_create_confirmed, checked, password_hash)


def _create_confirmed(session: Session, form: _Checked, password_hash: str) -> str:
    if _by_email(session, form.address.canonical) is not None:
        raise Conflict("This address has an account already.", code="already_registered")
    person = _create(session, form, password_hash)
    acceptances.record(session, person.id, _home(session, person.id).id)
    _confirm(session, person, NOWHERE)
    return person.id


def _check(form: NewPerson) -> _Checked:
    name = names.clean(form.name, param="name", longest=LONGEST_NAME)
    organisation = f"{name}'s organisation"
    if form.organisation.strip():
        organisation = names.clean(form.organisation, param="organisation", longest=LONGEST_NAME)
    address = addresses.parse(form.email)
    password = password_rules.prepared(form.password)
    password_rules.check(password, (address.shown, address.canonical, form.email.strip()))
    _require_age(form.of_age)
    acceptances.require(form.accepted)
    return _Checked(name, organisation, address, password)


def _require_age(of_age: bool) -> None:
    if not of_age:
        raise Invalid(
            "AllToken is for people of 16 years or older. Confirm your age to go on.",
            code="age_required",
            param="age",
            status=422,
        )


def _count(session: Session, kind: str, client: Client) -> None:
    security_log.take_turn(session, f"{kind} {client.ip}")
    security_log.refuse_above(session, kind, PER_ADDRESS, client)
    security_log.record(session, kind, client)


def _sign_up(session: Session, form: _Checked, password_hash: str, client: Client) -> None:
    security_log.take_turn(session, form.address.canonical)
    person = _by_email(session, form.address.canonical)
    if person is not None and person.verified_at is not None:
        mail_links.send_already_registered(session, person)
        return
    if person is None:
        person = _create(session, form, password_hash)
    else:
        _start_over(session, person, form, password_hash)
    org_id = _home(session, person.id).id
    acceptances.record(session, person.id, org_id)
    event = {"person_id": person.id, "org_id": org_id}
    security_log.record(session, "account_created", client, **event)
    mail_links.send_confirmation(session, person.id)


def _create(session: Session, form: _Checked, password_hash: str) -> Person:
    organisation = Organisation(name=form.organisation)
    person = Person(
        email=form.address.canonical,
        email_shown=form.address.shown,
        name=form.name,
        password_hash=password_hash,
        age_attested_at=now_ms(),
    )
    session.add_all([organisation, person])
    session.flush()
    session.add(Member(org_id=organisation.id, person_id=person.id, role=Role.OWNER))
    session.flush()
    return person


def _start_over(session: Session, person: Person, form: _Checked, password_hash: str) -> None:
    """Nobody has proved to own the address yet: what was typed last replaces the first try."""
    mail_links.drop(session, person.id)
    person.name, person.email_shown = form.name, form.address.shown
    person.password_hash, person.age_attested_at = password_hash, now_ms()
    organisation = _home(session, person.id)
    organisation.name = form.organisation
    session.add_all([person, organisation])


def _by_email(session: Session, canonical: str) -> Person | None:
    return session.exec(select(Person).where(col(Person.email) == canonical)).first()


def _home(session: Session, person_id: str) -> Organisation:
    """The organisation a person joined first."""
    theirs = (
        select(Organisation)
        .join(Member, col(Member.org_id) == Organisation.id)
        .where(col(Member.person_id) == person_id)
        .order_by(col(Member.created_at), col(Member.id))
    )
    return session.exec(theirs.limit(1)).one()


def verify(session: Session, token: str, client: Client = NOWHERE) -> str:
    """Confirm the address that the mailed link was sent to; returns the person's id.

    Raises:
        Invalid: `invalid_token`.
    """
    person = mail_links.use(session, token, mail_links.VERIFY)
    _confirm(session, person, client)
    return person.id


def _confirm(session: Session, person: Person, client: Client) -> None:
    if person.verified_at is None:
        person.verified_at = now_ms()
        session.add(person)
        security_log.record(session, "address_confirmed", client, person_id=person.id)


def request_confirmation(session: Session, email: str, client: Client = NOWHERE) -> None:
    """Mail a new confirmation link, if the address has an unconfirmed account.

    Raises:
        RateLimited: Too many mails asked for from this IP address.
    """
    _count(session, "confirmation_requested", client)
    person = _by_email(session, addresses.canonical(email))
    if person is not None:
        mail_links.send_confirmation(session, person.id)


def request_reset(session: Session, email: str, client: Client = NOWHERE) -> None:
    """Mail a link that sets a new password, if the address has an account.

    Raises:
        RateLimited: Too many mails asked for from this IP address.
    """
    _count(session, "reset_requested", client)
    person = _by_email(session, addresses.canonical(email))
    if person is not None:
        mail_links.send_reset(session, person)


async def reset(token: str, password: str, client: Client = NOWHERE) -> None:
    """Set a new password by a mailed link; signs out every browser and confirms the address.

    Raises:
        Invalid: `invalid_token`, `weak_password`.
    """
    person = await db.read(mail_links.peek, token, mail_links.RESET)
    password_hash = await _new_hash(password, person)
    await db.run(_reset, token, password_hash, client)


async def _new_hash(password: str, person: Person) -> str:
    password = password_rules.prepared(password)
    password_rules.check(password, (person.email_shown, person.email))
    return await passwords.hash_password(password)


def _reset(session: Session, token: str, password_hash: str, client: Client) -> None:
    person = mail_links.use(session, token, mail_links.RESET)
    _confirm(session, person, client)
    mail_links.drop(session, person.id)
    _set_password(session, person, password_hash, client)
    sessions.sign_out_everywhere(session, person.id)


def _set_password(session: Session, person: Person, password_hash: str, client: Client) -> None:
    person.password_hash = password_hash
    session.add(person)
    security_log.record(session, "password_changed", client, person_id=person.id)
    outbox.queue(session, person.email_shown, templates.password_changed(settings().origin))


async def change_password(
    actor: Actor, current: str, password: str, client: Client = NOWHERE
) -> None:
    """Set a new password, knowing the old one; every other browser is signed out.

    Raises:
        Unauthenticated: `invalid_credentials`: the current password is wrong.
        Invalid: `weak_password`.
        RateLimited: Five wrong ones in 15 minutes.
    """
    person = await db.run(_begin_change, actor, client)
    current = password_rules.prepared(current)
    worth_it = password_rules.hashable(current)
    if not (await passwords.verify(current if worth_it else "", person.password_hash) and worth_it):
        raise Unauthenticated(
            "The current password is wrong.", code="invalid_credentials", param="current"
        )
    await db.run(_change_password, actor, await _new_hash(password, person), client)


def _begin_change(session: Session, actor: Actor, client: Client) -> Person:
    kind = "password_checked"
    security_log.take_turn(session, f"{kind} {actor.person_id}")
    tries = {"subject": actor.person_id}
    security_log.refuse_above(session, kind, sessions.PER_ACCOUNT, client, **tries)
    security_log.record(session, kind, client, subject_id=actor.person_id)
    return session.get_one(Person, actor.person_id)


def _change_password(session: Session, actor: Actor, password_hash: str, client: Client) -> None:
    person = session.get_one(Person, actor.person_id)
    mail_links.drop(session, person.id)
    _set_password(session, person, password_hash, client)
    sessions.sign_out_everywhere(session, person.id, but=actor.session_id)


def change_name(session: Session, actor: Actor, name: str) -> str:
    """Rename the person; returns the name as it is kept.

    Raises:
        Invalid: `invalid_name`.
    """
    person = session.get_one(Person, actor.person_id)
    person.name = names.clean(name, param="name", longest=LONGEST_NAME)
    session.add(person)
    return person.name


def change_organisation_name(session: Session, actor: Actor, name: str) -> str:
    """Rename the organisation; owners and admins may. Returns the name as it is kept.

    Raises:
        Forbidden: Another role.
        Invalid: `invalid_name`.
    """
    actor.require("rename")
    organisation = session.get_one(Organisation, actor.org_id)
    organisation.name = names.clean(name, param="organisation", longest=LONGEST_NAME)
    session.add(organisation)
    return organisation.name
