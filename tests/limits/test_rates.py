"""alltoken_app/limits/rates.py"""

import pytest

from alltoken_app.errors import Invalid
from alltoken_app.limits.rates import Limits, Rates, Subject, TooMany


def rates(requests: int | None = None, tokens: int | None = None, at_once: int = 100) -> Rates:
    return Rates(Limits(requests, tokens, at_once))


def key(requests: int | None = None, tokens: int | None = None, at_once: int | None = None):  # type: ignore[no-untyped-def]
    return Subject("key_1", "key", Limits(requests, tokens, at_once))


async def refused(of: Rates, *args: object) -> TooMany:
    with pytest.raises(TooMany) as caught:
        await of.enter("org_1", *args)  # type: ignore[arg-type]
    return caught.value


async def test_more_than_allowed_in_a_minute_is_refused_with_a_time_to_wait() -> None:
    found = rates(3)
    for left in (2, 1, 0):
        entry = await found.enter("org_1")
        assert entry.allowance.requests is not None
        assert entry.allowance.requests.remaining == left
        entry.leave()
    refusal = await refused(found)
    assert refusal.retry_after is not None
    assert 0 < refusal.retry_after <= 20.1
    assert refusal.details == {
        "limit": "requests_per_minute",
        "maximum": 3,
        "scope": "organisation",
        "resets_in": round(refusal.retry_after, 3),
    }


async def test_organisations_do_not_share() -> None:
    found = rates(1)
    await found.enter("org_1")
    await found.enter("org_2")


async def test_too_many_at_once_is_refused_until_one_ends() -> None:
    found = rates(at_once=2)
    first = await found.enter("org_1")
    await found.enter("org_1")
    assert (await refused(found)).code == "too_many_concurrent_requests"
    first.leave()
    await found.enter("org_1")


async def test_a_refusal_is_not_counted() -> None:
    found = rates(5, at_once=1)
    entry = await found.enter("org_1")
    for _ in range(10):
        await refused(found)
    entry.leave()
    again = await found.enter("org_1")
    assert again.allowance.requests is not None
    assert again.allowance.requests.remaining == 3


async def test_the_input_is_taken_at_once_and_the_rest_at_the_end() -> None:
    found = rates(tokens=1_000)
    entry = await found.enter("org_1", None, 400)
    assert (await refused(found, None, 700)).details["limit"] == "tokens_per_minute"
    entry.leave(50)
    assert (await found.enter("org_1", None, 900)).allowance.tokens is not None


async def test_a_long_answer_lets_the_next_request_wait() -> None:
    found = rates(tokens=600)
    (await found.enter("org_1", None, 10)).leave(900)
    refusal = await refused(found, None, 10)
    assert refusal.retry_after is not None
    assert 30 <= refusal.retry_after <= 32  # 300 owed and 11 needed, at ten a second


async def test_an_input_that_never_fits_is_told_so_instead_of_being_sent_waiting() -> None:
    with pytest.raises(Invalid) as caught:
        await rates(tokens=100).enter("org_1", None, 100)
    assert caught.value.code == "exceeds_token_limit"


async def test_the_tighter_of_organisation_and_key_holds_and_is_shown() -> None:
    found, own = rates(10), key(requests=2)
    entry = await found.enter("org_1", own)
    assert entry.allowance.requests is not None
    assert (entry.allowance.requests.limit, entry.allowance.requests.remaining) == (2, 1)
    await found.enter("org_1", own)
    refusal = await refused(found, own)
    assert refusal.details["scope"] == "key"
    assert refusal.allowance is not None
    assert refusal.allowance.requests is not None
    assert refusal.allowance.requests.remaining == 0
    for _ in range(8):  # the refused one took nothing of the organisation's
        await found.enter("org_1")
    assert (await refused(found)).details["scope"] == "organisation"


async def test_a_changed_limit_holds_at_once_and_forgets_nothing() -> None:
    found = rates(100)
    for _ in range(3):
        await found.enter("org_1", key(requests=4))
    entry = await found.enter("org_1", key(requests=10))
    assert entry.allowance.requests is not None
    assert entry.allowance.requests.remaining == 6
    await refused(found, key(requests=4))
    await found.enter("org_1", key(requests=None, tokens=50))
