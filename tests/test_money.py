"""alltoken_app/money.py"""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alltoken_app import money


@given(st.integers(-(2**62), 2**62))
def test_usd_is_exact_and_reads_back(nano: int) -> None:
    assert abs(nano) > 9 * 10**18 or money.parse_usd(money.usd(nano)) == nano
    assert Decimal(money.usd(nano)) * 10**9 == nano


@pytest.mark.parametrize(
    ("pico", "nano"), [(499, 0), (500, 0), (501, 1), (1500, 2), (2500, 2), (0, 0), (-500, 0)]
)
def test_halves_round_to_even(pico: int, nano: int) -> None:
    assert money.round_pico(pico) == nano


@pytest.mark.parametrize(
    ("nano", "shown"),
    [
        (0, "$0.00"),
        (5 * 10**9, "$5.00"),
        (1_234_567_890_123, "$1,234.57"),
        (10_000_000, "$0.01"),
        (9_999_999, "$0.01"),
        (1_234_567, "$0.00123457"),
        (123_456, "$0.000123456"),
        (1, "$0.000000001"),
        (-20_000_000, "-$0.02"),
    ],
)
def test_small_amounts_are_not_shown_as_zero(nano: int, shown: str) -> None:
    assert money.show_usd(nano) == shown


@pytest.mark.parametrize("text", ["", "abc", "1e400", "NaN", "Infinity", "0.0000000001", "1,5"])
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="USD"):
        money.parse_usd(text)


def test_rates_come_from_prices_per_million() -> None:
    assert money.rate_per_million("0.15") == 150_000
    assert money.usd_of_pico(150_000) == "0.00000015"


@pytest.mark.parametrize(
    ("nano", "shown"),
    [(4_999_200_000, "$4.99"), (5_000_000_000, "$5.00"), (123_000, "$0.000123"), (0, "$0.00")],
)
def test_nobody_is_shown_more_than_there_is(nano: int, shown: str) -> None:
    assert money.show_left(nano) == shown
