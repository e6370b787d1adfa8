"""Serves the hosted payment page: form, card, 3-D Secure, and the way back to the merchant."""

import re
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from alltoken_app.clock import now_ms, to_datetime
from alltoken_app.payments.sandbox import cards, checkout, pay_page
from alltoken_app.payments.sandbox.delivery import Delivery
from alltoken_app.payments.sandbox.errors import Refused
from alltoken_app.payments.sandbox.pay_page import Typed
from alltoken_app.payments.sandbox.store import Books, Object, Store

PREFIX = "/sandbox/pay"
STYLE = Path(__file__).with_name("pay.css")


class PayRoutes:
    """The routes under /sandbox/pay."""

    def __init__(self, store: Store, delivery: Delivery, home: str) -> None:
        self._store = store
        self._delivery = delivery
        self._home = home

    def routes(self) -> list[Route]:
        """The page's stylesheet, the page, and the bank's answer."""
        return [
            Route(f"{PREFIX}.css", self._style),
            Route(f"{PREFIX}/{{id}}", self._show),
            Route(f"{PREFIX}/{{id}}", self._pay, methods=["POST"]),
            Route(f"{PREFIX}/{{id}}/confirm", self._confirm, methods=["POST"]),
        ]

    async def _style(self, _request: Request) -> Response:
        return FileResponse(STYLE, media_type="text/css")

    async def _show(self, request: Request) -> Response:
        session = await self._session(request)
        if session is None or session["status"] != "open":
            return self._closed(session)
        card = cards.find(request.query_params.get("card", ""))
        intent = await self._store.run(lambda books: books.get(session["payment_intent"] or ""))
        if intent and intent["status"] == "requires_action" and card is None:
            return _html(pay_page.challenge(session), session)
        typed = pay_page.filled(card) if card else Typed()
        refused = "" if card else _refusal(intent)
        return _html(pay_page.payment_form(session, typed, refused), session)

    async def _pay(self, request: Request) -> Response:
        session = await self._session(request)
        if session is None or session["status"] != "open":
            return self._closed(session)
        typed = await _typed(request)
        card = cards.find(typed.number)
        if typed.wrong or card is None:
            return _html(pay_page.payment_form(session, typed), session)
        intent = await self._store.run(_pay_once, session["id"], card)
        self._delivery.wake()
        if intent is None or intent["status"] == "succeeded":
            return RedirectResponse(_way_back(session), 303)
        if intent["status"] == "requires_action":
            return RedirectResponse(f"{PREFIX}/{session['id']}", 303)
        return _html(pay_page.payment_form(session, typed, _refusal(intent)), session)

    async def _confirm(self, request: Request) -> Response:
        session = await self._session(request)
        if session is None or session["status"] != "open":
            return self._closed(session)
        async with request.form(max_files=0, max_fields=5) as form:
            passed = form.get("answer") == "yes"
        paid = await self._store.run(_confirm_once, session["id"], passed)
        self._delivery.wake()
        return RedirectResponse(_way_back(session) if paid else f"{PREFIX}/{session['id']}", 303)

    async def _session(self, request: Request) -> Object | None:
        try:
            return await self._store.run(checkout.session, request.path_params["id"])
        except Refused:
            return None

    def _closed(self, session: Object | None) -> Response:
        if session is None:
            told = "There is no payment page here", "The link is wrong or incomplete."
            page = pay_page.message(*told, self._home, "Go to AllToken")
            return _html(page, None, 404)
        if session["status"] == "complete":
            page = pay_page.message(
                "Already paid", "This payment went through.", _way_back(session), "Continue"
            )
            return _html(page, session)
        page = pay_page.message(
            "This payment page has expired",
            "Nothing was charged. Start the top-up again.",
            session["cancel_url"] or self._home,
            "Go back to AllToken",
        )
        return _html(page, session, 410)


def _html(page: str, session: Object | None, status: int = 200) -> HTMLResponse:
    return HTMLResponse(page, status, pay_page.headers(session))


def _way_back(session: Object) -> str:
    return str(session["success_url"]).replace("{CHECKOUT_SESSION_ID}", session["id"])


def _pay_once(books: Books, id: str, card: cards.Card) -> Object | None:
    """Pay, unless a second click did in the meantime; None then."""
    session = checkout.session(books, id)
    return checkout.pay(books, session, card) if session["status"] == "open" else None


def _confirm_once(books: Books, id: str, passed: bool) -> bool:
    """Give the bank's answer, if it is still waited for; whether the session is now paid."""
    session = checkout.session(books, id)
    try:
        intent = checkout.answer_challenge(books, session, passed=passed)
    except Refused:
        return bool(session["status"] == "complete")
    return bool(intent["status"] == "succeeded")


def _refusal(intent: Object | None) -> str:
    error = intent["last_payment_error"] if intent else None
    return str(error["message"]) if error else ""


async def _typed(request: Request) -> Typed:
    async with request.form(max_files=0, max_fields=10) as form:
        number, expiry, code = (
            str(form.get(name, "")).strip()[:40] for name in ("number", "expiry", "security_code")
        )
    wrong = []
    if cards.find(number) is None:
        wrong.append(("number", "This is not one of the test cards below."))
        number = ""  # it may be somebody's real card: it is not even shown again
    if not _in_future(expiry):
        wrong.append(("expiry", "Write a month to come, for example 12 / 34."))
    if not re.fullmatch(r"[0-9]{3,4}", code):
        wrong.append(("security_code", "Write three digits."))
    return Typed(number, expiry, code, tuple(wrong))


def _in_future(expiry: str) -> bool:
    match = re.fullmatch(r"(0?[1-9]|1[0-2]) ?/ ?([0-9]{2})", expiry)
    today = to_datetime(now_ms())
    if match is None:
        return False
    return (2000 + int(match[2]), int(match[1])) >= (today.year, today.month)
