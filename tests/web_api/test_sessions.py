"""alltoken_app/web_api/sessions.py: the journeys of an account over HTTP"""

import re
from typing import Any

import httpx
import pytest

from alltoken_app import db, passwords
from alltoken_app.services import acceptances, accounts, sessions
from alltoken_app.services.sessions import COOKIE
from tests.people import PASSWORD, form, mailed_token, mails, sign_in
from tests.web_api.conftest import ON_SQLITE, Browser

pytestmark = ON_SQLITE

SIGN_UP: dict[str, Any] = {
    "name": "Mira",
    "email": "mira@example.org",
    "password": PASSWORD,
    "age": True,
    "terms": True,
    "privacy": True,
}
CREDENTIALS = {"email": "mira@example.org", "password": PASSWORD}


def told(answer: httpx.Response) -> tuple[int, Any]:
    """Status and body, without what differs between any two requests."""
    body = answer.json()
    body.get("error", {}).pop("request_id", None)
    return answer.status_code, body


async def test_from_signing_up_to_signing_out(browser: Browser) -> None:
    here = browser()
    answer = await here.post("/web/sign-up", json=SIGN_UP)
    assert told(answer) == (200, {"redirect": "/verify?sent=1"})
    assert "set-cookie" not in answer.headers
    token = await mailed_token()
    answer = await here.post("/web/verify", json={"token": token})
    assert told(answer) == (200, {"redirect": "/signin?verified=1"})
    answer = await here.post("/web/sign-in", json=CREDENTIALS | {"next": "/app/keys"})
    assert told(answer) == (200, {"redirect": "/app/keys"})
    assert (await here.post("/web/token")).status_code == 200
    answer = await here.post("/web/sign-out")
    assert told(answer) == (200, {"redirect": "/"})
    assert told(await here.post("/web/token"))[0] == 401


async def test_the_cookie_is_for_this_host_and_no_script(browser: Browser) -> None:
    await accounts.create_confirmed(form())
    answer = await browser().post("/web/sign-in", json=CREDENTIALS)
    (cookie,) = answer.headers.get_list("set-cookie")
    name_and_value, *attributes = [part.strip() for part in cookie.split(";")]
    assert re.fullmatch(r"__Host-at_s=[\w-]{43}", name_and_value)
    assert {part.lower() for part in attributes} == {
        "httponly",
        "max-age=604800",
        "path=/",
        "samesite=lax",
        "secure",
    }


