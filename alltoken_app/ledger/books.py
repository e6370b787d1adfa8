"""Group commit: commands that arrive while a batch commits form the next one.

Somebody who waits is served at once: an idle process commits a command alone, a busy one up to
`LARGEST` together. What nobody waits for (settlements and holds of a lease, progress) is committed
with the next such batch, `FLUSH` seconds later at most.
"""

import asyncio
import time
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import cast

import structlog
from sqlalchemy.exc import InterfaceError, OperationalError

from alltoken_app.db import Database
from alltoken_app.errors import AllTokenError, Unavailable
from alltoken_app.ledger import holds
from alltoken_app.ledger.commands import (
    Checkpoint,
    Command,
    Extend,
    GiveBack,
    Outcome,
    Place,
    Placed,
    Scarce,
    Settle,
    Settled,
)
from alltoken_app.ledger.promises import FRESH, Promises
from alltoken_app.money import Nano

LARGEST = 500
FLUSH = 0.05  # seconds that what nobody waits for may wait
SWEEP = 0.5  # seconds between looks for leases that nobody uses
PATIENCE = 1.5  # seconds to wait for money that other processes have leased
FIRST_DELAY = 0.05  # seconds before a failed settlement is tried again; doubles
LONGEST_DELAY = 5.0
LAST_ATTEMPTS = 6  # of each settlement once `close` was called

AWAY = (OperationalError, InterfaceError, OSError, TimeoutError)  # the database, not the command

log = structlog.get_logger()


@dataclass(slots=True)
class Losses:
    """What generations cost beyond their holds since this process began; never charged."""

    count: int = 0
    nano: Nano = 0


@dataclass(slots=True, eq=False)
class _Job:
    command: Command
    future: asyncio.Future[Outcome]
    attempts: int = 0
    waiting: list[asyncio.Future[None]] = field(default_factory=list)

    @property
    def is_promised(self) -> bool:
        """Whether it must be applied, however often that is tried."""
        kind = type(self.command)
        return kind is Settle or kind is GiveBack or self.promise is not None

    @property
    def promise(self) -> Place | None:
        """The hold of a lease that it is about."""
        command = self.command
        if type(command) is Settle:
            return command.place
        return command if type(command) is Place and command.lease_id is not None else None


