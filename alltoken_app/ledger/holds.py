"""Money set aside for a generation and settled once: commands, outcomes, and one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from sqlmodel import Session

from alltoken_app.clock import Millis
from alltoken_app.errors import AllTokenError
from alltoken_app.money import Nano


@dataclass(frozen=True, slots=True)
class Place:
    """Set money aside. Placing the same `hold_id` again changes nothing.

    Attributes:
        hold_id: The generation's id.
        budget_id: The key whose limit this counts against; None when it has none.
        amount, at_least: Up to `amount` is granted, and nothing when less than `at_least` is there.
        facts: Generation columns the reaper needs should this process die; JSON values only.
        expires_at: When the reaper settles it, whatever the worker says.
    """

    hold_id: str
    wallet_id: str
    budget_id: str | None
    amount: Nano
    at_least: Nano
    facts: dict[str, Any]
    worker: str
    expires_at: Millis


@dataclass(frozen=True, slots=True)
class Extend:
    """Add `amount` to an open hold: all of it or nothing."""

    hold_id: str
    amount: Nano


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Note what the delivered part would cost; that much is charged if this process dies."""

    hold_id: str
    progress: Nano


@dataclass(frozen=True, slots=True)
class Settle:
    """Charge `cost` (never more than the hold) and free the rest; 0 frees all of it.

    Attributes:
        generation: Columns of the usage record; None writes none (the request never began).
    """

    hold_id: str
    cost: Nano
    generation: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class Placed:
    """What a hold has now.

    Attributes:
        granted: The hold's whole amount, extensions included.
        available: What is left to spend beside it.
        budget_remaining: What is left of the key's limit; None without a limit.
    """

    granted: Nano
    available: Nano
    budget_remaining: Nano | None


@dataclass(frozen=True, slots=True)
class Settled:
    """How a hold ended.

    Attributes:
        captured: What was charged.
        first: Whether this very command ended it.
        lost: Cost beyond the hold, which we bear.
    """

    captured: Nano
    available: Nano
    first: bool
    lost: Nano = 0


Command: TypeAlias = Place | Extend | Checkpoint | Settle
Outcome: TypeAlias = Placed | Settled | AllTokenError | None


def apply(session: Session, commands: Sequence[Command]) -> list[Outcome]:
    """Apply commands in their order, in this one transaction; one outcome each.

    Refusals are values: InsufficientCredits (`insufficient_credits`, `key_limit_exceeded`), and
    Conflict (`hold_closed`) for a hold that has been settled. A checkpoint's outcome is None.
    """
    raise NotImplementedError
