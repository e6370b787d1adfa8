"""Statements of the hot path: compiled once per kind of database, run on the driver's cursor.

SQLAlchemy spends 20 to 50 microseconds of CPU on each execution; a batch of holds runs a dozen.
Values are the driver's own: text, integers, booleans, JSON as text (`dumps`, `loads`).
"""

from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any, TypeAlias

import msgspec
from sqlalchemy import Connection, Dialect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql import ClauseElement
from sqlalchemy.sql.functions import FunctionElement

Values: TypeAlias = dict[str, Any]

_encode = msgspec.json.Encoder().encode
loads = msgspec.json.Decoder().decode


def dumps(value: object) -> str:
    """JSON as text, for a JSON column or the values of `among`."""
    return _encode(value).decode()


class among(FunctionElement[bool]):
    """`among(column, texts)`: the column's value is in a JSON list of texts, one parameter."""

    inherit_cache = True  # its type stays open: SQLite would get "IN (...) = 1" of a boolean


@compiles(among, "sqlite")
def _among_sqlite(element: among, compiler: Any, **kw: Any) -> str:
    column, texts = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"{column} IN (SELECT value FROM json_each({texts}))"  # noqa: S608 - both compiled above


@compiles(among, "postgresql")
def _among_postgresql(element: among, compiler: Any, **kw: Any) -> str:
    column, texts = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"{column} = ANY(ARRAY(SELECT json_array_elements_text(CAST({texts} AS json))))"


class Runner:
    """Runs statements on one cursor of a connection, inside its transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._dialect = connection.dialect
        self._cursor = connection.connection.cursor()

    def rows(self, statement: "Statement", values: Values) -> list[Any]:
        """Run it once; the rows it returns."""
        sql, pick = statement.compiled(self._dialect)
        self._run(self._cursor.execute, sql, pick(values))
        return list(self._cursor.fetchall()) if self._cursor.description else []

    def each(self, statement: "Statement", rows: Sequence[Values]) -> None:
        """Run it for each of `rows`; nothing happens when there are none."""
        if not rows:
            return
        sql, pick = statement.compiled(self._dialect)
        if len(rows) == 1:
            self._run(self._cursor.execute, sql, pick(rows[0]))
        else:
            self._run(self._cursor.executemany, sql, list(map(pick, rows)))

    def _run(self, run: Callable[[str, Any], Any], sql: str, values: Any) -> None:
        driver = self._dialect.loaded_dbapi
        try:
            run(sql, values)
        except driver.Error as error:
            if self._dialect.is_disconnect(error, None, None):
                self._connection.invalidate(error)
            raise DBAPIError.instance(
                sql, None, error, driver.Error, hide_parameters=True, dialect=self._dialect
            ) from error


class Statement:
    """A Core statement whose values are all given by name at each execution."""

    def __init__(self, core: ClauseElement) -> None:
        self._core = core
        self._compiled: dict[str, tuple[str, Callable[[Values], Any]]] = {}

    def compiled(self, dialect: Dialect) -> tuple[str, Callable[[Values], Any]]:
        """Its SQL for this kind of database, and what puts values in the order of the SQL."""
        found = self._compiled.get(dialect.name)
        if found is None:
            made: Any = self._core.compile(dialect=dialect)
            found = self._compiled[dialect.name] = (str(made), _picker(made.positiontup))
        return found


def _picker(names: Sequence[str]) -> Callable[[Values], Any]:
    if len(names) == 1:
        return lambda values: (values[names[0]],)
    return itemgetter(*names)
