"""alltoken_app/services/routing_rules.py and wish_forms.py"""

from dataclasses import replace
from typing import Any

import pytest
from sqlmodel import Session

from alltoken_app import db
from alltoken_app.errors import AllTokenError, Conflict, Forbidden, Invalid, NotFound
from alltoken_app.services import keys, routing_rules, wish_forms
from alltoken_app.services.actors import Actor
from alltoken_app.services.keys import NewKey
from alltoken_app.tables.catalog import AiModel
from tests.people import add

pytestmark = pytest.mark.usefixtures("database")
EVERYTHING = {
    "order": "openai, azure", "only": "openai azure", "ignore": "deepinfra", "zdr": "on",
    "no_training": "on", "require_parameters": "on", "allow_fallbacks": "on",
    "quantizations": "fp8", "sort": "price", "max_prompt": "2.50", "max_completion": "10",
}  # fmt: skip


async def person(name: str = "Ada") -> Actor:
    return (await db.run(add, name)).actor


async def key_of(actor: Actor) -> str:
    view, _ = await db.run(keys.create, actor, NewKey("ci"), pepper=b"p", book="sandbox")
    return view.id


async def save(actor: Actor, rule_id: str = "", key_id: str = "", **form: str) -> Any:
    return await db.run(routing_rules.save_rule, actor, rule_id, key_id, {"name": "House", **form})


def test_a_form_and_its_wishes_are_the_same_said_twice() -> None:
    wishes = wish_forms.read(EVERYTHING)
    assert wishes["allow_fallbacks"] is False
    assert wishes["max_price"] == {"prompt": "2.50", "completion": "10"}
    assert wish_forms.read(wish_forms.fields(wishes)) == wishes
    assert wish_forms.summary(wishes).startswith("first openai, azure, only openai, azure, never")


@pytest.mark.parametrize("wrong", [{"max_prompt": "free"}, {"max_prompt": "-1"}, {}])
async def test_a_rule_that_asks_for_nothing_or_nonsense_is_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(Invalid):
        await save(await person(), **wrong)


async def test_a_rule_is_made_changed_switched_off_and_deleted() -> None:
    ada = await person()
    made = await save(ada, only="openai")
    changed = await save(ada, made.id, only="azure", zdr="on")
    assert (changed.id, changed.summary) == (made.id, "only azure, zero data retention")
    [over] = (await db.read(routing_rules.standing_over, ada.org_id, None)).rules
    assert (over.name, over.wishes.only) == ("rule House", ("azure",))
    await db.run(routing_rules.switch_rule, ada, made.id, False)
    assert (await db.read(routing_rules.standing_over, ada.org_id, None)).rules == ()
    await db.run(routing_rules.delete_rule, ada, made.id)
    assert await db.read(routing_rules.list_rules, ada) == []


async def test_a_keys_rule_stands_over_that_key_alone_and_before_the_houses() -> None:
    ada = await person()
    mine, other = await key_of(ada), await key_of(ada)
    await save(ada, only="openai")
    await save(ada, key_id=mine, zdr="on", name="Key")
    names = [
        [rule.name for rule in (await db.read(routing_rules.standing_over, ada.org_id, key)).rules]
        for key in (mine, other, None)
    ]
    assert names == [["rule Key", "rule House"], ["rule House"], ["rule House"]]


async def test_nobody_reads_or_changes_what_is_anothers() -> None:
    ada, eve = await person("Ada"), await person("Eve")
    made = await save(ada, only="openai")
    key = await key_of(ada)
    for attempt in (
        save(eve, made.id, only="azure"),
        save(eve, key_id=key, only="azure"),
        db.run(routing_rules.switch_rule, eve, made.id, False),
        db.run(routing_rules.delete_rule, eve, made.id),
    ):
        with pytest.raises(NotFound):
            await attempt
    assert await db.read(routing_rules.list_rules, eve) == []
    assert (await db.read(routing_rules.standing_over, eve.org_id, key)).rules == ()


@pytest.mark.parametrize("role", ["developer", "billing", "viewer"])
async def test_rules_are_for_owners_and_admins(role: str) -> None:
    ada = await person()
    made = await save(ada, only="openai")
    weak = replace(ada, role=role)
    for attempt in (
        save(weak, only="azure"),
        db.run(routing_rules.delete_rule, weak, made.id),
        db.run(routing_rules.save_preset, weak, "", {"name": "x", "zdr": "on"}),
    ):
        with pytest.raises(Forbidden):
            await attempt


async def preset(actor: Actor, preset_id: str = "", **form: str) -> Any:
    return await db.run(routing_rules.save_preset, actor, preset_id, {"name": "fast", **form})


def stock(session: Session) -> None:
    text = ["text"]
    session.add(AiModel(slug="a/b", name="B", author="a", kind="chat", context=1, max_output=1,
                        input_modalities=text, output_modalities=text))  # fmt: skip


async def test_a_preset_keeps_models_and_wishes_under_a_name() -> None:
    ada = await person()
    await db.run(stock)
    made = await preset(ada, models="a/b:nitro, a/b", sort="latency")
    assert made.models == ("a/b:nitro", "a/b")
    [facts] = (await db.read(routing_rules.standing_over, ada.org_id, None)).presets
    assert (facts.slug, facts.wishes.sort) == ("fast", "latency")
    assert (await preset(ada, made.id, models="a/b")).summary == ""
    assert await db.run(routing_rules.delete_preset, ada, made.id) == "fast"


async def test_a_preset_is_refused_without_sense() -> None:
    ada = await person()
    await preset(ada, zdr="on")
    for form, kind in (
        ({"zdr": "on"}, Conflict),
        ({"name": "other"}, Invalid),
        ({"name": "other", "models": "a/none"}, Invalid),
        ({"name": "@!", "zdr": "on"}, Invalid),
    ):
        with pytest.raises(kind):
            await preset(ada, **form)


async def test_there_is_an_end_to_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(routing_rules, "MOST", 2)
    ada = await person()
    for _ in range(2):
        await save(ada, only="openai")
    with pytest.raises(AllTokenError) as caught:
        await save(ada, only="openai")
    assert caught.value.code == "too_many_rules"
