"""A real Chromium on the real product; a page that complains fails its test."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from alltoken_app.command import tools
from tests import postgres
from tests.browser.site import RESULTS, Member, Site, started

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-default-apps",
    "--no-first-run",
]
HERE = re.compile(r"^(https?|wss?)://(localhost|127\.0\.0\.1)(:\d+)?(/|$)|^(data|blob|about):")
LEFT = "net::ERR_ABORTED"  # what a page was still loading when the test went on to another
PATIENCE_MS = 20_000


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.timeout(900))


@pytest.fixture(scope="session", params=["sqlite"])
def site(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    """The product on a database of the kind `request.param` names: "sqlite" or "postgres"."""
    var = tmp_path_factory.mktemp(f"var-{request.param}")
    if request.param == "sqlite":
        with started("sqlite", var) as site:
            yield site
        return
    with postgres.server() as url, started("postgres", var, DATABASE_URL=url) as site:
        yield site


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=tools.chromium(), args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture
def context(
    browser: Browser, site: Site, request: pytest.FixtureRequest
) -> Iterator[BrowserContext]:
    """A fresh browser profile; its trace (playwright show-trace) lands in test-results/."""
    made = browser.new_context(
        base_url=site.url,
        viewport={"width": 1280, "height": 900},
        reduced_motion="reduce",  # no screenshot or contrast half-way between two colours
    )
    made.set_default_timeout(PATIENCE_MS)
    made.grant_permissions(["clipboard-read", "clipboard-write"], origin=site.url)
    made.tracing.start(screenshots=True, snapshots=True)
    yield made
    for number, last in enumerate(made.pages):
        last.screenshot(path=RESULTS / f"{_file_name(request)}-{number}.png")
    made.tracing.stop(path=RESULTS / f"{_file_name(request)}.zip")
    made.close()


def _file_name(request: pytest.FixtureRequest) -> str:
    return re.sub(r"\W+", "-", request.node.name).strip("-")


@pytest.fixture
def troubles(context: BrowserContext) -> list[str]:
    """What pages complained about so far. A test that provokes a complaint removes it."""
    seen: list[str] = []
    context.on(
        "console", lambda m: seen.append(f"console: {m.text}") if m.type == "error" else None
    )
    context.on("weberror", lambda e: seen.append(f"exception: {e.error}"))
    context.on("request", lambda r: None if HERE.match(r.url) else seen.append(f"asked {r.url}"))
    context.on(
        "requestfailed",
        lambda r: None if r.failure == LEFT else seen.append(f"failed {r.url}: {r.failure}"),
    )
    return seen


@pytest.fixture
def page(context: BrowserContext, troubles: list[str]) -> Iterator[Page]:
    opened = context.new_page()
    yield opened
    assert troubles == []


@pytest.fixture(scope="session")
def member(site: Site) -> Member:
    """A member with five dollars, shared by the tests that only look."""
    return site.member()
