"""alltoken_app/web_api/http.py and app.py"""

import json

import pytest

from alltoken_app.services import accounts
from alltoken_app.web_api import http
from alltoken_app.web_api.app import ROUTES
from tests.web_api.conftest import ON_SQLITE, ORIGIN, Browser

pytestmark = ON_SQLITE

POSTS = sorted(
    route.path for route in ROUTES if "POST" in route.methods and route.path.startswith("/web/")
)


@pytest.mark.parametrize("path", POSTS)
async def test_every_post_refuses_other_sites(browser: Browser, path: str) -> None:
    here = browser()
    for origin in ("https://evil.example", "null", "http://localhost:3001", f"{ORIGIN}.evil"):
        answer = await here.post(path, json={}, headers={"origin": origin})
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "csrf_failed")
    del here.headers["origin"]
    assert (await here.post(path, json={})).status_code == 403
    form = await here.post(path, data={"email": "x"}, headers={"origin": "https://evil.example"})
    assert form.status_code == 403


async def test_json_disguised_as_text_is_refused(browser: Browser) -> None:
    body = json.dumps({"email": "mira@example.org"})
    answer = await browser().post(
        "/web/forgot", content=body, headers={"content-type": "text/plain"}
    )
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "csrf_failed")


@pytest.mark.parametrize(
    ("content", "kind", "status", "code"),
    [
        (b"{", http.JSON, 400, "invalid_body"),
        (b"[]", http.JSON, 400, "invalid_body"),
        (b'{"email": {"$ne": ""}}', http.JSON, 400, "invalid_body"),
        (b'{"email": "\xff"}', http.JSON, 400, "invalid_body"),
        (b'{"email": true}', http.JSON, 422, "invalid_value"),
        (b'{"email": "' + b"x" * 70_000 + b'"}', http.JSON, 413, "request_too_large"),
        (b"a;" * 40_000, http.FORM, 303, "request_too_large"),
        (b"a=1&" * 60, http.FORM, 303, "invalid_body"),
        (b"email=%ff", http.FORM, 303, "invalid_body"),
    ],
)
async def test_a_body_that_makes_no_sense_is_refused(
    browser: Browser, content: bytes, kind: str, status: int, code: str
) -> None:
    answer = await browser().post("/web/forgot", content=content, headers={"content-type": kind})
    assert answer.status_code == status
    if status == 303:
        assert answer.headers["location"] == f"/forgot?error={code}"
    else:
        assert answer.json()["error"]["code"] == code


async def test_every_answer_has_an_id_and_is_kept_nowhere(browser: Browser) -> None:
    answers = [await browser().get("/web/nothing"), await browser().get("/web/sign-in")]
    answers.append(await browser().post("/web/sign-in", json={}))
    for answer in answers:
        error = answer.json()["error"]
        assert set(error) == {"message", "code", "param", "request_id"}
        assert answer.headers["x-request-id"] == error["request_id"]
        assert answer.headers["cache-control"] == "no-store"
    assert [answer.status_code for answer in answers] == [404, 405, 401]


async def test_an_unexpected_error_says_nothing_of_what_it_knew(
    browser: Browser, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_args: object) -> None:
        raise LookupError("mira@example.org")

    monkeypatch.setattr(accounts, "request_reset", fail)
    answer = await browser().post("/web/forgot", json={"email": "mira@example.org"})
    assert answer.status_code == 500
    assert "err_" in answer.json()["error"]["message"]
    logged = capsys.readouterr()
    assert "mira@example.org" not in answer.text + logged.out + logged.err
    assert "LookupError" in logged.out + logged.err
