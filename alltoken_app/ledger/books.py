"""Group commit: commands that arrive while a batch commits form the next one.

There is no timer: an idle process commits a command at once, a busy one commits up to `LARGEST`
together, and each waiter gets its own outcome.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import structlog
from sqlalchemy.exc import InterfaceError, OperationalError

from alltoken_app.db import Database
from alltoken_app.errors import AllTokenError, Unavailable
from alltoken_app.ledger import holds
from alltoken_app.ledger.holds import (
    Checkpoint,
    Command,
    Extend,
    Outcome,
    Place,
    Placed,
    Settle,
    Settled,
)
from alltoken_app.money import Nano

LARGEST = 200
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


class Books:
    """A process's one door to holds."""

    def __init__(self, database: Database) -> None:
        self.losses = Losses()
        self._database = database
        self._queue: deque[_Job] = deque()
        self._committing: asyncio.Task[None] | None = None
        self._settling: dict[str, _Job] = {}
        self._later: dict[_Job, asyncio.TimerHandle] = {}
        self._closing = False

    async def place(self, command: Place) -> Placed:
        """Set money aside; durable when this returns.

        Raises:
            InsufficientCredits: `insufficient_credits` or `key_limit_exceeded`.
            Conflict: The hold has been settled already.
            Unavailable: `billing_unavailable`; nothing stays held.
        """
        if self._closing:
            raise _unavailable()
        job = self._enqueue(command)
        try:
            return cast(Placed, await job.future)
        except (asyncio.CancelledError, Unavailable):
            # Whoever asked is gone, or the commit's outcome is unknown: hold nothing for them.
            self.settle(Settle(command.hold_id, 0, None))
            raise

    async def extend(self, command: Extend) -> Placed:
        """Grow a hold. Raises as `place` does; a refused hold stays as it was."""
        return cast(Placed, await self._enqueue(command).future)

    def checkpoint(self, command: Checkpoint) -> None:
        """Note progress with the next batch; lost when the database is away, for the next one."""
        self._enqueue(command)

    def settle(self, command: Settle) -> asyncio.Future[Settled]:
        """Queue a settlement. It is tried until it is applied, whether or not anyone waits.

        The future raises Unavailable only when `close` gave up; the reaper settles it then.
        """
        job = self._enqueue(command)
        self._settling[command.hold_id] = job
        return cast("asyncio.Future[Settled]", asyncio.shield(job.future))

    async def settled(self, hold_id: str) -> None:
        """Wait while a settlement of this hold is queued here."""
        job = self._settling.get(hold_id)
        if job is not None:
            await asyncio.wait([job.future])

    async def close(self) -> None:
        """Refuse new holds and wait until what is queued has been applied."""
        self._closing = True
        for job, timer in list(self._later.items()):
            timer.cancel()
            job.attempts = 0
            self._again(job)
        while self._committing is not None or self._settling:
            waiting = {job.future for job in self._settling.values()}
            tasks = {self._committing} if self._committing is not None else set()
            await asyncio.wait(waiting | tasks)

    def _enqueue(self, command: Command) -> _Job:
        loop = asyncio.get_running_loop()
        job = _Job(command, loop.create_future())
        self._queue.append(job)
        self._wake(loop)
        return job

    def _wake(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._committing is None:
            self._committing = loop.create_task(self._commit_all(), name="books")

    async def _commit_all(self) -> None:
        queue = self._queue
        try:
            while queue:
                batch = [queue.popleft() for _ in range(min(len(queue), LARGEST))]
                wanted = [job for job in batch if not job.future.cancelled()]
                if wanted:
                    await self._commit(wanted)
        finally:
            self._committing = None

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
        try:
            outcomes = await self._database.run(holds.apply, [job.command for job in batch])
        except Exception as failure:  # noqa: BLE001 - whatever it is, each waiter must hear of it
            return failure
        for job, outcome in zip(batch, outcomes, strict=True):
            self._deliver(job, outcome)
        return None

    def _deliver(self, job: _Job, outcome: Outcome) -> None:
        if type(job.command) is Settle:
            self._forget(job)
            if isinstance(outcome, Settled) and outcome.lost:
                self.losses.count += 1
                self.losses.nano += outcome.lost
        if job.future.done():  # its waiter was cancelled
            return
        if isinstance(outcome, AllTokenError):
            job.future.set_exception(outcome)
        else:
            job.future.set_result(outcome)

    def _failed(self, batch: Sequence[_Job], failure: Exception) -> None:
        reason = str(getattr(failure, "orig", failure)).partition("\n")[0]
        log.error("billing_failed", commands=len(batch), error=type(failure).__name__, why=reason)
        for job in batch:
            if type(job.command) is Settle:
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
            job.future.set_exception(_unavailable(begun=True))
            return
        delay = min(FIRST_DELAY * 2 ** min(job.attempts - 1, 10), LONGEST_DELAY)
        loop = asyncio.get_running_loop()
        self._later[job] = loop.call_later(delay, self._again, job)

    def _again(self, job: _Job) -> None:
        del self._later[job]
        self._queue.append(job)
        self._wake(asyncio.get_running_loop())

    def _forget(self, job: _Job) -> None:
        if self._settling.get(job.command.hold_id) is job:
            del self._settling[job.command.hold_id]


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
