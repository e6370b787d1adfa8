"""Signing up, in and out, confirming an address, and setting a new password."""

from starlette.requests import Request
from starlette.responses import Response

from alltoken_app import db
from alltoken_app.services import acceptances, accounts, sessions
from alltoken_app.services.accounts import NewPerson
from alltoken_app.web_api import http
from alltoken_app.web_api.http import Fields, post

HOME = "/app"
MAIL_SENT = "If this address can get a mail from us, it is on its way. Look into your mailbox."


def cookie_of(request: Request) -> str | None:
    """The session cookie."""
    return request.cookies.get(sessions.cookie_name())


async def sign_up(request: Request, fields: Fields) -> Response:
    """The same answer whether or not the address has an account."""
    new = NewPerson(
        name=fields.text("name"),
        email=fields.text("email"),
        password=fields.text("password"),
        organisation=fields.text("organisation"),
        of_age=fields.flag("age"),
        accepted=_accepted(fields),
    )
    await accounts.sign_up(new, http.client(request))
    return http.go(request, "/verify?sent=1")


def _accepted(fields: Fields) -> dict[str, str]:
    """A box's value is the version it was shown with, or just ticked; one box may stand for all."""
    accepted = {}
    for document in acceptances.DOCUMENTS:
        box = document.id if fields.has(document.id) else acceptances.DOCUMENTS[0].id
        accepted[document.id] = fields.choice(box, ticked=document.version)
    return accepted


async def sign_in(request: Request, fields: Fields) -> Response:
    """Open a session and go to `next`, or to the overview."""
    signed_in = await sessions.sign_in(
        fields.text("email"),
        fields.text("password"),
        http.client(request),
        replaces=cookie_of(request),
    )
    response = http.go(request, http.safe_path(fields.text("next"), HOME))
    response.set_cookie(
        sessions.cookie_name(),
        signed_in.cookie,
        max_age=sessions.LIFE // 1000,
        path="/",
        secure=not sessions.cookie_is_plain(),
        httponly=True,
        samesite="lax",
    )
    return response


async def sign_out(request: Request, _fields: Fields) -> Response:
    """End this browser's session."""
    await db.run(sessions.sign_out, cookie_of(request))
    return _without_cookie(http.go(request, "/"))


async def sign_out_everywhere(request: Request, _fields: Fields) -> Response:
    """End all of the person's sessions, this one too."""
    actor = await sessions.require(cookie_of(request))
    await db.run(sessions.sign_out_everywhere, actor.person_id)
    return _without_cookie(http.go(request, "/signin"))


async def verify(request: Request, fields: Fields) -> Response:
    """Confirm an address. Signs nobody in: the link alone must not open an account."""
    person_id = await db.run(accounts.verify, fields.text("token"), http.client(request))
    actor = await sessions.recognise(cookie_of(request))
    same = actor is not None and actor.person_id == person_id
    return http.go(request, HOME if same else "/signin?verified=1")


async def resend(request: Request, fields: Fields) -> Response:
    """Mail a new confirmation link."""
    await db.run(accounts.request_confirmation, fields.text("email"), http.client(request))
    return http.say(request, MAIL_SENT, page="/verify?sent=1")


async def forgot(request: Request, fields: Fields) -> Response:
    """Mail a link that sets a new password."""
    await db.run(accounts.request_reset, fields.text("email"), http.client(request))
    return http.say(request, MAIL_SENT, page="/forgot?sent=1")


async def reset(request: Request, fields: Fields) -> Response:
    """Set a new password; every browser, this one too, has to sign in with it."""
    await accounts.reset(fields.text("token"), fields.text("password"), http.client(request))
    return _without_cookie(http.go(request, "/signin?reset=1"))


def _without_cookie(response: Response) -> Response:
    response.delete_cookie(
        sessions.cookie_name(),
        path="/",
        secure=not sessions.cookie_is_plain(),
        httponly=True,
        samesite="lax",
    )
    return response


ROUTES = [
    post("/web/sign-up", sign_up, page="/signup"),
    post("/web/sign-in", sign_in, page="/signin", keep="next"),
    post("/web/sign-out", sign_out),
    post("/web/sign-out-everywhere", sign_out_everywhere, page="/signin"),
    post("/web/verify", verify, page="/verify", keep="token"),
    post("/web/resend", resend, page="/verify"),
    post("/web/forgot", forgot, page="/forgot"),
    post("/web/reset", reset, page="/reset", keep="token"),
]
