"""alltoken_app/revisions.py"""

import asyncio

import pytest
from sqlalchemy import update
from sqlmodel import Session

from alltoken_app import db, revisions
from alltoken_app.tables.key import Revision


def bumped_elsewhere(session: Session) -> None:
    """What another process's `bump` leaves in the database: a higher version, no announcement."""
    session.execute(update(Revision).values(version=Revision.version + 1))


async def test_this_process_hears_at_once_and_only_after_the_commit(database: db.Database) -> None:
    heard: list[str] = []
    stop = revisions.subscribe("keys", lambda: heard.append("keys"))

    def change(session: Session) -> None:
        revisions.bump(session, "keys")
        assert heard == []

    await db.run(change)
    assert heard == ["keys"]
    stop()


async def test_a_change_that_was_rolled_back_is_not_announced(database: db.Database) -> None:
    heard: list[str] = []
    stop = revisions.subscribe("keys", lambda: heard.append("keys"))

    def change(session: Session) -> None:
        revisions.bump(session, "keys")
        raise LookupError

    with pytest.raises(LookupError):
        await db.run(change)
    assert heard == []
    stop()


async def test_other_processes_are_noticed_by_a_poll(
    database: db.Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(revisions, "POLL_SECONDS", 0.01)
    await db.run(revisions.bump, "keys")
    heard = asyncio.Event()
    stop = revisions.subscribe("keys", heard.set)
    watching = asyncio.create_task(revisions.watch(await db.read(revisions.versions)))
    await asyncio.sleep(0.2)
    assert not heard.is_set()
    await db.run(bumped_elsewhere)
    async with asyncio.timeout(30):
        await heard.wait()
    watching.cancel()
    stop()
