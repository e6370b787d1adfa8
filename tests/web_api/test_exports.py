"""alltoken_app/web_api/exports.py"""

import csv
import io
from urllib.parse import urlencode

import httpx
import pytest
from sqlmodel import Session

from alltoken_app import db
from alltoken_app.ledger import accounts, credits
from alltoken_app.services import activity, activity_csv, activity_query
from alltoken_app.services.sessions import SignedIn
from alltoken_app.tables.key import ApiKey
from alltoken_app.tables.ledger import LotKind
from tests.people import sign_in
from tests.services.usage_rows import request
from tests.web_api.conftest import ON_SQLITE, Browser

pytestmark = ON_SQLITE
RANGE = {"from": "2026-11-22", "to": "2026-11-22"}


def rows(answer: httpx.Response) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(answer.text)))


async def download(browser: Browser, who: SignedIn, **query: str) -> httpx.Response:
    return await browser(who).get(f"/web/activity.csv?{urlencode(RANGE | query)}")


async def fill(who: SignedIn, count: int) -> None:
    def add(session: Session) -> None:
        for number in range(1, count + 1):
            status = "ok" if number % 3 else "failed"
            session.add(
                request(
                    number,
                    f"2026-11-22 {number * 5 // 3600:02d}:{number * 5 // 60 % 60:02d}",
                    id=f"gen_{number:05d}",
                    org_id=who.actor.org_id,
                    key_id=None,
                    status=status,
                )
            )

    await db.run(add)


async def test_the_download_is_exactly_the_filtered_list(browser: Browser) -> None:
    mira = await sign_in()
    await fill(mira, 30)
    query = RANGE | {"status": "trouble"}
    found = rows(await download(browser, mira, status="trouble"))
    period = activity_query.read_period(query)
    wanted = activity_query.read_filter(query, period, "sandbox")
    page = await db.read(activity.page, mira.actor, wanted)
    assert [row["id"] for row in found] == [row.id for row in page.rows]
    assert len(found) == page.total == 10


async def test_a_long_list_comes_whole_and_in_order(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(activity_csv, "ROWS", 7)  # parts of seven: 30 rows in five parts
    mira = await sign_in()
    await fill(mira, 30)
    ids = [row["id"] for row in rows(await download(browser, mira))]
    assert ids == sorted(ids, reverse=True)
    assert len(set(ids)) == 30


async def test_amounts_are_exact_and_times_on_the_chosen_clock(browser: Browser) -> None:
    mira = await sign_in()
    await fill(mira, 1)
    answer = await download(browser, mira, tz="Asia/Kathmandu")
    (row,) = rows(answer)
    assert (row["cost_usd"], row["held_usd"]) == ("0.000001", "0.00001")
    assert row["time"] == "2026-11-22T05:45:00.000+05:45"
    assert 'filename="alltoken-activity-' in answer.headers["content-disposition"]
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"


async def test_others_and_nobody_get_nothing(browser: Browser) -> None:
    mira, eve = await sign_in(), await sign_in("Eve")
    await fill(mira, 3)
    assert rows(await download(browser, eve)) == []
    for path in ("/web/activity.csv", "/web/wallet.csv"):
        answer = await browser().get(path)
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, "signed_out")


@pytest.mark.parametrize("query", [{"from": "soon"}, {"tz": "Mars/Base"}, {"status": "odd"}])
async def test_a_filter_that_makes_no_sense_is_refused(
    browser: Browser, query: dict[str, str]
) -> None:
    answer = await browser(await sign_in()).get(f"/web/activity.csv?{urlencode(query)}")
    assert answer.status_code == 400


async def test_no_cell_is_a_formula(browser: Browser) -> None:
    mira = await sign_in()

    def add(session: Session) -> None:
        session.add(
            ApiKey(
                id="key_a",
                org_id=mira.actor.org_id,
                created_by=mira.actor.person_id,
                name='=HYPERLINK("//evil.example")',
                digest="d",
                display="atk_test_…",
                book="sandbox",
            )
        )
        session.add(request(1, "2026-11-22 12:00", org_id=mira.actor.org_id))

    await db.run(add)
    (row,) = rows(await download(browser, mira))
    assert row["key"] == '\'=HYPERLINK("//evil.example")'


async def test_the_wallet_statement_adds_up(browser: Browser) -> None:
    mira = await sign_in()

    def add(session: Session) -> None:
        wallet = accounts.open_wallet(session, mira.actor.org_id, "sandbox")
        credits.grant(
            session, wallet.id, LotKind.PROMO, 5 * 10**9, effect="test", actor="staff", reason="hi"
        )

    await db.run(add)
    found = rows(await browser(mira).get("/web/wallet.csv"))
    assert [row["type"] for row in found][0::2] == ["Opening balance", "Closing balance"]
    assert [row["balance_usd"] for row in found] == ["0", "5", "5"]
