"""alltoken_app/services/accounts.py"""

import asyncio

import pytest
import time_machine
from sqlmodel import select

from alltoken_app import db
from alltoken_app.clock import DAY, MINUTE, now_ms
from alltoken_app.crypto import sha256_hex
from alltoken_app.errors import AllTokenError, Conflict, Invalid, RateLimited, Unauthenticated
from alltoken_app.services import acceptances, accounts, mail_links, sessions
from alltoken_app.services.security_log import Client
from alltoken_app.tables.account import Acceptance, MailToken, Organisation, Person, SecurityEvent
from tests.people import PASSWORD, form, mailed_token, mails, sign_in

HOME = Client("203.0.113.7", "test")

pytestmark = pytest.mark.usefixtures("database")


async def people() -> list[Person]:
    return await db.read(lambda session: list(session.exec(select(Person))))


async def test_signing_up_and_confirming_opens_an_account() -> None:
    await accounts.sign_up(form("Mira.Lind@Example.org"), HOME)
    with pytest.raises(Unauthenticated):
        await sessions.sign_in("mira.lind@example.org", PASSWORD, HOME)
    person_id = await db.run(accounts.verify, (await mails())[0].text.split("token=")[1].split()[0])
    signed_in = await sessions.sign_in(" mira.lind@EXAMPLE.org", PASSWORD, HOME)
    assert signed_in.actor.person_id == person_id
    assert signed_in.actor.org_name == "Mira's organisation"
    assert signed_in.actor.email == "Mira.Lind@example.org"
    accepted = await db.read(lambda session: session.exec(select(Acceptance)).all())
    assert {(row.document, row.version) for row in accepted} == {
        (document.id, document.version) for document in acceptances.DOCUMENTS
    }
    assert await db.read(acceptances.missing, person_id) == []


async def test_a_known_address_is_told_to_its_owner_alone() -> None:
    await accounts.create_confirmed(form())
    before = await people()
    assert await accounts.sign_up(form("Mira+shop@example.org", name="Eve"), HOME) is None
    assert await people() == before
    assert [(mail.kind, mail.recipient) for mail in await mails()] == [
        ("already_registered", "mira@example.org")
    ]


async def test_until_an_address_is_confirmed_the_last_sign_up_counts() -> None:
    await accounts.sign_up(form(password="a password of a stranger"), HOME)
    first = await mailed_token()
    await accounts.sign_up(form(organisation="Northwind"), HOME)
    with pytest.raises(Invalid):
        await db.run(accounts.verify, first)
    await db.run(accounts.verify, await mailed_token())
    with pytest.raises(Unauthenticated):
        await sessions.sign_in("mira@example.org", "a password of a stranger", HOME)
    assert (
        await sessions.sign_in("mira@example.org", PASSWORD, HOME)
    ).actor.org_name == "Northwind"


async def test_twins_that_sign_up_at_once_make_one_account() -> None:
    twins = ["mi.ra@gmail.com", "mira+1@gmail.com", "MIRA@googlemail.com"]
    await asyncio.gather(*(accounts.sign_up(form(twin), HOME) for twin in twins))
    assert [person.email for person in await people()] == ["mira@gmail.com"]
    organisations = await db.read(lambda session: session.exec(select(Organisation)).all())
    assert len(organisations) == 1


async def test_a_password_is_the_same_however_it_was_typed() -> None:
    await accounts.create_confirmed(form(password="cafe\u0301 con leche 77"))
    assert await sessions.sign_in("mira@example.org", "caf\u00e9 con leche 77", HOME)


async def test_a_link_works_once_and_for_its_purpose() -> None:
    await accounts.sign_up(form(), HOME)
    token = await mailed_token()
    with pytest.raises(Invalid) as wrong_purpose:
        await accounts.reset(token, PASSWORD + "x")
    results = await asyncio.gather(
        *(db.run(accounts.verify, token) for _ in range(5)), return_exceptions=True
    )
    assert sorted(type(result).__name__ for result in results) == ["Invalid"] * 4 + ["str"]
    for bad in (token, token[:-1], "", "x"):
        with pytest.raises(Invalid) as refused:
            await db.run(accounts.verify, bad)
        assert (refused.value.code, refused.value.status) == ("invalid_token", 400)
    assert wrong_purpose.value.code == "invalid_token"


