"""What a process has promised in memory: holds against its leases that are not written yet.

Nothing here waits or speaks to the database; `books.py` does. A promise is kept whatever happens:
its money was taken out of the wallet, by the lease, before it was made.
"""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from alltoken_app.ids import new_id
from alltoken_app.ledger.commands import GiveBack, Place, Placed, Standing
from alltoken_app.money import Nano

FRESH = 2.0  # seconds a lease may be used without the database having confirmed it
IDLE = 1.0  # seconds without use after which it is given back
PEACE = 5.0  # seconds without leases of a wallet that somebody asked back

Key = tuple[str, str | None]


@dataclass(slots=True, eq=False)
class Lease:
    """Money of this process; `free` is what no promise has taken. The rest as in `Standing`."""

    id: str
    key: Key
    free: Nano
    beside: Nano
    limit_beside: Nano | None
    confirmed: float
    used: float


@dataclass(slots=True, eq=False)
class Promise:
    """A hold of a lease; `place` names its whole amount. `written`: its Place was queued."""

    place: Place
    lease: Lease
    written: bool = False


class Promises:
    """The leases of a process, and the holds it has promised.

    Args:
        leasing: Whether to wish for leases.
    """

    def __init__(self, leasing: bool, fresh: float = FRESH) -> None:
        self.suspended = False  # while the database does not answer
        self._leasing = leasing
        self._fresh = fresh
        self._leases: dict[Key, Lease] = {}
        self._open: dict[str, Promise] = {}
        self._unwritten: dict[str, Promise] = {}
        self._seasoned: dict[str, Promise] = {}  # unwritten at the last turn already
        self._wishes: set[Key] = set()
        self._peace: dict[str, float] = {}
        self._limits = self._limits_seen = 0  # counts changes of limits

    def place(self, command: Place) -> Placed | None:
        """Promise a hold, when a lease has all of its amount."""
        lease = self._leases.get((command.wallet_id, command.budget_id))
        if lease is None or lease.free < command.amount or not self._usable(lease):
            return None
        lease.free -= command.amount
        promise = Promise(replace(command, lease_id=lease.id), lease)
        self._open[command.hold_id] = self._unwritten[command.hold_id] = promise
        return _placed(lease, command.amount)

    def _usable(self, lease: Lease) -> bool:
        now = time.monotonic()
        if self.suspended or now - lease.confirmed > self._fresh:
            return False
        if self.must_end and lease.key[1] is not None:
            return False
        lease.used = now
        return True

    def wish(self, command: Place) -> str | None:
        """The lease that a hold which is not promised asks for; one at a time of each key."""
        key = command.wallet_id, command.budget_id
        if not self._leasing or self.suspended or key in self._wishes:
            return None
        if self._peace.get(command.wallet_id, 0.0) > time.monotonic():
            return None
        self._wishes.add(key)
        lease = self._leases.get(key)
        return lease.id if lease else new_id("lea")

    def granted(self, command: Place, standing: Standing | None, at: float) -> None:
        """What became of a wish; `at` is when the database was asked."""
        key = command.wallet_id, command.budget_id
        self._wishes.discard(key)
        if standing is None or command.wish is None:
            return
        lease = self._leases.get(key)
        if lease is None or lease.id != command.wish:
            lease = Lease(command.wish, key, 0, 0, None, at, at)
            self._leases[key] = lease
        lease.free += standing.added
        _update(lease, standing, at)

    def adopt(self, command: Place, granted: Nano) -> None:
        """A hold placed without the lease goes on as one of it: what it leaves is the lease's."""
        lease = self._leases.get((command.wallet_id, command.budget_id))
        if lease is not None:
            place = replace(command, lease_id=lease.id, amount=granted, at_least=0)
            self._open[command.hold_id] = Promise(place, lease, written=True)

    def confirmed(self, place: Place, standing: Standing, at: float) -> bool:
        """Note how the lease of a written hold stands; False when it is to be given back."""
        lease = self._leases.get((place.wallet_id, place.budget_id))
        if lease is None or lease.id != place.lease_id:
            return True
        if standing.over:
            return False
        _update(lease, standing, at)
        return True

    def extend(self, hold_id: str, amount: Nano) -> tuple[Placed | None, Place | None]:
        """Promise more to a promised hold; and its Place, when that has to be written again."""
        promise = self._open.get(hold_id)
        if promise is None:
            return None, None
        lease = promise.lease
        if self._leases.get(lease.key) is not lease or lease.free < amount:
            return None, None
        if not self._usable(lease):
            return None, None
        lease.free -= amount
        whole = promise.place.amount + amount
        promise.place = replace(promise.place, amount=whole)
        return _placed(lease, whole), promise.place if promise.written else None

    def grown(self, hold_id: str, granted: Nano) -> None:
        """The database has grown a promised hold by other money."""
        promise = self._open.get(hold_id)
        if promise is not None:
            promise.place = replace(promise.place, amount=max(granted, promise.place.amount))

    def settle(self, hold_id: str, cost: Nano) -> Place | None:
        """End a promise; its Place goes with the settlement. None when it was none."""
        promise = self._open.pop(hold_id, None)
        if promise is None:
            return None
        if not promise.written:
            self._unwritten.pop(hold_id, None)
            self._seasoned.pop(hold_id, None)
        lease, amount = promise.lease, promise.place.amount
        if self._leases.get(lease.key) is lease:
            lease.free += amount - min(cost, amount)
        return promise.place

    def turn(self) -> list[Place]:
        """What is to be written now: holds that were there at the last turn already."""
        due = [_write(promise) for promise in self._seasoned.values()]
        self._seasoned, self._unwritten = self._unwritten, {}
        return due

    def write(self, hold_id: str) -> list[Place]:
        """This hold's Place, when it is not written yet."""
        return self._written(self._open[hold_id]) if hold_id in self._open else []

    def write_all(self) -> list[Place]:
        """Every Place that is not written yet."""
        return [*self.turn(), *self.turn()]

    def _written(self, promise: Promise) -> list[Place]:
        if promise.written:
            return []
        self._unwritten.pop(promise.place.hold_id, None)
        self._seasoned.pop(promise.place.hold_id, None)
        return [_write(promise)]

    @property
    def waiting(self) -> bool:
        """Whether there are holds to write."""
        return bool(self._unwritten or self._seasoned)

    @property
    def leases(self) -> bool:
        """Whether there is a lease."""
        return bool(self._leases)

    def give_back(self, wallet_id: str | None) -> Iterator[Place | GiveBack]:
        """Give back the leases of a wallet that is needed elsewhere; of None, every lease."""
        asked = [lease for lease in self._leases.values() if wallet_id in (None, lease.key[0])]
        until = time.monotonic() + PEACE
        self._peace.update((lease.key[0], until) for lease in asked)
        if wallet_id is not None:
            self._peace[wallet_id] = until
        return self._end(asked)

    def give_back_idle(self) -> Iterator[Place | GiveBack]:
        """Give back what nobody uses; and, after a limit was changed, what had a limit."""
        now = time.monotonic()
        self._peace = {wallet: until for wallet, until in self._peace.items() if until > now}
        limits, seen = self._limits, self._limits_seen
        changed, self._limits_seen = limits != seen, limits
        idle = [
            lease
            for lease in self._leases.values()
            if now - lease.used > IDLE or (changed and lease.key[1] is not None)
        ]
        return self._end(idle)

    def _end(self, leases: Iterable[Lease]) -> Iterator[Place | GiveBack]:
        """Its promises are written first: their money is not to be given back."""
        for lease in leases:
            del self._leases[lease.key]
        for lease in leases:
            for promise in [p for p in self._open.values() if p.lease is lease]:
                yield from self._written(promise)
            yield GiveBack(lease.id, lease.key[0])

    def limits_changed(self) -> None:
        """Use no lease that counts against a limit any more. Safe from any thread."""
        self._limits += 1

    @property
    def must_end(self) -> bool:
        """Whether leases have to be given back because a limit was changed."""
        return self._limits != self._limits_seen


def _write(promise: Promise) -> Place:
    promise.written = True
    return promise.place


def _update(lease: Lease, standing: Standing, at: float) -> None:
    lease.beside, lease.limit_beside = standing.beside, standing.limit_beside
    lease.confirmed = max(lease.confirmed, at)


def _placed(lease: Lease, granted: Nano) -> Placed:
    limit = lease.limit_beside
    return Placed(granted, lease.beside + lease.free, None if limit is None else limit + lease.free)
