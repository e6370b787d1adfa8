"""What the web app's own endpoints share: who may post, what a body may be, how they answer.

A page posts JSON by fetch and gets JSON; without JavaScript the same form posts natively and is
sent on by 303, with `?error=code` when something is wrong.
"""

import ipaddress
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlencode

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from alltoken_app.errors import AllTokenError, Forbidden, Invalid, Kind
from alltoken_app.services import failures
from alltoken_app.services.security_log import Client
from alltoken_app.settings import Settings

Value = str | bool | None
Action = Callable[[Request, "Fields"], Awaitable[Response]]

LARGEST_BODY = 64 * 1024
MOST_FIELDS = 50
LONGEST_AGENT = 200
JSON, FORM = "application/json", "application/x-www-form-urlencoded"
TRUE = frozenset({"on", "true", "1", "yes"})
PATH = re.compile(r"/(?![/\\])[\w.~!$&'()*+,;=:@%/?#\[\]-]*", re.ASCII)

STATUS: dict[Kind, int] = {
    Kind.INVALID: 400,
    Kind.UNAUTHENTICATED: 401,
    Kind.PAYMENT_REQUIRED: 402,
    Kind.FORBIDDEN: 403,
    Kind.NOT_FOUND: 404,
    Kind.CONFLICT: 409,
    Kind.RATE_LIMITED: 429,
    Kind.UPSTREAM: 502,
    Kind.UNAVAILABLE: 503,
}


class Fields:
    """The fields of a posted form. Fields nobody asks for have no effect."""

    def __init__(self, values: Mapping[str, Value]) -> None:
        self._values = values

    def text(self, name: str) -> str:
        """A field as text; "" when it is absent.

        Raises:
            Invalid: It is no text.
        """
        value = self._values.get(name)
        if value is None:
            return ""
        if not isinstance(value, str):
            raise Invalid(f"{name} is a text.", param=name, status=422)
        return value

    def flag(self, name: str) -> bool:
        """Whether a box is ticked."""
        value = self._values.get(name)
        return value is True or (isinstance(value, str) and value.lower() in TRUE)

    def choice(self, name: str, *, ticked: str) -> str:
        """A box's own value, or `ticked` when it has none; "" when it is not ticked."""
        if self.flag(name):
            return ticked
        value = self._values.get(name)
        return value if isinstance(value, str) else ""

    def has(self, name: str) -> bool:
        """Whether the field was sent at all."""
        return name in self._values


def post(path: str, action: Action, *, page: str = "/", keep: str = "") -> Route:
    """A route for one action: same origin only, parsed, and errors answered.

    Args:
        page: Where a native form goes back to when something is wrong.
        keep: A field to carry back to that page's address, such as "next".
    """

    async def answer(request: Request) -> Response:
        fields = Fields({})
        try:
            require_same_origin(request)
            fields = await read_fields(request)
            return await action(request, fields)
        except AllTokenError as error:
            return refusal(request, error, page, {keep: fields.text(keep)} if keep else {})
        except Exception as error:  # noqa: BLE001  logged without what it said, answered calmly
            return crash(request, error)

    return Route(path, answer, methods=["POST"])


def require_same_origin(request: Request) -> None:
    """Refuse what another site's page sent: browsers always say where a POST comes from.

    Raises:
        Forbidden: `csrf_failed`.
    """
    settings: Settings = request.app.state.plane.settings
    if request.headers.get("origin") not in settings.origins:
        raise Forbidden(
            f"This was not sent by a page of {settings.origin}. Open that address and try again.",
            code="csrf_failed",
        )


