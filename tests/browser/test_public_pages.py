"""The public pages: how they look, that everybody can use them, and what they weigh."""

import gzip
import re
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from alltoken_app.settings import web_folder
from tests.browser.look import SCHEMES, axe, shots
from tests.browser.site import Member, Site

MODEL = "/models/alltoken/smollm2-135m-instruct"
PAGES = {  # address: what is there once it has loaded
    "/": "Worked example",
    "/models": "all-minilm-l6-v2",
    "/models?kind=chat&q=nothing+fits": "No model fits",
    MODEL: "Call it",
    "/models/anthropic/claude-haiku-5.5": "Call it",
    "/providers": "What a provider offers",
    "/providers/local": "What it keeps",
    "/signup": "I am 16 or older.",
    "/signin": "Forgot password?",
    "/verify?sent=1": "open the mailbox",
    "/verify?token=x": "Confirm your email",
    "/forgot": "Send link",
    "/reset?token=x": "Set password",
    "/mailbox": "For development.",
    "/legal/terms": "What you agree to",
    "/legal/privacy": "Where your prompts go",
}
JS_BUDGET, CSS_BUDGET = 180 * 1024, 20 * 1024
MOST_SHIFT = 0.1  # the web vitals' "good"
MEASURE_SHIFTS = """
window.shifted = 0;
new PerformanceObserver((list) => list.getEntries().forEach((e) => (window.shifted += e.value)))
  .observe({ type: "layout-shift", buffered: true });
"""
SCRIPT = re.compile(r'"(/assets/[^"]+\.js)"')
STYLE = re.compile(r'"(/assets/[^"]+\.css)"')


def name_of(path: str) -> str:
    return "public-" + (re.sub(r"\W+", "-", path).strip("-") or "start")


@pytest.mark.parametrize("path", PAGES)
def test_a_page_looks_right_and_everybody_can_use_it(page: Page, path: str) -> None:
    page.goto(path)
    expect(page.get_by_text(PAGES[path]).first).to_be_visible()
    expect(page.locator("h1")).to_have_count(1)
    shots(page, name_of(path))
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        axe(page)
    page.set_viewport_size({"width": 360, "height": 740})
    axe(page)


@pytest.mark.parametrize("path", ["/", "/models", "/signin", "/signup"])
def test_a_page_is_light_enough(site: Site, path: str) -> None:
    html = httpx.get(f"{site.url}{path}").text
    assert packed(SCRIPT.findall(html)) <= JS_BUDGET
    assert packed(STYLE.findall(html)) <= CSS_BUDGET


@pytest.mark.parametrize("width", [1280, 360])
@pytest.mark.parametrize("path", ["/", "/models", MODEL, "/signup"])
def test_nothing_jumps_while_a_page_loads(page: Page, path: str, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 740})
    page.add_init_script(MEASURE_SHIFTS)
    page.goto(path)
    expect(page.get_by_text(PAGES[path]).first).to_be_visible()
    assert page.evaluate("window.shifted") <= MOST_SHIFT


def test_search_engines_are_told_of_public_pages_and_models_alone(site: Site) -> None:
    assert f"{site.url}/sitemap.xml" in httpx.get(f"{site.url}/robots.txt").text
    listed = re.findall("<loc>(.+?)</loc>", httpx.get(f"{site.url}/sitemap.xml").text)
    assert {f"{site.url}/", f"{site.url}/models", site.url + MODEL} <= set(listed)
    assert [address for address in listed if "/app" in address or "/signin" in address] == []
    assert [url for url in listed if httpx.get(url, follow_redirects=True).status_code != 200] == []


def packed(addresses: list[str]) -> int:
    client = web_folder() / "build" / "client"
    files = {Path(client, address.removeprefix("/")) for address in addresses}
    return sum(len(gzip.compress(file.read_bytes(), 9)) for file in files)


@pytest.mark.parametrize("path", ["/", "/models", "/signup", "/legal/terms"])
def test_a_page_says_what_it_is_before_any_script_runs(
    browser: Browser, site: Site, path: str
) -> None:
    with browser.new_context(java_script_enabled=False, base_url=site.url) as context:
        page = context.new_page()
        page.goto(path)
        expect(page.locator("h1")).to_be_visible()
        assert page.locator("meta[name=description]").first.get_attribute("content")


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/no/such/page", "There is no such page"),
        ("/models/acme/none", "No such model"),
        ("/providers/none", "No such provider"),
    ],
)
def test_an_address_that_leads_nowhere_is_a_real_404(
    page: Page, troubles: list[str], path: str, words: str
) -> None:
    answer = page.goto(path)
    assert answer is not None
    assert answer.status == 404
    expect(page.get_by_role("heading", name=words)).to_be_visible()
    shots(page, name_of(path))
    axe(page)
    troubles[:] = [trouble for trouble in troubles if "404" not in trouble]


def test_filters_live_in_the_address_and_back_takes_them_off(page: Page) -> None:
    page.goto("/models")
    chat = page.get_by_role("row", name=re.compile("smollm2"))
    expect(chat).to_be_visible()
    page.get_by_label("Embeddings").check()
    expect(page).to_have_url(re.compile(r"\?kind=embeddings$"))
    expect(chat).to_have_count(0)
    page.go_back()
    expect(chat).to_be_visible()
    expect(page.get_by_label("Embeddings")).not_to_be_checked()
    page.get_by_role("button", name="Input /1M").click()
    expect(page.get_by_role("columnheader", name="Input /1M")).to_have_attribute(
        "aria-sort", "ascending"
    )
    page.reload()
    expect(page).to_have_url(re.compile(r"\?sort=input$"))


