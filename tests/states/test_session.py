"""alltoken_app/states/session.py"""

from types import SimpleNamespace
from typing import Any

import pytest
from reflex_base.utils.format import json_dumps

from alltoken_app import db
from alltoken_app.errors import Unauthenticated
from alltoken_app.services import sessions
from alltoken_app.states.session import ForgetOthers, SessionState
from tests.people import sign_in
from tests.states.tabs import Tab

pytestmark = [
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
    pytest.mark.usefixtures("database"),
]


async def test_a_tab_shows_who_is_signed_in() -> None:
    tab = Tab((await sign_in("Mira")).cookie)
    assert await tab.send(SessionState, "require_session") == []
    state = tab.state(SessionState)
    assert (state.signed_in, state.name, state.email) == (True, "Mira", "mira@example.org")
    assert (state.org_name, state.verified, state.role) == ("Mira's organisation", True, "owner")
    assert state.book == "sandbox"


async def test_nobody_is_no_error_on_public_pages_and_sent_to_sign_in_on_others() -> None:
    tab = Tab(None, "/app/activity?range=7d&id=gen_1")
    assert await tab.send(SessionState, "load_session") == []
    assert tab.state(SessionState).signed_in is False
    (redirect,) = await tab.send(SessionState, "require_session")
    assert "/signin?next=%2Fapp%2Factivity%3Frange%3D7d%26id%3Dgen_1" in str(redirect.args)


async def test_a_session_that_ended_bites_at_the_next_event() -> None:
    signed_in = await sign_in("Mira")
    tab = Tab(signed_in.cookie)
    await tab.send(SessionState, "require_session")
    assert await tab.state(SessionState).actor() == signed_in.actor
    await db.run(sessions.sign_out, signed_in.cookie)
    with pytest.raises(Unauthenticated) as refused:
        await tab.state(SessionState).actor()
    assert refused.value.code == "signed_out"


async def test_a_browser_is_not_sent_its_cookie() -> None:
    signed_in = await sign_in("Mira")
    tab = Tab(signed_in.cookie)
    await tab.send(SessionState, "require_session")
    assert signed_in.cookie not in json_dumps(tab.root.dict())


async def test_the_methods_that_trust_their_caller_are_no_events() -> None:
    assert set(SessionState.event_handlers) == {"setvar", "load_session", "require_session"}


async def test_a_tab_forgets_one_person_before_it_serves_the_next() -> None:
    async def before_event(tab: Tab) -> None:
        unused: Any = SimpleNamespace()
        assert await ForgetOthers().preprocess(unused, tab.root, unused) is None

    mira, eve = await sign_in("Mira"), await sign_in("Eve")
    tab = Tab(mira.cookie)
    await before_event(tab)
    await tab.send(SessionState, "require_session")
    await before_event(tab)
    assert tab.state(SessionState).name == "Mira"
    tab.connect(None)
    await before_event(tab)
    assert "Mira" not in tab.shown()
    tab.connect(eve.cookie)
    await before_event(tab)
    await tab.send(SessionState, "require_session")
    tab.connect(mira.cookie)
    await before_event(tab)
    assert "Eve" not in tab.shown()
    assert tab.state(SessionState).cookie() == mira.cookie
