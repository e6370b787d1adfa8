"""How a page looks and whether everybody can use it."""

from collections.abc import Iterable

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.browser.site import RESULTS

RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
WIDTHS = (1280, 360)
SCHEMES = ("light", "dark")
HEIGHT = 900


def axe(page: Page, *, but: Iterable[str] = ()) -> None:
    """Fail when axe finds a violation, naming rule and element."""
    found = Axe().run(page, options=RULES).response["violations"]
    wrong = [
        f"{violation['id']} ({violation['impact']}): {node['html'][:160]}"
        for violation in found
        if violation["id"] not in set(but)
        for node in violation["nodes"]
    ]
    assert wrong == [], f"{page.url}\n" + "\n".join(wrong)


def shots(page: Page, name: str) -> None:
    """Save the page light and dark, wide and narrow, and require that nothing sticks out."""
    folder = RESULTS / "shots"
    folder.mkdir(parents=True, exist_ok=True)
    before = page.viewport_size
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": HEIGHT})
            page.screenshot(path=folder / f"{name}-{scheme}-{width}.png", full_page=True)
            assert sticks_out(page) == [], f"{page.url} at {width} px"
    page.emulate_media(color_scheme=None)
    if before:
        page.set_viewport_size(before)


def sticks_out(page: Page) -> list[str]:
    """Elements that make the whole page scroll sideways."""
    return page.evaluate(
        """() => {
          const width = document.documentElement.clientWidth;
          if (document.documentElement.scrollWidth <= width) return [];
          return [...document.querySelectorAll('body *')]
            .filter(e => e.getBoundingClientRect().right > width + 1)
            .map(e => e.outerHTML.slice(0, 120)).slice(0, 5);
        }"""
    )
