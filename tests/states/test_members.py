"""alltoken_app/states/{period,overview,activity,keys,wallet,chat}.py: what an address shows."""

from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from reflex.event import EventSpec
from sqlmodel import Session

from alltoken_app import crypto, db
from alltoken_app.clock import now_ms
from alltoken_app.payments.stripe_client import Payments
from alltoken_app.services import keys, plane
from alltoken_app.services.keys import NewKey
from alltoken_app.services.sessions import SignedIn
from alltoken_app.settings import Settings
from alltoken_app.states.activity import ActivityState
from alltoken_app.states.chat import ChatState
from alltoken_app.states.keys import KeysState
from alltoken_app.states.overview import OverviewState
from alltoken_app.states.session import SessionState
from alltoken_app.states.wallet import WalletState
from tests.people import sign_in
from tests.services.usage_rows import request
from tests.states.tabs import Tab

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


async def open_tab(who: SignedIn, state: type[Any], path: str) -> tuple[Tab, Any]:
    tab = Tab(who.cookie, path)
    await tab.send(SessionState, "require_session")
    await tab.send(state, "load")
    return tab, tab.state(state)


def goes_to(events: list[EventSpec]) -> tuple[str, dict[str, str]]:
    (event,) = events
    target = next(str(value) for name, value in event.args if str(name) == "path").strip('"')
    parts = urlsplit(target)
    return parts.path, dict(parse_qsl(parts.query))


async def fill(who: SignedIn, count: int = 60) -> None:
    def add(session: Session) -> None:
        for number in range(1, count + 1):
            session.add(
                request(
                    number,
                    f"2026-11-22 10:{number % 60:02d}",
                    org_id=who.actor.org_id,
                    key_id=None,
                    model=f"author/m{number % 2}",
                )
            )

    await db.run(add)


@pytest.fixture
async def mira(database: db.Database) -> SignedIn:
    return await sign_in()


DAY = "from=2026-11-22&to=2026-11-22"


async def test_the_address_is_the_filter(mira: SignedIn) -> None:
    await fill(mira)
    _, state = await open_tab(mira, ActivityState, f"/app/activity?{DAY}&model=author/m1&tz=UTC")
    assert state.page.total == 30
    assert (state.filtered, state.model, state.preset) == (True, "author/m1", "")
    assert state.csv_href == f"/web/activity.csv?{DAY}&tz=UTC&model=author%2Fm1"
    assert state.chart.total[-1] == "30"


async def test_a_changed_filter_keeps_the_others_and_drops_the_page(mira: SignedIn) -> None:
    await fill(mira)
    tab, state = await open_tab(mira, ActivityState, f"/app/activity?{DAY}&status=ok")
    older = goes_to(await tab.send(ActivityState, "older"))
    assert older[1]["cursor"] == state.page.next_cursor
    tab.connect(mira.cookie, f"/app/activity?{DAY}&status=ok&cursor={older[1]['cursor']}")
    await tab.send(ActivityState, "load")
    assert (state.page.place, len(state.page.rows)) == ("51–60 of 60", 10)
    path, query = goes_to(await tab.send(ActivityState, "choose", name="model", value="author/m1"))
    assert path == "/app/activity"
    assert query == {
        "from": "2026-11-22", "to": "2026-11-22", "status": "ok", "model": "author/m1",
    }  # fmt: skip
    assert await tab.send(ActivityState, "choose", name="cursor", value="x") == []


@pytest.mark.parametrize(
    "wrong",
    ["from=never", "tz=Mars/Base", "status=odd", "cursor=odd", "from=2020-01-01&to=2026-01-01"],
)
async def test_an_address_that_makes_no_sense_says_so_and_shows_something(
    mira: SignedIn, wrong: str
) -> None:
    _, state = await open_tab(mira, ActivityState, f"/app/activity?{wrong}")
    assert state.problem
    assert state.loaded


async def test_a_deep_link_opens_its_request_and_closing_returns_to_the_list(
    mira: SignedIn,
) -> None:
    await fill(mira, 3)
    tab, state = await open_tab(mira, ActivityState, f"/app/activity/gen_002?{DAY}")
    assert (state.one.id, state.is_open) == ("gen_002", True)
    assert (state.one.newer, state.one.older) == ("gen_003", "gen_001")
    assert goes_to(await tab.send(ActivityState, "close"))[0] == "/app/activity"
    assert state.is_open is False


