"""Migrations of the database named in the settings (or by the caller, in `config.attributes`)."""

import asyncio
from pathlib import Path

from alembic import context
from sqlalchemy import Connection, create_engine
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine

from alltoken_app.settings import settings
from alltoken_app.tables.everything import METADATA

ONE_AT_A_TIME = 4_702_111_234  # any number, the same in every process


def migrate(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({ONE_AT_A_TIME})")
    context.configure(
        connection=connection,
        target_metadata=METADATA,
        render_as_batch=True,
        compare_type=True,
    )
    with context.begin_transaction():
        context.run_migrations()


async def migrate_postgres(url: str) -> None:
    engine = create_async_engine(make_url(url).set(drivername="postgresql+asyncpg"))
    async with engine.begin() as connection:
        await connection.run_sync(migrate)
    await engine.dispose()


def private_file(database: str | None) -> None:
    """Only its owner may read the books, whatever the folder allows."""
    if database and database != ":memory:":
        path = Path(database)
        path.touch(mode=0o600)
        path.chmod(0o600)


def main() -> None:
    url = context.config.attributes.get("url") or settings().database
    if make_url(url).get_backend_name() == "sqlite":
        private_file(make_url(url).database)
        engine = create_engine(url)
        with engine.begin() as connection:
            migrate(connection)
        engine.dispose()
        return
    asyncio.run(migrate_postgres(url))


main()
