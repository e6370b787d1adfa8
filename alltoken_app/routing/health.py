"""How every endpoint is doing, from real traffic, in this process."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog

from alltoken_app.providers.base import EndpointFacts, UpstreamError
from alltoken_app.routing.breaker import RESTING, Breaker, Standing
from alltoken_app.routing.measures import Samples, Tally

CREDENTIAL_FAULTS = {401: 3, 402: 3, 403: 1}  # a 403 may be about one model: it takes three
CREDENTIAL_TRIPS_AT = 3
BUDGET_SHARE, BUDGET_BURST = 0.1, 10.0
FEWEST_TOKENS = 16  # shorter answers say nothing of speed
DAY = 86_400.0
PERCENTILES = (50, 75, 90, 99)

log = structlog.get_logger()


@dataclass(slots=True)
class _Endpoint:
    breaker: Breaker = field(default_factory=Breaker)
    latency: Samples = field(default_factory=Samples)
    throughput: Samples = field(default_factory=Samples)
    outputs: Samples = field(default_factory=Samples)
    day: Tally = field(default_factory=lambda: Tally(288, DAY / 288))


@dataclass(slots=True)
class _Provider:
    credential: Breaker = field(default_factory=Breaker)
    refusals: int = 0
    budget: float = BUDGET_BURST


@dataclass(frozen=True)
class HealthView:
    """How an endpoint is doing. Latency in seconds to the first token, throughput in tokens per
    second, uptime in percent; None where there has been no traffic.
    """

    standing: Standing
    uptime_5m: float | None = None
    uptime_30m: float | None = None
    uptime_1d: float | None = None
    latency: dict[int, float] = field(default_factory=dict)
    throughput: dict[int, float] = field(default_factory=dict)


class Health:
    """What this process has seen of each endpoint. It works alone and keeps no request's content.

    Endpoints nobody has asked take no memory; the others a fixed amount.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self.now = now
        self._endpoints: dict[str, _Endpoint] = {}
        self._providers: dict[str, _Provider] = {}

    # What routing asks

    def standing(self, endpoint: EndpointFacts) -> Standing:
        """Whether it may be asked; a provider that refuses our account closes all of its own."""
        provider = self._providers.get(endpoint.provider)
        if provider is not None and provider.credential.trips:
            standing = provider.credential.standing(self.now())
            if standing is not Standing.HALF_OPEN:
                return standing
        seen = self._endpoints.get(endpoint.id)
        return seen.breaker.standing(self.now()) if seen else Standing.CLOSED

    def resting(self, endpoint: EndpointFacts) -> bool:
        """Whether it should be tried only after all others."""
        return bool(self._endpoints) and self.standing(endpoint) in RESTING

    def latency(self, endpoint: EndpointFacts, percent: int = 50) -> float | None:
        """Seconds to the first token; None without traffic."""
        seen = self._endpoints.get(endpoint.id)
        return seen.latency.percentile(percent, self.now()) if seen else None

    def throughput(self, endpoint: EndpointFacts, percent: int = 50) -> float | None:
        """Tokens per second that `percent` of the answers reach; None without traffic."""
        seen = self._endpoints.get(endpoint.id)
        return seen.throughput.percentile(percent, self.now(), falling=True) if seen else None

    def usual_output(self, endpoint: EndpointFacts) -> int | None:
        """The median of output tokens of an answer; None without traffic."""
        seen = self._endpoints.get(endpoint.id)
        found = seen.outputs.percentile(50, self.now()) if seen else None
        return None if found is None else round(found)

    def view(self, endpoint: EndpointFacts) -> HealthView:
        """Everything, for showing."""
        seen, now = self._endpoints.get(endpoint.id), self.now()
        if seen is None:
            return HealthView(self.standing(endpoint))
        latency = {p: seen.latency.percentile(p, now) for p in PERCENTILES}
        speed = {p: seen.throughput.percentile(p, now, falling=True) for p in PERCENTILES}
        return HealthView(
            self.standing(endpoint),
            _uptime(seen.day.within(301, now)),  # the present bin has only begun
            _uptime(seen.day.within(1_801, now)),
            _uptime(seen.day.within(DAY, now)),
            {p: value for p, value in latency.items() if value is not None},
            {p: value for p, value in speed.items() if value is not None},
        )

    # What forwarding tells (see `providers.attempts.Watcher`)

    def admit(self, endpoint: EndpointFacts, *, again: bool, last: bool) -> bool:
        """Whether to try it now.

        Args:
            again: Its provider has failed this request already: that costs from the provider's
                budget, a tenth of its requests.
            last: Nothing else is left to try.
        """
        provider = self._provider(endpoint)
        if again:
            if provider.budget < 1:
                return False
            provider.budget -= 1
        else:
            provider.budget = min(provider.budget + BUDGET_SHARE, BUDGET_BURST)
        now, breaker = self.now(), self._seen(endpoint).breaker
        if not breaker.admit(now, last=last):
            return False
        if provider.credential.trips and not provider.credential.admit(now, last=last):
            breaker.left()
            return False
        return True

    def answered(self, endpoint: EndpointFacts, seconds: float | None) -> None:
        """It gave content; `seconds` to the first of a stream."""
        now, seen, provider = self.now(), self._seen(endpoint), self._provider(endpoint)
        seen.breaker.good(now)
        if seconds is not None:
            seen.latency.add(seconds, now)
        seen.day.add(True, now)
        provider.refusals = 0
        provider.credential.alive()

    def failed(self, endpoint: EndpointFacts, error: UpstreamError, status: int | None) -> None:
        """It gave no answer, or broke off within one."""
        now, seen = self.now(), self._seen(endpoint)
        self._provider(endpoint).credential.left()  # another may probe it
        if error.client_fault and status is None:
            self.left(endpoint)  # it was never sent
        elif error.client_fault:
            seen.breaker.alive()
        elif error.code == "upstream_rate_limited":
            seen.breaker.cool(now, error.retry_after)
        elif error.code in ("upstream_auth_error", "upstream_quota_exhausted"):
            seen.breaker.trip(now)
            self._refused(endpoint, status or 401)
        else:
            connect = status is None and error.code == "upstream_unavailable"
            seen.breaker.bad(now, connect=connect)
            seen.day.add(False, now)
            if error.retry_after is not None:
                seen.breaker.cool(now, error.retry_after)

    def left(self, endpoint: EndpointFacts) -> None:
        """The request went away before there was an outcome."""
        self._seen(endpoint).breaker.left()
        self._provider(endpoint).credential.left()

    def finished(self, endpoint: EndpointFacts, tokens: int, seconds: float) -> None:
        """A whole answer of so many output tokens took so many seconds of writing."""
        now, seen = self.now(), self._seen(endpoint)
        seen.outputs.add(tokens, now)
        if tokens >= FEWEST_TOKENS and seconds > 0:
            seen.throughput.add(tokens / seconds, now)

    def _refused(self, endpoint: EndpointFacts, status: int) -> None:
        provider = self._provider(endpoint)
        provider.refusals += CREDENTIAL_FAULTS.get(status, 1)
        if provider.refusals >= CREDENTIAL_TRIPS_AT or provider.credential.trips:
            provider.credential.trip(self.now())
            log.error("credential_refused", provider=endpoint.provider, status=status)

    def _seen(self, endpoint: EndpointFacts) -> _Endpoint:
        found = self._endpoints.get(endpoint.id)
        if found is None:
            found = self._endpoints[endpoint.id] = _Endpoint()
        return found

    def _provider(self, endpoint: EndpointFacts) -> _Provider:
        found = self._providers.get(endpoint.provider)
        if found is None:
            found = self._providers[endpoint.provider] = _Provider()
        return found


def _uptime(outcomes: tuple[int, int]) -> float | None:
    good, bad = outcomes
    return round(100 * good / (good + bad), 2) if good + bad else None
