"""alltoken_app/web_api/mailbox.py"""

from typing import Any

import pytest

from alltoken_app import db
from alltoken_app.mail import outbox
from alltoken_app.mail.templates import Letter
from tests.web_api.conftest import ON_SQLITE, Browser

pytestmark = ON_SQLITE


async def test_the_mailbox_shows_the_newest_mail_first(browser: Browser) -> None:
    for number in (1, 2):
        await db.run(outbox.queue, "mira@example.org", Letter("test", f"Mail {number}", "Hello"))
    answer = await browser().get("/web/mailbox")
    mails = answer.json()["mails"]
    assert [mail["subject"] for mail in mails] == ["Mail 2", "Mail 1"]
    assert set(mails[0]) == {"id", "recipient", "subject", "text", "kind", "created_at"}


@pytest.mark.parametrize(
    "elsewhere",
    [
        {"peer": "203.0.113.9"},
        {"host": "0.0.0.0"},
        {"smtp_url": "smtp://127.0.0.1:25"},
        {"public_url": "https://ai.example.com"},
        {"headers": {"host": "rebound.evil.example:3000"}},
        {"headers": {"x-forwarded-for": "203.0.113.9"}},
        {"headers": {"sec-fetch-site": "cross-site"}},
    ],
)
async def test_for_everybody_else_there_is_no_mailbox(
    browser: Browser, elsewhere: dict[str, Any]
) -> None:
    answer = await browser(**elsewhere).get("/web/mailbox")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")
