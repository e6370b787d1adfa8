"""Settles the holds of processes that died, and those that are overdue."""

from sqlmodel import Session

from alltoken_app.clock import Millis


def beat(session: Session, worker: str) -> None:
    """Say that this worker lives."""
    raise NotImplementedError


def reap(session: Session, *, grace_ms: Millis) -> int:
    """Settle open holds that are overdue or whose worker is silent; returns how many."""
    raise NotImplementedError
