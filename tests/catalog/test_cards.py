"""alltoken_app/catalog/cards.py"""

import pytest

from alltoken_app.catalog import cards, pricing
from alltoken_app.clock import DAY, HOUR, MINUTE
from alltoken_app.providers.base import Usage

MIDNIGHT = 20_000 * DAY
PEAKS = {
    "input": 10,
    "output": 20,
    "windows": [
        {"start": 60, "end": 240, "input": 20, "output": 40},
        {"start": 1380, "end": 30, "input": 5, "output": 5},
    ],
}


@pytest.mark.parametrize(
    ("after", "rate"),
    [(0, 5), (29, 5), (30, 10), (59, 10), (60, 20), (239, 20), (240, 10), (1379, 10), (1380, 5)],
)
def test_some_rates_hold_for_hours_of_the_day(after: int, rate: int) -> None:
    assert cards.price("v", PEAKS, MIDNIGHT + after * MINUTE).input == rate


def test_the_next_change_is_the_next_edge_of_a_window() -> None:
    assert cards.next_change(PEAKS, MIDNIGHT) == MIDNIGHT + 30 * MINUTE
    assert cards.next_change(PEAKS, MIDNIGHT + 4 * HOUR) == MIDNIGHT + 23 * HOUR
    assert cards.next_change(PEAKS, MIDNIGHT + 23 * HOUR) == MIDNIGHT + DAY + 30 * MINUTE
    assert cards.next_change({"input": 1}, MIDNIGHT) is None


def test_the_longest_prompts_tier_is_asked_first() -> None:
    rates = {
        "input": 1_000,
        "tiers": [{"above": 10, "input": 2_000}, {"above": 100, "input": 3_000}],
    }
    price = cards.price("v", rates, 0)
    assert [pricing.cost(price, Usage(input=n)) for n in (10, 11, 100, 101)] == [10, 22, 200, 303]
