"""Real databases for every test: SQLite in a file, and a PostgreSQL the run starts itself.

Each test gets a database of its own, copied from a migrated template.
"""

import asyncio
import itertools
import os
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy.engine import make_url

from alltoken_app import db
from tests import postgres

ROOT = Path(__file__).parent.parent
_numbers = itertools.count()


def migrate(url: str) -> None:
    config = Config(ROOT / "alembic.ini")
    config.attributes["url"] = url
    command.upgrade(config, "head")


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "alltoken.db"
    migrate(f"sqlite:///{path}")
    return path


async def _execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url.replace("+asyncpg", ""))
    await connection.execute(statement)
    await connection.close()


@pytest.fixture(scope="session")
def postgres_template() -> Iterator[str]:
    with postgres.server() as url:
        asyncio.run(_execute(url, "CREATE DATABASE template_alltoken"))
        migrate(str(make_url(url).set(database="template_alltoken")))
        yield url


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a fresh, migrated, empty database; the test runs once on each kind."""
    if request.param == "sqlite":
        path = tmp_path / "alltoken.db"
        shutil.copy(request.getfixturevalue("sqlite_template"), path)
        return f"sqlite:///{path}"
    server = request.getfixturevalue("postgres_template")
    name = f"t{os.getpid()}_{next(_numbers)}"
    asyncio.run(_execute(server, f"CREATE DATABASE {name} TEMPLATE template_alltoken"))
    return make_url(server).set(database=name).render_as_string(hide_password=False)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[db.Database]:
    """An open database; `db.run` and `db.read` use it."""
    opened = db.open_database(database_url)
    yield opened
    await db.close_database()
