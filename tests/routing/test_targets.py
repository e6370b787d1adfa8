"""alltoken_app/routing/targets.py: what names of models mean"""

from typing import Any

import pytest

from alltoken_app.errors import Forbidden, Invalid, NotFound
from alltoken_app.providers.base import Call, Price
from alltoken_app.routing.plans import Plan
from alltoken_app.routing.preferences import Sort
from tests.routing.facts import CHEAP, DEAR, EVERYWHERE, catalog, endpoint, model, order, plan

GRATIS = endpoint("private", price=Price("v0", 0, 0, 0))
OTHER = endpoint("dear", 900, model="c/d")
KNOWN = catalog(model("a/b", CHEAP, DEAR, GRATIS), model("c/d", OTHER), **{"~a/b-latest": "a/b"})


def asked(name: str, *more: str, **fields: Any) -> Plan:
    wishes = fields.pop("wishes", {})
    call = Call("chat", name, {}, models=more, **fields)
    return plan(known=KNOWN, call=call, network=EVERYWHERE, **wishes)


def test_an_alias_serves_its_model_and_says_so() -> None:
    made = asked("~a/b-latest")
    assert (made.model.slug, made.strategy) == ("a/b", "alias")


def test_free_keeps_only_what_costs_nothing() -> None:
    made = asked("a/b:free")
    assert order(made) == ["private"]
    assert set(made.excluded.values()) == {"free_variant"}


def test_floor_sorts_by_price_and_nitro_by_throughput() -> None:
    assert order(asked("a/b:floor")) == ["private", "cheap", "dear"]
    EVERYWHERE.health.finished(DEAR, tokens=1_000, seconds=1.0)
    EVERYWHERE.health.finished(CHEAP, tokens=100, seconds=1.0)
    assert order(asked("a/b:nitro")) == ["dear", "cheap", "private"]


@pytest.mark.parametrize("name", ["a/none", "a/b:slow", "~a/none-latest", "a/none:free"])
def test_a_name_that_means_nothing_is_not_found(name: str) -> None:
    with pytest.raises(NotFound) as caught:
        asked(name)
    assert caught.value.code == "model_not_found"
    assert name in str(caught.value)


def test_models_stand_in_for_each_other_in_the_order_they_are_named() -> None:
    made = asked("c/d", "a/b", wishes={"sort": "price"})
    assert [one.model for one in made.endpoints] == ["c/d", "a/b", "a/b", "a/b"]
    assert made.strategy == "fallback"


def test_across_models_the_sort_is_one_order() -> None:
    made = asked("c/d", "a/b", wishes={"sort": Sort(by="price", partition="none")})
    assert [one.model for one in made.endpoints] == ["a/b", "a/b", "c/d", "a/b"]


def test_a_model_that_cannot_serve_is_passed_over_and_said() -> None:
    made = asked("c/none", "a/b")
    assert made.model.slug == "a/b"
    assert made.warnings == ("model_unavailable:c/none:model_not_found",)


def test_no_models_key_lets_a_stand_in_past_the_keys_list() -> None:
    call = Call("chat", "a/b", {}, models=("c/d",))
    made = plan(known=KNOWN, call=call, models=frozenset({"c/d"}))
    assert {one.model for one in made.endpoints} == {"c/d"}
    with pytest.raises(Forbidden):
        plan(known=KNOWN, call=call, models=frozenset({"e/f"}))


@pytest.mark.parametrize(("name", "more"), [("~a/b-latest", ()), ("a/b", ("c/d",))])
def test_strict_model_lets_nothing_stand_in(name: str, more: tuple[str, ...]) -> None:
    with pytest.raises(Invalid) as caught:
        asked(name, *more, strict_model=True)
    assert caught.value.code == "strict_model"
    assert asked("a/b", strict_model=True).model.slug == "a/b"
    assert asked("a/b:floor", strict_model=True).model.slug == "a/b"


def test_without_fallbacks_each_model_has_one_endpoint() -> None:
    made = asked("c/d", "a/b", wishes={"allow_fallbacks": False, "sort": "price"})
    assert order(made) == ["dear", "private"]
