"""alltoken_app/web_api/tokens.py"""

from alltoken_app import crypto, db
from alltoken_app.clock import MINUTE, now_ms
from alltoken_app.services import sessions
from tests.people import sign_in
from tests.web_api.conftest import ON_SQLITE, SECRETS, Browser

pytestmark = ON_SQLITE


async def test_a_signed_in_page_gets_a_token_that_dies_with_the_session(browser: Browser) -> None:
    signed_in = await sign_in()
    here = browser(signed_in)
    answer = (await here.post("/web/token")).json()
    assert 14 * MINUTE < answer["expires_at"] - now_ms() <= 15 * MINUTE
    digest = crypto.token_digest(SECRETS.pepper, answer["token"])
    caller = await db.read(sessions.find_browser_token, digest)
    assert caller is not None
    assert caller.person_id == signed_in.actor.person_id
    await here.post("/web/sign-out")
    assert await db.read(sessions.find_browser_token, digest) is None


async def test_without_a_session_there_is_no_token(browser: Browser) -> None:
    for here in (browser(), browser(headers={"cookie": f"{sessions.COOKIE}=x"})):
        answer = await here.post("/web/token")
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, "signed_out")


async def test_a_token_is_not_given_to_a_get(browser: Browser) -> None:
    assert (await browser(await sign_in()).get("/web/token")).status_code == 405
