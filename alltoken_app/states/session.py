"""Who is signed in: asked anew at the start of every event, from the cookie of the connection."""

from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import quote

import reflex as rx
from reflex.event import Event, EventSpec
from reflex.middleware.middleware import Middleware
from reflex.state import BaseState, StateUpdate
from starlette.requests import cookie_parser

from alltoken_app.crypto import sha256_hex
from alltoken_app.services import sessions
from alltoken_app.services.actors import Actor
from alltoken_app.settings import settings

Method = TypeVar("Method", bound=Callable[..., Any])


def internal(method: Method) -> Method:
    """Keep Reflex from offering a public method of a state to browsers as an event."""
    method.__override_base_method__ = True  # type: ignore[attr-defined]
    return method


class SessionState(rx.State):
    """What every page shows of the signed-in person. Base of every state that needs one."""

    signed_in: bool = False
    name: str = ""
    email: str = ""
    org_name: str = ""
    role: str = ""
    verified: bool = False
    book: str = "sandbox"

    _belongs_to: str = ""  # hash of the cookie that this tab's state was filled for

    @internal
    async def actor(self) -> Actor:
        """Who acts, looked up in the database every time: a session that ended bites at once.

        Raises:
            Unauthenticated: `signed_out`.
        """
        return await sessions.require(self.cookie())

    @internal
    def cookie(self) -> str | None:
        """The session cookie this browser sent when it opened its socket."""
        sent = self.router.headers.raw_headers.get("cookie", "")
        return cookie_parser(sent).get(sessions.cookie_name())

    @internal
    def forget_others(self) -> None:
        """Empty the tab's state when another person (or nobody) sits in front of it now."""
        cookie = self.cookie()
        owner = sha256_hex(cookie) if cookie else ""
        if self._belongs_to != owner:
            if self._belongs_to:
                self._get_root_state().reset()  # type: ignore[no-untyped-call]
            self._belongs_to = owner

    @rx.event
    async def load_session(self) -> None:
        """Fill in who is signed in; nobody is no error. For pages that everybody may see."""
        found = await sessions.recognise(self.cookie())
        self._show(found)

    @rx.event
    async def require_session(self) -> EventSpec | None:
        """Fill in who is signed in, or go and sign in first. For pages of members."""
        found = await sessions.recognise(self.cookie())
        self._show(found)
        if found is not None:
            return None
        here = self.router.url.path + (f"?{self.router.url.query}" if self.router.url.query else "")
        return rx.redirect(f"/signin?next={quote(here, safe='')}")

    def _show(self, found: Actor | None) -> None:
        self.book = settings().book
        self.signed_in = found is not None
        self.name = found.name if found else ""
        self.email = found.email if found else ""
        self.org_name = found.org_name if found else ""
        self.role = found.role if found else ""
        self.verified = found.verified if found else False


class ForgetOthers(Middleware):
    """Before every event: a tab never shows what was loaded for somebody else.

    Signing out and in again reloads the page, but the tab keeps its name, and with it its state.
    """

    async def preprocess(self, app: rx.App, state: BaseState, event: Event) -> StateUpdate | None:
        """Compare the connection's cookie with the one this state was filled for."""
        session = await state.get_state(SessionState)
        session.forget_others()
        return None
