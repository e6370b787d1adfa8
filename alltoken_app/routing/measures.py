"""What traffic shows of one endpoint, in fixed memory: percentiles, outcomes by time."""

import math
from array import array
from collections.abc import Sequence

KEPT = 128  # newest samples of each measure
AGE = 1_800.0  # seconds after which a sample no longer counts


class Samples:
    """The newest samples of one measure; percentiles of those of the last half hour."""

    def __init__(self) -> None:
        self._values = array("d", bytes(8 * KEPT))
        self._times = array("d", bytes(8 * KEPT))
        self._added = 0
        self._sorted: list[float] = []
        self._sorted_at = (-1, 0.0)

    def add(self, value: float, now: float) -> None:
        """Note a sample; the oldest one makes room."""
        place = self._added % KEPT
        self._values[place], self._times[place] = value, now
        self._added += 1

    def ordered(self, now: float) -> Sequence[float]:
        """The samples that still count, smallest first."""
        added, at = self._sorted_at
        if added != self._added or now - at > AGE / 10:
            held = min(self._added, KEPT)
            fresh = (i for i in range(held) if now - self._times[i] <= AGE)
            self._sorted = sorted(self._values[i] for i in fresh)
            self._sorted_at = (self._added, now)
        return self._sorted

    def percentile(self, percent: int, now: float, *, falling: bool = False) -> float | None:
        """The value that `percent` of the samples do not exceed; None without samples.

        Args:
            falling: Count from the largest: `percent` of the samples reach at least this.
        """
        ordered = self.ordered(now)
        if not ordered:
            return None
        rank = max(math.ceil(percent / 100 * len(ordered)) - 1, 0)
        return ordered[-1 - rank] if falling else ordered[rank]


class Tally:
    """Outcomes by time: `bins` bins of `seconds` each, the oldest reused."""

    def __init__(self, bins: int, seconds: float) -> None:
        self._bins = bins
        self._seconds = seconds
        self._good = array("L", bytes(array("L").itemsize * bins))
        self._bad = array("L", bytes(array("L").itemsize * bins))
        self._newest = 0

    def add(self, good: bool, now: float) -> None:
        """Count one outcome."""
        self._turn(now)
        counted = self._good if good else self._bad
        counted[self._newest % self._bins] += 1

    def within(self, seconds: float, now: float) -> tuple[int, int]:
        """Good and bad outcomes of the last `seconds`, to the width of a bin."""
        self._turn(now)
        wanted = min(max(math.ceil(seconds / self._seconds), 1), self._bins)
        places = [(self._newest - back) % self._bins for back in range(wanted)]
        return sum(self._good[p] for p in places), sum(self._bad[p] for p in places)

    def clear(self) -> None:
        """Forget everything."""
        for place in range(self._bins):
            self._good[place] = self._bad[place] = 0

    def _turn(self, now: float) -> None:
        current = int(now / self._seconds)
        for number in range(max(self._newest + 1, current - self._bins + 1), current + 1):
            self._good[number % self._bins] = self._bad[number % self._bins] = 0
        self._newest = max(self._newest, current)
