"""alltoken_app/db.py"""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError
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


async def test_a_locked_file_is_an_operational_error_and_passes(
    sqlite_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(db, "BUSY_MS", 20)
    path = tmp_path / "alltoken.db"
    path.write_bytes(sqlite_template.read_bytes())
    database = db.Database(f"sqlite:///{path}")
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(OperationalError, match="locked"):
            await database.run(add, "a")
    await database.run(add, "b")
    assert await database.read(topics) == ["b"]
    await database.close()
