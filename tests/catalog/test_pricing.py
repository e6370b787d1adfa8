"""alltoken_app/catalog/pricing.py"""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from alltoken_app.catalog import pricing
from alltoken_app.money import round_pico
from alltoken_app.providers.base import Price, Usage

RATE = st.integers(0, 10**9)
COUNT = st.integers(0, 10**7)
prices = st.builds(Price, st.just("v"), RATE, RATE, RATE, RATE)


@st.composite
def usages(draw: st.DrawFn) -> Usage:
    total = draw(COUNT)
    return Usage(total, draw(COUNT), draw(st.integers(0, total)))


@given(prices, usages())
def test_the_lines_round_to_the_cost(price: Price, usage: Usage) -> None:
    products = [product for *_, product in pricing.lines(price, usage)]
    assert round_pico(sum(products)) == pricing.cost(price, usage)


@given(prices, usages())
def test_the_cost_is_within_half_a_nano_of_exact(price: Price, usage: Usage) -> None:
    exact = Fraction(
        price.request
        + (usage.input - usage.cached) * price.input
        + usage.cached * price.cached_input
        + usage.output * price.output,
        1000,
    )
    assert abs(pricing.cost(price, usage) - exact) <= Fraction(1, 2)


@given(prices, usages(), COUNT, COUNT)
def test_no_honest_meter_costs_more_than_the_ceiling(
    price: Price, usage: Usage, more_input: int, more_output: int
) -> None:
    bound = pricing.ceiling(price, usage.input + more_input, usage.output + more_output)
    assert pricing.cost(price, usage) <= bound


@given(prices, usages(), COUNT)
def test_more_output_never_costs_less(price: Price, usage: Usage, more: int) -> None:
    longer = Usage(usage.input, usage.output + more, usage.cached)
    assert pricing.cost(price, longer) >= pricing.cost(price, usage)
