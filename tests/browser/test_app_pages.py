"""The pages of members: overview, keys, activity and wallet, as their users work with them."""

import csv
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Download, Page, expect
from sqlalchemy import create_engine
from sqlmodel import Session, select

from alltoken_app.tables.account import Member as Membership
from alltoken_app.tables.account import Organisation, Person
from tests.browser.look import axe, shots
from tests.browser.site import Member, Site
from tests.services.usage_rows import request

DAY = "from=2026-03-02&to=2026-03-02"


@dataclass(frozen=True)
class Owner:
    """A member of their own, with sixty requests of one day long ago."""

    member: Member
    org_id: str


@pytest.fixture(scope="module")
def owner(site: Site) -> Owner:
    member = site.member("owner", credit="20")
    engine = create_engine(f"sqlite:///{site.var / 'alltoken.db'}")
    with Session(engine) as session, session.begin():
        query = (
            select(Organisation.id)
            .join(Membership, Membership.org_id == Organisation.id)
            .join(Person, Person.id == Membership.person_id)
            .where(Person.email == member.email)
        )
        org_id = session.exec(query).one()
        for number in range(1, 61):
            session.add(one_of_sixty(number, org_id))
    engine.dispose()
    return Owner(member, org_id)


def one_of_sixty(number: int, org_id: str) -> object:
    """Every tenth failed; the odd ones asked another model."""
    failed = number % 10 == 0
    tries = [{"provider": "local", "endpoint": "local:a", "status": 500, "ms": 20, "code": "x"}]
    return request(
        number,
        f"2026-03-02 10:{number - 1:02d}",
        org_id=org_id,
        key_id=None,
        model=f"author/m{number % 2}",
        status="failed" if failed else "ok",
        error_code="upstream_error" if failed else None,
        attempts=tries if failed else [],
        lines=[["input", 10, number * 100_000, number * 1_000_000]],
    )


def enter(page: Page, site: Site, member: Member, path: str) -> None:
    form = {"email": member.email, "password": member.password}
    answer = page.request.post("/web/sign-in", form=form, headers={"Origin": site.url})
    assert answer.ok, answer.text()
    page.goto(path)
    expect(page.get_by_role("navigation", name="App")).to_be_attached()


@pytest.fixture
def keys(page: Page, site: Site, owner: Owner) -> Page:
    enter(page, site, owner.member, "/app/keys")
    return page


@pytest.fixture
def activity(page: Page, site: Site, owner: Owner) -> Page:
    enter(page, site, owner.member, f"/app/activity?{DAY}")
    expect(page.get_by_text("1–50 of 60")).to_be_visible()
    return page


def query(page: Page) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(page.url).query).items()}


def lines(download: Download) -> list[dict[str, str]]:
    with Path(download.path()).open(newline="") as file:
        return list(csv.DictReader(file))


# Overview


def test_a_newcomer_finds_the_way_to_the_first_request(page: Page, site: Site) -> None:
    enter(page, site, site.member("newcomer"), "/app")
    expect(page.get_by_role("heading", name="No requests yet")).to_be_visible()
    expect(page.get_by_text(f"{site.url}/v1/chat/completions").first).to_be_visible()
    shots(page, "overview-empty")
    axe(page)


def test_the_overview_adds_up_in_every_view(page: Page, site: Site, owner: Owner) -> None:
    enter(page, site, owner.member, f"/app?{DAY}")
    total = "$0.00183"  # 1 + … + 60 micro-dollars
    expect(page.locator(".stat").first).to_contain_text(total)
    page.get_by_role("button", name="Key", exact=True).click()
    expect(page.get_by_role("heading", name="Spend by key")).to_be_visible()
    assert query(page)["by"] == "key"
    page.get_by_text("Show as table").click()
    expect(page.get_by_role("row", name=f"Total {total}").first).to_be_visible()
    axe(page)
    page.go_back()
    expect(page.get_by_role("heading", name="Spend by model")).to_be_visible()


# Keys


