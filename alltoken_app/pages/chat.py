"""/chat — talk to a model from the browser."""

from typing import Any

import reflex as rx

from alltoken_app.components.button import link_button
from alltoken_app.components.chat.playground import playground
from alltoken_app.components.empty import empty
from alltoken_app.pages.member import frame
from alltoken_app.pages.public import frame as site_frame
from alltoken_app.states.balance import BalanceState
from alltoken_app.states.chat import ChatState
from alltoken_app.states.session import SessionState

S: Any = ChatState  # its attributes are vars here, which its own types do not say


@rx.page(
    route="/chat",
    title="Chat · AllToken",
    description="Talk to any model from the browser, and see what each answer costs.",
    image="/og.png",
    on_load=[SessionState.load_session, S.load, BalanceState.load],
)
def chat() -> rx.Component:
    """The playground for members; others are asked to sign in."""
    bench = frame(room(), title="Chat", active="chat", bare=True)
    return rx.cond(S.loaded & (S.owner == ""), outside(), bench)


def room() -> rx.Component:
    """The playground, once it is known whose conversations to open."""
    refused = empty("Not for your role", "Owners, admins and developers can call models.")
    return rx.cond(
        S.owner != "",
        rx.cond(S.may_use, playground(S.owner, BalanceState.load), refused),
        rx.el.h1("Chat", class_name="only-screen-reader"),
    )


def outside() -> rx.Component:
    """What there is to see without an account."""
    return site_frame(
        rx.el.div(
            rx.el.h1("Chat"),
            rx.el.p(
                "Talk to any model here and see what each answer costs, to the nano-dollar. "
                "Conversations stay in your browser.",
                class_name="muted",
            ),
            rx.el.div(
                link_button("Sign in to chat", href="/signin?next=/chat", variant="primary"),
                link_button("Create account", href="/signup"),
                class_name="row",
            ),
            class_name="wrap page-wide stack",
        ),
        active="Chat",
    )
