"""From a request's headers to its caller."""

from dataclasses import dataclass

from alltoken_app.api.http import Request
from alltoken_app.crypto import token_digest, well_formed
from alltoken_app.errors import Forbidden, Invalid, Unauthenticated
from alltoken_app.ledger import accounts
from alltoken_app.services import management_keys
from alltoken_app.services.actors import Actor
from alltoken_app.services.callers import Caller


@dataclass(frozen=True)
class Reader:
    """Who asks for an organisation's records: a caller, or a program with a management key."""

    org_id: str
    book: str
    wallet_id: str
    caller: Caller | None = None
    manager: Actor | None = None


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


async def manager(request: Request) -> Actor:
    """Who acts by the management key of this request.

    Raises:
        Unauthenticated, Forbidden: There is none, it does not work, or it is another kind of key.
    """
    token = credential(request)
    if not token:
        text = "Send a management key as a header: Authorization: Bearer atm_…"
        raise Unauthenticated(text, code="missing_api_key")
    if not token.startswith(management_keys.PREFIX):
        text = "Keys are managed with a management key (atm_…); make one on the Keys page."
        raise Forbidden(text, code="management_key_required")
    if not well_formed(token):
        raise Unauthenticated("This management key does not work. Make a new one.")
    digest = token_digest(request.plane.secrets.pepper, token)
    return await request.plane.database.run(management_keys.use, digest)


async def reader(request: Request) -> Reader:
    """Who may read records by this request's API key or management key. Raises as both."""
    if not credential(request).startswith(management_keys.PREFIX):
        caller = await authenticate(request)
        return Reader(caller.org_id, caller.book, caller.wallet_id, caller=caller)
    actor, book = await manager(request), request.plane.settings.book
    wallet = await request.plane.database.run(accounts.open_wallet, actor.org_id, book)
    return Reader(actor.org_id, book, wallet.id, manager=actor)


def _bearer(value: bytes) -> bytes:
    scheme, _, token = value.partition(b" ")
    return token.strip() if scheme.lower() == b"bearer" else value
