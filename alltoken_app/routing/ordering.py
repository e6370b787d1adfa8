"""In which order endpoints are tried. Exact with `order` or `sort`, else drawn by price."""

import math
from collections.abc import Sequence

import msgspec

from alltoken_app.providers.base import EndpointFacts
from alltoken_app.routing import affinity
from alltoken_app.routing.eligibility import HINTS, named
from alltoken_app.routing.health import Health
from alltoken_app.routing.preferences import Preferences, thresholds

FAR = math.inf


class Candidate(msgspec.Struct, eq=False):
    """An eligible endpoint with what decides its place, most important first.

    Attributes:
        place: Of its model among the models asked for.
        unsupported: What of the call it does not honour.
        resting: Its circuit is open or it asked us to wait: tried after all others.
        rank: Its place in `order`; behind the last when it is not in it.
        slow: How many of the preferred thresholds it is known to miss.
        measure: What `sort` goes by; 0 without it.
        warm: The conversation was served there last.
        draw: The smaller, the earlier: -ln(u) / weight.
    """

    endpoint: EndpointFacts
    place: int
    unsupported: tuple[str, ...] = ()
    resting: bool = False
    rank: int = 0
    slow: int = 0
    measure: float = 0.0
    warm: bool = False
    draw: float = 0.0

    @property
    def weight(self) -> float:
        """One over the price squared."""
        return 1 / max(self.endpoint.price.blend, 1) ** 2


def arrange(
    candidates: Sequence[Candidate],
    wishes: Preferences,
    sorts: Sequence[str | None],
    health: Health,
    warm: str | None,
    seed: bytes,
) -> list[Candidate]:
    """Put candidates in order and note in each what decided it.

    Args:
        sorts: What each model's endpoints are sorted by, by the model's place.
        warm: The endpoint where the conversation's prompt is cached.
        seed: Makes the draw.
    """
    for one in candidates:
        one.resting = health.resting(one.endpoint)
        if wishes.order:
            found = named(one.endpoint, wishes.order)
            one.rank = len(wishes.order) if found is None else found
        by = sorts[one.place]
        if by is not None:
            one.measure = _measure(one.endpoint, by, health)
        one.slow = _missed(one.endpoint, wishes, health)
        one.warm = one.endpoint.id == warm
        one.draw = -math.log(affinity.draw(seed, one.endpoint)) / one.weight
    return sorted(candidates, key=_key_across if wishes.across_models else _key)


_Key = tuple[bool, int, int, int, int, float, bool, float, str]


def _key(one: Candidate) -> _Key:
    return (one.resting, one.place, one.rank, steering(one), one.slow, one.measure, not one.warm,
            one.draw, one.endpoint.id)  # fmt: skip


def _key_across(one: Candidate) -> _Key:
    return (one.resting, 0, one.rank, steering(one), one.slow, one.measure, not one.warm,
            one.draw, one.endpoint.id)  # fmt: skip


def steering(one: Candidate) -> int:
    """How many parameters it does not honour, hints aside."""
    return sum(name not in HINTS for name in one.unsupported) if one.unsupported else 0


def _measure(endpoint: EndpointFacts, by: str, health: Health) -> float:
    if by == "price":
        return endpoint.price.blend
    if by == "latency":
        found = health.latency(endpoint)
        return FAR if found is None else found
    found = health.throughput(endpoint)
    return FAR if found is None else -found


def _missed(endpoint: EndpointFacts, wishes: Preferences, health: Health) -> int:
    if wishes.preferred_max_latency is None and wishes.preferred_min_throughput is None:
        return 0
    missed = 0
    for percent, most in thresholds(wishes.preferred_max_latency):
        seconds = health.latency(endpoint, percent)
        missed += seconds is not None and seconds > most
    for percent, least in thresholds(wishes.preferred_min_throughput):
        speed = health.throughput(endpoint, percent)
        missed += speed is not None and speed < least
    return missed