def test_no_letter_is_lost_while_the_list_follows_the_typing(page: Page) -> None:
    page.goto("/models")
    expect(page.get_by_role("row", name=re.compile("smollm2"))).to_be_visible()
    box = page.get_by_label("Search models")
    box.press_sequentially("smollm2 instruct", delay=60)
    expect(page).to_have_url(re.compile(r"\?q=smollm2\+instruct$"))
    expect(box).to_have_value("smollm2 instruct")
    expect(box).to_be_focused()
    box.fill("no such thing")
    page.get_by_role("link", name="Clear filters").last.click()
    expect(box).to_have_value("")


def test_on_a_phone_filters_are_a_drawer(page: Page) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    page.goto("/models")
    expect(page.get_by_text("all-minilm-l6-v2").first).to_be_visible()
    page.get_by_role("button", name="Filters").click()
    page.get_by_label("Embeddings").check()
    axe(page)
    page.get_by_role("button", name=re.compile(r"^Show \d+$")).click()
    expect(page.get_by_label("Embeddings")).to_be_hidden()
    expect(page.get_by_text(re.compile(r"^\d+ of \d+ · "))).to_be_visible()


def test_a_visitor_is_never_told_that_zdr_is_confirmed(page: Page, member: Member) -> None:
    page.goto(MODEL)
    expect(page.get_by_text("ZDR available – not confirmed").first).to_be_visible()
    page.goto("/signin?next=" + MODEL)
    page.get_by_label("Email").fill(member.email)
    page.get_by_label("Password", exact=True).fill(member.password)
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(re.compile(MODEL))
    expect(page.get_by_text("ZDR confirmed for your account").first).to_be_visible()
    expect(page.get_by_role("link", name="Open console")).to_be_visible()


def test_samples_are_switched_by_arrows_and_copied_whole(page: Page, site: Site) -> None:
    page.goto(MODEL)
    page.get_by_role("tab", name="curl").focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tab", name="Python")).to_have_attribute("aria-selected", "true")
    page.get_by_role("button", name="Copy", exact=True).click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert f'base_url="{site.url}/v1"' in copied
    assert copied.startswith("import os\n")


def test_a_form_says_what_is_wrong_beside_the_field(page: Page, troubles: list[str]) -> None:
    page.goto("/signup")
    page.get_by_role("button", name="Create account").click()
    expect(page.get_by_text("Write your name.")).to_be_visible()
    expect(page.get_by_label("Your name")).to_be_focused()
    axe(page)
    page.get_by_label("Your name").fill("Mira")
    page.get_by_label("Email").fill("mira@example.com")
    page.get_by_label("Password", exact=True).fill("password1234")
    for box in page.get_by_role("checkbox").all():
        box.check()
    page.get_by_role("button", name="Create account").click()
    expect(page.get_by_text("among the first ones anybody would try")).to_be_visible()
    expect(page.get_by_label("Password", exact=True)).to_be_focused()
    troubles[:] = [trouble for trouble in troubles if "422" not in trouble]


def test_a_wrong_password_is_refused_without_saying_whose(
    page: Page, member: Member, troubles: list[str]
) -> None:
    said = []
    for email in (member.email, "nobody@example.com"):
        page.goto("/signin")
        page.get_by_label("Email").fill(email)
        page.get_by_label("Password", exact=True).fill("not the password at all")
        page.get_by_role("button", name="Sign in").click()
        said.append(page.get_by_role("alert").inner_text())
    assert said[0] == said[1]
    axe(page)
    troubles[:] = [trouble for trouble in troubles if "401" not in trouble]


def test_a_form_works_without_scripts(browser: Browser, site: Site, member: Member) -> None:
    with browser.new_context(java_script_enabled=False, base_url=site.url) as context:
        page = context.new_page()
        page.goto("/signin")
        page.get_by_label("Email").fill(member.email)
        page.get_by_label("Password", exact=True).fill(member.password)
        page.get_by_role("button", name="Sign in").click()
        expect(page).to_have_url(re.compile("/app$"))


def test_the_theme_is_kept_and_set_before_paint(page: Page) -> None:
    page.emulate_media(color_scheme="light")
    page.goto("/signin")
    expect(page.locator("html")).to_have_class(re.compile("light"))
    page.get_by_role("button", name="Switch theme").click()
    expect(page.locator("html")).to_have_class(re.compile("dark"))
    page.goto("/legal/terms", wait_until="commit")
    page.wait_for_selector("body", state="attached")
    expect(page.locator("html")).to_have_class(re.compile("dark"))


def test_a_lost_connection_is_said_calmly(page: Page, site: Site, troubles: list[str]) -> None:
    page.route(re.compile(r"_event"), lambda route: route.abort())
    page.route_web_socket(re.compile(r"_event"), lambda socket: socket.close())
    page.goto("/models")
    expect(page.get_by_text("No connection.")).to_be_visible(timeout=60_000)
    assert site.url.removeprefix("http") not in page.locator(".connection").inner_text()
    expect(page.get_by_role("heading", name="Models")).to_be_visible()
    troubles.clear()