async def test_the_overview_adds_up_and_links_to_the_same_days(mira: SignedIn) -> None:
    await fill(mira, 10)
    _, state = await open_tab(mira, OverviewState, f"/app?{DAY}&by=key&tz=Asia/Tokyo")
    assert state.usage.spend_nano == 55_000
    assert [one.name for one in state.usage.chart.series] == ["Web app"]
    assert state.range_query == f"{DAY}&tz=Asia%2FTokyo"
    assert (state.used, state.loaded) == (True, True)


async def test_a_key_near_its_limit_is_said_first(mira: SignedIn) -> None:
    def add(session: Session) -> None:
        key, _ = keys.create(session, mira.actor, NewKey("ci"), pepper=b"p", book="sandbox")
        spent = request(1, "2026-11-22 10:00", org_id=mira.actor.org_id, key_id=key.id)
        spent.cost, spent.created_at = 9 * 10**8, now_ms()
        session.add(spent)
        session.flush()
        keys.set_limit(session, mira.actor, key.id, "1")

    await db.run(add)
    _, state = await open_tab(mira, OverviewState, "/app")
    assert [(key.name, key.used, key.percent) for key in state.tight] == [
        ("ci", "$0.90 of $1.00 this month", 90)
    ]


async def test_a_key_is_revoked_only_by_its_typed_name(mira: SignedIn) -> None:
    key, _ = await db.run(keys.create, mira.actor, NewKey("ci"), pepper=b"p", book="sandbox")
    tab, state = await open_tab(mira, KeysState, "/app/keys")
    await tab.send(KeysState, "ask", task="revoke", key_id=key.id)
    assert await tab.send(KeysState, "revoke", form={"name": "other"}) == []
    assert (state.task, state.form_error) == ("revoke", "Type ci to confirm.")
    await tab.send(KeysState, "revoke", form={"name": "ci"})
    assert (state.task, state.shown, state.ended) == ("", [], 1)
    await tab.send(KeysState, "toggle_ended")
    assert [row.status for row in state.shown] == ["revoked"]


async def test_a_wrong_limit_stays_in_its_dialog(mira: SignedIn) -> None:
    key, _ = await db.run(keys.create, mira.actor, NewKey("ci"), pepper=b"p", book="sandbox")
    tab, state = await open_tab(mira, KeysState, "/app/keys")
    await tab.send(KeysState, "ask", task="limit", key_id=key.id)
    await tab.send(KeysState, "set_limit", form={"limit_usd": "x", "period": "month"})
    assert state.form_error
    await tab.send(KeysState, "set_limit", form={"limit_usd": "2.50", "period": "day"})
    assert [(row.used, row.percent) for row in state.rows] == [("$0.00 of $2.50 today", 0)]
    await tab.send(KeysState, "ask", task="limit", key_id=key.id)
    assert (state.limit_usd, state.period, state.form_error) == ("2.5", "day", "")


async def test_the_price_is_shown_before_paying(mira: SignedIn) -> None:
    tab, state = await open_tab(mira, WalletState, "/app/wallet")
    assert (state.quote.credit, state.quote.fee, state.quote.total) == ("$20.00", "$1.00", "$21.00")
    for wrong in ("4.99", "501", "ten", ""):
        await tab.send(WalletState, "choose_amount", dollars=wrong)
        assert state.amount_error, wrong
    await tab.send(WalletState, "choose_amount", dollars="12.34")
    assert (state.amount_error, state.quote.total) == ("", "$12.96")


async def test_a_processor_that_is_away_leaves_the_form_as_it_was(mira: SignedIn) -> None:
    tab, state = await open_tab(mira, WalletState, "/app/wallet")
    settings = Settings(_env_file=None, port=1)  # nothing listens there
    held: Any = SimpleNamespace(payments=Payments(settings, crypto.Secrets(b"p", "sk", "", "")))
    plane.use(held)
    await tab.send(WalletState, "pay")
    plane.use(None)
    assert state.amount_error
    assert (state.busy, state.pay_at) == (False, "")


async def test_the_chat_state_knows_only_whose_browser_it_is(mira: SignedIn) -> None:
    _, state = await open_tab(mira, ChatState, "/chat")
    assert (state.owner, state.may_use) == (mira.actor.person_id, True)
    assert set(ChatState.vars) - set(SessionState.vars) == {"owner", "may_use", "loaded"}
