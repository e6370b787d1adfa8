"""A top-up without hands: scripts and demos pay with the test card, all the real steps included."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from urllib.parse import urlsplit

import httpx

from alltoken_app.crypto import Secrets
from alltoken_app.errors import Conflict, Unavailable
from alltoken_app.payments.sandbox import cards, pay_page
from alltoken_app.payments.sandbox.serve import serving
from alltoken_app.payments.stripe_client import Payments, sandbox_address
from alltoken_app.services import top_ups
from alltoken_app.services.top_ups import TopUpView
from alltoken_app.settings import Settings


async def demo_top_up(
    settings: Settings,
    secrets: Secrets,
    *,
    org_id: str,
    person_id: str,
    dollars: str | int | Decimal = top_ups.LEAST,
) -> TopUpView:
    """Credit sandbox money: page, test card, credit; with the server running or without it.

    The process's database must be open.

    Raises:
        Conflict: A Stripe key is set, so there is no sandbox processor.
        Invalid: `invalid_amount`.
        Unavailable: The payment did not go through.
    """
    if settings.stripe_secret_key.get_secret_value():
        raise Conflict("A demo top-up needs the sandbox processor, but STRIPE_SECRET_KEY is set.")
    async with _sandbox(settings, secrets) as reached:
        payments = Payments(reached, secrets)
        try:
            started = await top_ups.begin(payments, org_id, person_id, dollars)
            session_id = await _pay(reached, started.url)
            settled = await top_ups.settle_checkout(payments, session_id)
        finally:
            await payments.close()
    if settled is None:
        raise Unavailable("The sandbox processor forgot the payment.")
    return settled


@asynccontextmanager
async def _sandbox(settings: Settings, secrets: Secrets) -> AsyncIterator[Settings]:
    """The settings under which the sandbox answers: the running server's, or one of our own."""
    if await _answers(settings, secrets):
        yield settings
        return
    async with serving(settings, secrets) as moved:
        yield moved


async def _answers(settings: Settings, secrets: Secrets) -> bool:
    headers = {"authorization": f"Bearer {secrets.sandbox_api_key}"}
    url = f"{sandbox_address(settings)}/v1/events?limit=1"
    async with httpx.AsyncClient(timeout=settings.payment_timeout, trust_env=False) as http:
        try:
            return (await http.get(url, headers=headers)).status_code == 200
        except httpx.HTTPError:
            return False


async def _pay(settings: Settings, page: str) -> str:
    """Fill in the payment page; returns its session id."""
    path = urlsplit(page).path
    form = {
        "number": cards.CARDS[0].number,
        "expiry": pay_page.EXPIRY,
        "security_code": pay_page.SECURITY_CODE,
    }
    async with httpx.AsyncClient(timeout=settings.payment_timeout, trust_env=False) as http:
        paid = await http.post(f"http://127.0.0.1:{settings.port}{path}", data=form)
    if paid.status_code != 303:
        raise Unavailable(f"The sandbox payment page answered {paid.status_code}.")
    return path.rpartition("/")[2]
