"""Every event handler of every state: any websocket can call it, so each guards itself.

New handlers are found by themselves. One that everybody may call is named in PUBLIC.
"""

import importlib
import inspect
import pkgutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, get_type_hints

import pytest
import reflex as rx
from sqlmodel import Session

from alltoken_app import crypto, db, states
from alltoken_app.errors import AllTokenError, NotFound
from alltoken_app.ledger import accounts
from alltoken_app.payments.stripe_client import Payments
from alltoken_app.services import keys, plane, routing_rules
from alltoken_app.services.keys import NewKey
from alltoken_app.settings import Settings
from alltoken_app.states.session import SessionState
from alltoken_app.tables.generation import Generation
from alltoken_app.tables.payment import TopUp, TopUpState
from tests.people import add, sign_in
from tests.states.tabs import Tab

# They show what anybody may see, and change nothing but the tab they are called from.
PUBLIC = {
    "HomeState.load",
    "ModelState.load",
    "ModelsState.choose",
    "ModelsState.load",
    "ModelsState.order",
    "ModelsState.search",
    "ModelsState.turn",
    "ProviderState.load",
    "ProvidersState.load",
    "PlaceState.load",
    "SessionState.load_session",
    "SessionState.require_session",
    "ToastState.say",
}
SECRETS = crypto.Secrets(b"p" * 32, "sk_test_x", "whsec_x", "")
MARK = "northwind-only"
WORDS = {"task": "rename", "name": "key", "form": {"name": "x", "limit_usd": "1"}}
PLACES = (
    "/app/activity/{generation_id}",
    "/app/wallet/receipts/{top_up_id}",
    "/app?top_up={top_up_id}&key={key_id}&id={generation_id}&cursor={generation_id}",
)
BY_TYPE: dict[Any, Any] = {str: "x", int: 1, float: 1.0, bool: True}

pytestmark = [
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
    pytest.mark.usefixtures("database"),
]


def all_states() -> list[type[rx.State]]:
    for module in pkgutil.walk_packages(states.__path__, f"{states.__name__}."):
        importlib.import_module(module.name)
    found, waiting = [], [rx.State]
    while waiting:
        state = waiting.pop()
        waiting += state.__subclasses__()
        if state.__module__.startswith(f"{states.__name__}."):
            found.append(state)
    return sorted(set(found), key=lambda state: state.__name__)


# `setvar` only reaches handlers named `set_…`, which are in this list themselves.
HANDLERS = {
    f"{state.__name__}.{name}": (state, name)
    for state in all_states()
    for name in state.event_handlers
    if name != "setvar"
}
GUARDED = sorted(HANDLERS.keys() - PUBLIC)


def arguments(name: str, ids: dict[str, str] | None = None) -> dict[str, Any]:
    """Something for every parameter; for ids what `ids` says."""
    state, handler = HANDLERS[name]
    function = state.event_handlers[handler].fn
    hints = get_type_hints(function)
    given = {}
    for parameter in list(inspect.signature(function).parameters)[1:]:
        if parameter.endswith("_id") and ids is not None:
            assert parameter in ids, f"say in `Northwind` what {parameter} of {name} may be"
            given[parameter] = ids[parameter]
        elif parameter in WORDS and (hints.get(parameter) is not bool):
            given[parameter] = WORDS[parameter]
        else:
            given[parameter] = BY_TYPE.get(hints.get(parameter), {})
    return given


@dataclass(frozen=True)
class Northwind:
    """An organisation whose every row carries a mark, and the ids of its things."""

    cookie: str
    ids: dict[str, str]


@pytest.fixture
async def northwind(database: db.Database) -> AsyncIterator[Northwind]:
    settings = Settings(_env_file=None)
    held: Any = SimpleNamespace(
        payments=Payments(settings, SECRETS), settings=settings, secrets=SECRETS, catalog=None,
        connections={},
    )  # fmt: skip
    plane.use(held)
    yield await database.run(_northwind)
    plane.use(None)


