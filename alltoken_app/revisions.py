"""Tells caches that something changed: at once in this process, within a poll in the others.

A service that changes keys or the catalogue calls `bump` in its own transaction. After the commit
every listener of this process runs; other processes notice the higher version in `watch`.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable

import structlog
from sqlalchemy import event, update
from sqlmodel import Session, col, select

from alltoken_app import db
from alltoken_app.tables.key import Revision

POLL_SECONDS = 0.5

log = structlog.get_logger()

Listener = Callable[[], None]
_listeners: dict[str, list[Listener]] = defaultdict(list)


def subscribe(topic: str, listener: Listener) -> Callable[[], None]:
    """Call `listener` (from any thread) whenever `topic` changed. Returns what unsubscribes it."""
    _listeners[topic].append(listener)
    return lambda: _listeners[topic].remove(listener)


def announce(topic: str) -> None:
    """Run the listeners of this process."""
    for listener in tuple(_listeners[topic]):
        listener()


def bump(session: Session, topic: str) -> None:
    """Raise the version of `topic` in this transaction and announce it after the commit."""
    raised = (
        update(Revision).where(col(Revision.topic) == topic).values(version=Revision.version + 1)
    )
    if session.exec(raised).rowcount == 0:
        session.add(Revision(topic=topic, version=1))
    event.listen(session, "after_commit", lambda _session: announce(topic), once=True)


def versions(session: Session) -> dict[str, int]:
    """The version of every topic."""
    return {row.topic: row.version for row in session.exec(select(Revision))}


async def watch(seen: dict[str, int]) -> None:
    """Announce what other processes changed since `seen`; runs until cancelled."""
    while True:
        await asyncio.sleep(POLL_SECONDS)
        try:
            found = await db.read(versions)
        except Exception as error:  # noqa: BLE001 - the database may come back
            log.warning("revisions_unread", type=type(error).__name__)
            continue
        for topic, version in found.items():
            if seen.get(topic) != version:
                announce(topic)
        seen = found