async def test_forms_work_without_javascript(browser: Browser) -> None:
    here = browser()
    ticked = {"age": "on", "terms": "on", "privacy": "on"}
    answer = await here.post("/web/sign-up", data=SIGN_UP | ticked)
    assert (answer.status_code, answer.headers["location"]) == (303, "/verify?sent=1")
    token = await mailed_token()
    answer = await here.post("/web/verify", data={"token": token})
    assert answer.headers["location"] == "/signin?verified=1"
    answer = await here.post("/web/verify", data={"token": token})
    assert answer.headers["location"] == f"/verify?error=invalid_token&token={token}"
    answer = await here.post("/web/sign-in", data={"email": "x", "next": "/app?a=1"})
    assert answer.headers["location"] == "/signin?error=invalid_credentials&next=%2Fapp%3Fa%3D1"
    answer = await here.post("/web/sign-in", data=CREDENTIALS | {"next": "//evil.example"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert COOKIE in here.cookies
    answer = await here.post("/web/sign-out", data={"x": ""})
    assert answer.headers["location"] == "/"
    assert COOKIE not in here.cookies


async def test_one_box_may_stand_for_all_documents_but_an_old_version_for_none(
    browser: Browser,
) -> None:
    without = {name: value for name, value in SIGN_UP.items() if name != "privacy"}
    version = acceptances.DOCUMENTS[0].version
    for terms, status in ((True, 200), (version, 200), (False, 422), ("2020-01-01", 422)):
        answer = await browser().post("/web/sign-up", json=without | {"terms": terms})
        assert answer.status_code == status
    assert answer.json()["error"]["param"] == "terms"


async def test_errors_name_their_field(browser: Browser) -> None:
    answer = await browser().post("/web/sign-up", json=SIGN_UP | {"password": "short"})
    status, body = told(answer)
    assert (status, body["error"]["code"]) == (422, "weak_password")
    assert body["error"]["param"] == "password"


async def test_what_a_form_must_not_say_has_no_effect(browser: Browser) -> None:
    extra = {"role": "owner", "org_id": "org_1", "verified_at": "1", "is_admin": True}
    assert (await browser().post("/web/sign-up", json=SIGN_UP | extra)).status_code == 200
    answer = await browser().post("/web/sign-in", json=CREDENTIALS)
    assert answer.status_code == 401


async def test_known_and_unknown_addresses_get_the_same_answer_for_the_same_work(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The work that takes time is argon2; both must do as much of it."""
    here, work = browser(), []
    for name in ("hash_password", "verify"):
        real = getattr(passwords, name)

        async def counted(*given: Any, real: Any = real, name: str = name) -> Any:
            work.append(name)
            return await real(*given)

        monkeypatch.setattr(passwords, name, counted)
    await accounts.create_confirmed(form())
    requests: list[tuple[str, dict[str, Any], list[str]]] = [
        ("/web/sign-in", {"password": "wrong-otter-wrong"}, ["verify"]),
        ("/web/forgot", {}, []),
        ("/web/resend", {}, []),
        ("/web/sign-up", SIGN_UP, ["hash_password"]),
    ]
    for path, fields, expected in requests:
        answers = []
        for email in ("mira@example.org", "nobody@example.org"):
            work.clear()
            answers.append(told(await here.post(path, json=fields | {"email": email})))
            assert work == expected
        assert answers[0] == answers[1]
    assert {(mail.recipient, mail.kind) for mail in await mails()} == {
        ("mira@example.org", "reset_password"),
        ("mira@example.org", "already_registered"),
        ("nobody@example.org", "confirm_address"),  # its sign-up was real
    }


async def test_the_sixth_failure_is_told_to_wait_whoever_it_is(browser: Browser) -> None:
    await accounts.create_confirmed(form())
    for email in ("mira@example.org", "nobody@example.org"):
        fields = {"email": email, "password": "wrong-otter-wrong"}
        statuses = [
            (await browser().post("/web/sign-in", json=fields)).status_code for _ in range(6)
        ]
        assert statuses == [401] * 5 + [429]
        answer = await browser().post("/web/sign-in", json=fields)
        assert 0 < int(answer.headers["retry-after"]) <= 900
        assert answer.json()["error"]["code"] == "too_many_attempts"


async def test_links_in_mails_come_from_the_settings_not_from_the_request(
    browser: Browser,
) -> None:
    await accounts.create_confirmed(form())
    headers = {"host": "evil.example", "x-forwarded-host": "evil.example"}
    answer = await browser().post("/web/forgot", json=CREDENTIALS, headers=headers)
    assert answer.status_code == 200
    text = (await mails())[-1].text
    assert "evil" not in text
    assert "http://localhost:3000/reset?token=" in text


async def test_a_new_password_ends_every_session(browser: Browser) -> None:
    person_id = await accounts.create_confirmed(form())
    elsewhere = browser(await db.run(sessions.start, person_id))
    await browser().post("/web/forgot", json=CREDENTIALS)
    fields = {"token": await mailed_token(), "password": "another-otter-sings-9"}
    answer = await browser().post("/web/reset", json=fields)
    assert told(answer) == (200, {"redirect": "/signin?reset=1"})
    assert (await elsewhere.post("/web/token")).status_code == 401
    assert (await browser().post("/web/reset", json=fields)).status_code == 400


async def test_signing_out_everywhere_means_everywhere(browser: Browser) -> None:
    mira = await sign_in("Mira")
    here, there = browser(mira), browser(await db.run(sessions.start, mira.actor.person_id))
    eve = browser(await sign_in("Eve"))
    assert told(await here.post("/web/sign-out-everywhere"))[1] == {"redirect": "/signin"}
    assert [(await each.post("/web/token")).status_code for each in (here, there, eve)] == [
        401,
        401,
        200,
    ]
    assert (await here.post("/web/sign-out-everywhere")).status_code == 401


async def test_who_is_signed_in_already_goes_on_after_confirming(browser: Browser) -> None:
    await accounts.sign_up(form())
    token = await mailed_token()
    stranger = browser(await sign_in("Eve"))
    answer = await stranger.post("/web/verify", json={"token": token})
    assert told(answer)[1] == {"redirect": "/signin?verified=1"}
