"""alltoken_app/states/routing.py: rules and presets are made, changed and deleted on the page"""

from typing import Any

import pytest

from alltoken_app import db
from alltoken_app.services import keys, routing_rules
from alltoken_app.services.keys import NewKey
from alltoken_app.services.sessions import SignedIn
from alltoken_app.states.routing import RoutingState
from alltoken_app.states.session import SessionState
from tests.people import sign_in
from tests.states.tabs import Tab

pytestmark = [
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
    pytest.mark.usefixtures("database"),
]


async def open_page(who: SignedIn) -> tuple[Tab, Any]:
    tab = Tab(who.cookie, "/app/routing")
    await tab.send(SessionState, "require_session")
    await tab.send(RoutingState, "load")
    return tab, tab.state(RoutingState)


async def test_a_rule_lives_from_the_form_to_its_end() -> None:
    mira = await sign_in("Mira")
    key, _ = await db.run(keys.create, mira.actor, NewKey("ci"), pepper=b"p", book="sandbox")
    tab, page = await open_page(mira)
    assert page.key_options == [("", "All requests"), (key.id, "ci")]
    await tab.send(RoutingState, "new_rule")
    form = {"name": "EU", "key_id": key.id, "only": "mistral", "zdr": "on"}
    await tab.send(RoutingState, "save_rule", form=form)
    [row] = page.rules
    assert (row.name, row.scope, row.asks) == ("EU", "ci", "only mistral, zero data retention")
    await tab.send(RoutingState, "edit_rule", rule_id=row.id)
    assert (page.draft["only"], page.draft["zdr"], page.draft["key_id"]) == (
        "mistral", "on", key.id,
    )  # fmt: skip
    await tab.send(RoutingState, "save_rule", form={"name": "EU", "only": "azure"})
    await tab.send(RoutingState, "switch_rule", rule_id=row.id)
    assert [(r.asks, r.enabled, r.scope) for r in page.rules] == [
        ("only azure", False, "All requests")
    ]
    await tab.send(RoutingState, "ask_delete_rule", rule_id=row.id)
    await tab.send(RoutingState, "delete")
    assert (page.rules, page.task) == ([], "")


async def test_a_form_that_is_wrong_stays_open_with_what_was_typed() -> None:
    tab, page = await open_page(await sign_in("Mira"))
    await tab.send(RoutingState, "new_preset")
    form = {"name": "fast", "models": "a/none", "sort": "price"}
    await tab.send(RoutingState, "save_preset", form=form)
    assert page.form_error == "There is no model a/none."
    assert (page.task, page.draft["models"]) == ("preset", "a/none")
    await tab.send(RoutingState, "save_preset", form={"name": "fast", "sort": "price"})
    assert [(p.call, p.asks) for p in page.presets] == [("@preset/fast", "sorted by price")]


async def test_a_developer_reads_and_does_not_edit() -> None:
    mira = await sign_in("Mira")
    await db.run(routing_rules.save_rule, mira.actor, "", "", {"name": "EU", "zdr": "on"})
    dev = await sign_in("Dev", role="developer", org_id=mira.actor.org_id)
    _, page = await open_page(dev)
    assert ([row.name for row in page.rules], page.may_edit) == (["EU"], False)