def _northwind(session: Session) -> Northwind:
    mira = add(session, f"Mira-{MARK}")
    actor = mira.actor
    key, _ = keys.create(session, actor, NewKey(MARK), pepper=b"p", book="sandbox")
    wallet = accounts.open_wallet(session, actor.org_id, "sandbox")
    top_up = TopUp(
        org_id=actor.org_id,
        wallet_id=wallet.id,
        person_id=actor.person_id,
        book="sandbox",
        processor="sandbox",
        state=TopUpState.CREDITED,
        credited_at=key.created_at,
        credit=1,
        gross_minor=1,
        receipt_number=MARK,
    )
    generation = Generation(
        id="gen_northwind",
        request_id=MARK,
        org_id=actor.org_id,
        key_id=key.id,
        book="sandbox",
        operation="chat",
        model_requested=MARK,
        model=MARK,
        provider=MARK,
        endpoint_id=MARK,
        status="ok",
        price_version=MARK,
        created_at=key.created_at,
    )
    session.add_all([top_up, generation])
    session.flush()
    wish = {"name": MARK, "zdr": "on"}
    rule = routing_rules.save_rule(session, actor, "", "", wish)
    preset = routing_rules.save_preset(session, actor, "", wish)
    ids = {
        "key_id": key.id,
        "rule_id": rule.id,
        "preset_id": preset.id,
        "top_up_id": top_up.id,
        "generation_id": generation.id,
        "session_id": actor.session_id,
        "person_id": actor.person_id,
        "org_id": actor.org_id,
    }
    return Northwind(mira.cookie, ids)


async def outcome(tab: Tab, name: str, ids: dict[str, str] | None = None) -> str:
    """What a handler answered: the name of its error, or "events" or "nothing"."""
    state, handler = HANDLERS[name]
    try:
        return "events" if await tab.send(state, handler, **arguments(name, ids)) else "nothing"
    except AllTokenError as error:
        return type(error).__name__


def test_the_public_list_names_what_exists() -> None:
    assert HANDLERS.keys() >= PUBLIC
    assert GUARDED


@pytest.mark.parametrize("cookie", [None, "forged"])
async def test_after_the_session_has_ended_every_handler_refuses(
    northwind: Northwind, cookie: str | None
) -> None:
    found, changed = {}, []
    for name in GUARDED:
        tab = Tab(cookie)
        tab.state(SessionState).signed_in = True  # the page was loaded before
        before = tab.shown()
        found[name] = await outcome(tab, name)
        changed += [name] if tab.shown() != before else []
    assert found == dict.fromkeys(GUARDED, "Unauthenticated")
    assert changed == []


async def test_a_page_that_never_had_a_session_stays_empty(northwind: Northwind) -> None:
    for name in GUARDED:
        tab = Tab(None)
        assert await outcome(tab, name) in ("Unauthenticated", "nothing"), name
        assert MARK not in tab.shown(), name


async def test_an_id_of_others_does_not_exist(northwind: Northwind) -> None:
    eve = await sign_in("Eve")
    taking = [name for name in HANDLERS if "_id" in " ".join(arguments(name))]
    found = {}
    for name in taking:
        tab = Tab(eve.cookie)
        await tab.send(SessionState, "require_session")
        found[name] = await outcome(tab, name, northwind.ids)
        assert MARK not in tab.shown(), name
    assert found == dict.fromkeys(taking, NotFound.__name__)
    assert taking


@pytest.mark.parametrize("place", PLACES)
async def test_no_address_shows_what_belongs_to_others(northwind: Northwind, place: str) -> None:
    eve = await sign_in("Eve")
    for name in [name for name in HANDLERS if name.partition(".")[2].startswith("load")]:
        tab = Tab(eve.cookie, place.format(**northwind.ids))
        await tab.send(SessionState, "require_session")
        await outcome(tab, name)
        assert MARK not in tab.shown(), name


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("KeysState.load", "/app/keys"),
        ("RoutingState.load", "/app/routing"),
        ("ActivityState.load", PLACES[0]),
        ("WalletState.load_receipt", PLACES[1]),
    ],
)
async def test_the_mark_would_be_seen(northwind: Northwind, name: str, place: str) -> None:
    tab = Tab(northwind.cookie, place.format(**northwind.ids))
    await tab.send(SessionState, "require_session")
    tab.state(SessionState).name = tab.state(SessionState).org_name = "hidden"
    tab.state(SessionState).email = "hidden"
    assert MARK not in tab.shown()
    await outcome(tab, name)
    assert MARK in tab.shown()