@pytest.mark.parametrize(("life", "ask"), [(DAY, "confirmation"), (30 * MINUTE, "reset")])
async def test_a_link_ends_with_its_time(life: int, ask: str) -> None:
    with time_machine.travel(1_800_000_000) as clock:
        await accounts.sign_up(form(), HOME)
        await db.run(getattr(accounts, f"request_{ask}"), "mira@example.org")
        token = await mailed_token()
        clock.shift(life / 1000)
        with pytest.raises(Invalid):
            await db.run(accounts.verify, token)
        with pytest.raises(Invalid):
            await accounts.reset(token, PASSWORD + "x")


async def test_a_reset_signs_every_browser_out_and_proves_the_address() -> None:
    await accounts.sign_up(form(), HOME)
    await db.run(accounts.verify, await mailed_token())
    signed_in = await sessions.sign_in("mira@example.org", PASSWORD, HOME)
    await db.run(accounts.request_reset, "mira@example.org")
    await accounts.reset(await mailed_token(), "another-otter-sings-9", HOME)
    assert await sessions.recognise(signed_in.cookie) is None
    assert await sessions.sign_in("mira@example.org", "another-otter-sings-9", HOME)
    with pytest.raises(Unauthenticated):
        await sessions.sign_in("mira@example.org", PASSWORD, HOME)
    assert (await mails())[-1].kind == "password_changed"


async def test_links_that_have_ended_are_swept_away() -> None:
    with time_machine.travel(1_800_000_000) as clock:
        await accounts.sign_up(form("old@example.org"), HOME)
        clock.shift(2 * DAY / 1000 + 1)
        await accounts.sign_up(form("new@example.org"), HOME)
        await db.run(mail_links.sweep)
        kept = await db.read(lambda session: session.exec(select(MailToken.digest)).all())
        assert kept == [sha256_hex(await mailed_token())]


async def test_nobody_is_mailed_for_an_unknown_address() -> None:
    await db.run(accounts.request_reset, "nobody@example.org")
    await db.run(accounts.request_confirmation, "not an address")
    assert await mails() == []


async def test_one_mailbox_cannot_be_flooded() -> None:
    await accounts.create_confirmed(form())
    for _ in range(9):
        await db.run(accounts.request_reset, "mira@example.org")
    assert len(await mails()) == 5


async def test_one_address_cannot_ask_without_end() -> None:
    async def ask(client: Client) -> None:
        await db.run(accounts.request_reset, "nobody@example.org", client)

    for _ in range(accounts.PER_ADDRESS.count):
        await ask(HOME)
    with pytest.raises(RateLimited) as refused:
        await ask(HOME)
    assert 3_500 < (refused.value.retry_after or 0) <= 3_600
    await ask(Client("203.0.113.8"))


async def test_changing_a_password_needs_the_old_one_and_keeps_only_this_browser() -> None:
    person_id = await accounts.create_confirmed(form())
    here = await sessions.sign_in("mira@example.org", PASSWORD, HOME)
    other = await db.run(sessions.start, person_id)
    with pytest.raises(Unauthenticated):
        await accounts.change_password(here.actor, "wrong-otter-wrong", "new-otter-new-1")
    await accounts.change_password(here.actor, PASSWORD, "new-otter-new-1")
    assert await sessions.recognise(here.cookie) == here.actor
    assert await sessions.recognise(other.cookie) is None


async def test_names_can_be_changed_by_those_who_may() -> None:
    owner = (await sign_in("Mira")).actor
    viewer = (await sign_in("Vic", role="viewer", org_id=owner.org_id)).actor
    assert await db.run(accounts.change_name, viewer, "  Vic   Ray ") == "Vic Ray"
    assert await db.run(accounts.change_organisation_name, owner, "Northwind") == "Northwind"
    with pytest.raises(AllTokenError, match="Your role"):
        await db.run(accounts.change_organisation_name, viewer, "Mine")


async def test_the_command_line_makes_confirmed_people_once() -> None:
    await accounts.create_confirmed(form())
    with pytest.raises(Conflict):
        await accounts.create_confirmed(form("MIRA@example.org"))
    (person,) = await people()
    assert person.verified_at is not None
    assert person.verified_at <= now_ms()
    events = await db.read(lambda session: session.exec(select(SecurityEvent.kind)).all())
    assert events == ["address_confirmed"]
