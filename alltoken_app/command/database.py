"""Brings the database to the newest version and puts the catalogue into it."""

import asyncio
from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeVar

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlmodel import Session

from alltoken_app import db
from alltoken_app.catalog import publish
from alltoken_app.catalog.seed import seed
from alltoken_app.command.says import Stopped
from alltoken_app.settings import ROOT, Settings

P = ParamSpec("P")
T = TypeVar("T")

UNREACHABLE = (OSError, SQLAlchemyError)


def shown(url: str) -> str:
    """A database's URL as it may be printed: without its password."""
    try:
        return make_url(url).render_as_string(hide_password=True)
    except ArgumentError:
        return "a URL that cannot be read"


def prepare(settings: Settings) -> None:
    """Migrate to the newest version, then fill the catalogue.

    Raises:
        Stopped: The database cannot be reached, or is newer than this program.
    """
    try:
        command.upgrade(_config(settings.database), "head")
        asyncio.run(in_transaction(settings.database, _fill, settings))
    except CommandError as error:
        raise Stopped(
            f"The database cannot be migrated: {error}.\n"
            "A newer AllToken has migrated it; run that one, or restore a copy from before."
        ) from error
    except UNREACHABLE as error:
        raise Stopped(_unreachable(settings.database, error)) from error


def _fill(session: Session, settings: Settings) -> None:
    """The catalogue that came with this program, then what settings add to it."""
    publish.publish_built_in(session)
    seed(session, settings)


def newest() -> str:
    """The revision this program's tables have."""
    return str(ScriptDirectory.from_config(_config("")).get_current_head())


def revision(url: str) -> str | None:
    """The revision a database is at; None when it was never migrated.

    Raises:
        Stopped: It cannot be reached.
    """
    try:
        return asyncio.run(in_transaction(url, _current))
    except UNREACHABLE as error:
        raise Stopped(_unreachable(url, error)) from error


def _current(session: Session) -> str | None:
    return MigrationContext.configure(session.connection()).get_current_revision()


async def in_transaction(
    url: str, work: Callable[Concatenate[Session, P], T], *args: P.args, **kw: P.kwargs
) -> T:
    """Run `work` in one transaction of a database that is opened for it."""
    database = db.Database(url)
    try:
        return await database.run(work, *args, **kw)
    finally:
        await database.close()


def _config(url: str) -> Config:
    config = Config(ROOT / "alembic.ini")
    config.attributes["url"] = url
    return config


def _unreachable(url: str, error: Exception) -> str:
    why = str(getattr(error, "orig", None) or error).strip().partition("\n")[0]
    return (
        f"The database does not answer: {why}\n"
        f"DATABASE_URL is {shown(url)}. Is the server up, the name right, the password current?"
    )
