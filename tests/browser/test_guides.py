"""The guides under /docs: how they look, that everybody can use them, and that code is copied."""

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from alltoken_app.api.openapi.document import document
from alltoken_app.guides import reference, texts
from tests.browser.look import SCHEMES, axe, shots
from tests.browser.site import Site

GUIDES = {guide.name: guide for guide in texts.guides()}
REFERENCE = {page.name: page for page in reference.pages(document())}
SHOWN = ("api", "api/chat", "api/models", "api/keys")  # the others are made alike


@pytest.mark.parametrize("name", [*GUIDES, *SHOWN])
def test_a_guide_looks_right_and_everybody_can_use_it(page: Page, site: Site, name: str) -> None:
    guide = (GUIDES | REFERENCE)[name]
    page.goto(guide.route)
    expect(page.get_by_role("heading", level=1)).to_have_text(guide.title)
    expect(page.locator("article")).not_to_contain_text(texts.HERE)
    shots(page, f"docs-{name.replace('/', '-')}")
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        axe(page)
    page.set_viewport_size({"width": 360, "height": 740})
    axe(page)


def test_a_sample_is_copied_whole_and_with_our_address(page: Page, site: Site) -> None:
    page.goto("/docs")
    page.get_by_role("tab", name="JavaScript").click()
    page.get_by_role("button", name="Copy", exact=True).nth(1).click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith(f'const response = await fetch("{site.api}/chat/completions"')
    assert copied.endswith('"USD");')


def test_one_goes_from_guide_to_guide_and_to_a_heading(page: Page) -> None:
    page.goto("/")
    page.get_by_role("navigation", name="Site").get_by_role("link", name="Docs").click()
    expect(page).to_have_url(re.compile("/docs$"))
    page.get_by_role("link", name="Chat and streaming").last.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Chat and streaming")
    contents = page.get_by_role("navigation", name="Guides")
    contents.get_by_role("link", name="The last chunk").click()
    expect(page).to_have_url(re.compile("#the-last-chunk$"))
    expect(page.get_by_role("heading", name="The last chunk")).to_be_in_viewport()


def test_one_goes_from_the_reference_to_an_operation_and_its_objects(page: Page) -> None:
    page.goto("/docs/api")
    page.get_by_role("link", name="Create a chat completion").click()
    expect(page).to_have_url(re.compile("/docs/api/chat#create-a-chat-completion$"))
    page.get_by_role("link", name="ChatMessage", exact=True).click()
    expect(page.get_by_role("heading", name="ChatMessage")).to_be_in_viewport()
    page.get_by_role("link", name="ProviderPreferences", exact=True).click()
    expect(page).to_have_url(re.compile("/docs/api#providerpreferences$"))
    expect(page.get_by_role("heading", name="ProviderPreferences")).to_be_in_viewport()


def test_on_a_phone_the_contents_unfold(page: Page) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    page.goto("/docs/errors")
    page.locator("summary", has_text="Guides").click()
    axe(page)
    page.get_by_role("navigation", name="Guides").get_by_role(
        "link", name="Money", exact=True
    ).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Money")


def test_a_guide_can_be_read_without_scripts(browser: Browser, site: Site) -> None:
    with browser.new_context(java_script_enabled=False, base_url=site.url) as context:
        page = context.new_page()
        page.goto("/docs/errors")
        expect(page.get_by_role("heading", level=1)).to_have_text("Errors")
        expect(page.get_by_role("cell", name="Wait for Retry-After", exact=True)).to_be_visible()
