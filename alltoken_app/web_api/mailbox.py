"""GET /web/mailbox: the mails of an installation without SMTP, for whoever sits at the machine."""

from dataclasses import asdict

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from alltoken_app import db
from alltoken_app.errors import NotFound
from alltoken_app.mail import outbox

# A proxy's marks: behind one, "this machine" would be everybody.
FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")


async def show(request: Request) -> Response:
    """The newest mails.

    Raises:
        NotFound: There is SMTP, or the request may come from elsewhere.
    """
    if not outbox.has_mailbox(request.app.state.plane.settings) or not _is_local(request):
        raise NotFound("Not Found.")
    return JSONResponse({"mails": [asdict(mail) for mail in await db.read(outbox.recent)]})


def _is_local(request: Request) -> bool:
    if any(name in request.headers for name in FORWARDED):
        return False
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return False
    peer = request.client.host if request.client else ""
    return peer in outbox.LOOPBACK and request.url.hostname in outbox.LOOPBACK


ROUTES = [Route("/web/mailbox", show, methods=["GET"])]