def new_key(page: Page, name: str) -> str:
    page.get_by_role("button", name="Create key").first.click()
    page.get_by_role("textbox", name="Name").fill(name)
    page.get_by_label("Spending limit").fill("2.50")
    page.keyboard.press("Enter")
    return page.get_by_role("dialog").get_by_label(name).input_value()


def saved(page: Page) -> None:
    page.get_by_label("I saved it in a safe place").check()
    page.get_by_role("button", name="Done").click()
    expect(page.get_by_role("dialog")).to_be_hidden()


def act(page: Page, name: str, action: str) -> None:
    page.get_by_role("button", name=f"Actions for {name}").first.click()
    page.get_by_role("menuitem", name=action).click()


def test_a_secret_cannot_be_lost_by_accident_and_leaves_no_trace(
    page: Page, site: Site, owner: Owner
) -> None:
    frames: list[str] = []
    page.on("websocket", lambda socket: socket.on("framereceived", lambda f: frames.append(str(f))))
    enter(page, site, owner.member, "/app/keys")
    secret = new_key(page, "careful")
    page.keyboard.press("Escape")
    page.mouse.click(4, 4)
    expect(page.get_by_role("heading", name="Save this key")).to_be_visible()
    expect(page.get_by_role("button", name="Done")).to_be_disabled()
    page.get_by_role("button", name="Copy").first.click()
    assert page.evaluate("navigator.clipboard.readText()") == secret
    with page.expect_download() as download:
        page.get_by_role("button", name="Download .env").click()
    assert f"OPENAI_API_KEY={secret}\n" in Path(download.value.path()).read_text()
    shots(page, "key-save")
    axe(page)
    saved(page)
    expect(page.get_by_role("button", name="Create key").first).to_be_focused()
    assert secret not in page.content()
    assert frames
    assert not any(secret in frame for frame in frames)


def test_a_key_is_renamed_limited_paused_rotated_and_revoked(keys: Page) -> None:
    old = new_key(keys, "worker")
    saved(keys)
    act(keys, "worker", "Rename")
    keys.get_by_role("textbox", name="Name").fill("worker-two")
    keys.keyboard.press("Enter")
    row = keys.get_by_role("row", name=re.compile("worker-two")).first
    expect(row).to_contain_text("$0.00 of $2.50 this month")
    act(keys, "worker-two", "Change limit")
    keys.get_by_label("Spending limit").fill("lots")
    keys.keyboard.press("Enter")
    expect(keys.get_by_text("Write an amount in USD")).to_be_visible()
    keys.get_by_label("Spending limit").fill("")
    keys.keyboard.press("Enter")
    expect(row).to_contain_text("$0.00 this month")
    act(keys, "worker-two", "Pause key")
    expect(row).to_contain_text("Paused")
    act(keys, "worker-two", "Resume key")
    expect(row).to_contain_text("Active")
    act(keys, "worker-two", "Rotate secret")
    keys.get_by_role("button", name="Rotate key").click()
    assert keys.get_by_role("dialog").get_by_label("worker-two").input_value() != old
    saved(keys)
    expect(keys.get_by_text("Old secret")).to_be_visible()
    act(keys, "worker-two", "Revoke key")
    keys.get_by_role("button", name="Revoke key").click()
    expect(keys.get_by_text("Type worker-two to confirm.")).to_be_visible()
    axe(keys)
    keys.get_by_role("textbox").last.fill("worker-two")
    keys.get_by_role("button", name="Revoke key").click()
    expect(keys.get_by_role("row", name=re.compile("worker-two"))).to_have_count(0)


# Activity


def test_every_filter_is_in_the_address_and_back_restores_it(activity: Page) -> None:
    activity.get_by_label("Model", exact=True).select_option("author/m1")
    expect(activity.get_by_text("1–30 of 30")).to_be_visible()
    activity.get_by_label("Status", exact=True).select_option("trouble")
    expect(activity.get_by_text("Nothing fits")).to_be_visible()
    assert query(activity)["status"] == "trouble"
    activity.go_back()
    expect(activity.get_by_text("1–30 of 30")).to_be_visible()
    expect(activity.get_by_label("Status", exact=True)).to_have_value("")
    activity.reload()
    expect(activity.get_by_label("Model", exact=True)).to_have_value("author/m1")


