"""POST /webhooks/stripe: the payment processor tells what happened.

It comes from a server, not from a page: there is no Origin to check, the signature is the proof.
A failure is answered with 5xx, so that the processor sends the event again.
"""

import structlog
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from alltoken_app.clock import SECOND, now_ms
from alltoken_app.errors import AllTokenError, Invalid, Unavailable
from alltoken_app.payments import events
from alltoken_app.payments.stripe_client import Payments
from alltoken_app.services import top_ups

LARGEST = 2**20  # bytes; the processor's events are some kilobytes

log = structlog.get_logger()


async def receive(request: Request) -> Response:
    """Answer 200 only once the event's effect is committed, or the event is kept for a person."""
    payments: Payments = request.app.state.plane.payments
    try:
        body = await _body(request)
        header = request.headers.get("stripe-signature", "")
        events.verify(body, header, payments.webhook_secret, now_ms() // SECOND)
        event = events.parse(body)
    except Invalid as wrong:
        return JSONResponse({"error": wrong.code}, 400)
    except Unavailable as closed:
        log.error("payment_event_refused", code=closed.code)
        return JSONResponse({"error": closed.code}, 503)
    try:
        await top_ups.apply_event(payments, event)
    except AllTokenError as failed:
        log.warning("payment_event_not_applied", event_id=event.event_id, code=failed.code)
        return JSONResponse({"error": failed.code}, 500)
    return JSONResponse({"received": True})


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST:
            raise Invalid("The event is too large.", code="event_too_large")
    return bytes(body)


ROUTES = [Route("/webhooks/stripe", receive, methods=["POST"])]
