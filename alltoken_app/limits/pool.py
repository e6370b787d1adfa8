"""One process's part of limits that several processes share.

It takes blocks ahead of need, beside the requests; only a request that finds nothing left waits.
"""

import asyncio
import time
from collections.abc import Iterable

import structlog

from alltoken_app.clock import Millis
from alltoken_app.db import Database
from alltoken_app.errors import Unavailable
from alltoken_app.limits import blocks
from alltoken_app.limits.blocks import Ask, Grant
from alltoken_app.limits.buckets import INFINITE, Bucket

PARTS = 50  # a block is this part of a minute's worth
SLOT_PARTS = 16
IDLE_SECONDS = 1.0  # without use, after which what is left is given back
ROUNDS = 32  # tries of one request to get its part before it is refused
PATIENCE = 0.25  # seconds; others may give something back sooner than time does
PATIENCE_AT_ONCE = 0.02

log = structlog.get_logger()


class _Waiting:
    """What the requests that wait for a bucket need."""

    __slots__ = ("again_at", "ahead_at", "requests", "task", "tokens")

    def __init__(self) -> None:
        self.requests = 0
        self.tokens = 0
        self.again_at = 0.0  # until then there is nothing to be had
        self.ahead_at = 0.0  # until then nothing is taken ahead of need
        self.task: asyncio.Task[bool] | None = None