def test_the_download_has_the_rows_that_its_button_says(activity: Page) -> None:
    activity.get_by_label("Status", exact=True).select_option("trouble")
    button = activity.get_by_role("link", name="CSV, 6 rows")
    expect(button).to_be_visible()
    with activity.expect_download() as download:
        button.click()
    rows = lines(download.value)
    assert [row["status"] for row in rows] == ["failed"] * 6
    assert [row["cost_usd"] for row in rows][:2] == ["0.00006", "0.00005"]


def test_a_request_opens_beside_its_list_and_focus_comes_back(activity: Page) -> None:
    opener = activity.get_by_role("button", name=re.compile("Open request of .* 10:49")).first
    opener.focus()
    activity.keyboard.press("Enter")
    sheet = activity.get_by_role("dialog")
    expect(sheet).to_contain_text("Failed: upstream_error")
    expect(sheet).to_contain_text("500 x after 20 ms")
    expect(sheet).to_contain_text("Not stored")
    expect(sheet).to_contain_text("Input, 10 tokens × $5 per million")
    shots(activity, "request")
    axe(activity)
    sheet.get_by_role("button", name="Older request").click()
    expect(sheet.get_by_role("heading", name="gen_049")).to_be_visible()
    activity.keyboard.press("Escape")
    expect(sheet).to_be_hidden()
    expect(opener).to_be_focused()


def test_pages_days_and_zones_change_the_same_list(activity: Page) -> None:
    activity.get_by_role("button", name="Older").click()
    expect(activity.get_by_text("51–60 of 60")).to_be_visible()
    activity.get_by_role("button", name="Newer").click()
    expect(activity.get_by_text("1–50 of 60")).to_be_visible()
    activity.get_by_label("Range", exact=True).select_option("custom")
    activity.get_by_label("First day").fill("2026-03-01")
    activity.get_by_label("Last day").fill("2026-03-01")
    activity.get_by_role("button", name="Show days").click()
    expect(activity.get_by_text("No requests in these days")).to_be_visible()
    activity.goto(f"/app/activity?{DAY}&tz=Asia/Kathmandu")
    expect(activity.get_by_role("cell").first).to_be_visible()
    expect(activity.get_by_role("row").nth(1)).to_contain_text("16:44:00")


def test_a_deep_link_opens_the_request_after_signing_in(
    page: Page, site: Site, owner: Owner
) -> None:
    page.goto(f"/app/activity/gen_007?{DAY}")
    page.get_by_label("Email").fill(owner.member.email)
    page.get_by_label("Password", exact=True).fill(owner.member.password)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("dialog")).to_contain_text("gen_007")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(page).to_have_url(re.compile(r"/app/activity\?"))


# Wallet


def test_a_top_up_says_its_price_and_what_became_of_it(
    page: Page, site: Site, owner: Owner
) -> None:
    enter(page, site, owner.member, "/app/wallet")
    amount = page.get_by_label("Or another amount")
    amount.fill("4.99")
    expect(page.get_by_text("A top-up is from $5 to $500.")).to_be_visible()
    expect(page.get_by_role("button", name=re.compile("Pay"))).to_be_disabled()
    page.get_by_text("$50", exact=True).click()
    expect(amount).to_have_value("50")
    page.get_by_role("button", name="Pay $52.50").click()
    page.get_by_role("link", name="Cancel and go back to AllToken").click()
    expect(page.get_by_text("The payment was cancelled. Nothing was charged.")).to_be_visible()
    expect(page.locator(".balance")).to_have_text("$20.00")
    page.get_by_text("$20", exact=True).click()
    page.get_by_role("button", name="Pay $21.00").click()
    page.get_by_text("Use", exact=True).first.click()
    page.get_by_role("button", name="Pay $21.00").click()
    expect(page.get_by_text("$20.00 added.")).to_be_visible()
    expect(page.locator(".balance")).to_have_text("$40.00")
    expect(page.get_by_role("link", name="Wallet balance $40.00")).to_be_visible()
    axe(page)
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").click()
    assert lines(download.value)[-1]["balance_usd"] == "40"
