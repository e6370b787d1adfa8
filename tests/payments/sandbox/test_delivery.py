"""alltoken_app/payments/sandbox/delivery.py"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from alltoken_app.clock import SECOND, now_ms
from alltoken_app.errors import Invalid
from alltoken_app.payments import events
from alltoken_app.payments.sandbox.app import create
from tests.payments.sandbox.test_api import paid
from tests.payments.site import Site, free_port, listening, running, until

EVENTS = 4  # of one payment: intent created, charge, intent succeeded, session completed


class Receiver:
    """Somebody else's webhook endpoint: keeps what it gets, accepts after `refusals`."""

    def __init__(self, refusals: int = 0) -> None:
        self.refusals = refusals
        self.got: list[tuple[bytes, str]] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body = (await receive())["body"]
        header = dict(scope["headers"]).get(b"stripe-signature", b"").decode()
        self.got.append((body, header))
        accepted = len(self.got) > self.refusals
        status = 200 if accepted else 500
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    def accepted(self, secret: str) -> list[str]:
        """Types of the events whose signature is right, in the order they came."""
        types = []
        for body, header in self.got[self.refusals :]:
            try:
                events.verify(body, header, secret, now_ms() // SECOND)
            except Invalid:
                continue
            types.append(events.parse(body).type)
        return types


@asynccontextmanager
async def beside(site: Site, receiver: Receiver) -> AsyncIterator[str]:
    """Send the site's events to the receiver instead; yields the secret they are signed with."""
    port = free_port()
    site.sandbox._delivery._url = f"http://127.0.0.1:{port}/webhooks/stripe"
    async with listening(receiver, port):
        yield site.secrets.sandbox_webhook_secret


async def test_events_are_sent_until_somebody_accepts_them(site: Site) -> None:
    site.refuse_webhooks = 6
    await paid(site)
    await until(lambda: site.delivered.count(503) == 6)
    await until(lambda: len(site.delivered) >= 6 + EVENTS)


async def test_a_payment_tells_its_whole_story_signed(tmp_path: Path) -> None:
    receiver = Receiver(refusals=2)
    async with running(tmp_path) as site, beside(site, receiver) as secret:
        await paid(site)
        await until(lambda: len(receiver.got) == 2 + EVENTS)
        assert sorted(receiver.accepted(secret)) == [
            "charge.succeeded",
            "checkout.session.completed",
            "payment_intent.created",
            "payment_intent.succeeded",
        ]


async def test_what_nobody_accepted_is_sent_after_a_restart(tmp_path: Path) -> None:
    async with running(tmp_path) as site:
        site.refuse_webhooks = 1000
        await paid(site)
        await until(lambda: len(site.delivered) >= EVENTS)
    receiver = Receiver()
    port = free_port()
    sandbox = create(site.settings.model_copy(update={"port": port}), site.secrets)
    async with listening(receiver, port):
        await sandbox.start()
        await until(lambda: len(receiver.got) == EVENTS)
        await sandbox.close()


async def test_faults_happen_as_often_as_they_are_asked_for(tmp_path: Path) -> None:
    receiver = Receiver()
    async with running(tmp_path) as site, beside(site, receiver) as secret:
        url = f"http://127.0.0.1:{site.settings.port}/sandbox/stripe/faults"
        headers = {"authorization": f"Bearer {site.secrets.sandbox_api_key}"}
        faults = {"drop": 1, "duplicate": 1, "forge": 1}
        assert (await site.http.post(url, json=faults, headers=headers)).status_code == 200
        assert (await site.http.post(url, json={"fire": 1}, headers=headers)).status_code == 400
        assert (await site.http.post(url, json=faults)).status_code == 401
        await paid(site)
        await until(lambda: len(receiver.got) == EVENTS - 1 + 2)
        assert len(receiver.accepted(secret)) == EVENTS - 1 + 1


async def test_a_delayed_event_comes_late(tmp_path: Path) -> None:
    receiver = Receiver()
    async with running(tmp_path) as site, beside(site, receiver):
        site.sandbox.faults.delay_ms = 300
        asked = now_ms()
        await paid(site)
        assert receiver.got == []
        await until(lambda: len(receiver.got) == EVENTS)
        assert now_ms() - asked >= 300
