"""The payment processor: Stripe live, Stripe test, or the sandbox; one client for the three.

Nothing here blocks the event loop: with one worker process the sandbox that answers these calls
is served by that same loop.
"""

from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

import anyio
import httpx
import stripe
import structlog
from stripe.params.checkout import SessionCreateParams

from alltoken_app.crypto import Secrets
from alltoken_app.errors import AllTokenError, NotFound, Unavailable
from alltoken_app.settings import Settings

T = TypeVar("T")

RETRIES = 2
REFERENCE = "top_up_id"  # the one thing our metadata says

log = structlog.get_logger()
stripe.enable_telemetry = False  # it would tell Stripe about this machine


@dataclass(frozen=True)
class NewCheckout:
    """What a hosted payment page is asked to collect. Amounts in cents, time in Unix seconds."""

    top_up_id: str
    credit_minor: int
    fee_minor: int
    currency: str
    success_url: str
    cancel_url: str
    expires_at: int


@dataclass(frozen=True)
class Checkout:
    """A hosted payment page that waits for the customer."""

    session_id: str
    url: str


@dataclass(frozen=True)
class Payment:
    """A PaymentIntent as the processor tells it now.

    Attributes:
        top_up_id: Ours, from its metadata; None when it is not about a top-up.
        status: "succeeded", "processing", "requires_…" or "canceled".
        received_minor, refunded_minor: Cents.
        failure: Code of the last refused attempt.
    """

    payment_intent_id: str
    top_up_id: str | None
    status: str
    livemode: bool
    currency: str
    received_minor: int
    refunded_minor: int
    failure: str | None


@dataclass(frozen=True)
class CheckoutFacts:
    """A Checkout Session as the processor tells it now; `status` is open, complete or expired."""

    session_id: str
    top_up_id: str | None
    status: str
    livemode: bool
    payment: Payment | None


class Payments:
    """Calls to the processor. Close it at the end.

    Attributes:
        processor: "stripe" or "sandbox"; a payment of one is never credited by the other.
        book: The book its money belongs to.
        webhook_secret: Signs its events; empty when nobody set it.
    """

    def __init__(self, settings: Settings, secrets: Secrets) -> None:
        key = settings.stripe_secret_key.get_secret_value()
        self.settings = settings
        self.processor: Literal["stripe", "sandbox"] = "stripe" if key else "sandbox"
        self.book = settings.book
        self.livemode = settings.book == "live"
        self.webhook_secret = (
            settings.stripe_webhook_secret.get_secret_value()
            if key
            else secrets.sandbox_webhook_secret
        )
        self._transport = _Transport(settings.payment_timeout, use_proxy=bool(key))
        self._stripe = stripe.StripeClient(
            key or secrets.sandbox_api_key,
            base_addresses={} if key else {"api": sandbox_address(settings)},
            max_network_retries=RETRIES,
            http_client=self._transport,
        )

    async def create_checkout(self, new: NewCheckout) -> Checkout:
        """Open a hosted payment page; asked again for the same top-up it is the same page.

        Raises:
            Unavailable: The processor did not answer, or refused; nothing was charged.
        """
        made = await _asked(
            self._stripe.v1.checkout.sessions.create_async(
                _checkout_params(new), {"idempotency_key": new.top_up_id}
            )
        )
        if not made.url:
            raise _unavailable()
        return Checkout(made.id, made.url)

    async def fetch_checkout(self, session_id: str) -> CheckoutFacts:
        """The Checkout Session and its payment, fetched now.

        Raises:
            NotFound: The processor knows no such session.
            Unavailable: It did not answer.
        """
        found = await _asked(
            self._stripe.v1.checkout.sessions.retrieve_async(
                session_id, {"expand": ["payment_intent", "payment_intent.latest_charge"]}
            )
        )
        paid = found.payment_intent
        return CheckoutFacts(
            session_id=found.id,
            top_up_id=found.client_reference_id,
            status=found.status or "open",
            livemode=found.livemode,
            payment=_payment(paid) if isinstance(paid, stripe.PaymentIntent) else None,
        )

    async def fetch_payment_intent(self, payment_intent_id: str) -> Payment:
        """The PaymentIntent, fetched now.

        Raises:
            NotFound: The processor knows no such payment.
            Unavailable: It did not answer.
        """
        found = await _asked(
            self._stripe.v1.payment_intents.retrieve_async(
                payment_intent_id, {"expand": ["latest_charge"]}
            )
        )
        return _payment(found)

    async def close(self) -> None:
        """Close the connections."""
        await self._transport.close_async()


