"""alltoken_app/providers/dialects/bedrock_errors.py"""

import json
from typing import Any

import pytest

from alltoken_app.providers.dialects.bedrock_converse import Converse

DIALECT = Converse()
LONG = "Input is too long for requested model."
UNKNOWN = "The provided model identifier is invalid."


def headers(**known: str) -> Any:
    return lambda name: {key.replace("_", "-"): value for key, value in known.items()}.get(name, "")


@pytest.mark.parametrize(
    ("status", "kind", "said", "code"),
    [
        (400, "ValidationException:http://internal.example/", "bad", "upstream_rejected"),
        (400, "ValidationException", LONG, "context_length_exceeded"),
        (400, "ValidationException", UNKNOWN, "upstream_model_unavailable"),
        (400, "ServiceQuotaExceededException", "quota", "upstream_quota_exhausted"),
        (403, "AccessDeniedException", "no", "upstream_auth_error"),
        (403, "ExpiredTokenException", "no", "upstream_auth_error"),
        (404, "ResourceNotFoundException", "no", "upstream_model_unavailable"),
        (408, "ModelTimeoutException", "slow", "upstream_timeout"),
        (424, "ModelErrorException", "oh", "upstream_error"),
        (429, "ThrottlingException", "wait", "upstream_rate_limited"),
        (429, "ModelNotReadyException", "wait", "upstream_overloaded"),
        (500, "InternalServerException", "oh", "upstream_error"),
        (503, "ServiceUnavailableException", "oh", "upstream_overloaded"),
        (418, "", "", "upstream_error"),
    ],
)  # fmt: skip
def test_refusals(status: int, kind: str, said: str, code: str) -> None:
    known = headers(x_amzn_errortype=kind)
    error = DIALECT.read_error(status, known, json.dumps({"message": said}).encode())
    assert error.code == code
    assert error.client_fault == (code in ("upstream_rejected", "context_length_exceeded"))
    assert error.said == (said if error.client_fault else "")


def test_a_refusal_without_words_is_one() -> None:
    assert DIALECT.read_error(429, headers(retry_after="3"), b"<html>").retry_after == 3
    assert DIALECT.read_error(400, headers(), b"").code == "upstream_rejected"
