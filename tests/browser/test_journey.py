"""The journey of a newcomer, from the landing page to a paid answer whose cost can be checked."""

import re
from dataclasses import dataclass
from decimal import Decimal

import httpx
import pytest
from openai import OpenAI
from playwright.sync_api import Page, expect

from tests.browser.look import axe, shots
from tests.browser.site import Site

MODEL = "alltoken/smollm2-135m-instruct"
PASSWORD = "seven tall pines beside the lake"
CARD = "4242 4242 4242 4242"
SHORT = "24"  # tokens; left alone, the small model may repeat itself up to its limit
QUESTION = "Name one colour of the rainbow."
ENGINE_MS = 180_000  # loading the model and answering, on two cores shared with a browser


@dataclass(frozen=True)
class Answer:
    """A streamed answer as the official client saw it; `cost` as the wire spelled it."""

    text: str
    generation: str
    cost: Decimal
    chunks: int


@pytest.mark.parametrize("site", ["sqlite", "postgres"], indirect=True)
def test_from_the_landing_page_to_a_paid_answer(page: Page, site: Site) -> None:
    email = f"ada-{site.kind}@example.com"
    sign_up(page, email)
    confirm_by_the_mailbox(page, email)
    sign_in(page, email)
    top_up(page, "20")
    secret = create_key(page, "laptop")
    answer = ask(site, secret)
    see_its_cost(page, answer)
    see_the_balance_less_it(page, site, secret, answer)
    talk_in_the_browser(page)


def sign_up(page: Page, email: str) -> None:
    page.goto("/")
    page.get_by_role("link", name="Create account").first.click()
    page.get_by_label("Your name").fill("Ada Lovelace")
    page.get_by_label("Email").fill(email)
    page.get_by_label("Organisation").fill("Analytical Engines")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    for box in page.get_by_role("checkbox").all():
        box.check()
    page.get_by_role("button", name="Create account").click()
    expect(page.get_by_role("heading", name="Look into your mailbox")).to_be_visible()


def confirm_by_the_mailbox(page: Page, email: str) -> None:
    page.get_by_role("link", name="open the mailbox").click()
    mail = page.get_by_role("listitem").filter(has_text=email).first
    mail.get_by_role("link", name=re.compile("verify.token")).click()
    page.get_by_role("button", name="Confirm email").click()
    expect(page.get_by_text("Your email is confirmed")).to_be_visible()


def sign_in(page: Page, email: str) -> None:
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(re.compile("/app$"))
    cookie = next(c for c in page.context.cookies() if c["name"] == "__Host-at_s")
    assert cookie["httpOnly"]
    assert cookie["secure"]
    assert cookie["value"] not in page.evaluate("document.cookie")


def top_up(page: Page, dollars: str) -> None:
    page.goto("/app/wallet")
    expect(page.locator(".balance")).to_have_text("$0.00")
    page.get_by_label("Or another amount").fill(dollars)
    page.get_by_role("button", name="Pay $21.00").click()
    page.get_by_label("Card number").fill(CARD)
    page.get_by_label("Expires").fill("12 / 34")
    page.get_by_label("Security code").fill("123")
    page.get_by_role("button", name="Pay $21.00").click()
    expect(page.get_by_text("$20.00 added.")).to_be_visible()
    expect(page.locator(".balance")).to_have_text("$20.00")
    page.get_by_role("link", name=re.compile("TEST-")).first.click()
    expect(page.get_by_text("Sandbox: no real money was paid.")).to_be_visible()
    expect(page.get_by_role("article")).to_contain_text("$21.00")


def create_key(page: Page, name: str) -> str:
    page.goto("/app/keys")
    page.get_by_role("button", name="Create key").first.click()
    page.get_by_label("Name").fill(name)
    page.get_by_role("dialog").get_by_role("button", name="Create key").click()
    secret = page.get_by_role("dialog").get_by_label(name).input_value()
    assert secret.startswith("atk_test_")
    axe(page)
    done = page.get_by_role("button", name="Done")
    expect(done).to_be_disabled()
    page.get_by_label("I saved it in a safe place").check()
    done.click()
    expect(page.get_by_role("row", name=re.compile(name))).to_be_visible()
    assert secret not in page.content()
    return secret


def ask(site: Site, secret: str) -> Answer:
    """One streamed answer through the official client, as its users write it."""
    with (
        OpenAI(base_url=site.api, api_key=secret, max_retries=0, timeout=180) as client,
        client.chat.completions.create(
            model=MODEL,
            messages=[{"role": "user", "content": QUESTION}],
            max_tokens=int(SHORT),
            stream=True,
            stream_options={"include_usage": True},
        ) as stream,
    ):
        chunks = list(stream)
    text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    [usage] = [chunk.usage for chunk in chunks if chunk.usage]
    cost = Decimal(repr(usage.model_extra["cost"]))
    return Answer(text, chunks[0].id, cost, len(chunks))


def see_its_cost(page: Page, answer: Answer) -> None:
    assert answer.text.strip()
    assert answer.chunks > 3
    assert answer.cost > 0
    page.goto("/app/activity")
    row = page.get_by_role("row", name=MODEL).first
    shown = row.get_by_role("cell").filter(has_text="$").first.inner_text()
    assert Decimal(shown.removeprefix("$")) == answer.cost
    row.get_by_role("button").first.click()
    sheet = page.get_by_role("dialog")
    expect(sheet).to_contain_text(answer.generation)
    expect(sheet).to_contain_text(shown)
    expect(sheet).not_to_contain_text(QUESTION)
    axe(page)


def see_the_balance_less_it(page: Page, site: Site, secret: str, answer: Answer) -> None:
    head = {"Authorization": f"Bearer {secret}"}
    credits = httpx.get(f"{site.api}/credits", headers=head).json()["data"]
    assert Decimal(str(credits["total_credits"])) == 20
    assert Decimal(repr(credits["total_usage"])) == answer.cost
    page.goto("/app/wallet")
    expect(page.get_by_text("1 request")).to_be_visible()


def talk_in_the_browser(page: Page) -> None:
    page.goto("/chat")
    send = page.get_by_role("button", name="Send")
    for _ in range(20):  # what is typed before the page knows who is here is forgotten
        page.get_by_label("Longest answer, tokens").fill(SHORT)
        page.get_by_label("Message").fill(QUESTION)
        page.wait_for_timeout(500)
        if send.is_enabled():
            break
    send.click()
    answer = page.get_by_role("article", name=MODEL)
    expect(answer.get_by_role("link", name="Details")).to_be_visible(timeout=ENGINE_MS)
    expect(answer).to_contain_text(re.compile(r"\$0\.0000\d+"))
    shots(page, "chat-answered")
    axe(page)
