"""What the sandbox processor remembers: a SQLite file of its own, so that it survives restarts."""

import asyncio
import json
import secrets
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeAlias, TypeVar

from alltoken_app.clock import DAY, SECOND, Millis, now_ms

P = ParamSpec("P")
T = TypeVar("T")
Object: TypeAlias = dict[str, Any]

KEY_LIFE = DAY  # an idempotency key is forgotten after this, as at Stripe
SCHEMA = """
CREATE TABLE IF NOT EXISTS object (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE NOT NULL, kind TEXT NOT NULL,
  body TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS ix_object_kind ON object (kind, seq);
CREATE TABLE IF NOT EXISTS idempotency (
  key TEXT PRIMARY KEY, fingerprint TEXT NOT NULL, status INTEGER NOT NULL, body TEXT NOT NULL,
  at INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS delivery (
  event_id TEXT PRIMARY KEY, attempts INTEGER NOT NULL, next_attempt_at INTEGER, created_at INTEGER
  NOT NULL
);
CREATE INDEX IF NOT EXISTS ix_delivery_due ON delivery (next_attempt_at);
"""


@dataclass(frozen=True)
class Kept:
    """The first answer to an idempotency key."""

    fingerprint: str
    status: int
    body: str


@dataclass(frozen=True)
class Due:
    """An event nobody has accepted yet."""

    event_id: str
    attempts: int
    created_at: Millis
    body: Object


class Books:
    """One open transaction over the processor's objects. Everything in it happens, or nothing."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._sql = connection

    def get(self, id: str) -> Object | None:
        """The object, or None."""
        row = self._sql.execute("SELECT body FROM object WHERE id = ?", (id,)).fetchone()
        return json.loads(row[0]) if row else None

    def put(self, thing: Object) -> Object:
        """Keep a new object, or its new form."""
        self._sql.execute(
            "INSERT INTO object (id, kind, body) VALUES (?, ?, ?) "
            "ON CONFLICT (id) DO UPDATE SET body = excluded.body",
            (thing["id"], thing["object"], json.dumps(thing)),
        )
        return thing

    def find(self, kind: str, before: str | None = None) -> list[Object]:
        """Objects of a kind, newest first, those made before `before` only."""
        rows = self._sql.execute(
            "SELECT body FROM object WHERE kind = ? AND seq < coalesce("
            "(SELECT seq FROM object WHERE id = ?), 9e18) ORDER BY seq DESC",
            (kind, before),
        )
        return [json.loads(row[0]) for row in rows]

    def expired_sessions(self, now: int) -> list[Object]:
        """Checkout Sessions that are open past their time (Unix seconds)."""
        rows = self._sql.execute(
            "SELECT body FROM object WHERE kind = 'checkout.session' "
            "AND json_extract(body, '$.status') = 'open' "
            "AND json_extract(body, '$.expires_at') <= ?",
            (now,),
        )
        return [json.loads(row[0]) for row in rows]

    def emit(self, type: str, thing: Object, api_version: str) -> None:
        """Record that something happened to `thing` and queue the event's delivery."""
        event = {
            "id": new_name("evt_"),
            "object": "event",
            "api_version": api_version,
            "created": now_ms() // SECOND,
            "data": {"object": public(thing)},
            "livemode": False,
            "pending_webhooks": 1,
            "request": None,
            "type": type,
        }
        self.put(event)
        self._sql.execute(
            "INSERT INTO delivery VALUES (?, 0, ?, ?)", (event["id"], now_ms(), now_ms())
        )

    def kept(self, key: str) -> Kept | None:
        """What this idempotency key was answered, if it is still remembered."""
        row = self._sql.execute(
            "SELECT fingerprint, status, body FROM idempotency WHERE key = ? AND at > ?",
            (key, now_ms() - KEY_LIFE),
        ).fetchone()
        return Kept(*row) if row else None

    def keep(self, key: str, answer: Kept) -> None:
        """Remember the answer to an idempotency key."""
        self._sql.execute(
            "INSERT OR REPLACE INTO idempotency VALUES (?, ?, ?, ?, ?)",
            (key, answer.fingerprint, answer.status, answer.body, now_ms()),
        )

    def claim_due(self, lease: Millis, delay: Millis) -> list[Due]:
        """Events to deliver now; nobody else is handed them for `lease`.

        Args:
            delay: An event must be at least this old.
        """
        now = now_ms()
        rows = self._sql.execute(
            "UPDATE delivery SET next_attempt_at = ?, attempts = attempts + 1 "
            "WHERE next_attempt_at <= ? AND created_at <= ? "
            "RETURNING event_id, attempts, created_at",
            (now + lease, now, now - delay),
        ).fetchall()
        return [Due(id, attempts, at, self.get(id) or {}) for id, attempts, at in rows]

    def next_due(self) -> Millis | None:
        """When the next delivery is due."""
        row = self._sql.execute("SELECT min(next_attempt_at) FROM delivery").fetchone()
        return row[0] if row else None

    def postpone(self, event_id: str, until: Millis | None) -> None:
        """Deliver the event again at `until`; never again when None."""
        self._sql.execute(
            "UPDATE delivery SET next_attempt_at = ? WHERE event_id = ?", (until, event_id)
        )

    def delivered(self, event_id: str) -> None:
        """The event was accepted."""
        self.postpone(event_id, None)
        event = self.get(event_id)
        if event:
            self.put(event | {"pending_webhooks": 0})

    def wake_all(self) -> None:
        """Make every undelivered event due at once: a new process should not sit out old waits."""
        self._sql.execute(
            "UPDATE delivery SET next_attempt_at = ? WHERE next_attempt_at IS NOT NULL", (now_ms(),)
        )


class Store:
    """The file, and the one thread that touches it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._thread: ThreadPoolExecutor | None = None
        self._connection: sqlite3.Connection | None = None

    async def run(
        self, work: Callable[Concatenate[Books, P], T], *args: P.args, **kw: P.kwargs
    ) -> T:
        """Run `work(books, …)` in one transaction."""
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, thread_name_prefix="sandbox-payments")
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, lambda: self._transact(work, *args, **kw))

    async def close(self) -> None:
        """Close the file; a later `run` opens it again."""
        thread, self._thread = self._thread, None
        if thread is not None:
            await asyncio.get_running_loop().run_in_executor(thread, self._close)
            thread.shutdown()

    def _close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _transact(
        self, work: Callable[Concatenate[Books, P], T], *args: P.args, **kw: P.kwargs
    ) -> T:
        connection = self._connection or self._open()
        connection.execute("BEGIN IMMEDIATE")
        try:
            result = work(Books(connection), *args, **kw)
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")
        return result

    def _open(self) -> sqlite3.Connection:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._path.touch(mode=0o600)
        connection = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
        for pragma in ("busy_timeout=10000", "journal_mode=WAL", "synchronous=FULL"):
            connection.execute(f"PRAGMA {pragma}")
        connection.executescript(SCHEMA)
        self._connection = connection
        return connection


def public(thing: Object) -> Object:
    """What the API shows of an object: not the fields only the sandbox needs."""
    return {name: value for name, value in thing.items() if not name.startswith("_")}


def new_name(prefix: str) -> str:
    """A new id of the processor's kind: "pi_" and 24 hex digits."""
    return prefix + secrets.token_hex(12)
