"""alltoken_app/routing: what the `provider` object, rules and presets ask"""

from typing import Any

import msgspec
import pytest

from alltoken_app.errors import Invalid, NotFound
from alltoken_app.providers.base import Call, Price, Tier
from alltoken_app.providers.dialects.openai_chat import OpenAIChat
from alltoken_app.providers.quirks import Quirks
from alltoken_app.providers.table import Connection, fixed
from alltoken_app.routing.plans import Network
from alltoken_app.routing.preferences import MaxPrice, Preferences
from alltoken_app.routing.rules import Preset, Rule
from tests.routing.facts import (
    CHEAP,
    DEAR,
    HONOURED,
    connected,
    endpoint,
    order,
    plan,
    warned,
)

EAST = endpoint("vertex/us-east5", region="us-east5")
WEST = endpoint("vertex/us-west1", region="us-west1")
FAST = endpoint("vertex/priority", tier="priority")
VERTEX = connected("vertex", "cheap", "dear")
_read = msgspec.json.Decoder(Preferences, strict=True)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("vertex", {"vertex/us-east5", "vertex/us-west1"}),
        ("Vertex", {"vertex/us-east5", "vertex/us-west1"}),
        ("vertex/us-east5", {"vertex/us-east5"}),
        ("vertex/priority", {"vertex/priority"}),
    ],
)
def test_a_bare_name_means_all_but_the_tiers_and_a_tag_means_one(
    name: str, meant: set[str]
) -> None:
    assert set(order(plan(EAST, WEST, FAST, network=VERTEX, only=(name,)))) == meant


def test_a_pin_that_cannot_serve_fails_with_its_reason_and_is_never_rerouted() -> None:
    with pytest.raises(NotFound) as caught:
        plan(only=("dear",), zdr=True)
    assert caught.value.code == "no_eligible_endpoint"
    assert caught.value.details["excluded_by"] == {
        "cheap:a/b": "allowed_providers",
        "dear:a/b": "zdr_not_confirmed",
        "private:a/b": "allowed_providers",
    }
    assert "2 by allowed_providers, 1 by zdr_not_confirmed" in str(caught.value)


def test_without_fallbacks_every_endpoint_of_order_may_still_serve() -> None:
    made = plan(order=("dear", "private"), allow_fallbacks=False)
    assert order(made) == ["dear", "private"]


def test_only_the_quantisations_asked_for_serve() -> None:
    full, small = endpoint("cheap", quantization="bf16"), endpoint("dear", quantization="int4")
    made = plan(full, small, quantizations=("bf16", "fp16"))
    assert order(made) == ["cheap"]
    assert made.excluded == {"dear:a/b": "quantization"}
    assert order(plan(DEAR, small, quantizations=("unknown",))) == ["dear"]


@pytest.mark.parametrize("said", ['{"completion": 0.00001}', '{"completion": "0.00001"}'])
def test_a_dearer_unit_than_max_price_is_left_out(said: str) -> None:
    """CHEAP takes 10 pico-USD a token: $0.00001 per million."""
    wanted = msgspec.json.decode(said, type=MaxPrice)
    made = plan(max_price=wanted)
    assert order(made) == ["cheap"]
    assert set(made.excluded.values()) == {"max_price"}


def test_max_price_covers_requests_and_pictures() -> None:
    paid = endpoint("dear", price=Price("v", 1, 1, 1, request=10**9))
    drawn = endpoint("cheap", price=Price("v", 1, 1, 1, image_input=1))
    per_request, per_picture = (
        msgspec.json.decode(said, type=MaxPrice) for said in ('{"request":"0.0001"}', '{"image":1}')
    )
    assert order(plan(paid, CHEAP, max_price=per_request)) == ["cheap"]
    assert order(plan(drawn, DEAR, max_price=per_picture)) == ["dear"]


def test_max_price_holds_for_long_prompts_too() -> None:
    long = Tier(1_000, Price("v", 100, 100, 100))
    tiered = endpoint("cheap", price=Price("v", 10, 10, 5, tiers=(long,)))
    most = msgspec.json.decode('{"prompt":"0.00005"}', type=MaxPrice)
    assert order(plan(tiered, max_price=most)) == ["cheap"]
    with pytest.raises(NotFound) as refused:
        plan(tiered, call=Call("chat", "a/b", {}, size=10_000), max_price=most)
    assert refused.value.details["excluded_by"] == {"cheap:a/b": "max_price"}


@pytest.mark.parametrize(
    "said",
    [
        b'{"max_price":{"prompt":"NaN"}}', b'{"max_price":{"prompt":-1}}', b'{"sort":"luck"}',
        b'{"max_price":{"tokens":1}}', b'{"preferred_max_latency":0}', b'{"wish":1}',
        b'{"preferred_max_latency":{"p10":1}}', b'{"sort":{"by":"price","partition":"all"}}',
    ],
)  # fmt: skip
def test_a_wish_nobody_understands_is_refused(said: bytes) -> None:
    with pytest.raises(msgspec.ValidationError):
        _read.decode(said)


