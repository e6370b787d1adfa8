"""Requests as CSV: exactly the rows of a filter, amounts and rates exact."""

import csv
import io
from dataclasses import dataclass

from sqlmodel import Session

from alltoken_app.money import usd
from alltoken_app.services import activity
from alltoken_app.services.activity import ActivityFilter, Names
from alltoken_app.services.actors import Actor
from alltoken_app.services.periods import local
from alltoken_app.tables.generation import Generation

ROWS = 1_000  # of one part
HEADER = (
    "time", "id", "request_id", "key", "key_id", "operation", "streamed", "model_requested",
    "model", "provider", "endpoint", "status", "error_code", "finish_reason", "input_tokens",
    "cached_tokens", "output_tokens", "reasoning_tokens", "estimated", "cost_usd", "held_usd",
    "price_version", "tries", "first_token_ms", "duration_ms",
)  # fmt: skip
FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True)
class Part:
    """Some lines, and the cursor of the next part; "" after the last."""

    text: str
    cursor: str


def header() -> str:
    """The first line."""
    return _lines([HEADER])


def part(session: Session, actor: Actor, wanted: ActivityFilter, cursor: str = "") -> Part:
    """The next thousand requests, newest first. Times are on the filter's zone's clock.

    Raises:
        Forbidden: The role may not see usage.
    """
    names = activity.find_names(session, actor)
    found = activity.fetch(session, activity.conditions(actor, wanted), cursor, ROWS)
    more = len(found) == ROWS
    return Part(
        text=_lines([_row(one, names, wanted.zone) for one in found]),
        cursor=activity.cursor_after(found[-1]) if more else "",
    )


def _row(found: Generation, names: Names, zone: str) -> tuple[object, ...]:
    return (
        local(found.created_at, zone).isoformat(timespec="milliseconds"),
        found.id,
        found.request_id,
        names.key(found.key_id),
        found.key_id or "",
        found.operation,
        found.streamed,
        found.model_requested,
        found.model,
        found.provider,
        found.endpoint_id,
        found.status,
        found.error_code or "",
        found.finish_reason or "",
        found.input_tokens,
        found.cached_tokens,
        found.output_tokens,
        found.reasoning_tokens,
        found.estimated,
        usd(found.cost),
        usd(found.held),
        found.price_version,
        len(found.attempts),
        "" if found.first_token_ms is None else found.first_token_ms,
        found.duration_ms,
    )


def _lines(rows: list[tuple[object, ...]]) -> str:
    out = io.StringIO()
    csv.writer(out).writerows([[_inert(cell) for cell in row] for row in rows])
    return out.getvalue()


def _inert(cell: object) -> object:
    """What no spreadsheet takes for a formula."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA) else cell
