"""The database: one way to open a transaction, the same on SQLite and PostgreSQL.

Work is a function of a sync-shaped `Session`. On SQLite it runs on a thread of its own: one
writer (`BEGIN IMMEDIATE`, so writers queue here and never collide) and a few readers. On
PostgreSQL it runs through asyncpg. Whoever calls `run` gets a commit on success and a roll-back
on any error; nobody else commits.
"""

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.ext.asyncio import AsyncSession as PlainAsyncSession
from sqlalchemy.pool import QueuePool, StaticPool
from sqlmodel import Session

P = ParamSpec("P")
T = TypeVar("T")

READERS = 4
BUSY_MS = 10_000
RETRYABLE = {"40001", "40P01"}  # PostgreSQL: serialization failure, deadlock
ATTEMPTS = 4


class Database:
    """An open database. Use `run` to write, `read` to read, `close` at the end."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.is_sqlite = make_url(url).get_backend_name() == "sqlite"
        self._doors: _Threads | _Asyncpg = _Threads(url) if self.is_sqlite else _Asyncpg(url)

    async def run(
        self, work: Callable[Concatenate[Session, P], T], *args: P.args, **kw: P.kwargs
    ) -> T:
        """Run `work(session, …)` in a transaction that may write."""
        return await self._doors.write(lambda session: work(session, *args, **kw))

    async def read(
        self, work: Callable[Concatenate[Session, P], T], *args: P.args, **kw: P.kwargs
    ) -> T:
        """Run `work(session, …)` in a transaction that only reads."""
        return await self._doors.read(lambda session: work(session, *args, **kw))

    async def close(self) -> None:
        """Close every connection."""
        await self._doors.close()


class _Threads:
    """SQLite: a writer thread with the one writing connection, and reader threads."""

    def __init__(self, url: str) -> None:
        self._writer = _sqlite_engine(url, "BEGIN IMMEDIATE", 1)
        self._writing: Connection | None = None
        self._reader = _sqlite_engine(url, "BEGIN", READERS)
        self._write_thread = ThreadPoolExecutor(1, thread_name_prefix="db-write")
        self._read_threads = ThreadPoolExecutor(READERS, thread_name_prefix="db-read")

    async def write(self, work: Callable[[Session], T]) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._write_thread, self._write, work)

    def _write(self, work: Callable[[Session], T]) -> T:
        if self._writing is None:  # kept: taking it from the pool costs as much as a small write
            self._writing = self._writer.connect()
        return _transact(self._writing, work)

    async def read(self, work: Callable[[Session], T]) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._read_threads, _transact, self._reader, work)

    async def close(self) -> None:
        self._write_thread.shutdown()
        self._read_threads.shutdown()
        if self._writing is not None:
            self._writing.close()
        self._writer.dispose()
        self._reader.dispose()


def _transact(bind: Engine | Connection, work: Callable[[Session], T]) -> T:
    with Session(bind, expire_on_commit=False) as session, session.begin():
        return work(session)


def _sqlite_engine(url: str, begin: str, connections: int) -> Engine:
    pool: dict[str, Any] = (
        {"poolclass": StaticPool}
        if connections == 1
        else {
            "poolclass": QueuePool,
            "pool_size": connections,
            "max_overflow": 0,
        }
    )
    engine = create_engine(
        url, connect_args={"check_same_thread": False}, hide_parameters=True, **pool
    )

    @event.listens_for(engine, "connect")
    def _configure(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves, see below
        cursor = connection.cursor()
        for pragma in (
            f"busy_timeout={BUSY_MS}",
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        try:
            connection.connection.dbapi_connection.execute(begin)
        except sqlite3.Error as error:
            raise DBAPIError.instance(begin, None, error, sqlite3.Error) from error

    return engine


class _Asyncpg:
    """PostgreSQL: a pool of asyncpg connections; lost races are tried again."""

    def __init__(self, url: str) -> None:
        target = make_url(url).set(drivername="postgresql+asyncpg")
        self._engine: AsyncEngine = create_async_engine(
            target, pool_size=8, max_overflow=8, hide_parameters=True
        )

    async def write(self, work: Callable[[Session], T]) -> T:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return await self._transact(work)
            except DBAPIError as error:
                state = getattr(error.orig, "sqlstate", None)
                if state not in RETRYABLE or attempt == ATTEMPTS:
                    raise
                await asyncio.sleep(0.01 * attempt)
        raise AssertionError("unreachable")

    async def read(self, work: Callable[[Session], T]) -> T:
        return await self._transact(work)

    async def _transact(self, work: Callable[[Session], T]) -> T:
        maker = PlainAsyncSession(self._engine, sync_session_class=Session, expire_on_commit=False)
        async with maker as session, session.begin():
            return await session.run_sync(lambda sync: work(sync))  # type: ignore[arg-type]

    async def close(self) -> None:
        await self._engine.dispose()


class _Current:
    database: Database | None = None


def open_database(url: str) -> Database:
    """Open the process's database; `run` and `read` below use it."""
    _Current.database = Database(url)
    return _Current.database


def current() -> Database:
    """The process's database.

    Raises:
        RuntimeError: Nobody has opened it.
    """
    if _Current.database is None:
        raise RuntimeError("the database is not open")
    return _Current.database


async def close_database() -> None:
    """Close the process's database, if it is open."""
    database, _Current.database = _Current.database, None
    if database is not None:
        await database.close()


async def run(work: Callable[Concatenate[Session, P], T], *args: P.args, **kw: P.kwargs) -> T:
    """`Database.run` on the process's database."""
    return await current().run(work, *args, **kw)


async def read(work: Callable[Concatenate[Session, P], T], *args: P.args, **kw: P.kwargs) -> T:
    """`Database.read` on the process's database."""
    return await current().read(work, *args, **kw)
