"""alltoken_app/db.py"""

import pytest
from sqlmodel import Session, select

from alltoken_app import db
from alltoken_app.tables.key import Revision


def add(session: Session, topic: str) -> None:
    session.add(Revision(topic=topic, version=1))


def topics(session: Session) -> list[str]:
    return sorted(session.exec(select(Revision.topic)))


async def test_run_commits(database: db.Database) -> None:
    await db.run(add, "a")
    assert await db.read(topics) == ["a"]


async def test_an_error_rolls_back(database: db.Database) -> None:
    def fail(session: Session) -> None:
        add(session, "a")
        session.flush()
        raise LookupError("no")

    with pytest.raises(LookupError):
        await db.run(fail)
    assert await db.read(topics) == []