class Pool:
    """Supplies this process's buckets.

    Args:
        worker: Who takes; it says that it lives through `ledger.reaper.beat`.
        grace_ms: How long a worker may be silent before its places are given to others.
    """

    def __init__(self, database: Database, worker: str, grace_ms: Millis) -> None:
        self._database = database
        self._worker = worker
        self._grace_ms = grace_ms
        self._waiting: dict[str, _Waiting] = {}
        self._tasks: set[asyncio.Task[bool]] = set()
        self.buckets: dict[str, Bucket] = {}

    async def supply(self, buckets: tuple[Bucket, ...], tokens: int) -> None:
        """Have enough for one request of this many tokens in each bucket, if there is any.

        Raises:
            Unavailable: The database does not answer.
        """
        for _ in range(ROUNDS):
            short = next((one for one in buckets if _short(one, tokens)), None)
            if short is None:
                break
            if not await self._wait(short, tokens):
                return
        for bucket in buckets:
            if _low(bucket) and time.monotonic() >= self._of(bucket).ahead_at:
                self._begin(bucket)

    def left(self, buckets: Iterable[Bucket]) -> None:
        """A request has ended: pay what it owes, and give back places that others may need."""
        for bucket in buckets:
            if bucket.tokens < 0 or bucket.slots - bucket.open > _spare(bucket):
                self._begin(bucket)

    async def turn(self) -> None:
        """Give back what has not been used lately."""
        before = time.monotonic() - IDLE_SECONDS
        await self._give_back([one for one in self.buckets.values() if one.used < before])

    async def close(self) -> None:
        """Give back everything that is not in use."""
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._give_back(list(self.buckets.values()))

    async def _wait(self, bucket: Bucket, tokens: int) -> bool:
        """Wait for more; whether there was any."""
        waiting = self._of(bucket)
        if time.monotonic() < waiting.again_at:
            return False
        waiting.requests += 1
        waiting.tokens += tokens + 1
        try:
            return await asyncio.shield(self._begin(bucket))
        except Exception as error:
            text = "The limits cannot be checked now. Nothing was charged; try again."
            raise Unavailable(text, retry_after=1) from error
        finally:
            waiting.requests -= 1
            waiting.tokens -= tokens + 1

    def _of(self, bucket: Bucket) -> _Waiting:
        return self._waiting.setdefault(bucket.subject.id, _Waiting())

    def _begin(self, bucket: Bucket) -> "asyncio.Task[bool]":
        """Ask for more of a bucket; whoever comes meanwhile shares what comes."""
        waiting = self._of(bucket)
        if waiting.task is None:
            waiting.task = asyncio.get_running_loop().create_task(self._ask(bucket, waiting))
            self._tasks.add(waiting.task)
            waiting.task.add_done_callback(self._ended)
        return waiting.task

    def _ended(self, task: "asyncio.Task[bool]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.warning("limits_not_shared", type=type(error).__name__)

    async def _ask(self, bucket: Bucket, waiting: _Waiting) -> bool:
        try:
            await asyncio.sleep(0)  # so that all who come at once ask once
            ask = _wish(bucket, waiting)
            if ask.subject.limits.at_once is not None and ask.slots < bucket.slots:
                bucket.slots = ask.slots
            found = await self._database.run(
                blocks.exchange, [ask], self._worker, grace_ms=self._grace_ms
            )
            grant = found[bucket.subject.id]
            before = bucket.slots
            _granted(bucket, grant, ask)
            more = grant.requests > 0 or grant.tokens > 0 or bucket.slots > before
            if not more:
                waiting.ahead_at = time.monotonic() + PATIENCE
                if waiting.requests:
                    waiting.again_at = time.monotonic() + _again(bucket, waiting, grant)
            return more
        finally:
            waiting.task = None

    async def _give_back(self, idle: list[Bucket]) -> None:
        asks = []
        for bucket in idle:
            if self._of(bucket).task is not None or bucket.empty:
                continue
            asks.append(_all_of(bucket))
            _emptied(bucket)
        if asks:
            await self._database.run(
                blocks.exchange, asks, self._worker, grace_ms=self._grace_ms
            )  # fmt: skip


def _short(bucket: Bucket, tokens: int) -> bool:
    return (
        bucket.requests < 1 or bucket.tokens <= tokens or bucket.open >= bucket.slots
    ) and tokens < bucket.token_capacity


def _low(bucket: Bucket) -> bool:
    """Whether it is time to take more, before it is needed."""
    limits = bucket.subject.limits
    return (
        (limits.requests is not None and bucket.requests < _block(limits.requests) // 2)
        or (limits.tokens is not None and bucket.tokens < _block(limits.tokens) // 2)
        or (limits.at_once is not None and bucket.slots - bucket.open < _spare(bucket) // 4)
    )


def _block(limit: int) -> int:
    """How many are taken ahead of need; of a low limit none."""
    return limit // PARTS


def _spare(bucket: Bucket) -> int:
    """Places that may lie idle here; of a low limit none."""
    at_once = bucket.subject.limits.at_once
    return INFINITE_PLACES if at_once is None else 2 * (at_once // SLOT_PARTS // 2)


INFINITE_PLACES = 2**31


def _wish(bucket: Bucket, waiting: _Waiting) -> Ask:
    limits = bucket.subject.limits
    requests = tokens = owed = slots = 0
    if limits.requests is not None:
        requests = max(waiting.requests + _block(limits.requests) - int(bucket.requests), 0)
    if limits.tokens is not None:
        owed = max(-int(bucket.tokens), 0)
        have = max(int(bucket.tokens), 0)
        tokens = max(waiting.tokens + _block(limits.tokens) - have, 0)
    if limits.at_once is not None:
        slots = bucket.open + waiting.requests + _spare(bucket) // 2
    return Ask(bucket.subject, requests, tokens, owed, slots, bucket.open)


def _granted(bucket: Bucket, grant: Grant, ask: Ask) -> None:
    limits = ask.subject.limits
    bucket.requests += grant.requests
    bucket.tokens += grant.tokens + ask.owed
    if limits.at_once is not None:
        bucket.slots = grant.slots
    bucket.beside = max(grant.requests_left, 0.0), max(grant.tokens_left, 0.0)
    rates = bucket.rates
    short = max(ask.tokens - grant.tokens - grant.tokens_left, 1.0)
    bucket.wait = (
        max(1 - grant.requests_left, 0.001) / rates[0] if rates[0] else 1.0,
        short / rates[1] if rates[1] else 1.0,
    )


def _again(bucket: Bucket, waiting: _Waiting, grant: Grant) -> float:
    """Seconds after which asking again may help."""
    if bucket.requests < 1:
        return min(bucket.wait[0], PATIENCE)
    if bucket.tokens < waiting.tokens:
        return min(bucket.wait[1], PATIENCE)
    return PATIENCE_AT_ONCE


def _all_of(bucket: Bucket) -> Ask:
    """Gives back whatever is not in use."""
    limits = bucket.subject.limits
    tokens = int(bucket.tokens) if limits.tokens is not None else 0
    return Ask(
        bucket.subject,
        requests=-int(bucket.requests) if limits.requests is not None else 0,
        tokens=-max(tokens, 0),
        owed=max(-tokens, 0),
        slots=bucket.open,
        in_use=bucket.open,
    )


def _emptied(bucket: Bucket) -> None:
    bucket.requests = bucket.requests if bucket.requests == INFINITE else 0.0
    bucket.tokens = bucket.tokens if bucket.tokens == INFINITE else 0.0
    bucket.slots = bucket.slots if bucket.slots == INFINITE else bucket.open