async def read_fields(request: Request) -> Fields:
    """The body's fields, JSON or a native form's; none without a body.

    Raises:
        Forbidden: `csrf_failed`: a type that another site could send without asking.
        Invalid: Too large, or not a flat object of texts and yes-or-no values.
    """
    body = await _body(request)
    kind = _kind(request)
    if not body:
        return Fields({})
    try:
        if kind == JSON:
            return Fields(msgspec.json.decode(body, type=dict[str, Value]))
        if kind == FORM:
            pairs = parse_qsl(
                body.decode(), keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS
            )
            return Fields(dict(pairs))
    except ValueError:
        raise Invalid("The form could not be read.", code="invalid_body") from None
    raise Forbidden(f"Send {JSON} or {FORM}.", code="csrf_failed")


async def _body(request: Request) -> bytes:
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > LARGEST_BODY:
            raise Invalid("This form is too large.", code="request_too_large", status=413)
    return body


def _kind(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def client(request: Request) -> Client:
    """Where a request came from; behind `PROXY_HOPS` proxies, what the first of them saw."""
    settings: Settings = request.app.state.plane.settings
    ip = request.client.host if request.client else ""
    forwarded = request.headers.get("x-forwarded-for", "").split(",")
    if 0 < settings.proxy_hops <= len(forwarded):
        ip = forwarded[-settings.proxy_hops].strip()
    try:
        ip = str(ipaddress.ip_address(ip))
    except ValueError:
        ip = ""
    agent = request.headers.get("user-agent", "")[:LONGEST_AGENT]
    return Client(ip, "".join(sign for sign in agent if sign.isprintable()))


def safe_path(target: str, default: str) -> str:
    """A place on this site to go to: `default` for none, "/" for one that leads elsewhere."""
    if not target:
        return default
    leads_away = unquote(target)[1:2] in ("/", "\\") or not PATH.fullmatch(target)
    return "/" if leads_away else target


def go(request: Request, target: str) -> Response:
    """Send the browser to `target` after success."""
    if _kind(request) == FORM:
        return RedirectResponse(target, 303)
    return JSONResponse({"redirect": target})


def say(request: Request, message: str, *, page: str) -> Response:
    """Show `message`, or without JavaScript the page that says the same."""
    if _kind(request) == FORM:
        return RedirectResponse(page, 303)
    return JSONResponse({"message": message})


def refusal(
    request: Request, error: AllTokenError, page: str = "", back: Mapping[str, str] | None = None
) -> Response:
    """The answer to an expected error."""
    status = error.status or STATUS[error.kind]
    if page and _kind(request) == FORM and error.code != "csrf_failed":
        kept = {name: value for name, value in (back or {}).items() if value}
        query = urlencode({"error": error.code, **kept}, quote_via=quote)
        return RedirectResponse(f"{page}?{query}", 303)
    headers = {}
    if error.retry_after is not None:
        headers["retry-after"] = str(int(error.retry_after))
    told = _error(request, str(error), error.code, error.param)
    return JSONResponse(told, status, headers)


def crash(request: Request, error: Exception) -> Response:
    """The answer to an unexpected error: its id, and nothing of what it said."""
    error_id = failures.report(error, where=request.url.path)
    message = f"This did not work, and it is our fault. Nothing was charged. Error id: {error_id}"
    return JSONResponse(_error(request, message, "internal_error", None), 500)


async def on_expected(request: Request, error: Exception) -> Response:
    """Starlette's handler for AllTokenError of routes that do not use `post`."""
    assert isinstance(error, AllTokenError)
    return refusal(request, error)


async def on_http(request: Request, error: Exception) -> Response:
    """Starlette's handler for no such path, or no such method."""
    assert isinstance(error, HTTPException)
    code = "not_found" if error.status_code == 404 else "method_not_allowed"
    told = _error(request, f"{error.detail}.", code, None)
    return JSONResponse(told, error.status_code, dict(error.headers or {}))


async def on_crash(request: Request, error: Exception) -> Response:
    """Starlette's handler for everything else."""
    return crash(request, error)


def _error(request: Request, message: str, code: str, param: str | None) -> dict[str, Any]:
    told = {"message": message, "code": code, "param": param, "request_id": request.scope["id"]}
    return {"error": told}
