"""alltoken_app/limits/rates.py"""

import pytest

from alltoken_app.errors import RateLimited
from alltoken_app.limits.rates import Rates


def test_more_than_allowed_in_a_minute_is_refused_with_a_time_to_wait() -> None:
    rates = Rates(per_minute=3, at_once=10)
    for left in (2, 1, 0):
        assert rates.enter("org_1").remaining == left
        rates.leave("org_1")
    with pytest.raises(RateLimited) as caught:
        rates.enter("org_1")
    assert caught.value.retry_after is not None
    assert 0 < caught.value.retry_after <= 20.1


def test_organisations_do_not_share() -> None:
    rates = Rates(per_minute=1, at_once=10)
    rates.enter("org_1")
    assert rates.enter("org_2").remaining == 0


def test_too_many_at_once_is_refused_until_one_ends() -> None:
    rates = Rates(per_minute=100, at_once=2)
    rates.enter("org_1")
    rates.enter("org_1")
    with pytest.raises(RateLimited) as caught:
        rates.enter("org_1")
    assert caught.value.code == "too_many_concurrent_requests"
    rates.leave("org_1")
    assert rates.enter("org_1").limit == 100


def test_a_refusal_is_not_counted() -> None:
    rates = Rates(per_minute=5, at_once=1)
    rates.enter("org_1")
    for _ in range(10):
        with pytest.raises(RateLimited):
            rates.enter("org_1")
    rates.leave("org_1")
    assert rates.enter("org_1").remaining == 3
