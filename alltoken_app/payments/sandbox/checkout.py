"""Checkout Sessions and their payments: what the sandbox processor does with money it invents."""

from typing import Any

import stripe

from alltoken_app.clock import SECOND, now_ms
from alltoken_app.payments.sandbox.cards import Card
from alltoken_app.payments.sandbox.errors import Refused, missing
from alltoken_app.payments.sandbox.store import Books, Object, new_name

VERSION = str(stripe.api_version)
MINUTE = 60  # seconds, as everything here: the processor counts Unix seconds
SHORTEST, LONGEST = 30 * MINUTE, 24 * 60 * MINUTE
SMALLEST_CHARGE = 50  # cents


def create_session(books: Books, params: dict[str, Any], page: str) -> Object:
    """Open a hosted payment page at `page`/<session id>."""
    items, currency, total = _line_items(params)
    now = now_ms() // SECOND
    expires_at = params.get("expires_at", now + LONGEST)
    _check(params, total, expires_at - now)
    id = new_name("cs_test_")
    session = {
        "id": id,
        "object": "checkout.session",
        "allowed_payment_method_types": params.get("allowed_payment_method_types"),
        "amount_subtotal": total,
        "amount_total": total,
        "automatic_tax": {"enabled": False, "status": None},
        "cancel_url": params.get("cancel_url"),
        "client_reference_id": params.get("client_reference_id"),
        "created": now,
        "currency": currency,
        "customer": params.get("customer"),
        "customer_details": None,
        "customer_email": params.get("customer_email"),
        "expires_at": expires_at,
        "livemode": False,
        "metadata": params.get("metadata", {}),
        "mode": "payment",
        "payment_intent": None,
        "payment_method_types": ["card"],
        "payment_status": "unpaid",
        "status": "open",
        "submit_type": params.get("submit_type"),
        "success_url": params["success_url"],
        "ui_mode": "hosted_page",
        "url": f"{page}/{id}",
        "_line_items": items,
        "_payment_intent_data": params.get("payment_intent_data", {}),
    }
    return books.put(session)


def _line_items(params: dict[str, Any]) -> tuple[list[Object], str, int]:
    items = []
    for index, item in enumerate(params.get("line_items", [])):
        price = item.get("price_data", {})
        if "unit_amount" not in price or "name" not in price.get("product_data", {}):
            raise Refused("Missing required param: line_items[price_data].", param="line_items")
        quantity = item.get("quantity", 1)
        items.append(
            {
                "id": new_name("li_"),
                "object": "item",
                "amount_total": price["unit_amount"] * quantity,
                "currency": price["currency"],
                "description": price["product_data"]["name"],
                "quantity": quantity,
            }
        )
        if quantity < 1 or price["unit_amount"] < 0:
            raise Refused("Invalid amount.", param=f"line_items[{index}]")
    currencies = {item["currency"] for item in items}
    if len(currencies) != 1:
        raise Refused("You must pass line_items of one currency.", param="line_items")
    return items, currencies.pop(), sum(item["amount_total"] for item in items)


def _check(params: dict[str, Any], total: int, life: int) -> None:
    if params.get("mode") != "payment":
        raise Refused("The sandbox processor knows mode `payment` only.", param="mode")
    if params.get("ui_mode", "hosted_page") != "hosted_page":
        raise Refused("The sandbox processor shows hosted pages only.", param="ui_mode")
    if not params.get("success_url", "").startswith(("http://", "https://")):
        raise Refused("Not a valid URL", code="url_invalid", param="success_url")
    if not params.get("cancel_url", "https://").startswith(("http://", "https://")):
        raise Refused("Not a valid URL", code="url_invalid", param="cancel_url")
    if total < SMALLEST_CHARGE:
        raise Refused("The total must be at least $0.50.", code="amount_too_small")
    if not SHORTEST - MINUTE <= life <= LONGEST + MINUTE:
        message = "The `expires_at` timestamp must be between 30 minutes and 24 hours from now."
        raise Refused(message, param="expires_at")


def session(books: Books, id: str) -> Object:
    """The session, expired first if its time has passed.

    Raises:
        Refused: There is none.
    """
    found = books.get(id)
    if found is None or found["object"] != "checkout.session":
        raise missing("checkout.session", id)
    if found["status"] == "open" and found["expires_at"] <= now_ms() // SECOND:
        return expire(books, found)
    return found


def expire(books: Books, session: Object) -> Object:
    """Close an open session unpaid.

    Raises:
        Refused: It is not open.
    """
    if session["status"] != "open":
        raise Refused("Only Checkout Sessions with a status of `open` can be expired.")
    session = books.put(session | {"status": "expired", "url": None})
    books.emit("checkout.session.expired", session, VERSION)
    return session


