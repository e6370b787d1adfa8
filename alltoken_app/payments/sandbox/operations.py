"""The API's calls: which parameters each takes, and what it does in one transaction."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from stripe import params as types
from stripe.params import checkout as checkout_types

from alltoken_app.clock import SECOND, now_ms
from alltoken_app.payments.sandbox import checkout
from alltoken_app.payments.sandbox.checkout import VERSION
from alltoken_app.payments.sandbox.errors import Refused, missing
from alltoken_app.payments.sandbox.store import Books, Object, new_name, public

# kind of object: its place in the API, the parameters of a list of them, what it can be listed by
KINDS: dict[str, tuple[str, type, frozenset[str]]] = {
    "checkout.session": (
        "checkout/sessions",
        checkout_types.SessionListParams,
        frozenset({"payment_intent", "customer", "status"}),
    ),
    "payment_intent": (
        "payment_intents",
        types.PaymentIntentListParams,
        frozenset({"customer"}),
    ),
    "charge": ("charges", types.ChargeListParams, frozenset({"payment_intent"})),
    "refund": ("refunds", types.RefundListParams, frozenset({"payment_intent", "charge"})),
    "customer": ("customers", types.CustomerListParams, frozenset({"email"})),
    "event": ("events", types.EventListParams, frozenset({"type"})),
    "balance_transaction": (
        "balance_transactions",
        types.BalanceTransactionListParams,
        frozenset({"source", "type"}),
    ),
}
EXPANDABLE = {"payment_intent", "latest_charge", "charge", "customer", "balance_transaction"}

Params: TypeAlias = dict[str, Any]


@dataclass(frozen=True)
class Create:
    """A call that makes an object."""

    shape: type
    handled: frozenset[str]
    make: Callable[[Books, Params, str], Object]


def _create_refund(books: Books, params: Params, _page: str) -> Object:
    charge = _refunded_charge(books, params)
    left = charge["amount"] - charge["amount_refunded"]
    amount = params.get("amount", left)
    if left == 0:
        message = f"Charge {charge['id']} has already been refunded."
        raise Refused(message, code="charge_already_refunded")
    if not 0 < amount <= left:
        raise Refused(f"Refund amount is greater than the {left} left.", param="amount")
    refunded = charge["amount_refunded"] + amount
    charge = books.put(
        charge | {"amount_refunded": refunded, "refunded": refunded == charge["amount"]}
    )
    refund = books.put(
        {
            "id": new_name("re_"),
            "object": "refund",
            "amount": amount,
            "charge": charge["id"],
            "created": now_ms() // SECOND,
            "currency": charge["currency"],
            "metadata": params.get("metadata", {}),
            "payment_intent": charge["payment_intent"],
            "reason": params.get("reason"),
            "status": "succeeded",
        }
    )
    books.emit("refund.created", refund, VERSION)
    books.emit("charge.refunded", charge, VERSION)
    return refund


def _refunded_charge(books: Books, params: Params) -> Object:
    if "payment_intent" in params:
        intent = books.get(params["payment_intent"])
        if intent is None:
            raise missing("payment_intent", params["payment_intent"])
        charge = books.get(intent["latest_charge"] or "")
    else:
        charge = books.get(params.get("charge", ""))
    if charge is None or charge["object"] != "charge" or charge["status"] != "succeeded":
        raise Refused("There is no successful charge to refund.", param="payment_intent")
    return charge


def _create_customer(books: Books, params: Params, _page: str) -> Object:
    fields = {name: params.get(name) for name in ("email", "name", "description")}
    return books.put(
        {
            "id": new_name("cus_"),
            "object": "customer",
            "created": now_ms() // SECOND,
            "livemode": False,
            "metadata": params.get("metadata", {}),
            **fields,
        }
    )


CREATES: dict[str, Create] = {
    "checkout/sessions": Create(
        checkout_types.SessionCreateParams,
        frozenset(
            {
                "allowed_payment_method_types",
                "cancel_url",
                "client_reference_id",
                "customer",
                "customer_email",
                "expires_at",
                "line_items",
                "line_items.price_data",
                "line_items.price_data.currency",
                "line_items.price_data.product_data",
                "line_items.price_data.product_data.name",
                "line_items.price_data.unit_amount",
                "line_items.quantity",
                "metadata",
                "mode",
                "payment_intent_data",
                "payment_intent_data.description",
                "payment_intent_data.metadata",
                "submit_type",
                "success_url",
                "ui_mode",
            }
        ),
        checkout.create_session,
    ),
    "refunds": Create(
        types.RefundCreateParams,
        frozenset({"amount", "charge", "metadata", "payment_intent", "reason"}),
        _create_refund,
    ),
    "customers": Create(
        types.CustomerCreateParams,
        frozenset({"description", "email", "metadata", "name"}),
        _create_customer,
    ),
}


def retrieve(books: Books, kind: str, id: str, expand: list[str]) -> Object:
    """One object, with the references named in `expand` replaced by what they refer to."""
    if kind == "checkout.session":
        found: Object | None = checkout.session(books, id)
    else:
        found = books.get(id)
    if found is None or found["object"] != kind:
        raise missing(kind, id)
    shown = public(found)
    for path in sorted(expand):
        _expand(books, found, shown, path.split("."))
    return shown


def _expand(books: Books, kept: Object, shown: Object, path: list[str]) -> None:
    name, rest = path[0], path[1:]
    if name == "line_items" and "_line_items" in kept:
        items = {"object": "list", "data": kept["_line_items"], "has_more": False}
        shown[name] = items | {"url": f"/v1/checkout/sessions/{kept['id']}/line_items"}
        return
    if name not in EXPANDABLE or name not in kept:
        raise Refused(f"This property cannot be expanded ({name}).", param="expand")
    inner = books.get(kept[name] or "")
    if inner is None:
        return
    if not isinstance(shown[name], dict):
        shown[name] = public(inner)
    if rest:
        _expand(books, inner, shown[name], rest)


def listed(books: Books, kind: str, params: Params) -> Object:
    """A page of objects, newest first."""
    place, _, filters = KINDS[kind]
    limit = params.get("limit", 10)
    if not 1 <= limit <= 100:
        raise Refused("limit must be from 1 to 100", param="limit")
    found = [
        public(thing)
        for thing in books.find(kind, params.get("starting_after"))
        if all(thing.get(name) == params[name] for name in filters & params.keys())
    ]
    return {
        "object": "list",
        "url": f"/v1/{place}",
        "data": found[:limit],
        "has_more": len(found) > limit,
    }
