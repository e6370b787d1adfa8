"""alltoken_app/payments/sandbox/pay_routes.py and pay_page.py"""

import re
from pathlib import Path
from typing import Any

import pytest

from alltoken_app.clock import HOUR, now_ms
from tests.payments.sandbox.test_api import CHECKOUT
from tests.payments.site import CHALLENGED, DECLINED, GOOD, POOR, Site

REAL_LOOKING = "5555 5555 5555 4444"


async def page(site: Site, **changes: Any) -> Any:
    return await site.stripe.v1.checkout.sessions.create_async(CHECKOUT | changes)


async def status(site: Site, session: Any) -> str:
    return (await site.stripe.v1.checkout.sessions.retrieve_async(session.id)).status


async def test_the_page_says_that_no_real_money_moves_and_what_is_paid(site: Site) -> None:
    session = await page(site, cancel_url="http://localhost:1/app/wallet")
    shown = await site.http.get(site.url(session.url))
    assert "No real money moves" in shown.text
    assert "$20.00" in shown.text
    assert 'href="http://localhost:1/app/wallet"' in shown.text
    for number in ("4242 4242 4242 4242", "4000 0000 0000 0002", "4000 0025 0000 3155"):
        assert number in shown.text


async def test_a_good_card_pays_and_leads_back_to_the_merchant(site: Site) -> None:
    session = await page(site)
    answer = await site.pay(session.url, "4242-4242 4242 4242")
    assert answer.status_code == 303
    assert answer.headers["location"] == f"http://localhost:1/done?s={session.id}"
    assert await status(site, session) == "complete"


@pytest.mark.parametrize(
    ("number", "why"), [(DECLINED, "The card was declined"), (POOR, "insufficient funds")]
)
async def test_a_declined_card_is_told_on_the_page_and_another_one_pays(
    site: Site, number: str, why: str
) -> None:
    session = await page(site)
    answer = await site.pay(session.url, number)
    assert answer.status_code == 200
    assert re.search(rf'role="alert".*Not paid.*{why}', answer.text, re.DOTALL)
    assert why in (await site.http.get(site.url(session.url))).text
    assert (await site.pay(session.url)).status_code == 303


async def test_the_bank_is_asked_and_its_no_is_final_for_that_attempt(site: Site) -> None:
    session = await page(site)
    answer = await site.pay(session.url, CHALLENGED)
    assert answer.headers["location"] == f"/sandbox/pay/{session.id}"
    assert "Is this payment yours?" in (await site.http.get(site.url(session.url))).text
    confirm = site.url(session.url) + "/confirm"
    await site.http.post(confirm, data={"answer": "no"})
    assert "The bank did not confirm" in (await site.http.get(site.url(session.url))).text
    await site.http.post(confirm, data={"answer": "yes"})
    assert await status(site, session) == "open"
    await site.pay(session.url, CHALLENGED)
    paid = await site.http.post(confirm, data={"answer": "yes"})
    assert paid.headers["location"] == f"http://localhost:1/done?s={session.id}"


async def test_a_card_that_is_no_test_card_is_neither_shown_nor_kept(
    site: Site, tmp_path: Path
) -> None:
    session = await page(site)
    answer = await site.pay(session.url, REAL_LOOKING)
    assert answer.status_code == 200
    assert "not one of the test cards" in answer.text
    assert REAL_LOOKING not in answer.text
    kept = b"".join(file.read_bytes() for file in tmp_path.glob("sandbox_payments.db*"))
    assert REAL_LOOKING.replace(" ", "").encode() not in kept


async def test_not_even_a_test_card_is_kept_whole(site: Site, tmp_path: Path) -> None:
    await site.pay((await page(site)).url)
    kept = b"".join(file.read_bytes() for file in tmp_path.glob("sandbox_payments.db*"))
    assert GOOD.encode() not in kept


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"expiry": "12 / 20"}, "expiry"),
        ({"expiry": "13/34"}, "expiry"),
        ({"expiry": ""}, "expiry"),
        ({"security_code": "12"}, "security_code"),
        ({"number": ""}, "number"),
    ],
)
async def test_a_field_that_is_wrong_says_so_itself(
    site: Site, typed: dict[str, str], field: str
) -> None:
    session = await page(site)
    answer = await site.pay(session.url, **({"number": GOOD} | typed))
    assert answer.status_code == 200
    assert answer.text.count("aria-invalid") == 1
    assert f'id="{field}-error"' in answer.text
    assert await status(site, session) == "open"


async def test_a_click_on_a_test_card_fills_the_form(site: Site) -> None:
    session = await page(site)
    shown = await site.http.get(f"{site.url(session.url)}?card={DECLINED}")
    assert 'value="4000 0000 0000 0002"' in shown.text
    unknown = await site.http.get(f"{site.url(session.url)}?card=5555555555554444")
    assert "5555" not in unknown.text


async def test_a_second_click_pays_nothing_more(site: Site) -> None:
    session = await page(site)
    await site.pay(session.url)
    again = await site.pay(session.url)
    assert "Already paid" in again.text
    charges = (await site.stripe.v1.charges.list_async()).data
    assert [charge.amount for charge in charges] == [2000]


async def test_a_closed_page_says_so(site: Site, time_machine: Any) -> None:
    session = await page(site)
    time_machine.move_to((now_ms() + 25 * HOUR) / 1000)
    shown = await site.http.get(site.url(session.url))
    assert (shown.status_code, "expired" in shown.text) == (410, True)
    assert (await site.pay(session.url)).status_code == 410
    missing = await site.http.get(site.url(session.url) + "x")
    assert (missing.status_code, "no payment page" in missing.text) == (404, True)


async def test_names_cannot_smuggle_markup_and_nothing_may_run(site: Site) -> None:
    item = CHECKOUT["line_items"][0]
    price = item["price_data"] | {"product_data": {"name": "<script>alert(1)</script>"}}
    session = await page(
        site,
        line_items=[item | {"price_data": price}],
        cancel_url='https://example.org/"><script>alert(2)</script>',
    )
    shown = await site.http.get(site.url(session.url))
    assert "<script" not in shown.text
    policy = shown.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "form-action 'self' http://localhost:1;" in policy
    assert shown.headers["cache-control"] == "no-store"


async def test_the_style_is_served(site: Site) -> None:
    style = await site.http.get(f"http://127.0.0.1:{site.settings.port}/sandbox/pay.css")
    assert (style.status_code, style.headers["content-type"]) == (200, "text/css; charset=utf-8")
