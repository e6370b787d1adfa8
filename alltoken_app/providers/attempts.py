"""Attempts at endpoints: whose turn it is, what became of each, and who wants to know."""

import time
from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import Protocol

import msgspec

from alltoken_app.providers.base import EndpointFacts, UpstreamError

MAX_ATTEMPTS = 8
# Faults of the caller's that another model, or a longer context, may not find any fault with.
OF_THE_MODEL = frozenset({"context_length_exceeded", "content_policy_violation"})
LAST_RESORTS = 2  # tries at endpoints that rest, when nothing else is left


class Attempt(msgspec.Struct):
    """One try at one endpoint, for the usage record. No words of the upstream's.

    Attributes:
        writing: Seconds we waited for the rest of an answer after its first content.
    """

    provider: str
    endpoint: str
    status: int | None = None
    code: str | None = None
    ms: int = 0
    writing: float = 0.0


class Failed(Exception):
    """An attempt failed before its first content byte."""

    def __init__(self, error: UpstreamError, status: int | None = None) -> None:
        super().__init__(error.code)
        self.error = error
        self.status = status


class Interrupted(Exception):
    """The answer broke off after its first content byte. `code` is public."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Watcher(Protocol):
    """Knows how endpoints are doing: asked before each attempt, told what became of it."""

    def resting(self, endpoint: EndpointFacts) -> bool:
        """Whether it should be tried only when nothing else is left."""

    def admit(self, endpoint: EndpointFacts, *, again: bool, last: bool) -> bool:
        """Whether to try it now; `again`: its provider has failed this call already."""

    def answered(self, endpoint: EndpointFacts, seconds: float | None) -> None:
        """It gave content; `seconds` to the first of a stream."""

    def failed(self, endpoint: EndpointFacts, error: UpstreamError, status: int | None) -> None:
        """It gave none, or broke off."""

    def left(self, endpoint: EndpointFacts) -> None:
        """The attempt ended without an outcome."""


class _Trusting:
    """Lets every attempt happen and remembers nothing."""

    def resting(self, endpoint: EndpointFacts) -> bool:
        return False

    def admit(self, endpoint: EndpointFacts, *, again: bool, last: bool) -> bool:
        return True

    def answered(self, endpoint: EndpointFacts, seconds: float | None) -> None:
        pass

    def failed(self, endpoint: EndpointFacts, error: UpstreamError, status: int | None) -> None:
        pass

    def left(self, endpoint: EndpointFacts) -> None:
        pass


TRUSTING = _Trusting()


class Turns:
    """Each endpoint once, the first once more right after itself; what rests comes last."""

    def __init__(
        self, endpoints: Sequence[EndpointFacts], watcher: Watcher, attempts: list[Attempt]
    ) -> None:
        self._order = (endpoints[0], *endpoints)[:MAX_ATTEMPTS]
        self._watcher = watcher
        self._attempts = attempts
        self._resorts = LAST_RESORTS
        self._refused: list[tuple[str, EndpointFacts]] = []
        self._turn = 0

    def __iter__(self) -> Iterator[EndpointFacts]:
        for turn, endpoint in enumerate(self._order):
            self._turn = turn
            yield endpoint

    def admitted(self, endpoint: EndpointFacts) -> bool:
        """Whether it may be tried now. When everything that is left rests, some are tried."""
        if self._refused and self._would_refuse(endpoint):
            return False
        again = any(attempt.provider == endpoint.provider for attempt in self._attempts)
        resting = self._watcher.resting(endpoint)
        if resting and self._turn == 1 and len(self._order) > 2:
            return False  # the others before this one once more
        last = resting and self._resorts > 0 and self._nothing_else()
        self._resorts -= resting
        return self._watcher.admit(endpoint, again=again, last=last)

    def pointless_after(self, failed: Failed, endpoint: EndpointFacts) -> bool:
        """Whether nobody else is to be asked: the call itself is at fault, for every model."""
        if not failed.error.client_fault or failed.status is None:
            return False
        self._refused.append((failed.error.code, endpoint))
        return failed.error.code not in OF_THE_MODEL

    def _would_refuse(self, endpoint: EndpointFacts) -> bool:
        """Whether another endpoint of its model has refused the call, and it is no better."""
        return any(
            one.model == endpoint.model
            and not (code == "context_length_exceeded" and endpoint.context > one.context)
            for code, one in self._refused
        )

    def better_elsewhere(self, endpoint: EndpointFacts) -> bool:
        """Whether to go on rather than wait for an endpoint that has just failed."""
        return self._watcher.resting(endpoint) and not self._nothing_else()

    def _nothing_else(self) -> bool:
        return all(self._watcher.resting(one) for one in self._order[self._turn + 1 :])


class Outcome:
    """One attempt's time and outcome, noted however it ends: `with Outcome(…) as outcome`.

    Args:
        spent: Seconds since it was sent.
    """

    __slots__ = ("_attempt", "_began", "_endpoint", "_since", "_spent", "_watcher", "known")

    def __init__(
        self,
        endpoint: EndpointFacts,
        attempt: Attempt,
        spent: Callable[[], float],
        watcher: Watcher,
    ) -> None:
        self._endpoint, self._attempt = endpoint, attempt
        self._spent, self._watcher = spent, watcher
        self.known = False
        self._began = self._since = 0.0

    def __enter__(self) -> "Outcome":
        self._began = time.monotonic()
        return self

    def arrived(self, *, streamed: bool) -> None:
        """Part of the answer is here."""
        if self.known:
            self._attempt.writing += time.monotonic() - self._since
            return
        self.known = True
        self._attempt.ms = round((time.monotonic() - self._began) * 1000)
        self._watcher.answered(self._endpoint, self._spent() if streamed else None)

    def resumed(self) -> None:
        """The next part is waited for from now on: not while the client was reading."""
        self._since = time.monotonic()

    def __exit__(
        self, kind: object, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._attempt.ms = round((time.monotonic() - self._began) * 1000)
        if isinstance(error, Failed):
            self._failed(error.error, error.status)
        elif isinstance(error, Interrupted):
            self._failed(UpstreamError(error.code, "", retry=False), 200)
        elif not self.known:
            self._watcher.left(self._endpoint)

    def _failed(self, error: UpstreamError, status: int | None) -> None:
        self._attempt.code, self._attempt.status = error.code, status
        self._watcher.failed(self._endpoint, error, status)
