"""What was used per day, model and endpoint: for programs. Read only."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, func
from sqlalchemy import select as columns
from sqlmodel import Session, col, or_, select

from alltoken_app.clock import DAY, Millis
from alltoken_app.crypto import sha256_hex
from alltoken_app.errors import NotFound
from alltoken_app.money import Nano
from alltoken_app.tables.generation import Generation
from alltoken_app.tables.key import ApiKey


@dataclass(frozen=True)
class DayUse:
    """One model at one endpoint on one UTC day, which begins at `day`. `cost` in nano-USD."""

    day: Millis
    model: str
    endpoint_id: str
    provider: str
    requests: int
    cost: Nano
    input_tokens: int
    cached_tokens: int
    output_tokens: int
    reasoning_tokens: int


@dataclass(frozen=True)
class Wanted:
    """Whose use, and when.

    Attributes:
        start, end: Milliseconds; `end` is not in it any more.
        key_id: Only this key's, with the secrets it was rotated from.
        person_id: Only what this member did, in the web app or by keys they made.
    """

    org_id: str
    book: str
    start: Millis
    end: Millis
    key_id: str | None = None
    person_id: str | None = None


def rows(session: Session, wanted: Wanted) -> list[DayUse]:
    """The newest day first. Requests that failed before any content are not counted."""
    row = Generation
    day = (col(row.created_at) // DAY).label("day")
    what = (day, col(row.model), col(row.endpoint_id), col(row.provider))
    sums = (
        func.count(), func.sum(row.cost), func.sum(row.input_tokens), func.sum(row.cached_tokens),
        func.sum(row.output_tokens), func.sum(row.reasoning_tokens),
    )  # fmt: skip
    query = columns(*what, *sums).where(*_where(wanted)).group_by(*what)
    ordered = query.order_by(day.desc(), col(row.model), col(row.endpoint_id))
    return [
        DayUse(int(at) * DAY, model, endpoint, provider, *map(int, counts))
        for at, model, endpoint, provider, *counts in session.execute(ordered)
    ]


def find_key(session: Session, org_id: str, hash_: str) -> str:
    """The id of the organisation's key with this hash, revoked ones included.

    Raises:
        NotFound: There is none.
    """
    ours = session.exec(select(ApiKey.id).where(col(ApiKey.org_id) == org_id))
    for key_id in ours:
        if sha256_hex(key_id) == hash_:
            return key_id
    raise NotFound("There is no such key in this organisation.", param="api_key_hash")


def _where(wanted: Wanted) -> list[ColumnElement[bool]]:
    row = Generation
    where = [
        col(row.org_id) == wanted.org_id,
        col(row.book) == wanted.book,
        col(row.created_at) >= wanted.start,
        col(row.created_at) < wanted.end,
        col(row.status) != "failed",
    ]
    if wanted.key_id is not None:
        family = or_(col(ApiKey.id) == wanted.key_id, col(ApiKey.replaced_by) == wanted.key_id)
        where.append(col(row.key_id).in_(select(ApiKey.id).where(family)))
    if wanted.person_id is not None:
        made = select(ApiKey.id).where(col(ApiKey.created_by) == wanted.person_id)
        where.append(or_(col(row.person_id) == wanted.person_id, col(row.key_id).in_(made)))
    return where
