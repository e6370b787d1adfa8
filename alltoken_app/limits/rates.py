"""Requests and tokens a minute, and requests at once: the cheapest refusal comes first.

One process holds all of it in memory; several take it in blocks from a pool in the database
(`pool.py`). Spending limits are not here: they are rows in the hold.
"""

import time
from collections.abc import Callable

from alltoken_app.limits.allowances import (
    MINUTE_SECONDS,
    Allowance,
    Left,
    Limits,
    Scope,
    Subject,
    TooMany,
)
from alltoken_app.limits.buckets import Bucket
from alltoken_app.limits.pool import Pool

SWEEP_EVERY = 4_096  # new subjects between two sweeps of those that have been quiet


class Entry:
    """A request that has entered and has to `leave`, once."""

    __slots__ = ("_buckets", "_expected", "_pool")

    def __init__(self, buckets: tuple[Bucket, ...], expected: int, pool: Pool | None) -> None:
        self._buckets: tuple[Bucket, ...] = buckets
        self._expected = expected
        self._pool = pool

    def leave(self, tokens: int = 0) -> None:
        """The request has ended and used `tokens`, input and output together."""
        more = tokens - self._expected
        for bucket in self._buckets:
            bucket.settle(more)
        if self._pool is not None:
            self._pool.left(self._buckets)

    @property
    def allowance(self) -> Allowance:
        """What is left now."""
        return _allowance(self._buckets)


class Rates:
    """The limits of every organisation and key that calls this process.

    Args:
        standard: What an organisation may use.
        pool: Where this process takes its part from when it is one of several.
    """

    def __init__(self, standard: Limits, pool: Pool | None = None) -> None:
        self._standard = standard
        self._pool = pool
        self._buckets: dict[str, Bucket] = pool.buckets if pool is not None else {}

    async def enter(self, org_id: str, own: Subject | None = None, tokens: int = 0) -> Entry:
        """Count a request in; whoever enters must leave.

        Args:
            own: The key, if it has limits of its own.
            tokens: About as many as its input has. They are taken now, the others at its end.

        Raises:
            TooMany: A limit is reached. Nothing was counted.
            Invalid: The input alone is more than a minute allows.
        """
        now = time.monotonic()
        of_org = self._buckets.get(org_id)
        if of_org is None:
            of_org = self._new(Subject(org_id, "organisation", self._standard), now)
        if own is None:
            buckets: tuple[Bucket, ...] = (of_org,)
        else:
            buckets = (of_org, self._own(own, now))
        if self._pool is not None:
            await self._pool.supply(buckets, tokens)
        for bucket in buckets:
            bucket.refill(now)
            refusal = bucket.refusal(tokens)
            if refusal is not None:
                if isinstance(refusal, TooMany):
                    refusal.allowance = _allowance(buckets)
                raise refusal
        for bucket in buckets:
            bucket.take(tokens)
        return Entry(buckets, tokens, self._pool)

    def _own(self, own: Subject, now: float) -> Bucket:
        bucket = self._buckets.get(own.id)
        if bucket is None:
            return self._new(own, now)
        if bucket.subject is not own:
            if bucket.subject != own:
                bucket.resize(own)
            bucket.subject = own
        return bucket

    def _new(self, subject: Subject, now: float) -> Bucket:
        if len(self._buckets) % SWEEP_EVERY == SWEEP_EVERY - 1:
            self._sweep(now)
        bucket = self._buckets[subject.id] = Bucket(subject, now, filling=self._pool is None)
        return bucket

    def _sweep(self, now: float) -> None:
        """Forget who has been quiet until everything was back."""
        quiet = [
            id_
            for id_, bucket in self._buckets.items()
            if bucket.open == 0 and now - bucket.used > MINUTE_SECONDS and _full(bucket)
        ]
        for id_ in quiet:
            del self._buckets[id_]

    async def turn(self) -> None:
        """Give back what has been idle; to be called every second."""
        if self._pool is not None:
            await self._pool.turn()

    async def close(self) -> None:
        """Give back what this process has not used."""
        if self._pool is not None:
            await self._pool.close()


def _full(bucket: Bucket) -> bool:
    """Whether forgetting it changes nothing: it owes no tokens, and has none of the pool's."""
    if not bucket.filling:
        return bucket.empty
    return bucket.tokens + (time.monotonic() - bucket.at) * bucket.rates[1] >= bucket.token_capacity


def _allowance(buckets: tuple[Bucket, ...]) -> Allowance:
    if len(buckets) == 1:
        only = buckets[0]
        return Allowance(only.requests_left(), only.tokens_left(), only.places_left())
    return Allowance(
        _tightest(buckets, Bucket.requests_left),
        _tightest(buckets, Bucket.tokens_left),
        _tightest(buckets, Bucket.places_left),
    )


def _tightest(buckets: tuple[Bucket, ...], left: Callable[[Bucket], Left | None]) -> Left | None:
    found = [one for bucket in buckets if (one := left(bucket)) is not None]
    return min(found, key=lambda one: one.remaining, default=None)


__all__ = ["Allowance", "Entry", "Left", "Limits", "Rates", "Scope", "Subject", "TooMany"]
