"""alltoken_app/routing/plans.py"""

import msgspec
import pytest

from alltoken_app.errors import Forbidden, Invalid, NotFound
from alltoken_app.privacy.policy import Policy
from alltoken_app.providers.base import Call
from tests.routing.facts import (
    CHEAP,
    DEAR,
    HONOURED,
    PRIVATE,
    connected,
    endpoint,
    order,
    plan,
    warned,
)


def test_order_is_kept_and_the_rest_follows() -> None:
    assert order(plan(order=("dear", "private")))[:2] == ["dear", "private"]


def test_only_and_ignore_are_exact() -> None:
    assert order(plan(only=("dear",))) == ["dear"]
    assert set(order(plan(ignore=("dear",)))) == {"cheap", "private"}


def test_a_pin_without_fallbacks_is_a_pin() -> None:
    made = plan(order=("dear",), allow_fallbacks=False)
    assert order(made) == ["dear"]
    assert len(order(plan(allow_fallbacks=False))) == 1


def test_sort_by_price_is_exact() -> None:
    assert order(plan(sort="price")) == ["cheap", "private", "dear"]


def test_zdr_lets_only_the_confirmed_through() -> None:
    for unsure in ("unknown", "none", "offered", "requested"):
        made = plan(endpoint("cheap", zdr=unsure), PRIVATE, zdr=True)
        assert order(made) == ["private"]
        assert made.excluded == {"cheap:a/b": "zdr_not_confirmed"}


def test_a_request_can_tighten_a_policy_and_never_loosen_it() -> None:
    assert order(plan(policy=Policy(zdr=True), zdr=False)) == ["private"]
    assert order(plan(policy=Policy(no_training=True), data_collection="allow")) == ["private"]


def test_own_wishes_that_leave_nothing_are_404_with_every_reason() -> None:
    with pytest.raises(NotFound) as caught:
        plan(CHEAP, DEAR, zdr=True, ignore=("dear",))
    assert caught.value.code == "no_eligible_endpoint"
    assert caught.value.details["excluded_by"] == {
        "cheap:a/b": "zdr_not_confirmed",
        "dear:a/b": "ignored_providers",
    }


def test_sandbox_money_reaches_sandbox_providers_only() -> None:
    with pytest.raises(Forbidden) as caught:
        plan(providers=frozenset({"local"}))
    assert caught.value.code == "sandbox_provider_only"
    assert order(plan(providers=frozenset({"dear"}))) == ["dear"]


def test_a_provider_without_a_connection_is_left_out() -> None:
    assert order(plan(network=connected("private"))) == ["private"]


def test_the_hold_covers_the_dearest_planned_endpoint() -> None:
    made = plan()
    assert made.ceiling(1000) >= (100 * 10 + 1000 * 1000) // 1000
    assert made.dearest_output == 1000


@pytest.mark.parametrize(("asked", "choices", "bound"), [(None, 1, 4096), (7, 1, 7), (7, 3, 21)])
def test_the_output_bound_counts_every_choice(asked: int | None, choices: int, bound: int) -> None:
    call = Call("chat", "a/b", {}, max_output=asked, choices=choices)
    assert plan(call=call).output_bound == bound


def test_more_output_than_the_model_gives_is_refused() -> None:
    with pytest.raises(Invalid) as caught:
        plan(call=Call("chat", "a/b", {}, max_output=5000))
    assert caught.value.param == "max_tokens"


def test_a_model_serves_its_own_operation() -> None:
    with pytest.raises(Invalid) as caught:
        plan(call=Call("embeddings", "a/b", {}))
    assert caught.value.code == "wrong_endpoint"


def test_what_no_endpoint_honours_is_named() -> None:
    call = Call("chat", "a/b", {"logprobs": msgspec.Raw(b"true")})
    assert warned(plan(call=call)) == ("unsupported_parameter:logprobs",)
    with pytest.raises(Invalid) as caught:
        plan(call=call, strict=True)
    assert (caught.value.code, caught.value.param) == ("unsupported_parameter", "logprobs")


def test_parameters_steer_to_who_honours_them() -> None:
    able = endpoint("dear", 1000, parameters=HONOURED | {"seed"})
    call = Call("chat", "a/b", {"seed": msgspec.Raw(b"1")})
    made = plan(CHEAP, able, call=call)
    assert order(made) == ["dear", "cheap"]
    assert warned(made) == ()


def test_the_draw_is_the_same_for_the_same_body() -> None:
    def draw(text: str) -> list[str]:
        said = {"messages": msgspec.Raw(text.encode())}
        return order(plan(CHEAP, endpoint("dear", 12), call=Call("chat", "a/b", said)))

    assert draw("x") == draw("x")
    assert len({tuple(draw(str(number))) for number in range(50)}) == 2


def test_the_cheap_one_is_drawn_more_often() -> None:
    firsts = [
        order(plan(call=Call("chat", "a/b", {"messages": msgspec.Raw(str(n).encode())})))[0]
        for n in range(200)
    ]
    assert firsts.count("cheap") > 180  # weight 1/price²


def test_a_picture_is_not_sent_to_a_model_that_reads_text() -> None:
    with pytest.raises(Invalid, match="not image"):
        plan(call=Call("chat", "a/b", {}, modalities=frozenset({"text", "image"})))
