"""The regular jobs of a process. Each is a plain loop over a service function."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import structlog
from sqlmodel import Session

from alltoken_app import revisions
from alltoken_app.clock import now_ms
from alltoken_app.ledger import credits, reaper
from alltoken_app.limits import blocks
from alltoken_app.mail import outbox
from alltoken_app.services import idempotency, keys, mail_links, security_log, sessions
from alltoken_app.services.plane import Plane

BEAT_SECONDS = 2.0
TOUCH_SECONDS = 5.0
PRICE_SECONDS = 5.0
GIVE_BACK_SECONDS = 0.5
RECONCILE_SECONDS = 30.0
SWEEP_SECONDS = 600.0

log = structlog.get_logger()


def jobs(plane: Plane, *, everything: bool) -> list[Coroutine[Any, Any, None]]:
    """What this process runs; with `everything`, also what only one process should."""
    own = [
        every(BEAT_SECONDS, _beat_and_reap(plane)),
        every(TOUCH_SECONDS, _touch(plane)),
        every(PRICE_SECONDS, _turn_prices(plane)),
    ]
    if plane.settings.shared_limits:
        own.append(every(GIVE_BACK_SECONDS, plane.rates.turn))
    if not everything:
        return own
    # Here, for the API alone needs neither mail nor payments, nor all that they bring along.
    from alltoken_app.mail import sender
    from alltoken_app.services import top_ups

    shared = [
        every(RECONCILE_SECONDS, lambda: top_ups.reconcile(plane.payments)),
        every(SWEEP_SECONDS, _sweep(plane)),
        sender.deliver_forever(plane.settings),
    ]
    return own + shared


async def every(seconds: float, work: Callable[[], Awaitable[object]]) -> None:
    """Do `work` now and then again and again; a failure is logged by its type and tried anew."""
    while True:
        try:
            await work()
        except Exception as error:  # noqa: BLE001 - one bad turn must not end the job
            log.warning("job_failed", type=type(error).__name__)
        await asyncio.sleep(seconds)


def _turn_prices(plane: Plane) -> Callable[[], Awaitable[object]]:
    """Read the catalogue again when a price that was announced, or an hour's price, begins."""

    async def turn() -> None:
        due = plane.catalog.changes_at
        if due is not None and now_ms() >= due:
            revisions.announce("catalog")

    return turn


def _beat_and_reap(plane: Plane) -> Callable[[], Awaitable[object]]:
    """Say that this process lives; settle the holds of those that have not said so for long.

    After an outage everybody is late at once: nobody is called dead before this process itself has
    been heard for a whole grace period again.
    """
    grace = plane.settings.worker_grace
    heard = since = time.monotonic()

    async def turn() -> None:
        nonlocal heard, since
        await plane.database.run(reaper.beat, plane.worker)
        now = time.monotonic()
        if now - heard > max(grace, 2 * BEAT_SECONDS):
            since = now
        heard = now
        if now - since >= grace:
            await plane.database.run(reaper.reap, grace_ms=int(grace * 1000))

    return turn


def _sweep(plane: Plane) -> Callable[[], Awaitable[object]]:
    """Delete what has served its time."""
    works: list[Callable[[Session], object]] = [
        sessions.sweep,
        mail_links.sweep,
        outbox.sweep,
        security_log.sweep,
        idempotency.sweep,
        blocks.sweep,
        credits.expire_lots,
    ]

    async def sweep() -> None:
        for work in works:
            await plane.database.run(work)

    return sweep


def _touch(plane: Plane) -> Callable[[], Awaitable[object]]:
    async def touch() -> None:
        used, plane.callers.used = plane.callers.used, {}
        if used:
            await plane.database.run(keys.touch_last_used, used)

    return touch