def test_require_parameters_leaves_out_who_drops_one_and_names_it_when_nobody_is_left() -> None:
    able = endpoint("dear", 1000, parameters=HONOURED | {"seed"})
    call = Call("chat", "a/b", {"seed": msgspec.Raw(b"1")})
    made = plan(CHEAP, able, call=call, require_parameters=True)
    assert order(made) == ["dear"]
    assert made.excluded == {"cheap:a/b": "require_parameters"}
    with pytest.raises(Invalid) as caught:
        plan(CHEAP, call=call, require_parameters=True)
    assert (caught.value.code, caught.value.param) == ("unsupported_parameter", "seed")
    assert caught.value.details["unsupported"] == {"cheap:a/b": ("seed",)}


def test_what_a_wire_cannot_carry_counts_though_the_model_honours_it() -> None:
    lists_all = endpoint("cheap", parameters=HONOURED | {"carrier_pigeon"})
    call = Call("chat", "a/b", {"carrier_pigeon": msgspec.Raw(b"1")})
    assert warned(plan(lists_all, call=call)) == ("unsupported_parameter:carrier_pigeon",)


def test_what_only_the_callers_own_dialect_can_say_counts_elsewhere() -> None:
    call = Call("chat", "a/b", {}, dialect="messages", untranslated=("mcp_servers",))
    assert warned(plan(CHEAP, call=call)) == ("unsupported_parameter:mcp_servers",)


def test_a_prompt_goes_where_it_fits_and_to_the_provider_when_it_fits_nowhere() -> None:
    small, large = endpoint("cheap", context=1_000), endpoint("dear", context=100_000)
    long = Call("chat", "a/b", {}, size=40_000)
    made = plan(small, large, call=long)
    assert order(made) == ["dear"]
    assert made.excluded == {"cheap:a/b": "context_length"}
    assert order(plan(small, call=long)) == ["cheap"]


def test_who_gives_too_little_output_is_left_out() -> None:
    small, large = endpoint("cheap", max_output=100), endpoint("dear", max_output=9_000)
    made = plan(small, large, call=Call("chat", "a/b", {}, max_output=500))
    assert order(made) == ["dear"]
    assert made.excluded == {"cheap:a/b": "max_output"}
    assert plan(small, large).output_bound == 9_000


def test_rules_of_key_and_organisation_add_up_to_the_strictest() -> None:
    rules = (
        Rule("key", Preferences(ignore=("cheap",), allow_fallbacks=False, order=("dear",))),
        Rule("house", Preferences(data_collection="deny")),
    )
    with pytest.raises(NotFound) as caught:
        plan(rules=rules, data_collection="allow", only=("cheap", "dear", "private"))
    assert caught.value.details["excluded_by"] == {
        "cheap:a/b": "ignored_providers",
        "dear:a/b": "may_train_on_data",
        "private:a/b": "allowed_providers",
    }
    assert caught.value.details["excluded_for"] == {
        "cheap:a/b": "key", "dear:a/b": "house", "private:a/b": "key",
    }  # fmt: skip


def test_of_wishes_about_the_order_the_nearest_to_the_request_holds() -> None:
    house = (Rule("house", Preferences(order=("dear",), sort="price")),)
    assert order(plan(rules=house)) == ["dear", "cheap", "private"]
    assert order(plan(rules=house, order=("private",)))[0] == "private"


def test_a_preset_brings_models_and_wishes_and_loosens_nothing() -> None:
    preset = Preset("safe", ("a/b",), Preferences(zdr=True))
    made = plan(presets=(preset,), call=Call("chat", "@preset/safe", {}))
    assert order(made) == ["private"]
    assert made.strategy == "preset"
    assert set(made.whose.values()) == {"preset safe"}
    with pytest.raises(NotFound) as caught:
        plan(presets=(preset,), call=Call("chat", "@preset/none", {}))
    assert caught.value.code == "preset_not_found"
    direct: dict[str, Any] = {"call": Call("chat", "a/b@preset/safe", {})}
    assert order(plan(presets=(preset,), **direct)) == ["private"]


def test_one_choice_is_what_everybody_gives() -> None:
    no_choices = OpenAIChat(Quirks(drops=frozenset({"n"})))
    network = Network({"cheap": Connection("cheap", no_choices, fixed("http://x"))})
    one = Call("chat", "a/b", {"n": msgspec.Raw(b"1")})
    two = Call("chat", "a/b", {"n": msgspec.Raw(b"2")}, choices=2)
    assert warned(plan(CHEAP, call=one, network=network)) == ()
    assert warned(plan(CHEAP, call=two, network=network)) == ("unsupported_parameter:n",)


def test_a_pin_holds_whoever_says_which_and_whoever_forbids_the_others() -> None:
    rules = (Rule("Home", Preferences(order=("dear",))),)
    assert order(plan(rules=rules, allow_fallbacks=False)) == ["dear"]
    strict = (Rule("Strict", Preferences(allow_fallbacks=False)),)
    assert order(plan(rules=strict, order=("dear",))) == ["dear"]


def test_whoever_ignores_a_provider_means_its_tiers_too() -> None:
    assert set(order(plan(EAST, FAST, CHEAP, network=VERTEX, ignore=("vertex",)))) == {"cheap"}
    assert set(order(plan(EAST, FAST, network=VERTEX, ignore=("vertex/priority",)))) == {
        "vertex/us-east5"
    }
