"""A bucket of requests and tokens that fills evenly, and a counter of what is open."""

from alltoken_app.errors import AllTokenError
from alltoken_app.limits import allowances
from alltoken_app.limits.allowances import MINUTE_SECONDS, Left, Subject

INFINITE = float("inf")


class Bucket:
    """What one subject has left. A minute's worth fits in; it fills again evenly.

    Attributes:
        requests, tokens: Left now; tokens fall below zero when an answer was longer than expected.
        slots: Requests that may be open at once, of which `open` are.
        filling: Whether it fills by itself; one that is supplied from a pool does not.
        beside: Requests and tokens the pool had when it was last asked.
        wait: Seconds until the pool has a request, and enough tokens, again.
    """

    __slots__ = (
        "at", "beside", "capacity", "filling", "open", "rates", "requests", "slots", "subject",
        "token_capacity", "tokens", "used", "wait",
    )  # fmt: skip

    def __init__(self, subject: Subject, now: float, *, filling: bool) -> None:
        self.filling = filling
        self.at = self.used = now
        self.open = 0
        self.beside = (0.0, 0.0)
        self.wait = (1.0, 1.0)
        self.requests = self.tokens = 0.0
        self.slots: float = 0
        self.capacity = self.token_capacity = 0.0
        self.resize(subject)

    def resize(self, subject: Subject) -> None:
        """Go by other limits from now on; what has been used stays used."""
        limits = subject.limits
        self.subject = subject
        before = self.capacity, self.token_capacity
        self.capacity, self.token_capacity = _most(limits.requests), _most(limits.tokens)
        self.rates = _rate(limits.requests), _rate(limits.tokens)
        if self.filling:
            self.requests = _resized(self.requests, before[0], self.capacity)
            self.tokens = _resized(self.tokens, before[1], self.token_capacity)
            self.slots = _most(limits.at_once)
            return
        self.requests = _pooled(self.requests, limits.requests)
        self.tokens = _pooled(self.tokens, limits.tokens)
        self.slots = _pooled(self.slots, limits.at_once)

    def refill(self, now: float) -> None:
        """Add what has come back since."""
        self.used = now
        if not self.filling:
            return
        passed = now - self.at
        self.at = now
        requests, tokens = self.requests + passed * self.rates[0], self.tokens
        self.requests = requests if requests < self.capacity else self.capacity
        tokens += passed * self.rates[1]
        self.tokens = tokens if tokens < self.token_capacity else self.token_capacity

    def refusal(self, tokens: int) -> AllTokenError | None:
        """Why a request of this many input tokens may not enter now; None when it may."""
        if self.requests >= 1 and self.tokens > tokens and self.open < self.slots:
            return None
        subject = self.subject
        if tokens >= self.token_capacity:
            return allowances.never_fits(subject, tokens)
        if self.requests < 1:
            wait = (1 - self.requests) / self.rates[0] if self.filling else self.wait[0]
            return allowances.too_many_requests(subject, wait)
        if self.tokens <= tokens:
            more = max(tokens + 1 - self.tokens, 1)
            wait = more / self.rates[1] if self.filling else self.wait[1]
            return allowances.too_many_tokens(subject, wait)
        return allowances.too_many_at_once(subject)

    def take(self, tokens: int) -> None:
        """A request enters."""
        self.requests -= 1
        self.tokens -= tokens
        self.open += 1

    def settle(self, more_tokens: int) -> None:
        """A request has ended and used this many tokens more than it took."""
        self.tokens -= more_tokens
        self.open -= 1

    @property
    def empty(self) -> bool:
        """Whether nothing of a pool's is here that is not in use."""
        return (
            self.requests in (0.0, INFINITE)
            and self.tokens in (0.0, INFINITE)
            and self.slots in (self.open, INFINITE)
        )

    def requests_left(self) -> Left | None:
        """Requests a minute."""
        most = self.subject.limits.requests
        return None if most is None else _left(most, self.requests + self.beside[0])

    def tokens_left(self) -> Left | None:
        """Tokens a minute."""
        most = self.subject.limits.tokens
        return None if most is None else _left(most, self.tokens + self.beside[1])

    def places_left(self) -> Left | None:
        """Requests at once."""
        most = self.subject.limits.at_once
        return None if most is None else Left(most, max(most - self.open, 0), 0.0)


def _left(most: int, level: float) -> Left:
    if level >= most:
        return Left(most, most, 0.0)
    return Left(most, int(level) if level > 0 else 0, (most - level) * MINUTE_SECONDS / most)


def _most(limit: int | None) -> float:
    return INFINITE if limit is None else limit


def _rate(limit: int | None) -> float:
    return 0.0 if limit is None else limit / MINUTE_SECONDS


def _resized(level: float, before: float, capacity: float) -> float:
    """The level with what was used of the earlier capacity still used."""
    if INFINITE in (before, capacity):
        return capacity
    return level + capacity - before


def _pooled(level: float, limit: int | None) -> float:
    """What was taken of a pool stays; nothing is there before it was taken."""
    if limit is None:
        return INFINITE
    return 0.0 if level == INFINITE else level
