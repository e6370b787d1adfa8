"""alltoken_app/routing/plans.py: what `max_cost` leaves of a plan"""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alltoken_app.catalog import bounds, pricing
from alltoken_app.errors import NotFound
from alltoken_app.providers.base import Call, Price, Tier
from tests.routing.facts import CHEAP, DEAR, endpoint, plan


def call(cap: int, **more: Any) -> Call:
    return Call("chat", "a/b", {}, max_cost=cap, **{"size": 100, **more})


def test_the_cap_bounds_the_output_and_the_whole() -> None:
    made = plan(CHEAP, call=call(20))
    assert made.capped == {CHEAP.id}
    assert made.output_bound == made.endpoints[0].max_output < CHEAP.max_output
    assert made.ceiling(made.output_bound) <= 20


def test_what_the_cap_cannot_pay_is_left_out_where_something_else_serves() -> None:
    dear = endpoint("dear", price=Price("v", 1_000, 1_000))
    made = plan(CHEAP, dear, call=call(100))
    assert [one.id for one in made.endpoints] == [CHEAP.id]
    assert made.excluded == {dear.id: "max_cost"}


def test_a_cap_below_the_input_is_a_refusal_that_names_both() -> None:
    with pytest.raises(NotFound) as caught:
        plan(CHEAP, DEAR, call=call(1))
    assert caught.value.code == "no_eligible_endpoint"
    assert caught.value.param == "max_cost"
    assert caught.value.details["excluded_by"] == {CHEAP.id: "max_cost", DEAR.id: "max_cost"}
    assert "may cost up to $0.000000004, more than its max_cost of $0.000000001" in str(
        caught.value
    )


def test_a_cap_that_nothing_reaches_changes_nothing() -> None:
    free, capped = plan(CHEAP, DEAR), plan(CHEAP, DEAR, call=call(10**9))
    assert capped.output_bound == free.output_bound
    assert capped.capped == frozenset()


def test_each_endpoint_gives_as_much_as_its_own_price_allows() -> None:
    made = plan(CHEAP, DEAR, call=call(1_000))
    most = {one.id: one.max_output for one in made.endpoints}
    assert most[DEAR.id] < most[CHEAP.id] == CHEAP.max_output
    assert made.capped == {DEAR.id}


RATES = st.integers(0, 10**8)
PRICES = st.builds(
    lambda input, output, request, above, dearer: Price(
        "v", input, output, request=request,
        tiers=(Tier(above, Price("v", input + dearer, output + dearer)),),
    ),
    RATES, RATES, st.integers(0, 10**9), st.integers(0, 9_000), RATES,
)  # fmt: skip


@given(
    st.lists(PRICES, min_size=1, max_size=4),
    st.integers(1, 10**10),
    st.integers(1, 20_000),
    st.integers(1, 4),
    st.none() | st.integers(1, 4096),
)
def test_no_planned_endpoint_can_cost_more_than_the_cap(
    prices: list[Price], cap: int, size: int, choices: int, most: int | None
) -> None:
    offered = [endpoint("cheap", id=f"e{n}", price=price) for n, price in enumerate(prices)]
    asked = call(cap, size=size, choices=choices, max_output=most)
    try:
        made = plan(*offered, call=asked)
    except NotFound:
        given = bounds.input_tokens(asked, 8192)
        assert all(pricing.ceiling(price, given, choices) > cap for price in prices)
        return
    assert made.ceiling(made.output_bound) <= cap
    for one in made.endpoints:
        spent = msgspec.structs.replace(
            asked.known,
            input=made.input_bound,
            output=min(made.output_bound, one.max_output * choices),
        )
        assert pricing.cost(one.price, spent) <= cap