class Books:
    """A process's one door to holds.

    Args:
        leasing: Whether to lease money and promise holds in memory.
        fresh: Seconds a lease may be used without word from the database; well below the time
            after which a silent worker counts as dead.
    """

    def __init__(self, database: Database, *, leasing: bool = False, fresh: float = FRESH) -> None:
        self.losses = Losses()
        self._database = database
        self._promises = Promises(leasing, fresh)
        self._queue: deque[_Job] = deque()
        self._committing: asyncio.Task[None] | None = None
        self._urgent = False
        self._flushing: asyncio.TimerHandle | None = None
        self._sweeping: asyncio.TimerHandle | None = None
        self._settling: dict[str, _Job] = {}
        self._later: dict[_Job, asyncio.TimerHandle] = {}
        self._closing = False

    async def place(self, command: Place) -> Placed:
        """Set money aside: promised by a lease, or durable when this returns.

        Raises:
            InsufficientCredits: `insufficient_credits` or `key_limit_exceeded`.
            Conflict: The hold has been settled already.
            Unavailable: `billing_unavailable`; nothing stays held.
        """
        if self._closing:
            raise _unavailable()
        if self._promises.must_end:
            self._defer(self._promises.give_back_idle())
        promised = self._promises.place(command)
        if promised is not None:
            self._flush_later()
            return promised
        command = replace(command, wish=self._promises.wish(command), patient=True)
        try:
            return await self._patiently(command)
        except (asyncio.CancelledError, Unavailable):
            # Whoever asked is gone, or the commit's outcome is unknown: hold nothing for them.
            self.settle(Settle(command.hold_id, 0, None))
            raise

    async def extend(self, command: Extend) -> Placed:
        """Grow a hold. Raises as `place` does; a refused hold stays as it was."""
        placed, again = self._promises.extend(command.hold_id, command.amount)
        if again is not None:
            self._defer([again])
        if placed is not None:
            return placed
        self._defer(self._promises.write(command.hold_id))
        placed = await self._patiently(replace(command, patient=True))
        self._promises.grown(command.hold_id, placed.granted)
        return placed

    async def _patiently(self, command: Place | Extend) -> Placed:
        """Let leases give back what is missing, this process's own at once, before a refusal."""
        loop = asyncio.get_running_loop()
        limit = loop.time() + PATIENCE
        while True:
            outcome = await self._enqueue(command).future
            if not isinstance(outcome, Scarce):
                return cast(Placed, outcome)
            queued = len(self._queue)
            self._defer(self._promises.give_back(outcome.wallet_id))
            command = replace(command, patient=loop.time() < limit)
            if type(command) is Place:
                command = replace(command, wish=None)
            if len(self._queue) == queued and command.patient:  # others have it
                await asyncio.sleep(FLUSH)

    def checkpoint(self, command: Checkpoint) -> None:
        """Note progress with the next batch; lost when the database is away, for the next one."""
        self._enqueue(command, urgent=False)

    def settle(self, command: Settle) -> asyncio.Future[Settled]:
        """Queue a settlement. It is tried until it is applied, whether or not anyone waits.

        The future raises Unavailable only when `close` gave up; the reaper settles it then.
        """
        place = self._promises.settle(command.hold_id, command.cost)
        if place is not None:
            command = Settle(command.hold_id, command.cost, command.generation, place)
        job = self._enqueue(command, urgent=place is None)
        self._settling[command.hold_id] = job
        return cast("asyncio.Future[Settled]", job.future)

    async def settled(self, hold_id: str) -> None:
        """Wait while a settlement of this hold is queued here."""
        job = self._settling.get(hold_id)
        if job is not None:
            waiter = asyncio.get_running_loop().create_future()
            job.waiting.append(waiter)
            self._hurry()
            await waiter

    async def flushed(self) -> None:
        """Wait until the database knows of every hold and settlement there is now."""
        self._defer(self._promises.write_all())
        await asyncio.gather(*[self.settled(hold_id) for hold_id in list(self._settling)])
        while self._queue or self._committing is not None:
            self._hurry()
            if self._committing is not None:
                await asyncio.wait([self._committing])

    def limits_changed(self) -> None:
        """A key's limit may be another one now. Safe from any thread."""
        self._promises.limits_changed()

    async def close(self) -> None:
        """Refuse new holds and wait until what is queued has been applied."""
        self._closing = True
        for job, timer in list(self._later.items()):
            timer.cancel()
            job.attempts = 0
            self._again(job)
        self._defer(self._promises.write_all())
        self._defer(self._promises.give_back(None))
        self._hurry()
        while self._committing is not None or self._settling or self._queue or self._later:
            self._hurry()
            waiting = {job.future for job in self._settling.values() if not job.future.done()}
            tasks = {self._committing} if self._committing is not None else set()
            await asyncio.wait(waiting | tasks or {asyncio.ensure_future(asyncio.sleep(FLUSH))})
        if self._flushing is not None:
            self._flushing.cancel()
        if self._sweeping is not None:
            self._sweeping.cancel()

    def _enqueue(self, command: Command, *, urgent: bool = True) -> _Job:
        loop = asyncio.get_running_loop()
        job = _Job(command, loop.create_future())
        self._queue.append(job)
        if urgent:
            self._hurry()
        else:
            self._flush_later()
        return job

    def _defer(self, commands: Iterable[Command]) -> None:
        for command in commands:
            self._enqueue(command, urgent=False)

    def _hurry(self) -> None:
        """Commit what is queued now."""
        self._urgent = True
        if self._committing is None and self._queue:
            loop = asyncio.get_running_loop()
            self._committing = loop.create_task(self._commit_all(), name="books")

    def _flush_later(self) -> None:
        if self._flushing is None:
            self._flushing = asyncio.get_running_loop().call_later(FLUSH, self._flush)

    def _flush(self) -> None:
        self._flushing = None
        self._defer(self._promises.turn())
        if self._promises.waiting:
            self._flush_later()
        self._hurry()

    def _sweep(self) -> None:
        """Give back leases that nobody uses."""
        self._sweeping = None
        self._defer(self._promises.give_back_idle())
        self._sweep_later()

    def _sweep_later(self) -> None:
        if self._sweeping is None and self._promises.leases and not self._closing:
            self._sweeping = asyncio.get_running_loop().call_later(SWEEP, self._sweep)

    async def _commit_all(self) -> None:
        queue = self._queue
        try:
            while queue and self._urgent:
                batch = [queue.popleft() for _ in range(min(len(queue), LARGEST))]
                self._urgent = bool(queue)  # what comes without hurry meanwhile can wait
                wanted = [job for job in batch if not self._is_unwanted(job)]
                if wanted:
                    await self._commit(wanted)
        finally:
            self._committing = None
            if queue:
                self._flush_later()

    def _is_unwanted(self, job: _Job) -> bool:
        if job.is_promised or not job.future.cancelled():
            return False
        if type(job.command) is Place and job.command.wish is not None:
            self._promises.granted(job.command, None, 0.0)
        return True

    async def _commit(self, batch: Sequence[_Job]) -> None:
        failure = await self._attempt(batch)
        if failure is None:
            return
        if isinstance(failure, AWAY) or len(batch) == 1:
            self._failed(batch, failure)
            return
        # One bad command must not fail the others: each gets a transaction of its own.
        for at, job in enumerate(batch):
            failure = await self._attempt([job])
            if isinstance(failure, AWAY):
                self._failed(batch[at:], failure)
                return
            if failure is not None:
                self._failed([job], failure)

    async def _attempt(self, batch: Sequence[_Job]) -> Exception | None:
        asked = time.monotonic()
        try:
            outcomes = await self._database.run(holds.apply, [job.command for job in batch])
        except Exception as failure:  # noqa: BLE001 - whatever it is, each waiter must hear of it
            return failure
        self._promises.suspended = False
        for job, outcome in zip(batch, outcomes, strict=True):
            self._note_lease(job, outcome, asked)
            self._deliver(job, outcome)
        self._sweep_later()
        return None

    def _note_lease(self, job: _Job, outcome: Outcome, asked: float) -> None:
        command = job.command
        standing = outcome.lease if isinstance(outcome, Placed | Settled) else None
        promise = job.promise
        if promise is not None:
            if standing and not self._promises.confirmed(promise, standing, asked):
                self._defer(self._promises.give_back(promise.wallet_id))
        elif type(command) is Place:
            if command.wish is not None:
                self._promises.granted(command, standing, asked)
            if isinstance(outcome, Placed) and not job.future.cancelled():
                self._promises.adopt(command, outcome.granted)

    def _deliver(self, job: _Job, outcome: Outcome) -> None:
        if type(job.command) is Settle:
            self._forget(job)
            if isinstance(outcome, Settled) and outcome.lost:
                self.losses.count += 1
                self.losses.nano += outcome.lost
        if job.future.done():  # its waiter was cancelled
            return
        if isinstance(outcome, AllTokenError):
            if not job.is_promised:
                job.future.set_exception(outcome)
        else:
            job.future.set_result(outcome)

    def _failed(self, batch: Sequence[_Job], failure: Exception) -> None:
        reason = str(getattr(failure, "orig", failure)).partition("\n")[0]
        log.error("billing_failed", commands=len(batch), error=type(failure).__name__, why=reason)
        self._promises.suspended = self._promises.suspended or isinstance(failure, AWAY)
        for job in batch:
            command = job.command
            if type(command) is Place and command.wish is not None:
                self._promises.granted(command, None, 0.0)
                self._defer(self._promises.give_back(command.wallet_id))
                self._defer([GiveBack(command.wish, command.wallet_id)])  # it may be open
            if job.is_promised:
                self._try_later(job)
            elif type(job.command) is Checkpoint:
                job.future.cancel()
            elif not job.future.done():
                job.future.set_exception(_unavailable(type(job.command) is Extend))

    def _try_later(self, job: _Job) -> None:
        job.attempts += 1
        if self._closing and job.attempts > LAST_ATTEMPTS:
            log.error("settlement_left_to_reaper", hold=job.command.hold_id)
            self._forget(job)
            if type(job.command) is Settle and not job.future.done():
                job.future.set_exception(_unavailable(begun=True))
            return
        delay = min(FIRST_DELAY * 2 ** min(job.attempts - 1, 10), LONGEST_DELAY)
        loop = asyncio.get_running_loop()
        self._later[job] = loop.call_later(delay, self._again, job)

    def _again(self, job: _Job) -> None:
        del self._later[job]
        self._queue.append(job)
        self._hurry()

    def _forget(self, job: _Job) -> None:
        if self._settling.get(job.command.hold_id) is job:
            del self._settling[job.command.hold_id]
        for waiter in job.waiting:
            if not waiter.done():
                waiter.set_result(None)


def _unavailable(begun: bool = False) -> Unavailable:
    outcome = (
        "so it ends here. What was delivered is charged."
        if begun
        else "so it was not started. Nothing was charged. Try again."
    )
    return Unavailable(
        f"The request could not be booked, {outcome}",
        code="billing_unavailable",
        retry_after=1,
    )
