"""The sandbox processor's HTTP API: key, parameters, idempotency, answer."""

import asyncio
import hashlib
import hmac
import json
import secrets
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from stripe.params import checkout as checkout_types

from alltoken_app.payments.sandbox import checkout, operations, parameters
from alltoken_app.payments.sandbox.delivery import Delivery
from alltoken_app.payments.sandbox.errors import Refused
from alltoken_app.payments.sandbox.faults import Faults
from alltoken_app.payments.sandbox.store import Books, Kept, Object, Store, public

PREFIX = "/sandbox/stripe"
LONGEST_KEY = 255

Handler: TypeAlias = Callable[[Request], Awaitable[Response]]
Work: TypeAlias = Callable[[Books], Object]


class Api:
    """The routes under /sandbox/stripe."""

    def __init__(
        self, key: str, page: str, store: Store, delivery: Delivery, faults: Faults
    ) -> None:
        self._key = key
        self._page = page
        self._store = store
        self._delivery = delivery
        self._faults = faults

    def routes(self) -> list[Route]:
        """Every call the sandbox knows; another one is a Stripe-shaped 404."""
        routes = [Route(f"{PREFIX}/faults", self._answer(self._set_faults), methods=["POST"])]
        for place in operations.CREATES:
            routes.append(self._route(place, "POST", self._create(place)))
        for kind, (place, _, _) in operations.KINDS.items():
            routes.append(self._route(place, "GET", self._list(kind)))
            routes.append(self._route(f"{place}/{{id}}", "GET", self._retrieve(kind)))
        routes.append(self._route("checkout/sessions/{id}/expire", "POST", self._expire))
        anything = ["GET", "POST", "DELETE"]
        routes.append(
            Route(f"{PREFIX}/{{rest:path}}", self._answer(self._unknown), methods=anything)
        )
        return routes

    def _route(self, place: str, method: str, handler: Handler) -> Route:
        return Route(f"{PREFIX}/v1/{place}", self._answer(handler), methods=[method])

    def _answer(self, handler: Handler) -> Handler:
        """Check the key and give refusals their shape."""

        async def answer(request: Request) -> Response:
            try:
                self._authenticate(request)
                if not request.url.path.endswith("/faults") and self._faults.take("fail"):
                    raise Refused("Told to fail.", status=500, type="api_error")
                answered = await handler(request)
            except Refused as refused:
                answered = JSONResponse(refused.body, refused.status)
            answered.headers["request-id"] = f"req_{secrets.token_hex(7)}"
            return answered

        return answer

    def _authenticate(self, request: Request) -> None:
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        if scheme != "Bearer" or not hmac.compare_digest(key.encode(), self._key.encode()):
            raise Refused("Invalid API Key provided.", status=401)

    def _create(self, place: str) -> Handler:
        create = operations.CREATES[place]

        async def handler(request: Request) -> Response:
            raw = await _form(request)
            params = parameters.checked(raw, create.shape, create.handled)
            return await self._once(
                request, raw, lambda books: create.make(books, params, self._page)
            )

        return handler

    async def _expire(self, request: Request) -> Response:
        raw = await _form(request)
        parameters.checked(raw, checkout_types.SessionExpireParams, frozenset())
        id = request.path_params["id"]
        return await self._once(
            request, raw, lambda books: checkout.expire(books, checkout.session(books, id))
        )

    def _retrieve(self, kind: str) -> Handler:
        async def handler(request: Request) -> Response:
            raw = parameters.nested(request.query_params.multi_items())
            params = parameters.checked(raw, checkout_types.SessionRetrieveParams, frozenset())
            expand = params.get("expand", [])
            found = await self._store.run(
                operations.retrieve, kind, request.path_params["id"], expand
            )
            return JSONResponse(found)

        return handler

    def _list(self, kind: str) -> Handler:
        _, shape, filters = operations.KINDS[kind]
        handled = filters | {"limit", "starting_after"}

        async def handler(request: Request) -> Response:
            raw = parameters.nested(request.query_params.multi_items())
            params = parameters.checked(raw, shape, handled)
            return JSONResponse(await self._store.run(operations.listed, kind, params))

        return handler

    async def _once(self, request: Request, raw: dict[str, Any], work: Work) -> Response:
        """Do it once per idempotency key; the same key again gets the first answer."""
        key = request.headers.get("idempotency-key", "")
        if len(key) > LONGEST_KEY:
            raise Refused("Idempotency keys have at most 255 characters.")
        asked = json.dumps([request.url.path, raw], sort_keys=True)
        fingerprint = hashlib.sha256(asked.encode()).hexdigest()
        kept, replayed = await self._store.run(_apply_once, key, fingerprint, work)
        self._delivery.wake()
        if self._faults.take("time_out_after_commit"):
            await asyncio.sleep(self._faults.silence_ms / 1000)
            return Response(status_code=504)
        headers = {"idempotent-replayed": "true"} if replayed else {}
        return Response(kept.body, kept.status, headers, "application/json")

    async def _set_faults(self, request: Request) -> Response:
        try:
            self._faults.set(msgspec.json.decode(await request.body(), type=dict[str, Any]))
        except msgspec.DecodeError as wrong:
            raise Refused(str(wrong)) from None
        return JSONResponse({"ok": True})

    async def _unknown(self, request: Request) -> Response:
        message = f"Unrecognized request URL ({request.method}: {request.url.path})."
        raise Refused(message, status=404)


def _apply_once(books: Books, key: str, fingerprint: str, work: Work) -> tuple[Kept, bool]:
    kept = books.kept(key) if key else None
    if kept is not None:
        if kept.fingerprint != fingerprint:
            raise Refused(
                "Keys for idempotent requests can only be used with the same parameters they "
                "were first used with.",
                type="idempotency_error",
            )
        return kept, True
    answer = Kept(fingerprint, 200, json.dumps(public(work(books))))
    if key:
        books.keep(key, answer)
    return answer, False


async def _form(request: Request) -> dict[str, Any]:
    async with request.form(max_files=0, max_fields=200) as form:
        return parameters.nested((name, str(value)) for name, value in form.multi_items())
