"""What providers' refusals mean: one table, whatever words a provider has for them."""

import re

from alltoken_app.providers.base import UpstreamError

LONGEST = 500
# Whatever looks like a credential or an account of ours is not the caller's to see.
SECRETS = re.compile(
    r"\b(?:sk-|pk-|org-|proj_|AIza|AKIA|ASIA|gsk_|xai-|hf_|arn:aws:|projects/)[\w:/.*-]*|"
    r"\b\d{12}\b|\b[\w.+-]+@[\w-]+\.[\w.]+",
)
TEXTS = {
    "context_length_exceeded": "The input and the asked-for output do not fit the model's context.",
    "content_policy_violation": "The provider's content policy refused the request.",
    "upstream_rejected": "The provider refused the request as invalid.",
    "upstream_rate_limited": "The provider is busy.",
    "upstream_overloaded": "The provider is overloaded.",
    "upstream_quota_exhausted": "Our account at the provider is exhausted.",
    "upstream_auth_error": "The provider refused our account.",
    "upstream_model_unavailable": "The provider does not serve this model now.",
    "upstream_timeout": "The provider did not answer in time.",
}
CLIENT_FAULTS = frozenset(
    {"context_length_exceeded", "content_policy_violation", "upstream_rejected"}
)


def refusal(
    code: str, *, said: str = "", param: str | None = None, retry_after: float | None = None
) -> UpstreamError:
    """An error of the table by its code."""
    fault = code in CLIENT_FAULTS
    return UpstreamError(
        code,
        TEXTS[code],
        retry=not fault,
        client_fault=fault,
        param=param,
        said=presentable(said) if fault else "",
        retry_after=retry_after,
    )


def by_status(
    status: int, *, said: str = "", param: str | None = None, retry_after: float | None = None
) -> UpstreamError:
    """What a status means where the provider's own words say no more."""
    code = {
        401: "upstream_auth_error",
        402: "upstream_quota_exhausted",
        403: "upstream_auth_error",
        404: "upstream_model_unavailable",
        408: "upstream_timeout",
        413: "upstream_rejected",
        422: "upstream_rejected",
        400: "upstream_rejected",
        429: "upstream_rate_limited",
        504: "upstream_timeout",
        529: "upstream_overloaded",
    }.get(status)
    if code is not None:
        return refusal(code, said=said, param=param, retry_after=retry_after)
    retry = status in (409, 424, 425) or status >= 500
    text = f"The provider failed ({status})."
    return UpstreamError("upstream_error", text, retry=retry, retry_after=retry_after)


def presentable(said: str) -> str:
    """A provider's message, fit for the caller who sent the request: short, without secrets."""
    return SECRETS.sub("[…]", " ".join(said.split()))[:LONGEST]


def seconds(said: str) -> float | None:
    """A Retry-After in seconds; None for anything else (a date, nonsense)."""
    return float(said) if said.isascii() and said.isdigit() and len(said) < 6 else None
