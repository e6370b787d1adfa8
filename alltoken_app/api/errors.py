"""Errors as JSON in the caller's dialect: OpenAI's, OpenRouter's or Anthropic's."""

from typing import Any

import structlog

from alltoken_app.api import availability
from alltoken_app.api.http import Request, refusal_headers
from alltoken_app.errors import AllTokenError, Kind, Unavailable

STATUS: dict[Kind, int] = {
    Kind.INVALID: 400,
    Kind.UNAUTHENTICATED: 401,
    Kind.PAYMENT_REQUIRED: 402,
    Kind.FORBIDDEN: 403,
    Kind.NOT_FOUND: 404,
    Kind.CONFLICT: 409,
    Kind.RATE_LIMITED: 429,
    Kind.UPSTREAM: 502,
    Kind.UNAVAILABLE: 503,
}

log = structlog.get_logger()


def status_of(error: AllTokenError) -> int:
    """The HTTP status: the error's own, else its kind's."""
    return error.status or STATUS[error.kind]


def unexpected(error: Exception, request_id: str) -> AllTokenError:
    """An apology for an error nobody planned. The log gets its type and place, never its text."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace else "?"
    log.error("unexpected", request=request_id, type=type(error).__name__, place=place)
    text = "Something failed on our side. Nothing was charged for what was not delivered."
    return Unavailable(text, code="internal_error", status=500)


# Anthropic's words for what a status means.
ANTHROPIC = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: "overloaded_error",
    504: "timeout_error",
    529: "overloaded_error",
}


def envelope(
    error: AllTokenError, request_id: str, *, dialect: str, charged: str = "0"
) -> dict[str, Any]:
    """The error document in a dialect. `charged` is a decimal string of USD."""
    body: dict[str, Any] = {"message": str(error), "request_id": request_id, "charged": charged}
    status = status_of(error)
    if dialect == "openrouter":
        metadata = {"error_type": error.code, **error.details}
        found = availability.of(error)
        more = {"availability": found} if found else {}
        return {"error": {**body, "code": status, "metadata": metadata, **more}}
    if dialect == "anthropic":
        kind = ANTHROPIC.get(status, "invalid_request_error" if status < 500 else "api_error")
        about = {"type": kind, "code": error.code, "param": error.param}
        return {"type": "error", "error": {**about, **body, **error.details},
                "request_id": request_id}  # fmt: skip
    typed = {"type": error.kind.value, "param": error.param, "code": error.code}
    return {"error": {**body, **typed, **error.details}}


async def answer(request: Request, error: AllTokenError) -> None:
    """Send an error as a real HTTP status."""
    document = envelope(error, request.id, dialect=request.dialect)
    status = status_of(error)
    if request.dialect == "anthropic" and error.code == "upstream_overloaded":
        status = 529  # their clients wait longer after it
    more = request.on_error(error) if request.on_error is not None else []
    await request.json(status, document, [*refusal_headers(error), *more])
