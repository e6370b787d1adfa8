"""Every page, light and dark, wide and narrow: no complaint, nothing sticks out, axe agrees."""

from urllib.parse import quote

import pytest
from playwright.sync_api import Page, expect

from tests.browser.look import axe, shots
from tests.browser.site import Member, Site

PUBLIC = [
    "/",
    "/models",
    "/models/alltoken/smollm2-135m-instruct",
    "/signup",
    "/signin",
    "/verify",
    "/forgot",
    "/mailbox",
    "/chat",
    "/legal/terms",
    "/legal/privacy",
]
MEMBERS = ["/app", "/app/activity", "/app/keys", "/app/wallet", "/chat"]


@pytest.mark.parametrize("path", PUBLIC)
def test_everybody_can_read(page: Page, path: str) -> None:
    answer = page.goto(path)
    assert answer
    assert answer.status == 200
    look_at(page, f"public{path.replace('/', '-')}")


@pytest.mark.parametrize("path", MEMBERS)
def test_a_member_can_read(page: Page, site: Site, member: Member, path: str) -> None:
    sign_in(page, site, member)
    page.goto(path)
    expect(page.get_by_text("Demo Person's organisation").first).to_be_visible()
    look_at(page, f"member{path.replace('/', '-')}")


@pytest.mark.parametrize("path", MEMBERS[:-1])
def test_a_stranger_is_asked_to_sign_in(page: Page, path: str) -> None:
    page.goto(path)
    page.wait_for_url(f"**/signin?next={quote(path, safe='')}")


def test_what_is_not_there_says_so(page: Page, troubles: list[str]) -> None:
    answer = page.goto("/nothing/here")
    assert answer
    assert answer.status == 404
    look_at(page, "not-found")
    troubles[:] = [one for one in troubles if "404" not in one]


def sign_in(page: Page, site: Site, member: Member) -> None:
    form = {"email": member.email, "password": member.password}
    answer = page.request.post("/web/sign-in", form=form, headers={"Origin": site.url})
    assert answer.ok, answer.text()


def look_at(page: Page, name: str) -> None:
    expect(page.locator("h1").first).to_be_visible()
    page.wait_for_load_state("networkidle")
    shots(page, name)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        axe(page)
