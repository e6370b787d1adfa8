"""Every error AllToken raises on purpose. Codes are public: add, never rename.

A kind says what the caller can do about it. Each face maps kinds once (`api/errors.py` to an
HTTP status and dialect, `states/errors.py` to a message on the page). `str(error)` is safe to show.
"""

from enum import StrEnum


class Kind(StrEnum):
    """What the caller can do; the value is the `type` in an OpenAI error envelope."""

    INVALID = "invalid_request_error"
    UNAUTHENTICATED = "authentication_error"
    PAYMENT_REQUIRED = "insufficient_credits"
    FORBIDDEN = "permission_error"
    NOT_FOUND = "not_found_error"
    CONFLICT = "conflict_error"
    RATE_LIMITED = "rate_limit_error"
    UPSTREAM = "upstream_error"
    UNAVAILABLE = "server_error"


class AllTokenError(Exception):
    """An expected failure.

    Args:
        message: For the payer: what happened and what to do.
        code: Stable, machine-readable.
        param: The field that is wrong, when there is one.
        retry_after: Seconds after which trying again makes sense.
        details: More for programs (JSON values only); appears beside `code`.
    """

    kind: Kind = Kind.INVALID
    code: str = "invalid_value"
    status: int | None = None  # overrides the kind's HTTP status

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        status: int | None = None,
        retry_after: float | None = None,
        details: dict[str, object] | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code or type(self).code
        self.status = status or type(self).status
        self.param = param
        self.retry_after = retry_after
        self.details = details or {}


class Invalid(AllTokenError):
    """The request itself is wrong; `param` names the field."""


class Unauthenticated(AllTokenError):
    """No key, or one that does not work."""

    kind = Kind.UNAUTHENTICATED
    code = "invalid_api_key"


class InsufficientCredits(AllTokenError):
    """The wallet cannot cover the most this request may cost."""

    kind = Kind.PAYMENT_REQUIRED
    code = "insufficient_credits"


class Forbidden(AllTokenError):
    """Known caller, not allowed."""

    kind = Kind.FORBIDDEN
    code = "forbidden"


class NotFound(AllTokenError):
    """No such thing, or not yours: the answer is the same."""

    kind = Kind.NOT_FOUND
    code = "not_found"


class Conflict(AllTokenError):
    """The thing is in another state than this needs."""

    kind = Kind.CONFLICT
    code = "conflict"


class RateLimited(AllTokenError):
    """Too many at once or per minute; `retry_after` is set."""

    kind = Kind.RATE_LIMITED
    code = "rate_limit_exceeded"


class UpstreamFailed(AllTokenError):
    """The provider failed before its first content byte; nothing is charged."""

    kind = Kind.UPSTREAM
    code = "upstream_error"


class Unavailable(AllTokenError):
    """We cannot serve now (database, shutdown); nothing is charged."""

    kind = Kind.UNAVAILABLE
    code = "unavailable"
