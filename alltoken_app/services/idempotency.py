"""A request with an Idempotency-Key is served once: repetitions are told what became of it."""

import hmac
from dataclasses import dataclass
from typing import Any

from sqlalchemy import CursorResult, text
from sqlmodel import Session, col, delete

from alltoken_app.clock import DAY, Millis, now_ms
from alltoken_app.errors import Conflict, Invalid
from alltoken_app.money import usd
from alltoken_app.tables.generation import Generation
from alltoken_app.tables.idempotency import IdempotentRequest
from alltoken_app.tables.ledger import Worker

KEPT: Millis = DAY
MAX_KEY = 255

_claim = text(
    "INSERT INTO idempotent_request"
    " (key_digest, org_id, body_digest, generation_id, worker, created_at)"
    " VALUES (:key_digest, :org_id, :body_digest, :generation_id, :worker, :created_at)"
    " ON CONFLICT (key_digest) DO NOTHING"
)
_take_over = text(
    "UPDATE idempotent_request SET body_digest = :body_digest, generation_id = :generation_id,"
    " worker = :worker, created_at = :created_at"
    " WHERE key_digest = :key_digest AND generation_id = :earlier"
)


@dataclass(frozen=True)
class Claim:
    """One use of a key, as digests."""

    key_digest: str
    org_id: str
    body_digest: str
    generation_id: str
    worker: str


def digests(pepper: bytes, org_id: str, path: str, key: str, body_hash: bytes) -> tuple[str, str]:
    """Keyed digests of the key (in its organisation and path) and of the body's hash.

    Raises:
        Invalid: The key is empty, longer than 255 characters, or not printable ASCII.
    """
    if not (0 < len(key) <= MAX_KEY and key.isascii() and key.isprintable()):
        text = f"Idempotency-Key: 1 to {MAX_KEY} printable ASCII characters. Nothing was charged."
        raise Invalid(text, param="Idempotency-Key")
    where = f"{org_id}\n{path}\n{key}".encode()
    return (
        hmac.digest(pepper, where, "sha256").hex(),
        hmac.digest(pepper, org_id.encode() + b"\n" + body_hash, "sha256").hex(),
    )


def claim(session: Session, wanted: Claim, *, grace_ms: Millis) -> None:
    """Take the key for this request.

    An earlier use that was never charged (refused, failed, left by its client before anything was
    delivered, or lost with its process) gives the key free again, and so do 24 hours.

    Args:
        grace_ms: How long a worker may be silent before it counts as dead.

    Raises:
        Conflict: It was used with another body (idempotency_key_reuse, 422), is being served
            (idempotency_in_flight), or was served (idempotent_replay: `details` say what it cost).
    """
    values = {
        "key_digest": wanted.key_digest, "org_id": wanted.org_id,
        "body_digest": wanted.body_digest, "generation_id": wanted.generation_id,
        "worker": wanted.worker, "created_at": now_ms(),
    }  # fmt: skip
    if _rows(session, _claim, values):
        return
    earlier = session.get(IdempotentRequest, wanted.key_digest)
    if earlier is None:
        raise _in_flight()
    _check(session, earlier, wanted, grace_ms)
    if not _rows(session, _take_over, {**values, "earlier": earlier.generation_id}):
        raise _in_flight()


def _rows(session: Session, statement: Any, values: dict[str, Any]) -> int:
    done = session.execute(statement, values)
    assert isinstance(done, CursorResult)
    return done.rowcount


def _check(session: Session, earlier: IdempotentRequest, wanted: Claim, grace_ms: Millis) -> None:
    """Return when the key is free again; raise what became of its earlier use otherwise."""
    if now_ms() - earlier.created_at >= KEPT:
        return
    if earlier.body_digest != wanted.body_digest:
        text = "This Idempotency-Key was used with another body. Nothing was charged."
        raise Conflict(text, code="idempotency_key_reuse", param="Idempotency-Key", status=422)
    served = session.get(Generation, earlier.generation_id)
    if served is None:
        worker = session.get(Worker, earlier.worker)
        seen = max(worker.seen_at if worker else 0, earlier.created_at)
        if now_ms() - seen < 2 * grace_ms:
            raise _in_flight()
    elif served.cost or served.status == "ok":
        raise _replay(served)


def _in_flight() -> Conflict:
    text = "A request with this Idempotency-Key is being served. This one was not charged."
    return Conflict(text, code="idempotency_in_flight", retry_after=1)


def _replay(served: Generation) -> Conflict:
    text = (
        f"This Idempotency-Key was served as {served.id}; answers are not kept. "
        "This repetition was not charged."
    )
    details: dict[str, object] = {
        "generation_id": served.id,
        "status": served.status,
        "cost": usd(served.cost),
        "usage": {
            "prompt_tokens": served.input_tokens,
            "completion_tokens": served.output_tokens,
            "total_tokens": served.input_tokens + served.output_tokens,
        },
    }
    return Conflict(text, code="idempotent_replay", details=details)


def release(session: Session, used: Claim) -> None:
    """Give the key free: this request was refused before anything was set aside for it."""
    row = IdempotentRequest
    session.exec(
        delete(row).where(
            col(row.key_digest) == used.key_digest, col(row.generation_id) == used.generation_id
        )
    )


def sweep(session: Session) -> int:
    """Forget keys older than 24 hours; returns how many."""
    old = delete(IdempotentRequest).where(col(IdempotentRequest.created_at) <= now_ms() - KEPT)
    return session.exec(old).rowcount
