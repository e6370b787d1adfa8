"""`demo-account`: a person who can try everything, made or refreshed in one call."""

import asyncio
import json
import secrets
from dataclasses import asdict, dataclass

from sqlmodel import Session, col, select

from alltoken_app import crypto, db, passwords
from alltoken_app.clock import now_ms
from alltoken_app.command import database, instance
from alltoken_app.command.run import open_var
from alltoken_app.command.says import Stopped
from alltoken_app.errors import Conflict
from alltoken_app.services import (
    acceptances,
    accounts,
    addresses,
    keys,
    sessions,
    top_ups,
)
from alltoken_app.services.accounts import NewPerson
from alltoken_app.services.actors import Actor
from alltoken_app.services.demo_top_ups import demo_top_up
from alltoken_app.services.keys import NewKey
from alltoken_app.settings import Settings
from alltoken_app.tables.account import Person

KEY_NAME = "demo"
PERSON_NAME = "Demo Person"


@dataclass(frozen=True)
class DemoAccount:
    """What a newcomer needs to sign in and to call the API."""

    email: str
    password: str
    key: str
    base_url: str
    organisation: str


def demo_account(settings: Settings, *, credit: str, email: str) -> str:
    """Make or find the person, add credit, set a new password and key; one line of JSON.

    Raises:
        Stopped: Money is real in this book, or the database is behind.
        AllTokenError: The address or the amount cannot be used.
    """
    if settings.book == "live":
        raise Stopped("demo-account is for the sandbox book; this one has a live Stripe key.")
    var = open_var(settings)
    if database.revision(settings.database) != database.newest():
        database.prepare(settings)
    top_ups.quote(credit, settings.top_up_fee_percent)  # a wrong amount stops before the person
    other = instance.running(var)
    reached = settings.model_copy(update={"port": other.port}) if other else settings
    url = other.url if other else settings.origin
    made = asyncio.run(_make(reached, credit, email, f"{url}/v1"))
    return json.dumps(asdict(made))


async def _make(settings: Settings, credit: str, email: str, base_url: str) -> DemoAccount:
    kept = crypto.load_secrets(settings.var.resolve())
    database_open = db.open_database(settings.database)
    password = secrets.token_urlsafe(15)
    try:
        actor = await _person(email, password)
        org_id, person_id = actor.org_id, actor.person_id
        await demo_top_up(settings, kept, org_id=org_id, person_id=person_id, dollars=credit)
        key = await database_open.run(_new_key, actor, pepper=kept.pepper, book=settings.book)
    finally:
        await db.close_database()
    return DemoAccount(actor.email, password, key, base_url, actor.org_name)


async def _person(email: str, password: str) -> Actor:
    accepted = {document.id: document.version for document in acceptances.DOCUMENTS}
    form = NewPerson(
        name=PERSON_NAME, email=email, password=password, of_age=True, accepted=accepted
    )
    try:
        person_id = await accounts.create_confirmed(form)
    except Conflict:
        password_hash = await passwords.hash_password(password)
        person_id = await db.run(_renew, addresses.canonical(email), password_hash)
    return await db.run(_act_as, person_id)


def _renew(session: Session, canonical: str, password_hash: str) -> str:
    person = session.exec(select(Person).where(col(Person.email) == canonical)).one()
    person.password_hash = password_hash
    person.verified_at = person.verified_at or now_ms()
    session.add(person)
    sessions.sign_out_everywhere(session, person.id)
    return person.id


def _act_as(session: Session, person_id: str) -> Actor:
    """The person as an actor, without leaving a browser session behind."""
    opened = sessions.start(session, person_id)
    sessions.sign_out(session, opened.cookie)
    return opened.actor


def _new_key(session: Session, actor: Actor, *, pepper: bytes, book: str) -> str:
    for key in keys.list_keys(session, actor):
        if key.name == KEY_NAME and key.status != "revoked":
            keys.revoke(session, actor, key.id)
    _, secret = keys.create(session, actor, NewKey(KEY_NAME), pepper=pepper, book=book)
    return secret
