"""alltoken_app/command/database.py"""

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import JSON, Column, Engine, MetaData, create_engine, insert, text
from sqlalchemy.engine import make_url
from sqlmodel import Session, select

from alltoken_app import db
from alltoken_app.command import database
from alltoken_app.command.says import Stopped
from alltoken_app.settings import Settings
from alltoken_app.tables.catalog import AiModel
from tests.conftest import ROOT, _execute
from tests.postgres import free_port


def given(url: str) -> Settings:
    return Settings(_env_file=None, database_url=url)  # type: ignore[call-arg]


async def run(url: str, statement: str) -> None:
    opened = db.Database(url)
    await opened.run(lambda session: session.execute(text(statement)))
    await opened.close()


def test_an_empty_database_gets_tables_and_a_catalogue_and_twice_is_no_harm(
    tmp_path: Path,
) -> None:
    url = f"sqlite:///{tmp_path / 'new.db'}"
    assert database.revision(url) is None
    for _ in range(2):
        database.prepare(given(url))
    assert database.revision(url) == database.newest()
    assert "alltoken/smollm2-135m-instruct" in asyncio.run(slugs(url))


async def slugs(url: str) -> list[str]:
    def read(session: Session) -> list[str]:
        return list(session.exec(select(AiModel.slug)))

    opened = db.Database(url)
    try:
        return await opened.read(read)
    finally:
        await opened.close()


def test_several_first_starts_on_one_postgresql_migrate_it_once(postgres_template: str) -> None:
    asyncio.run(_execute(postgres_template, "CREATE DATABASE together"))
    url = make_url(postgres_template).set(database="together").render_as_string(False)
    starts = [
        subprocess.Popen(
            [sys.executable, "-m", "alembic", "upgrade", "head"],
            cwd=ROOT,
            env=os.environ | {"DATABASE_URL": url},
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    told = [start.communicate(timeout=60)[1] for start in starts]
    assert [start.returncode for start in starts] == [0, 0, 0], told
    assert database.revision(url) == database.newest()


def test_a_database_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'newer.db'}"
    database.prepare(given(url))
    asyncio.run(run(url, "UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(Stopped, match="newer AllToken"):
        database.prepare(given(url))


def test_an_unreachable_database_is_named_without_its_password() -> None:
    url = f"postgresql://me:hidden@127.0.0.1:{free_port()}/nowhere"
    with pytest.raises(Stopped) as stopped:
        database.prepare(given(url))
    assert "does not answer" in str(stopped.value)
    assert "127.0.0.1" in str(stopped.value)
    assert "hidden" not in str(stopped.value)


def test_rows_of_the_first_schema_live_on(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'old.db'}"
    _upgrade(url, "0001")
    engine = create_engine(url)
    first = MetaData()
    first.reflect(engine)
    tables = [table for table in first.sorted_tables if table.name != "alembic_version"]
    with engine.begin() as connection:
        for table in tables:
            connection.execute(insert(table).values({c.name: _some(c) for c in table.columns}))
    guards = _triggers(engine)
    _upgrade(url, "head")
    assert _triggers(engine) == guards
    now = MetaData()
    now.reflect(engine)
    with engine.connect() as connection:
        for table in tables:
            [row] = connection.execute(select(now.tables[table.name])).mappings()
            assert {c.name: row[c.name] for c in table.columns} == {
                c.name: _some(c) for c in table.columns
            }
            assert [c.name for c in now.tables[table.name].columns
                    if not c.nullable and row[c.name] is None] == []  # fmt: skip
    engine.dispose()


def _upgrade(url: str, to: str) -> None:
    config = Config(ROOT / "alembic.ini")
    config.attributes["url"] = url
    command.upgrade(config, to)


def _triggers(engine: Engine) -> set[str]:
    named = text("SELECT name FROM sqlite_master WHERE type = 'trigger'")
    with engine.connect() as connection:
        return {name for (name,) in connection.execute(named)}


def _some(column: Column[Any]) -> Any:
    """A value that fits; every text is the same, so that what points somewhere finds it."""
    if isinstance(column.type, JSON):
        return ["x"]
    return "x" if column.type.python_type is str else column.type.python_type(1)
