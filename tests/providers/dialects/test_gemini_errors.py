"""alltoken_app/providers/dialects/gemini_errors.py"""

import json
from typing import Any

import pytest

from alltoken_app.providers.dialects.gemini import Gemini
from tests.providers.dialects.gemini_case import no_header

KIND = "type.googleapis.com/google.rpc."


def refused(code: int, status: str, message: str = "no", *details: dict[str, Any]) -> bytes:
    error = {"code": code, "message": message, "status": status, "details": details}
    return json.dumps({"error": error}).encode()


@pytest.mark.parametrize(
    ("status", "payload", "code", "retry"),
    [
        (400, refused(400, "INVALID_ARGUMENT"), "upstream_rejected", False),
        (400, refused(400, "INVALID_ARGUMENT", "API key not valid.",
                      {"@type": KIND + "ErrorInfo", "reason": "API_KEY_INVALID"}),
         "upstream_auth_error", True),
        (400, refused(400, "FAILED_PRECONDITION", "User location is not supported."),
         "upstream_auth_error", True),
        (400, refused(400, "INVALID_ARGUMENT", "The input token count (9) exceeds the maximum "
                                               "number of tokens allowed (8)."),
         "context_length_exceeded", False),
        (401, refused(401, "UNAUTHENTICATED"), "upstream_auth_error", True),
        (403, refused(403, "PERMISSION_DENIED"), "upstream_auth_error", True),
        (404, refused(404, "NOT_FOUND"), "upstream_model_unavailable", True),
        (429, refused(429, "RESOURCE_EXHAUSTED"), "upstream_rate_limited", True),
        (429, refused(429, "RESOURCE_EXHAUSTED", "no", {
            "@type": KIND + "QuotaFailure", "violations": [{"quotaId": "RequestsPerDayPerModel"}]}),
         "upstream_quota_exhausted", True),
        (499, refused(499, "CANCELLED"), "upstream_error", False),
        (500, refused(500, "INTERNAL"), "upstream_error", True),
        (503, refused(503, "UNAVAILABLE"), "upstream_overloaded", True),
        (504, refused(504, "DEADLINE_EXCEEDED"), "upstream_timeout", True),
        (503, b"<html>busy</html>", "upstream_error", True),
        (429, b"[]", "upstream_rate_limited", True),
    ],
)  # fmt: skip
def test_every_refusal_has_its_meaning(status: int, payload: bytes, code: str, retry: bool) -> None:
    for said in (payload, b"[" + payload + b"]"):  # a list is how streams are refused
        if said == b"[<html>busy</html>]" or said == b"[[]]":
            continue
        error = Gemini().read_error(status, no_header, said)
        assert (error.code, error.retry, error.client_fault) == (
            code, retry, code in ("upstream_rejected", "context_length_exceeded"),
        )  # fmt: skip


def test_the_wait_it_asks_for_is_known() -> None:
    delay = {"@type": KIND + "RetryInfo", "retryDelay": "12.5s"}
    error = Gemini().read_error(429, no_header, refused(429, "RESOURCE_EXHAUSTED", "no", delay))
    assert error.retry_after == 12.5


@pytest.mark.parametrize(
    ("field", "param"),
    [
        ("generation_config.response_json_schema.properties[2].value", "response_format"),
        ("tools[0].function_declarations[3].parameters_json_schema", "tools"),
        ("contents[4].parts[0]", "messages"),
        ("tool_config.function_calling_config", "tool_choice"),
        ("something.new", None),
    ],
)
def test_a_fault_of_the_callers_names_the_callers_field(field: str, param: str | None) -> None:
    detail = {"@type": KIND + "BadRequest", "fieldViolations": [{"field": field}]}
    payload = refused(400, "INVALID_ARGUMENT", f"Unknown name at '{field}'", detail)
    error = Gemini().read_error(400, no_header, payload)
    assert error.param == param
    assert field in error.said


def test_words_about_our_account_are_not_shown() -> None:
    payload = refused(403, "PERMISSION_DENIED", "projects/ours-1 lacks aiplatform.predict")
    error = Gemini().read_error(403, no_header, payload)
    assert "ours" not in error.said + error.message
