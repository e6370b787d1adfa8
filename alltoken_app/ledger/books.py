"""Group commit: commands that arrive while a batch commits form the next one."""

import asyncio

from alltoken_app.db import Database
from alltoken_app.ledger.holds import Checkpoint, Extend, Place, Placed, Settle, Settled


class Books:
    """A process's one door to holds."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def place(self, command: Place) -> Placed:
        """Set money aside; durable when this returns.

        Raises:
            InsufficientCredits: `insufficient_credits` or `key_limit_exceeded`.
            Conflict: The hold has been settled already.
            Unavailable: `billing_unavailable`; nothing is held.
        """
        raise NotImplementedError

    async def extend(self, command: Extend) -> Placed:
        """Grow a hold. Raises as `place` does."""
        raise NotImplementedError

    def checkpoint(self, command: Checkpoint) -> None:
        """Note progress with the next batch; may be lost when the database is away."""
        raise NotImplementedError

    def settle(self, command: Settle) -> asyncio.Future[Settled]:
        """Queue a settlement. It is applied even if nobody awaits the future."""
        raise NotImplementedError

    async def settled(self, hold_id: str) -> None:
        """Wait while a settlement of this hold is queued here."""
        raise NotImplementedError

    async def close(self) -> None:
        """Refuse new holds and wait until what is queued has been applied."""
        raise NotImplementedError
