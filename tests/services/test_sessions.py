"""alltoken_app/services/sessions.py"""

import asyncio

import pytest
import time_machine
from sqlmodel import select, update

from alltoken_app import crypto, db, revisions
from alltoken_app.clock import DAY, MINUTE, now_ms
from alltoken_app.errors import Forbidden, NotFound, RateLimited, Unauthenticated
from alltoken_app.services import accounts, security_log, sessions
from alltoken_app.services.actors import Actor
from alltoken_app.services.security_log import Client
from alltoken_app.services.sessions import BrowserCaller
from alltoken_app.settings import Settings
from alltoken_app.tables.account import LoginSession, Member, Organisation, SecurityEvent
from tests.people import PASSWORD, form, mails, sign_in

HOME = Client("203.0.113.7", "Firefox")
PEPPER = b"p" * 32
START = 1_800_000_000

pytestmark = pytest.mark.usefixtures("database")


async def refusal(email: str, password: str, client: Client = HOME) -> str:
    with pytest.raises(Unauthenticated) as refused:
        await sessions.sign_in(email, password, client)
    return f"{refused.value.code} {refused.value} {refused.value.param}"


async def token_caller(token: str) -> BrowserCaller | None:
    return await db.read(sessions.find_browser_token, crypto.token_digest(PEPPER, token))


async def mint(actor: Actor) -> str:
    return (await db.run(sessions.mint_browser_token, actor, PEPPER))[0]


async def test_every_reason_to_refuse_a_sign_in_sounds_the_same() -> None:
    await accounts.create_confirmed(form())
    await accounts.sign_up(form("new@example.org"), HOME)
    said = {
        await refusal("mira@example.org", "wrong-otter-wrong"),
        await refusal("mira@example.org", "x" * 2_000),
        await refusal("mira@example.org", PASSWORD + "\0"),
        await refusal("nobody@example.org", PASSWORD),
        await refusal("not an address", PASSWORD),
        await refusal("new@example.org", PASSWORD),  # not confirmed yet
    }
    assert len(said) == 1
    assert [mail.kind for mail in await mails()] == ["confirm_address"] * 2


async def test_five_failures_close_an_account_to_one_address_for_a_quarter_of_an_hour() -> None:
    await accounts.create_confirmed(form())
    with time_machine.travel(START) as clock:
        tries = [sessions.sign_in("mira@example.org", "wrong-otter", HOME) for _ in range(12)]
        results = await asyncio.gather(*tries, return_exceptions=True)
        kinds = [type(result) for result in results]
        assert (kinds.count(Unauthenticated), kinds.count(RateLimited)) == (5, 7)
        with pytest.raises(RateLimited) as refused:
            await sessions.sign_in("MIRA+x@example.org", PASSWORD, HOME)
        assert 0 < (refused.value.retry_after or 0) <= 15 * 60
        assert await sessions.sign_in("mira@example.org", PASSWORD, Client("203.0.113.8"))
        clock.shift(15 * 60)
        assert await sessions.sign_in("mira@example.org", PASSWORD, HOME)


async def test_one_address_cannot_try_many_accounts() -> None:
    def failures(session: db.Session) -> None:
        for number in range(sessions.PER_ADDRESS.count):
            security_log.record(session, sessions.FAILED, HOME, subject_id=str(number))

    await db.run(failures)
    with pytest.raises(RateLimited):
        await sessions.sign_in("nobody@example.org", PASSWORD, HOME)


async def test_a_sign_in_is_logged_and_replaces_the_browsers_old_session() -> None:
    await accounts.create_confirmed(form())
    first = await sessions.sign_in("mira@example.org", PASSWORD, HOME)
    second = await sessions.sign_in("mira@example.org", PASSWORD, HOME, replaces=first.cookie)
    assert first.cookie != second.cookie
    assert await sessions.recognise(first.cookie) is None
    (view,) = await db.read(sessions.list_sessions, second.actor)
    assert (view.ip, view.user_agent, view.current) == ("203.0.113.7", "Firefox", True)
    log = await db.read(lambda session: session.exec(select(SecurityEvent.kind)).all())
    assert sorted(log) == ["address_confirmed", "session_ended", "sign_in", "sign_in"]


async def test_only_a_hash_of_the_cookie_is_kept() -> None:
    signed_in = await sign_in()
    (row,) = await db.read(lambda session: session.exec(select(LoginSession)).all())
    assert row.digest == crypto.sha256_hex(signed_in.cookie)
    assert len(signed_in.cookie) == 43  # 256 bits
    assert await sessions.recognise(row.digest) is None
    assert signed_in.cookie not in repr(signed_in)


async def test_a_session_ends_when_idle_for_12_hours() -> None:
    with time_machine.travel(START) as clock:
        signed_in = await sign_in()
        clock.shift(11 * 3600)
        assert await sessions.recognise(signed_in.cookie)
        clock.shift(11 * 3600)
        assert await sessions.recognise(signed_in.cookie)
        clock.shift(12 * 3600)
        assert await sessions.recognise(signed_in.cookie) is None