def expire_old(books: Books) -> None:
    """Expire every open session whose time has passed."""
    for found in books.expired_sessions(now_ms() // SECOND):
        expire(books, found)


def pay(books: Books, session: Object, card: Card) -> Object:
    """Try to pay an open session; returns its PaymentIntent, which tells how it went."""
    intent = books.get(session["payment_intent"] or "") or _new_intent(books, session)
    if card.outcome == "declines":
        return _decline(books, intent, card)
    if card.outcome == "challenges":
        return _challenge(books, intent, card)
    return _succeed(books, session, intent, card.last4)


def _challenge(books: Books, intent: Object, card: Card) -> Object:
    intent = books.put(
        intent
        | {
            "status": "requires_action",
            "next_action": {"type": "redirect_to_url"},
            "last_payment_error": None,
            "_challenged_card": card.last4,
        }
    )
    books.emit("payment_intent.requires_action", intent, VERSION)
    return intent


def answer_challenge(books: Books, session: Object, *, passed: bool) -> Object:
    """The payer confirmed, or refused, with their bank."""
    intent = books.get(session["payment_intent"] or "")
    if intent is None or intent["status"] != "requires_action":
        raise Refused("This payment waits for no confirmation.")
    if passed:
        return _succeed(books, session, intent, intent["_challenged_card"])
    error = {
        "type": "card_error",
        "code": "payment_intent_authentication_failure",
        "message": "The bank did not confirm. Nothing was charged; try again or use another card.",
    }
    return _fail(books, intent, error)


def _new_intent(books: Books, session: Object) -> Object:
    data = session["_payment_intent_data"]
    intent = books.put(
        {
            "id": new_name("pi_"),
            "object": "payment_intent",
            "amount": session["amount_total"],
            "amount_received": 0,
            "created": now_ms() // SECOND,
            "currency": session["currency"],
            "customer": session["customer"],
            "description": data.get("description"),
            "last_payment_error": None,
            "latest_charge": None,
            "livemode": False,
            "metadata": data.get("metadata", {}),
            "next_action": None,
            "payment_method_types": ["card"],
            "status": "requires_payment_method",
        }
    )
    books.emit("payment_intent.created", intent, VERSION)
    books.put(session | {"payment_intent": intent["id"]})
    return intent


def _charge(books: Books, intent: Object, last4: str, **outcome: Any) -> Object:
    return books.put(
        {
            "id": new_name("ch_"),
            "object": "charge",
            "amount": intent["amount"],
            "amount_refunded": 0,
            "balance_transaction": None,
            "created": now_ms() // SECOND,
            "currency": intent["currency"],
            "livemode": False,
            "payment_intent": intent["id"],
            "payment_method_details": {"type": "card", "card": {"brand": "visa", "last4": last4}},
            "refunded": False,
            **outcome,
        }
    )


def _succeed(books: Books, session: Object, intent: Object, last4: str) -> Object:
    charge = _charge(books, intent, last4, status="succeeded", paid=True)
    charge = books.put(charge | {"balance_transaction": _settle(books, charge)})
    intent = books.put(
        intent
        | {
            "amount_received": intent["amount"],
            "last_payment_error": None,
            "latest_charge": charge["id"],
            "next_action": None,
            "status": "succeeded",
        }
    )
    session = books.put(
        session
        | {
            "payment_intent": intent["id"],
            "payment_status": "paid",
            "status": "complete",
            "url": None,
        }
    )
    books.emit("charge.succeeded", charge, VERSION)
    books.emit("payment_intent.succeeded", intent, VERSION)
    books.emit("checkout.session.completed", session, VERSION)
    return intent


def _settle(books: Books, charge: Object) -> str:
    fee = (charge["amount"] * 29 + 500) // 1000 + 30  # 2.9 % + 30 cents, to the nearest cent
    made = books.put(
        {
            "id": new_name("txn_"),
            "object": "balance_transaction",
            "amount": charge["amount"],
            "created": now_ms() // SECOND,
            "currency": charge["currency"],
            "fee": fee,
            "net": charge["amount"] - fee,
            "source": charge["id"],
            "status": "pending",
            "type": "charge",
        }
    )
    return str(made["id"])


def _decline(books: Books, intent: Object, card: Card) -> Object:
    charge = _charge(books, intent, card.last4, status="failed", paid=False)
    books.emit("charge.failed", charge, VERSION)
    error = {
        "type": "card_error",
        "code": "card_declined",
        "decline_code": card.code,
        "charge": charge["id"],
        "message": card.told,
    }
    return _fail(books, intent | {"latest_charge": charge["id"]}, error)


def _fail(books: Books, intent: Object, error: Object) -> Object:
    intent = books.put(
        intent
        | {"last_payment_error": error, "next_action": None, "status": "requires_payment_method"}
    )
    books.emit("payment_intent.payment_failed", intent, VERSION)
    return intent
