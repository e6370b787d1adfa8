"""What every public page has: its head, and the frame that knows whether somebody is signed in."""

from collections.abc import Callable
from typing import Any

import reflex as rx

from alltoken_app.components.site_shell import site_shell
from alltoken_app.states.session import SessionState

Page = Callable[[], rx.Component]


def public_page(
    route: str, title: str | rx.Var[str], description: str, on_load: list[Any] | None = None
) -> Callable[[Page], Page]:
    """`rx.page` for everybody: signed in or not, it loads."""
    decorate: Callable[[Page], Page] = rx.page(
        route=route,
        title=title,
        description=description,
        image="/og.png",
        on_load=[SessionState.load_session, *(on_load or [])],
    )
    return decorate


def frame(*content: Any, active: str = "") -> rx.Component:
    """`site_shell` with "Open console" for who is signed in."""
    return site_shell(*content, active=active, signed_in=SessionState.signed_in)
