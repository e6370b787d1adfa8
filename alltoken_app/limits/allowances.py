"""The words of rate limits: what may be used a minute and at once, and what is left of it."""

from dataclasses import dataclass
from typing import Literal, NamedTuple

from alltoken_app.errors import Invalid, RateLimited

MINUTE_SECONDS = 60.0
HIGHEST = 10**9

Scope = Literal["organisation", "key"]


@dataclass(frozen=True, slots=True)
class Limits:
    """Requests and tokens a minute, and requests at once; None: not limited here."""

    requests: int | None = None
    tokens: int | None = None
    at_once: int | None = None

    @property
    def any(self) -> bool:
        """Whether anything is limited."""
        return not (self.requests is None and self.tokens is None and self.at_once is None)


UNLIMITED = Limits()


@dataclass(frozen=True, slots=True)
class Subject:
    """Whose use is limited: an organisation, or a key with the secrets it was rotated from."""

    id: str
    scope: Scope
    limits: Limits


class Left(NamedTuple):
    """One limit: how much there is a minute, how much is left, seconds until all of it is back."""

    limit: int
    remaining: int
    reset_seconds: float


class Allowance(NamedTuple):
    """What is left, by the tightest of the limits that hold; None where there is none."""

    requests: Left | None
    tokens: Left | None
    at_once: Left | None


class TooMany(RateLimited):
    """More than the limits allow. `allowance` is what was left."""

    def __init__(
        self, text: str, *, code: str, retry_after: float, details: dict[str, object]
    ) -> None:
        super().__init__(text, code=code, retry_after=retry_after, details=details)
        self.allowance: Allowance | None = None


def too_many_requests(subject: Subject, wait: float) -> TooMany:
    """No request is left of this minute."""
    most = subject.limits.requests
    text = f"More than {most} requests a minute of this {subject.scope}. Not charged; wait."
    return _too_many(subject, "requests_per_minute", most, wait, "rate_limit_exceeded", text)


def too_many_tokens(subject: Subject, wait: float) -> TooMany:
    """Not enough tokens are left of this minute for the request's input."""
    most = subject.limits.tokens
    text = f"More than {most} tokens a minute of this {subject.scope}. Not charged; wait."
    return _too_many(subject, "tokens_per_minute", most, wait, "rate_limit_exceeded", text)


def too_many_at_once(subject: Subject) -> TooMany:
    """As many requests are open as may be."""
    most, code = subject.limits.at_once, "too_many_concurrent_requests"
    text = f"{most} requests of this {subject.scope} are open already. Not charged; let one finish."
    return _too_many(subject, "concurrent", most, 1.0, code, text)


def never_fits(subject: Subject, tokens: int) -> Invalid:
    """The input alone is more than a whole minute allows: waiting would not help."""
    most = subject.limits.tokens
    text = (
        f"This request's input is about {tokens} tokens; this {subject.scope} is limited to {most} "
        "tokens a minute. Nothing was sent or charged."
    )
    details: dict[str, object] = {
        "limit": "tokens_per_minute", "maximum": most, "scope": subject.scope,
    }  # fmt: skip
    return Invalid(text, code="exceeds_token_limit", details=details)


def _too_many(
    subject: Subject, limit: str, most: int | None, wait: float, code: str, text: str
) -> TooMany:
    details: dict[str, object] = {
        "limit": limit, "maximum": most, "scope": subject.scope, "resets_in": round(wait, 3),
    }  # fmt: skip
    return TooMany(text, code=code, retry_after=wait, details=details)
