"""alltoken_app/payments/stripe_client.py"""

from pathlib import Path
from urllib.parse import parse_qs

import pytest

from alltoken_app import crypto
from alltoken_app.clock import HOUR, SECOND, now_ms
from alltoken_app.errors import NotFound, Unavailable
from alltoken_app.payments.stripe_client import NewCheckout, Payments
from alltoken_app.settings import Settings
from tests.payments.site import CHALLENGED, DECLINED, Site, free_port, running

NEW = NewCheckout(
    top_up_id="top_1",
    credit_minor=2000,
    fee_minor=100,
    currency="usd",
    success_url="http://localhost:1/app/wallet?top_up=top_1",
    cancel_url="http://localhost:1/app/wallet",
    expires_at=(now_ms() + HOUR) // SECOND,
)
SENT = {  # what the processor learns of a top-up; the SDK adds nothing about people
    "mode",
    "allowed_payment_method_types[0]",
    "client_reference_id",
    "payment_intent_data[metadata][top_up_id]",
    "success_url",
    "cancel_url",
    "expires_at",
} | {
    f"line_items[{index}][{name}]"
    for index in (0, 1)
    for name in (
        "quantity",
        "price_data][currency",
        "price_data][unit_amount",
        "price_data][product_data][name",
    )
}


async def sessions(site: Site) -> int:
    return len((await site.stripe.v1.checkout.sessions.list_async()).data)


async def test_a_page_is_paid_and_tells_so(site: Site) -> None:
    page = await site.payments.create_checkout(NEW)
    before = await site.payments.fetch_checkout(page.session_id)
    assert (before.status, before.top_up_id, before.payment) == ("open", "top_1", None)
    await site.pay(page.url)
    after = await site.payments.fetch_checkout(page.session_id)
    assert after.payment is not None
    assert (after.status, after.livemode) == ("complete", False)
    assert (after.payment.status, after.payment.received_minor) == ("succeeded", 2100)
    assert (after.payment.top_up_id, after.payment.refunded_minor) == ("top_1", 0)
    alone = await site.payments.fetch_payment_intent(after.payment.payment_intent_id)
    assert alone == after.payment


async def test_a_declined_card_leaves_the_page_open_and_says_why(site: Site) -> None:
    page = await site.payments.create_checkout(NEW)
    await site.pay(page.url, DECLINED)
    declined = await site.payments.fetch_checkout(page.session_id)
    assert declined.payment is not None
    assert (declined.status, declined.payment.failure) == ("open", "generic_decline")
    await site.pay(page.url, CHALLENGED)
    waiting = await site.payments.fetch_checkout(page.session_id)
    assert waiting.payment is not None
    assert (waiting.payment.status, waiting.payment.failure) == ("requires_action", None)


async def test_the_same_top_up_has_one_page(site: Site) -> None:
    assert await site.payments.create_checkout(NEW) == await site.payments.create_checkout(NEW)
    assert await sessions(site) == 1


async def test_an_answer_that_never_came_is_asked_for_again_not_done_again(tmp_path: Path) -> None:
    async with running(tmp_path, payment_timeout=0.3) as site:
        site.sandbox.faults.time_out_after_commit = 1
        site.sandbox.faults.silence_ms = 600
        page = await site.payments.create_checkout(NEW)
        assert (await site.payments.fetch_checkout(page.session_id)).top_up_id == "top_1"
        assert await sessions(site) == 1


async def test_a_processor_that_stumbles_is_asked_again_but_not_for_ever(site: Site) -> None:
    site.sandbox.faults.fail = 2
    await site.payments.create_checkout(NEW)
    site.sandbox.faults.fail = 3
    with pytest.raises(Unavailable) as caught:
        await site.payments.create_checkout(NEW)
    assert caught.value.code == "payment_processor_unavailable"
    assert site.secrets.sandbox_api_key not in str(caught.value)


async def test_other_terms_for_the_same_top_up_are_refused(site: Site) -> None:
    await site.payments.create_checkout(NEW)
    with pytest.raises(Unavailable):
        await site.payments.create_checkout(
            NewCheckout(**{**vars(NEW), "credit_minor": 50_000}),
        )


async def test_what_the_processor_does_not_know_is_not_found(site: Site) -> None:
    with pytest.raises(NotFound):
        await site.payments.fetch_checkout("cs_test_none")
    with pytest.raises(NotFound):
        await site.payments.fetch_payment_intent("pi_none")


async def test_the_processor_learns_only_what_a_payment_needs(site: Site) -> None:
    site.bodies.clear()
    await site.payments.create_checkout(NEW)
    assert set(parse_qs(site.bodies[0].decode())) == SENT


async def test_a_proxy_for_the_world_is_not_asked_for_loopback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{free_port()}")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    async with running(tmp_path) as site:
        await site.payments.create_checkout(NEW)


@pytest.mark.parametrize(
    ("key", "processor", "book", "livemode"),
    [
        ("", "sandbox", "sandbox", False),
        ("sk_test_1", "stripe", "sandbox", False),
        ("sk_live_1", "stripe", "live", True),
    ],
)
async def test_the_key_decides_processor_and_book(
    tmp_path: Path, key: str, processor: str, book: str, livemode: bool
) -> None:
    settings = Settings(_env_file=None, stripe_secret_key=key)
    secrets = crypto.load_secrets(tmp_path)
    payments = Payments(settings, secrets)
    assert (payments.processor, payments.book, payments.livemode) == (processor, book, livemode)
    assert payments.webhook_secret == ("" if key else secrets.sandbox_webhook_secret)
    await payments.close()
