"""What can be asked of holds, and what comes back. Amounts are nano-USD."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from alltoken_app.clock import Millis
from alltoken_app.errors import AllTokenError
from alltoken_app.money import Nano

Facts: TypeAlias = dict[str, Any] | Callable[[], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Place:
    """Set money aside. Placing the same `hold_id` again changes nothing.

    Attributes:
        hold_id: The generation's id.
        budget_id: The key whose limit this counts against; None when it has none.
        amount, at_least: Up to `amount` is granted, and nothing when less than `at_least` is there.
        facts: Generation columns the reaper needs should this process die; JSON values only. Or
            what makes them, called only when they are written.
        expires_at: When the reaper settles it, whatever the worker says.
        lease_id: The lease that was promised for it: all of `amount` is taken from there, and the
            hold grows to `amount` when it is smaller.
        wish: The id of the lease that this worker would like to have, new or grown.
        patient: Rather than refused or cut short, ask leases for their money: Scarce.
    """

    hold_id: str
    wallet_id: str
    budget_id: str | None
    amount: Nano
    at_least: Nano
    facts: Facts
    worker: str
    expires_at: Millis
    lease_id: str | None = None
    wish: str | None = None
    patient: bool = False


@dataclass(frozen=True, slots=True)
class Extend:
    """Add `amount` to an open hold: all of it or nothing."""

    hold_id: str
    amount: Nano
    patient: bool = False


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
        place: How it was promised by a lease: placed first if it is not yet; what is left goes
            back to the lease.
    """

    hold_id: str
    cost: Nano
    generation: dict[str, Any] | None
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class GiveBack:
    """End a lease: what no hold has taken of it is the wallet's again."""

    lease_id: str
    wallet_id: str

    @property
    def hold_id(self) -> str:
        """What it is about, as the other commands name it."""
        return self.lease_id


@dataclass(frozen=True, slots=True)
class Standing:
    """How a lease stands after a command.

    Attributes:
        added: What this very command added to it.
        beside: What the wallet has available beside this lease.
        limit_beside: The same of the key's limit; None without a limit.
        over: It is gone or asked back: place nothing more against it, give it back.
    """

    added: Nano
    beside: Nano
    limit_beside: Nano | None
    over: bool = False


@dataclass(frozen=True, slots=True)
class Placed:
    """What a hold has now.

    Attributes:
        granted: The hold's whole amount, extensions included.
        available: What is left to spend beside it, leases included.
        budget_remaining: What is left of the key's limit; None without a limit.
        lease: Of the lease it came from, or that was wished for.
    """

    granted: Nano
    available: Nano
    budget_remaining: Nano | None
    lease: Standing | None = None


@dataclass(frozen=True, slots=True)
class Settled:
    """How a hold ended.

    Attributes:
        captured: What was charged.
        available: What is left to spend, leases included.
        first: Whether this very command ended it.
        lost: Cost beyond the hold, which we bear.
        lease: Of the lease it came from.
    """

    captured: Nano
    available: Nano
    first: bool
    lost: Nano = 0
    lease: Standing | None = None


@dataclass(frozen=True, slots=True)
class Scarce:
    """Nothing was done: what is missing is leased, and every lease of the wallet is asked back."""

    wallet_id: str


Command: TypeAlias = Place | Extend | Checkpoint | Settle | GiveBack
Outcome: TypeAlias = Placed | Settled | Scarce | AllTokenError | None
