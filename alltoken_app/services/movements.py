"""A wallet's movements out of the journal: usage summed per day, everything else one by one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, func, text
from sqlmodel import Session, col, select

from alltoken_app.clock import DAY, Millis, now_ms
from alltoken_app.ledger.journal import account_id
from alltoken_app.money import Nano
from alltoken_app.tables.ledger import LedgerAccount

USAGE = "usage"

# Usage is summed per UTC day, but never across another movement: the balance after each line is
# then exactly what the wallet had at that moment. `island` counts the other movements so far.
_SQL = """
WITH moved AS (
  SELECT t.id, t.at, t.kind, t.reason, CAST(-SUM(e.amount) AS BIGINT) AS amount
  FROM journal_tx t JOIN entry e ON e.tx_id = t.id
  WHERE t.org_id = :org AND t.book = :book
    AND e.account_id IN (:cash, :promo, :debt)
    AND t.at >= :since AND (t.at < :at OR (t.at = :at AND t.id < :id))
  GROUP BY t.id, t.at, t.kind, t.reason
), marked AS (
  SELECT moved.*, moved.at / :day AS day,
    CASE WHEN kind = 'usage' THEN 1 ELSE 0 END AS used,
    SUM(CASE WHEN kind = 'usage' THEN 0 ELSE 1 END) OVER (ORDER BY at, id) AS island
  FROM moved
), named AS (
  SELECT marked.*,
    CASE WHEN used = 1 THEN day ELSE 0 END AS part,
    FIRST_VALUE(id) OVER (
      PARTITION BY island, used, CASE WHEN used = 1 THEN day ELSE 0 END ORDER BY at, id
    ) AS first_id
  FROM marked
), counted AS (
  SELECT journal_tx, COUNT(*) AS requests FROM generation
  WHERE org_id = :org AND created_at >= :asked_since GROUP BY journal_tx
)
SELECT named.first_id AS id, MIN(at) AS first_at, MAX(at) AS last_at, MIN(kind) AS kind,
  MIN(reason) AS reason, CAST(SUM(amount) AS BIGINT) AS amount,
  CAST(COALESCE(SUM(requests), 0) AS BIGINT) AS requests,
  (SELECT CAST(COALESCE(-SUM(posted), 0) AS BIGINT) FROM ledger_account
    WHERE id IN (:cash, :promo, :debt)) AS balance_now
FROM named LEFT JOIN counted ON counted.journal_tx = named.id
GROUP BY island, used, part, named.first_id
ORDER BY island, used, part
"""


@dataclass(frozen=True)
class Owner:
    """Whose wallet, in which book."""

    org_id: str
    book: str


@dataclass(frozen=True)
class Movement:
    """A line of the statement.

    Attributes:
        id: Of its first journal transaction; with `first_at` its place in time.
        kind: "top_up", "usage", "grant_promo", "grant_goodwill", "expiry" …
        reason: For a top-up its id.
        amount: What it added to the wallet; negative for what it took.
        balance: The wallet's money right after it, what is held included.
    """

    id: str
    first_at: Millis
    last_at: Millis
    kind: str
    reason: str
    amount: Nano
    requests: int
    balance: Nano


@dataclass(frozen=True)
class Place:
    """A point in the order of movements: just before transaction `id` at `at`."""

    at: Millis
    id: str
    balance: Nano | None = None  # there; None is the newest end, whose balance the ledger tells


NEWEST = Place(2**62, "")


def between(session: Session, owner: Owner, since: Millis, before: Place) -> list[Movement]:
    """The movements from `since` on and before `before`, oldest first, with running balances."""
    asked = {
        "org": owner.org_id,
        "book": owner.book,
        "since": since,
        "asked_since": since - DAY,  # a request is asked before it is charged
        "at": before.at,
        "id": before.id,
        "day": DAY,
        **_accounts(owner),
    }
    rows = session.connection().execute(text(_SQL), asked).all()
    return _with_balances(rows, before.balance)


def balance_now(session: Session, owner: Owner) -> Nano:
    """What the journal says the wallet holds."""
    ids = list(_accounts(owner).values())
    posted = select(func.sum(LedgerAccount.posted)).where(col(LedgerAccount.id).in_(ids))
    return -int(session.exec(posted).one() or 0)


def _accounts(owner: Owner) -> dict[str, str]:
    keys = {"cash": "wallet:cash", "promo": "wallet:promo", "debt": "debt"}
    return {name: account_id(owner.book, f"{key}:{owner.org_id}") for name, key in keys.items()}


def newest(session: Session, owner: Owner, before: Place, count: int) -> list[Movement]:
    """The `count` newest movements before `before`, oldest first; all when there are fewer.

    Looks back a week, then four times as far each time: a long history is not read for a page.
    """
    end = min(before.at, now_ms()) // DAY * DAY
    days = 7
    while True:
        since = max(end - days * DAY, 0)
        found = between(session, owner, since, before)
        if len(found) >= count or since == 0:
            return found[-count:]
        days *= 4


def _with_balances(rows: Sequence[Row[Any]], balance: Nano | None) -> list[Movement]:
    if not rows:
        return []
    left = rows[0].balance_now if balance is None else balance
    movements = []
    for row in reversed(rows):
        movements.append(
            Movement(
                id=row.id,
                first_at=row.first_at,
                last_at=row.last_at,
                kind=row.kind,
                reason=row.reason,
                amount=row.amount,
                requests=row.requests,
                balance=left,
            )
        )
        left -= row.amount
    return movements[::-1]