async def test_a_session_ends_after_7_days_of_use() -> None:
    with time_machine.travel(START) as clock:
        signed_in = await sign_in()
        for _ in range(14):
            clock.shift(12 * 3600 - 60)
            assert await sessions.recognise(signed_in.cookie)
        clock.shift(14 * 60)
        assert await sessions.recognise(signed_in.cookie) is None


async def test_use_is_noted_once_a_minute() -> None:
    async def seen() -> int:
        return await db.read(lambda session: session.exec(select(LoginSession.last_seen_at)).one())

    with time_machine.travel(START) as clock:
        signed_in = await sign_in()
        at_first = await seen()
        clock.shift(30)
        await sessions.recognise(signed_in.cookie)
        assert await seen() == at_first
        clock.shift(31)
        await sessions.recognise(signed_in.cookie)
        assert await seen() - at_first >= MINUTE


async def test_signing_out_ends_the_session_and_its_tokens_at_once() -> None:
    signed_in = await sign_in()
    token = await mint(signed_in.actor)
    announced: list[str] = []
    unsubscribe = revisions.subscribe("keys", lambda: announced.append("keys"))
    await db.run(sessions.sign_out, signed_in.cookie)
    unsubscribe()
    assert await sessions.recognise(signed_in.cookie) is None
    assert await token_caller(token) is None
    assert announced == ["keys"]
    await db.run(sessions.sign_out, signed_in.cookie)
    await db.run(sessions.sign_out, None)


async def test_a_person_ends_their_own_sessions_only() -> None:
    mira, eve = await sign_in("Mira"), await sign_in("Eve")
    with pytest.raises(NotFound):
        await db.run(sessions.revoke, eve.actor, mira.actor.session_id)
    await db.run(sessions.revoke, mira.actor, mira.actor.session_id)
    again = await db.run(sessions.start, mira.actor.person_id)
    assert await db.run(sessions.sign_out_everywhere, mira.actor.person_id) == 1
    assert await sessions.recognise(again.cookie) is None
    assert await sessions.recognise(eve.cookie) == eve.actor


async def test_who_left_the_organisation_is_signed_out() -> None:
    mira = await sign_in("Mira")
    vic = await sign_in("Vic", role="developer", org_id=mira.actor.org_id)
    token = await mint(vic.actor)

    def leave(session: db.Session) -> None:
        theirs = Member.person_id == vic.actor.person_id
        session.delete(session.exec(select(Member).where(theirs)).one())

    await db.run(leave)
    assert await sessions.recognise(vic.cookie) is None
    assert await token_caller(token) is None


async def test_a_browser_token_lives_a_quarter_of_an_hour_and_is_kept_as_a_hash() -> None:
    with time_machine.travel(START) as clock:
        signed_in = await sign_in()
        token, ends = await db.run(sessions.mint_browser_token, signed_in.actor, PEPPER)
        assert token.startswith("ats_")
        assert crypto.well_formed(token)
        assert 14 * MINUTE < ends - now_ms() <= 15 * MINUTE
        caller = await token_caller(token)
        assert caller is not None
        assert caller.session_id == signed_in.actor.session_id
        assert caller.org_suspended is False
        clock.shift(15 * 60)
        assert await token_caller(token) is None


async def test_a_token_tells_of_a_suspended_organisation() -> None:
    signed_in = await sign_in()
    token = await mint(signed_in.actor)
    await db.run(lambda session: session.exec(update(Organisation).values(suspended_at=1)) and None)
    caller = await token_caller(token)
    assert caller is not None
    assert caller.org_suspended


async def test_a_viewer_gets_no_token() -> None:
    mira = await sign_in("Mira")
    vic = await sign_in("Vic", role="viewer", org_id=mira.actor.org_id)
    with pytest.raises(Forbidden):
        await mint(vic.actor)


async def test_sweeping_keeps_what_lives() -> None:
    with time_machine.travel(START) as clock:
        old = await sign_in("Mira")
        await mint(old.actor)
        clock.shift(91 * DAY / 1000)
        new = await sign_in("Eve")
        token = await mint(new.actor)
        await db.run(sessions.sweep)
        await db.run(security_log.sweep)
        assert await token_caller(token)
        rows = await db.read(lambda session: session.exec(select(LoginSession.id)).all())
        assert rows == [new.actor.session_id]


@pytest.mark.parametrize("url", ["http://192.168.1.5:3000", "https://ai.example.com"])
def test_only_plain_http_from_afar_gets_a_plain_cookie(
    monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    ours = Settings(_env_file=None, public_url=url, allow_plain_http=True)
    monkeypatch.setattr(sessions, "settings", lambda: ours)
    assert sessions.cookie_is_plain() is url.startswith("http:")
    assert sessions.cookie_name() == ("at_s" if url.startswith("http:") else sessions.COOKIE)
