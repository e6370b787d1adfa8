"""From a request's headers to its caller."""

from alltoken_app.api.http import Request
from alltoken_app.errors import Invalid
from alltoken_app.services.callers import Caller


def credential(request: Request) -> str:
    """The token of a request: `Authorization: Bearer …`, or `x-api-key`; "" when there is none.

    Raises:
        Invalid: Two different credentials (ambiguous_auth).
    """
    found = {_bearer(value) for value in request.headers_named(b"authorization")}
    found |= set(request.headers_named(b"x-api-key"))
    if len(found) > 1:
        text = "The request carries two different credentials. Send one."
        raise Invalid(text, code="ambiguous_auth")
    return found.pop().decode("latin-1") if found else ""


async def authenticate(request: Request) -> Caller:
    """The caller of a request.

    Raises:
        Invalid: As `credential`.
        Unauthenticated, Forbidden: As `Callers.find`.
    """
    return await request.plane.callers.find(credential(request))


def _bearer(value: bytes) -> bytes:
    scheme, _, token = value.partition(b" ")
    return token.strip() if scheme.lower() == b"bearer" else value
