"""alltoken_app/api/errors.py and alltoken_app/api/app.py"""

import httpx
import pytest

from alltoken_app.crypto import new_token
from tests.api.conftest import Product

BODY = {"model": "fault/ok", "messages": [{"role": "user", "content": "hi"}]}


async def post(product: Product, **headers: str) -> httpx.Response:
    async with httpx.AsyncClient(base_url=product.url) as http:
        return await http.post("/v1/chat/completions", json=BODY, headers=headers)


@pytest.mark.parametrize(
    ("authorization", "code"),
    [
        (None, "missing_api_key"),
        ("Bearer nonsense", "invalid_api_key"),
        ("Basic abc", "invalid_api_key"),
        ("Bearer x' OR (SELECT pg_sleep(8))--", "invalid_api_key"),
        ("unknown", "invalid_api_key"),
    ],
)
async def test_a_key_that_does_not_work_is_401(
    product: Product, authorization: str | None, code: str
) -> None:
    if authorization == "unknown":
        authorization = "Bearer " + new_token("atk_test")
    answer = await post(product, **({"authorization": authorization} if authorization else {}))
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (401, code)
    assert error["request_id"] == answer.headers["x-request-id"]
    assert error["charged"] == "0"


async def test_two_different_credentials_are_refused(product: Product) -> None:
    answer = await post(
        product, **{"authorization": f"Bearer {product.key}", "x-api-key": new_token("atk_test")}
    )
    assert answer.json()["error"]["code"] == "ambiguous_auth"


async def test_the_scheme_may_be_lower_case(product: Product) -> None:
    assert (await post(product, authorization=f"bearer {product.key}")).status_code == 200


async def test_openrouters_mount_answers_in_its_dialect(product: Product) -> None:
    async with product.http() as http:
        answer = await http.post("/api/v1/chat/completions", json=BODY | {"model": "a/none"})
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (404, 404)
    assert error["metadata"]["error_type"] == "model_not_found"


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/v1/chat/completions", 405, "method_not_allowed"),
        ("GET", "/v1/nothing", 404, "not_found"),
        ("GET", "/v1/", 404, "not_found"),
        ("GET", "/v1/models/none/such", 404, "model_not_found"),
        ("GET", "/v1/models?limit=-1", 400, "invalid_value"),
        ("GET", "/v1/generation", 400, "invalid_value"),
        ("GET", "/v1/generation?id=gen_other", 404, "not_found"),
    ],
)
async def test_what_is_not_there_says_so(
    product: Product, method: str, path: str, status: int, code: str
) -> None:
    async with product.http() as http:
        answer = await http.request(method, path)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)


async def test_bodies_have_a_size_and_no_encoding(product: Product) -> None:
    async with product.http() as http:
        huge = b'{"model":"' + b"x" * (10 * 2**20) + b'"}'
        json_type = {"content-type": "application/json"}
        answer = await http.post("/v1/chat/completions", content=huge, headers=json_type)
        assert answer.status_code == 413
        zipped = {**json_type, "content-encoding": "gzip"}
        answer = await http.post("/v1/chat/completions", content=b"{}", headers=zipped)
        assert answer.status_code == 415


async def test_any_page_may_call_but_never_with_cookies(product: Product) -> None:
    async with product.http() as http:
        headers = {"origin": "https://elsewhere.example", "access-control-request-method": "POST"}
        answer = await http.options("/v1/chat/completions", headers=headers)
    assert answer.status_code == 204
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in answer.headers
