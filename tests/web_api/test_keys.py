"""alltoken_app/web_api/keys.py"""

from typing import Any

import pytest

from alltoken_app import db
from alltoken_app.clock import DAY, HOUR, now_ms
from alltoken_app.crypto import token_digest
from alltoken_app.services import keys, management_keys
from tests.people import sign_in
from tests.web_api.conftest import ON_SQLITE, SECRETS, Browser

pytestmark = ON_SQLITE


async def test_a_new_key_works_and_is_answered_once(browser: Browser) -> None:
    mira = await sign_in()
    here = browser(mira)
    form = {"name": "ci", "limit_usd": "25", "period": "week", "days": "30", "models": ""}
    answer = await here.post("/web/keys", json=form)
    made = answer.json()
    assert (answer.status_code, answer.headers["cache-control"]) == (201, "no-store")
    assert (made["name"], made["limit"], made["period"]) == ("ci", "$25.00", "week")
    assert abs(made["expires_at"] - now_ms() - 30 * DAY) < HOUR
    found = await db.read(keys.find_by_digest, token_digest(SECRETS.pepper, made["secret"]))
    assert found is not None
    assert found.org_id == mira.actor.org_id
    (listed,) = await db.read(keys.list_keys, mira.actor)
    assert made["secret"] not in repr(listed)


async def test_a_rotated_secret_leaves_the_old_one_its_grace(browser: Browser) -> None:
    here = browser(await sign_in())
    old = (await here.post("/web/keys", json={"name": "ci"})).json()
    new = (await here.post("/web/keys/rotate", json={"id": old["id"], "hours": "1"})).json()
    assert (new["id"], new["secret"] == old["secret"]) == (old["id"], False)
    kept = await db.read(keys.find_by_digest, token_digest(SECRETS.pepper, old["secret"]))
    assert kept is not None
    assert kept.expires_at is not None
    assert abs(kept.expires_at - now_ms() - HOUR) < HOUR / 10


@pytest.mark.parametrize(
    ("form", "param"),
    [
        ({"name": ""}, "name"),
        ({"name": "ci", "limit_usd": "lots"}, "limit_usd"),
        ({"name": "ci", "limit_usd": "1", "period": "year"}, "period"),
        ({"name": "ci", "days": "-1"}, "days"),
        ({"name": "ci", "days": "99999"}, "expires_at"),
        ({"name": "ci", "models": "no/such"}, "models"),
    ],
)
async def test_a_wrong_field_is_named(browser: Browser, form: dict[str, Any], param: str) -> None:
    answer = await browser(await sign_in()).post("/web/keys", json=form)
    assert answer.status_code == 422
    assert answer.json()["error"]["param"] == param


async def test_nobody_and_others_make_no_secret(browser: Browser) -> None:
    mine = (await browser(await sign_in()).post("/web/keys", json={"name": "ci"})).json()
    assert (await browser().post("/web/keys", json={"name": "ci"})).status_code == 401
    eve = browser(await sign_in("Eve"))
    assert (await eve.post("/web/keys/rotate", json={"id": mine["id"]})).status_code == 404
    viewer = browser(await sign_in("Vera", role="viewer"))
    assert (await viewer.post("/web/keys", json={"name": "ci"})).status_code == 403


async def test_a_new_management_key_works_and_is_answered_once(browser: Browser) -> None:
    mira = await sign_in()
    made = (await browser(mira).post("/web/keys/management", json={"name": "robot"})).json()
    assert made["secret"].startswith("atm_")
    digest = token_digest(SECRETS.pepper, made["secret"])
    assert (await db.run(management_keys.use, digest)).org_id == mira.actor.org_id
    (listed,) = await db.read(management_keys.list_keys, mira.actor)
    assert made["secret"] not in repr(listed)