def sandbox_address(settings: Settings) -> str:
    """Where the sandbox processor of this installation answers."""
    return f"http://127.0.0.1:{settings.port}/sandbox/stripe"


def _checkout_params(new: NewCheckout) -> SessionCreateParams:
    prices = {"AllToken credit": new.credit_minor, "Payment fee": new.fee_minor}
    return {
        "mode": "payment",
        "allowed_payment_method_types": ["card"],
        "client_reference_id": new.top_up_id,
        "payment_intent_data": {"metadata": {REFERENCE: new.top_up_id}},
        "line_items": [
            {
                "quantity": 1,
                "price_data": {
                    "currency": new.currency,
                    "unit_amount": cents,
                    "product_data": {"name": name},
                },
            }
            for name, cents in prices.items()
            if cents
        ],
        "success_url": new.success_url,
        "cancel_url": new.cancel_url,
        "expires_at": new.expires_at,
    }


def _payment(found: stripe.PaymentIntent) -> Payment:
    charge, error = found.latest_charge, found.last_payment_error
    return Payment(
        payment_intent_id=found.id,
        top_up_id=getattr(found.metadata, REFERENCE, None),
        status=found.status,
        livemode=found.livemode,
        currency=found.currency,
        received_minor=found.amount_received,
        refunded_minor=charge.amount_refunded if isinstance(charge, stripe.Charge) else 0,
        failure=(error.decline_code or error.code) if error else None,
    )


async def _asked(answer: Awaitable[T]) -> T:
    """Wait for the processor's answer; its errors become ours and name no secret."""
    try:
        return await answer
    except stripe.InvalidRequestError as error:
        if error.code == "resource_missing":
            raise NotFound("The payment processor does not know this payment.") from None
        log.error("payment_processor_refused", code=error.code, param=error.param)
        raise _unavailable() from None
    except stripe.StripeError as error:
        log.error("payment_processor_failed", type=type(error).__name__, code=error.code)
        raise _unavailable() from None


def _unavailable() -> AllTokenError:
    return Unavailable(
        "The payment processor did not answer. Nothing was charged; try again in a minute.",
        code="payment_processor_unavailable",
        retry_after=60,
    )


class _Transport(stripe.HTTPClient):
    """httpx under the SDK: the SDK's own variant cannot leave the proxy variables aside.

    A proxy that is set for the outside world must not be asked for our own loopback port.
    """

    name = "httpx"

    def __init__(self, timeout: float, *, use_proxy: bool) -> None:
        super().__init__()
        self.INITIAL_DELAY = timeout / 20  # before the first retry; doubled for the second
        self._http = httpx.AsyncClient(timeout=timeout, trust_env=use_proxy)

    async def request_async(
        self, method: str, url: str, headers: Mapping[str, str], post_data: Any = None
    ) -> tuple[bytes, int, Mapping[str, str]]:
        try:
            answer = await self._http.request(
                method, url, headers=dict(headers), content=post_data or None
            )
        except httpx.HTTPError as error:
            name = type(error).__name__
            raise stripe.APIConnectionError(name, should_retry=True) from error  # type: ignore[no-untyped-call]
        return answer.content, answer.status_code, answer.headers

    async def sleep_async(self, secs: float) -> None:
        await anyio.sleep(secs)

    async def close_async(self) -> None:
        await self._http.aclose()
