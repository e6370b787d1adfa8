"""alltoken_app/web_api/webhooks.py (what it credits: tests/services/test_top_ups.py)"""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from alltoken_app import crypto
from alltoken_app.clock import SECOND, now_ms
from alltoken_app.payments.sandbox.delivery import signature
from alltoken_app.payments.stripe_client import Payments
from alltoken_app.settings import Settings
from tests.payments.site import Site, running

EVENT = (
    b'{"id":"evt_1","object":"event","type":"payment_intent.succeeded","livemode":false,'
    b'"data":{"object":{"id":"pi_1"}}}'
)


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with running(tmp_path) as started:
        yield started


async def post(site: Site, body: bytes, secret: str | None = None) -> tuple[int, str]:
    key = site.secrets.sandbox_webhook_secret if secret is None else secret
    headers = {"stripe-signature": signature(body, key, now_ms() // SECOND)}
    url = f"http://127.0.0.1:{site.settings.port}/webhooks/stripe"
    answer = await site.http.post(url, content=body, headers=headers)
    return answer.status_code, answer.json().get("error", "")


async def test_only_signed_events_come_in(site: Site) -> None:
    assert await post(site, EVENT, "whsec_guess") == (400, "invalid_signature")
    assert await post(site, b"{}") == (400, "invalid_event")
    assert await post(site, b" " * (2**20 + 1)) == (400, "event_too_large")
    url = f"http://127.0.0.1:{site.settings.port}/webhooks/stripe"
    assert (await site.http.post(url, content=EVENT)).status_code == 400
    assert (await site.http.get(url)).status_code == 405


@pytest.mark.parametrize("secret", ["", " "])
async def test_without_a_secret_nothing_comes_in(site: Site, tmp_path: Path, secret: str) -> None:
    settings = Settings(_env_file=None, stripe_secret_key="sk_test_1", stripe_webhook_secret=secret)
    site.payments = Payments(settings, crypto.load_secrets(tmp_path))
    assert await post(site, EVENT, secret) == (503, "webhook_not_configured")


async def test_what_cannot_be_applied_now_is_asked_for_again(site: Site, database: object) -> None:
    site.sandbox.faults.fail = 3
    assert await post(site, EVENT) == (500, "payment_processor_unavailable")
    assert await post(site, EVENT) == (500, "not_found")
