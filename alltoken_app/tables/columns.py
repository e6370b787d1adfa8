"""Column types all tables share. Money is BIGINT nano-USD, time BIGINT milliseconds UTC."""

from typing import Any

from sqlalchemy import BigInteger
from sqlmodel import Field

# AUTOINCREMENT and 64-bit integers spell alike on SQLite and PostgreSQL only through this.
Big = BigInteger


def big(default: int | None = None, **more: Any) -> Any:
    """A BIGINT column; required when no default is given."""
    if default is None:
        return Field(sa_type=BigInteger, **more)
    return Field(default=default, sa_type=BigInteger, **more)


def maybe_big(**more: Any) -> Any:
    """A BIGINT column that may be empty."""
    return Field(default=None, sa_type=BigInteger, nullable=True, **more)
