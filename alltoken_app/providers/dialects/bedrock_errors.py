"""Bedrock's refusals, in answers and in streams.

Wire format: https://docs.aws.amazon.com/bedrock/latest/userguide/troubleshooting-api-error-codes.html
"""

import msgspec

from alltoken_app.providers import refusals
from alltoken_app.providers.base import HeaderOf, UpstreamError

# What the name of an exception says beyond its status, in lower case.
CODES = {
    "throttlingexception": "upstream_rate_limited",
    "toomanyrequestsexception": "upstream_rate_limited",
    "servicequotaexceededexception": "upstream_quota_exhausted",
    "modelnotreadyexception": "upstream_overloaded",
    "serviceunavailableexception": "upstream_overloaded",
    "serviceunavailable": "upstream_overloaded",
    "modeltimeoutexception": "upstream_timeout",
    "resourcenotfoundexception": "upstream_model_unavailable",
    "accessdeniedexception": "upstream_auth_error",
    "unrecognizedclientexception": "upstream_auth_error",
    "invalidsignatureexception": "upstream_auth_error",
    "expiredtokenexception": "upstream_auth_error",
    "incompletesignature": "upstream_auth_error",
}
STATUSES = {
    "internalserverexception": 500,
    "modelerrorexception": 424,
    "modelstreamerrorexception": 424,
    "validationexception": 400,
}
# Words of a ValidationException that say more than it. The first that is found counts.
WORDS = (
    ("input is too long", "context_length_exceeded"),
    ("prompt is too long", "context_length_exceeded"),
    ("input tokens exceeded", "context_length_exceeded"),
    ("too many input tokens", "context_length_exceeded"),
    ("exceed context limit", "context_length_exceeded"),
    ("maximum context length", "context_length_exceeded"),
    ("context window", "context_length_exceeded"),
    ("exceeds the model limit", "context_length_exceeded"),
    ("model identifier is invalid", "upstream_model_unavailable"),
    ("on-demand throughput isn", "upstream_model_unavailable"),
    ("reached the end of its life", "upstream_model_unavailable"),
    ("marked by provider as legacy", "upstream_model_unavailable"),
    ("too many tokens, please wait", "upstream_rate_limited"),
    ("too many requests", "upstream_rate_limited"),
    ("content filtering policy", "content_policy_violation"),
    ("blocked by our content filters", "content_policy_violation"),
)


class Body(msgspec.Struct):
    message: str | None = None
    Message: str | None = None


_body = msgspec.json.Decoder(Body)


def read(status: int, header: HeaderOf, payload: bytes) -> UpstreamError:
    """A refusal with its status."""
    kind = header("x-amzn-errortype").partition(":")[0]
    return _meant(kind, status, _message(payload), refusals.seconds(header("retry-after")))


def in_stream(kind: str, payload: bytes) -> UpstreamError:
    """An exception inside a stream, by its name."""
    return _meant(kind, STATUSES.get(kind.lower(), 500), _message(payload), None)


def _message(payload: bytes) -> str:
    try:
        found = _body.decode(payload)
    except ValueError:
        return ""
    return found.message or found.Message or ""


def _meant(kind: str, status: int, said: str, wait: float | None) -> UpstreamError:
    code = CODES.get(kind.lower())
    if code is None and status in (400, 413):
        lowered = said.lower()
        code = next((code for words, code in WORDS if words in lowered), None)
    if code is None:
        return refusals.by_status(status, said=said, retry_after=wait)
    param = "messages" if code == "context_length_exceeded" else None
    return refusals.refusal(code, said=said, param=param, retry_after=wait)
