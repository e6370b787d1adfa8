"""POST /web/token: a short-lived token with which a signed-in page calls the API."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from alltoken_app import db
from alltoken_app.services import sessions
from alltoken_app.web_api.http import Fields, post
from alltoken_app.web_api.sessions import cookie_of


async def mint(request: Request, _fields: Fields) -> Response:
    """A token for 15 minutes; `expires_at` in milliseconds. It ends with the session."""
    actor = await sessions.require(cookie_of(request))
    pepper = request.app.state.plane.secrets.pepper
    token, expires_at = await db.run(sessions.mint_browser_token, actor, pepper)
    return JSONResponse({"token": token, "expires_at": expires_at})


ROUTES = [post("/web/token", mint)]
