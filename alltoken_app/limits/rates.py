"""Requests per minute and at once, per organisation: the cheapest refusal comes first.

One process holds all of it in memory. Spending limits are not here: they are rows in the hold.
"""

import time
from dataclasses import dataclass

from alltoken_app.errors import RateLimited

WINDOW_SECONDS = 60.0
SWEEP_EVERY = 4_096  # new organisations between two sweeps of those that have been quiet


@dataclass(frozen=True, slots=True)
class Allowance:
    """What is left after this request: for the X-RateLimit headers."""

    limit: int
    remaining: int
    reset_seconds: float


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at: float
    open: int = 0


class Rates:
    """A token bucket and a counter of open requests for each organisation."""

    def __init__(self, per_minute: int, at_once: int) -> None:
        self._per_minute = per_minute
        self._at_once = at_once
        self._refill = per_minute / WINDOW_SECONDS
        self._buckets: dict[str, _Bucket] = {}

    def enter(self, org_id: str) -> Allowance:
        """Count a request in; whoever enters must `leave`.

        Raises:
            RateLimited: Too many a minute, or too many at once. Nothing was counted.
        """
        now = time.monotonic()
        bucket = self._buckets.get(org_id)
        if bucket is None:
            if len(self._buckets) % SWEEP_EVERY == SWEEP_EVERY - 1:
                self._sweep(now)
            bucket = self._buckets[org_id] = _Bucket(float(self._per_minute), now)
        grown = bucket.tokens + (now - bucket.at) * self._refill
        bucket.tokens, bucket.at = min(float(self._per_minute), grown), now
        if bucket.tokens < 1:
            wait = (1 - bucket.tokens) / self._refill
            text = f"More than {self._per_minute} requests a minute. Not charged; try again later."
            raise RateLimited(text, retry_after=wait)
        if bucket.open >= self._at_once:
            text = f"{self._at_once} requests are open already. Not charged; let one finish."
            raise RateLimited(text, code="too_many_concurrent_requests", retry_after=1)
        bucket.tokens -= 1
        bucket.open += 1
        left = int(bucket.tokens)
        return Allowance(self._per_minute, left, (self._per_minute - left) / self._refill)

    def leave(self, org_id: str) -> None:
        """A request that entered has ended."""
        self._buckets[org_id].open -= 1

    def _sweep(self, now: float) -> None:
        """Forget organisations whose bucket has been full again for a while."""
        quiet = [
            org_id
            for org_id, bucket in self._buckets.items()
            if bucket.open == 0 and now - bucket.at > WINDOW_SECONDS
        ]
        for org_id in quiet:
            del self._buckets[org_id]
