"""Refusals of the Messages API, at Anthropic itself and where AWS and Google serve it.

Wire format: https://docs.anthropic.com/en/api/errors
"""

import re

import msgspec

from alltoken_app.providers import refusals
from alltoken_app.providers.base import HeaderOf, UpstreamError

STATUS_OF = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "api_error": 500,
    "timeout_error": 504,
    "overloaded_error": 529,
    # AWS names the kind in a header, or in the name of an event.
    "throttlingexception": 429,
    "modelnotreadyexception": 429,
    "servicequotaexceededexception": 429,
    "modeltimeoutexception": 408,
    "modelerrorexception": 424,
    "modelstreamerrorexception": 424,
    "internalserverexception": 500,
    "serviceunavailableexception": 503,
    "validationexception": 400,
    "accessdeniedexception": 403,
    "resourcenotfoundexception": 404,
}
# A 400 whose words say more than its type. The first that is found counts.
WORDS = (
    ("prompt is too long", "context_length_exceeded"),
    ("input is too long", "context_length_exceeded"),
    ("exceed context limit", "context_length_exceeded"),
    ("exceeds the model's context", "context_length_exceeded"),
    ("context window", "context_length_exceeded"),
    ("too many total text bytes", "context_length_exceeded"),
    ("credit balance is too low", "upstream_quota_exhausted"),
    ("usage limits", "upstream_quota_exhausted"),
    ("content filtering policy", "content_policy_violation"),
    ("provided model identifier is invalid", "upstream_model_unavailable"),
    ("on-demand throughput isn", "upstream_model_unavailable"),
)
PATH = re.compile(r"([a-z_]+)(?:[.\[][\w.\[\]]*)?:")


class Told(msgspec.Struct):
    """The inner object; `status` is Google's word."""

    type: str | None = None
    message: str = ""
    status: str | None = None


class Body(msgspec.Struct):
    """A refusal; AWS says no more than `message`."""

    error: Told | None = None
    message: str | None = None


_body = msgspec.json.Decoder(Body | list[Body])
_told = msgspec.json.Decoder(Told)


def read(status: int, header: HeaderOf, payload: bytes) -> UpstreamError:
    """A refusal with its status."""
    wait = refusals.seconds(header("retry-after"))
    kind = header("x-amzn-errortype").partition(":")[0].lower()
    try:
        found = _body.decode(payload)
    except ValueError:
        found = Body()
    body = (found[0] if found else Body()) if isinstance(found, list) else found
    told = body.error or Told(message=body.message or "")
    return _meant(STATUS_OF.get(kind, status), told, wait)


def in_stream(raw: bytes) -> UpstreamError:
    """An error told inside a stream: `raw` is the inner object."""
    try:
        told = _told.decode(raw)
    except ValueError:
        told = Told()
    return _meant(STATUS_OF.get(told.type or "", 500), told, None)


def of_exception(kind: str, payload: bytes) -> UpstreamError:
    """An exception frame of an AWS event stream; `kind` is its name."""
    try:
        found = _body.decode(payload)
    except ValueError:
        found = Body()
    message = found.message if isinstance(found, Body) else ""
    return _meant(STATUS_OF.get(kind.lower(), 500), Told(message=message or ""), None)


def _meant(status: int, told: Told, wait: float | None) -> UpstreamError:
    said = told.message
    if status in (400, 413, 422):
        lowered = said.lower()
        code = next((code for words, code in WORDS if words in lowered), None)
        if code is not None:
            param = "messages" if code == "context_length_exceeded" else None
            return refusals.refusal(code, said=said, param=param, retry_after=wait)
    named = PATH.match(said)
    return refusals.by_status(
        status, said=said, param=named[1] if named else None, retry_after=wait
    )
