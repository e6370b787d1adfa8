"""Circuit breakers: an endpoint that fails rests, then one request at a time finds out.

Only the provider's faults count. A busy provider (429) is not at fault: it rests for as long as it
asks. What rests is tried last, never not at all: when everything rests, a try is better than none.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from alltoken_app.routing.measures import Tally

WINDOW = 30.0  # seconds over which the share of failures is taken
FEWEST = 20  # outcomes in it before the share says anything
SHARE = 0.5
CONNECTS = 5  # connections refused in a row
FIRST_REST, LONGEST_REST = 5.0, 60.0
BUSY_REST = 5.0  # a 429 that names no time


class Standing(StrEnum):
    """Whether an endpoint may be asked."""

    CLOSED = "closed"  # all is well
    OPEN = "open"
    HALF_OPEN = "half_open"  # rested: the next request may try it
    PROBING = "probing"  # that request is under way
    COOLING = "cooling"  # it asked us to wait


RESTING = frozenset({Standing.OPEN, Standing.PROBING, Standing.COOLING})


def _jitter() -> float:
    return random.uniform(0.75, 1.25)  # noqa: S311 - spreads load, keeps no secret


@dataclass(slots=True)
class Breaker:
    """One circuit. Times are seconds of a monotonic clock."""

    recent: Tally = field(default_factory=lambda: Tally(6, WINDOW / 6))
    refused_connects: int = 0
    trips: int = 0
    open_until: float = 0.0
    cool_until: float = 0.0
    probing: bool = False
    jitter: Callable[[], float] = _jitter

    def standing(self, now: float) -> Standing:
        """How it stands now."""
        if self.trips:
            if now < self.open_until:
                return Standing.OPEN
            return Standing.PROBING if self.probing else Standing.HALF_OPEN
        return Standing.COOLING if now < self.cool_until else Standing.CLOSED

    def admit(self, now: float, *, last: bool) -> bool:
        """Whether to ask it now; `last` means that nothing else is left to ask."""
        standing = self.standing(now)
        if standing is Standing.HALF_OPEN:
            self.probing = True
            return True
        return last or standing not in RESTING

    def good(self, now: float) -> None:
        """It answered."""
        self.recent.add(True, now)
        self.alive()

    def alive(self) -> None:
        """It is there, whatever it said."""
        self.refused_connects = 0
        if self.trips:
            self.recent.clear()
        self.trips, self.probing = 0, False

    def bad(self, now: float, *, connect: bool = False) -> None:
        """It failed; `connect` means that there was nobody at all."""
        self.recent.add(False, now)
        self.refused_connects = self.refused_connects + 1 if connect else 0
        good, bad = self.recent.within(WINDOW, now)
        failing = good + bad >= FEWEST and bad >= (good + bad) * SHARE
        if self.probing or self.refused_connects >= CONNECTS or failing:
            self.trip(now)

    def trip(self, now: float) -> None:
        """Rest, longer each time in a row."""
        if self.standing(now) is Standing.OPEN:
            return
        self.trips += 1
        self.probing = False
        rest = min(FIRST_REST * 2 ** min(self.trips - 1, 8), LONGEST_REST)
        self.open_until = now + rest * self.jitter()

    def cool(self, now: float, seconds: float | None) -> None:
        """It asked us to wait."""
        self.probing = False
        wait = BUSY_REST if seconds is None else min(seconds, LONGEST_REST)
        self.cool_until = max(self.cool_until, now + wait)

    def left(self) -> None:
        """The request ended without an outcome: another may probe."""
        self.probing = False
