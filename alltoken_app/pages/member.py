"""What every page of a signed-in member has: the way in, and the frame that knows who it is."""

from collections.abc import Callable
from typing import Any

import reflex as rx

from alltoken_app.components.shell import Member, shell
from alltoken_app.states.balance import BalanceState
from alltoken_app.states.session import SessionState

Page = Callable[[], rx.Component]


def member_page(route: str, title: str, on_load: list[Any]) -> Callable[[Page], Page]:
    """`rx.page` for members; others sign in first and come back to the same address."""
    decorate: Callable[[Page], Page] = rx.page(
        route=route,
        title=f"{title} · AllToken",
        image="/og.png",
        on_load=[SessionState.require_session, BalanceState.load, *on_load],
    )
    return decorate


def frame(*content: Any, **props: Any) -> rx.Component:
    """`shell` for whoever is signed in."""
    member = Member(
        name=SessionState.name,
        email=SessionState.email,
        organisation=SessionState.org_name,
        balance=BalanceState.available,
        sandbox=SessionState.book == "sandbox",
    )
    return shell(*content, member=member, **props)
