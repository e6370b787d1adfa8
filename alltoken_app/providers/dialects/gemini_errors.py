"""Google's refusals in our words.

Wire format: https://cloud.google.com/apis/design/errors
"""

import re
from typing import Any

import msgspec

from alltoken_app.providers import refusals
from alltoken_app.providers.base import UpstreamError

TOO_LONG = re.compile(
    r"input token count.{0,40}exceeds|exceeds the maximum number of tokens|"
    r"input context is too long",
    re.IGNORECASE,
)
DELAY = re.compile(r"(\d{1,6}(?:\.\d+)?)s")
FIELDS = (
    (re.compile(r"(?:generation_?config)\.response_?(?:json_?)?schema", re.I), "response_format"),
    (re.compile(r"generation_?config\.stop_?sequences", re.I), "stop"),
    (re.compile(r"generation_?config\.thinking_?config", re.I), "reasoning"),
    (re.compile(r"tools\[", re.I), "tools"),
    (re.compile(r"function_?declaration", re.I), "tools"),
    (re.compile(r"tool_?config", re.I), "tool_choice"),
    (re.compile(r"contents?\[|system_?instruction", re.I), "messages"),
)
# Statuses that say more than the number they come with.
KNOWN = {
    "UNAUTHENTICATED": "upstream_auth_error",
    "PERMISSION_DENIED": "upstream_auth_error",
    "FAILED_PRECONDITION": "upstream_auth_error",  # billing is off, or our region is not served
    "NOT_FOUND": "upstream_model_unavailable",
    "RESOURCE_EXHAUSTED": "upstream_rate_limited",
    "UNAVAILABLE": "upstream_overloaded",
    "DEADLINE_EXCEEDED": "upstream_timeout",
}


class Detail(msgspec.Struct, rename="camel"):
    """Any of the kinds of details; each has some of these."""

    reason: str | None = None
    retry_delay: str | None = None
    violations: list[dict[str, Any]] = []
    field_violations: list[dict[str, Any]] = []


class Body(msgspec.Struct):
    code: int | str | None = None
    message: str | None = None
    status: str | None = None
    details: list[Detail] | None = None


class Document(msgspec.Struct):
    error: Body


_document = msgspec.json.Decoder(Document | list[Document])


def read(status: int, payload: bytes) -> UpstreamError:
    """What a refusal means. A list of one is how Google refuses a stream."""
    try:
        found = _document.decode(payload)
    except ValueError:
        return refusals.by_status(status)
    if isinstance(found, list):
        if not found:
            return refusals.by_status(status)
        found = found[0]
    return of(found.error, status)


def of(body: Body, status: int = 500) -> UpstreamError:
    """What an error object means; `status` where it has no number of its own."""
    number = body.code if isinstance(body.code, int) and 400 <= body.code < 600 else status
    said, details = body.message or "", body.details or []
    code = _code(body, number, details)
    if code is None:
        return refusals.by_status(number, said=said, param=_param(said, details))
    param = "messages" if code == "context_length_exceeded" else None
    return refusals.refusal(code, said=said, param=param, retry_after=_delay(details))


def _code(body: Body, status: int, details: list[Detail]) -> str | None:
    said = body.message or ""
    if any((detail.reason or "").startswith("API_KEY_") for detail in details):
        return "upstream_auth_error"
    if status == 400 and TOO_LONG.search(said):
        return "context_length_exceeded"
    if body.status == "RESOURCE_EXHAUSTED" and _daily(details):
        return "upstream_quota_exhausted"
    if body.status in KNOWN:
        return KNOWN[body.status]
    return "upstream_overloaded" if status == 503 else None


def _daily(details: list[Detail]) -> bool:
    """A quota that no wait of a request's length brings back."""
    ids = [str(one.get("quotaId", "")) for detail in details for one in detail.violations]
    return any("PerDay" in quota for quota in ids)


def _delay(details: list[Detail]) -> float | None:
    for detail in details:
        found = DELAY.fullmatch(detail.retry_delay or "")
        if found:
            return float(found[1])
    return None


def _param(said: str, details: list[Detail]) -> str | None:
    """Which of the caller's fields the words are about."""
    named = [str(one.get("field", "")) for detail in details for one in detail.field_violations]
    for text in (*named, said):
        for pattern, param in FIELDS:
            if pattern.search(text):
                return param
    return None
