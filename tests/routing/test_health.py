"""alltoken_app/routing/health.py, breaker.py and measures.py: who rests, and for how long"""

import pytest

from alltoken_app.providers import refusals
from alltoken_app.providers.base import EndpointFacts, UpstreamError
from alltoken_app.routing.breaker import FEWEST, FIRST_REST, LONGEST_REST, Breaker, Standing
from alltoken_app.routing.health import BUDGET_BURST, Health
from alltoken_app.routing.measures import KEPT, Samples, Tally
from alltoken_app.routing.preferences import Percentiles
from tests.routing.facts import CHEAP, DEAR, Clock, connected, endpoint, order, plan

DOWN = UpstreamError("upstream_error", "", retry=True)
GONE = UpstreamError("upstream_unavailable", "", retry=True)
NO_JITTER = 1.0


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def health(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Health:
    monkeypatch.setattr("random.uniform", lambda low, high: NO_JITTER)
    return Health(clock)


def fail(health: Health, times: int, one: EndpointFacts = CHEAP) -> None:
    for _ in range(times):
        health.failed(one, DOWN, 500)


def test_half_of_twenty_failures_within_thirty_seconds_open_the_circuit(health: Health) -> None:
    fail(health, FEWEST // 2 - 1)
    for _ in range(FEWEST // 2):
        health.answered(CHEAP, 0.1)
    assert health.standing(CHEAP) is Standing.CLOSED
    fail(health, 1)
    assert health.standing(CHEAP) is Standing.OPEN


def test_failures_long_ago_do_not_count(health: Health, clock: Clock) -> None:
    fail(health, FEWEST - 1)
    clock.at += 60
    fail(health, 1)
    assert health.standing(CHEAP) is Standing.CLOSED


def test_five_refused_connections_in_a_row_open_it_and_four_do_not(health: Health) -> None:
    for _ in range(4):
        health.failed(CHEAP, GONE, None)
    health.answered(CHEAP, 0.1)
    for _ in range(4):
        health.failed(CHEAP, GONE, None)
    assert health.standing(CHEAP) is Standing.CLOSED
    health.failed(CHEAP, GONE, None)
    assert health.standing(CHEAP) is Standing.OPEN


def test_a_fault_of_the_callers_never_counts(health: Health) -> None:
    for status in (400, 413, 422):
        for _ in range(100):
            health.failed(CHEAP, refusals.by_status(status), status)
    assert health.standing(CHEAP) is Standing.CLOSED
    assert health.view(CHEAP).uptime_1d is None


def test_one_probe_at_a_time_finds_out_and_closes_it(health: Health, clock: Clock) -> None:
    fail(health, FEWEST)
    assert not health.admit(CHEAP, again=False, last=False)
    clock.at += FIRST_REST
    assert health.standing(CHEAP) is Standing.HALF_OPEN
    assert health.admit(CHEAP, again=False, last=False)
    assert not health.admit(CHEAP, again=False, last=False)
    health.answered(CHEAP, 0.1)
    assert health.standing(CHEAP) is Standing.CLOSED
    assert health.admit(CHEAP, again=False, last=False)


def test_a_probe_that_nobody_waited_for_is_free_again(health: Health, clock: Clock) -> None:
    fail(health, FEWEST)
    clock.at += FIRST_REST
    assert health.admit(CHEAP, again=False, last=False)
    health.left(CHEAP)
    assert health.admit(CHEAP, again=False, last=False)


def test_rests_double_up_to_a_minute(health: Health, clock: Clock) -> None:
    fail(health, FEWEST)
    rest = FIRST_REST
    for _ in range(6):
        clock.at += rest - 0.01
        assert health.standing(CHEAP) is Standing.OPEN
        clock.at += 0.01
        assert health.admit(CHEAP, again=False, last=False)
        fail(health, 1)
        rest = min(rest * 2, LONGEST_REST)
    assert rest == LONGEST_REST


def test_a_rest_is_never_the_same_for_two(clock: Clock) -> None:
    ends = set()
    for _ in range(20):
        breaker = Breaker()
        breaker.trip(clock())
        ends.add(breaker.open_until)
        assert FIRST_REST * 0.7 < breaker.open_until - clock() < FIRST_REST * 1.3
    assert len(ends) > 1


def test_a_busy_provider_rests_as_long_as_it_asks_and_is_not_at_fault(
    health: Health, clock: Clock
) -> None:
    health.failed(CHEAP, refusals.by_status(429, retry_after=7.0), 429)
    assert health.standing(CHEAP) is Standing.COOLING
    clock.at += 6.9
    assert health.resting(CHEAP)
    clock.at += 0.2
    assert health.standing(CHEAP) is Standing.CLOSED
    assert health.view(CHEAP).uptime_1d is None
    health.failed(CHEAP, refusals.by_status(429, retry_after=86_400.0), 429)
    clock.at += LONGEST_REST
    assert not health.resting(CHEAP)


@pytest.mark.parametrize(("status", "times"), [(401, 1), (402, 1), (403, 3)])
def test_a_refused_account_rests_the_whole_provider(
    health: Health, clock: Clock, status: int, times: int
) -> None:
    other, elsewhere = endpoint("cheap", model="c/d"), DEAR
    for place in range(times):
        assert health.standing(other) is Standing.CLOSED
        one = endpoint("cheap", model=f"a/{place}")
        health.failed(one, refusals.by_status(status), status)
        assert health.standing(one) is Standing.OPEN
    assert health.standing(other) is Standing.OPEN
    assert health.standing(elsewhere) is Standing.CLOSED
    clock.at += FIRST_REST
    assert health.admit(other, again=False, last=False)
    health.answered(other, 0.1)
    assert health.standing(other) is Standing.CLOSED


def test_second_tries_at_a_provider_are_a_tenth_of_its_requests(health: Health) -> None:
    allowed = sum(health.admit(CHEAP, again=True, last=False) for _ in range(100))
    assert allowed == BUDGET_BURST
    for _ in range(50):
        health.admit(CHEAP, again=False, last=False)
    assert sum(health.admit(CHEAP, again=True, last=False) for _ in range(100)) in (4, 5)
    assert health.admit(DEAR, again=True, last=False)


def test_what_rests_is_planned_last_and_never_left_out(health: Health) -> None:
    network = connected("cheap", "dear", "private", health=health)
    fail(health, FEWEST)
    for wishes in ({}, {"sort": "price"}, {"order": ("cheap",)}):
        assert order(plan(network=network, **wishes))[-1] == "cheap"
    fail(health, FEWEST, DEAR)
    assert order(plan(CHEAP, DEAR, network=network, sort="price")) == ["cheap", "dear"]


def test_sorted_by_latency_the_fastest_is_first_and_the_unknown_last(health: Health) -> None:
    network = connected("cheap", "dear", "private", health=health)
    health.answered(CHEAP, 0.9)
    health.answered(DEAR, 0.2)
    assert order(plan(network=network, sort="latency")) == ["dear", "cheap", "private"]


def test_preferred_thresholds_put_off_and_never_exclude(health: Health) -> None:
    network = connected("cheap", "dear", "private", health=health)
    for _ in range(9):
        health.answered(CHEAP, 0.2)
    health.answered(CHEAP, 9.0)
    assert order(plan(network=network, sort="price", preferred_max_latency=0.5))[0] == "cheap"
    health.answered(CHEAP, 9.0)
    slow = plan(network=network, sort="price", preferred_max_latency=Percentiles(p90=0.5))
    assert order(slow) == ["private", "dear", "cheap"]
    health.finished(DEAR, tokens=100, seconds=10)
    weak = plan(CHEAP, DEAR, network=network, order=("dear",), preferred_min_throughput=50)
    assert order(weak) == ["dear", "cheap"]  # an order is exact


def test_percentiles_are_of_the_newest_samples_within_half_an_hour() -> None:
    samples = Samples()
    for value in range(1, KEPT + 101):
        samples.add(float(value), 0.0)
    assert samples.percentile(50, 0.0) == 100 + KEPT / 2
    assert samples.percentile(99, 0.0) == 100 + 127
    assert samples.percentile(99, 0.0, falling=True) == 102
    assert samples.percentile(50, 1_801.0) is None


def test_a_tally_forgets_by_bins_and_takes_no_more_room() -> None:
    tally = Tally(6, 5.0)
    for second in range(1_000):
        tally.add(second % 2 == 0, float(second))
    good, bad = tally.within(30, 999.0)
    assert (good, bad) == (15, 15)
    assert tally.within(30, 5_000.0) == (0, 0)


def test_uptime_counts_what_failed_within_an_answer_too(health: Health) -> None:
    for _ in range(3):
        health.answered(CHEAP, 0.1)
    fail(health, 1)
    assert health.view(CHEAP).uptime_30m == 75.0


@pytest.mark.parametrize("status", [400, 429, 500])
def test_a_probe_of_a_credential_that_ends_otherwise_lets_another_probe(
    health: Health, clock: Clock, status: int
) -> None:
    for _ in range(3):
        health.failed(CHEAP, refusals.by_status(401), 401)
    clock.at += LONGEST_REST
    assert health.admit(CHEAP, again=False, last=False)
    health.failed(CHEAP, refusals.by_status(status), status)
    clock.at += LONGEST_REST
    assert health.admit(CHEAP, again=False, last=False)
    health.answered(CHEAP, 0.1)
    assert health.standing(CHEAP) is Standing.CLOSED
