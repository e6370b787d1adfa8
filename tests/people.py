"""People and organisations for tests, and what is needed to act as them."""

from sqlmodel import Session, select

from alltoken_app import db
from alltoken_app.clock import now_ms
from alltoken_app.services import acceptances, sessions
from alltoken_app.services.accounts import NewPerson
from alltoken_app.services.sessions import SignedIn
from alltoken_app.tables.account import Mail, Member, Organisation, Person, Role

PASSWORD = "quiet-otter-bakes-42"


def form(email: str = "mira@example.org", **changes: object) -> NewPerson:
    accepted = {document.id: document.version for document in acceptances.DOCUMENTS}
    fields = {"name": "Mira", "email": email, "password": PASSWORD, "of_age": True}
    return NewPerson(**fields | {"accepted": accepted} | changes)


def add(session: Session, name: str, *, role: str = Role.OWNER, org_id: str = "") -> SignedIn:
    """A confirmed person without a usable password, signed in."""
    if not org_id:
        organisation = Organisation(name=f"{name}'s organisation")
        session.add(organisation)
        org_id = organisation.id
    address = f"{name.lower()}@example.org"
    person = Person(
        email=address,
        email_shown=address,
        name=name,
        password_hash="none",
        verified_at=now_ms(),
        age_attested_at=now_ms(),
    )
    session.add(person)
    session.flush()
    session.add(Member(org_id=org_id, person_id=person.id, role=role))
    session.flush()
    return sessions.start(session, person.id)


async def sign_in(name: str = "Mira", **more: str) -> SignedIn:
    return await db.run(add, name, **more)


async def mails() -> list[Mail]:
    return await db.read(lambda session: list(session.exec(select(Mail).order_by(Mail.id))))


async def mailed_token() -> str:
    """The token in the newest mail's link."""
    text = (await mails())[-1].text
    return text.split("token=")[1].split()[0]
