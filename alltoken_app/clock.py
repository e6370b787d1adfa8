"""The one clock. Stored times are integer milliseconds since 1970, UTC."""

import time
from datetime import UTC, datetime
from typing import TypeAlias

Millis: TypeAlias = int

SECOND: Millis = 1_000
MINUTE: Millis = 60 * SECOND
HOUR: Millis = 60 * MINUTE
DAY: Millis = 24 * HOUR


def now_ms() -> Millis:
    """Wall clock in milliseconds; tests move it with time-machine."""
    return time.time_ns() // 1_000_000


def to_datetime(at: Millis) -> datetime:
    """The aware UTC datetime of a stored time."""
    return datetime.fromtimestamp(at / 1000, tz=UTC)


def iso(at: Millis) -> str:
    """RFC 3339 in UTC with milliseconds: "2026-11-22T12:04:31.208Z"."""
    return to_datetime(at).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def from_iso(text: str) -> Millis:
    """The stored time of an RFC 3339 text; without a zone it is UTC.

    Raises:
        ValueError: It is no time.
    """
    at = datetime.fromisoformat(text)
    return int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000)
