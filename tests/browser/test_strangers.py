"""Pages of members, asked for by somebody who is not signed in."""

from urllib.parse import quote

import pytest
from playwright.sync_api import Page


@pytest.mark.parametrize(
    "path", ["/app", "/app/activity", "/app/keys", "/app/routing", "/app/wallet"]
)
def test_a_stranger_is_asked_to_sign_in_and_comes_back_there(page: Page, path: str) -> None:
    page.goto(path)
    page.wait_for_url(f"**/signin?next={quote(path, safe='')}")
