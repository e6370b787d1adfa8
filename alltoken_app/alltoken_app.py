"""The Reflex app: its head, what lies over every page, and the pages."""

import reflex as rx
from reflex.app import default_error_boundary

from alltoken_app.components.overlay import connection_banner, toasts
from alltoken_app.pages import (  # noqa: F401  importing a page adds it
    activity,
    chat,
    docs,
    home,
    keys,
    legal,
    mailbox,
    model,
    models,
    not_found,
    overview,
    provider,
    providers,
    receipt,
    reset,
    routing,
    signin,
    signup,
    verify,
    wallet,
)
from alltoken_app.states import errors
from alltoken_app.states.session import ForgetOthers
from alltoken_app.states.toasts import ToastState


def overlay(stateful: bool) -> rx.Component | None:
    """Toasts and the word about a lost connection; instead of Reflex's own."""
    if not stateful:
        return None
    return rx.fragment(connection_banner(), toasts(ToastState.id, ToastState.text, ToastState.tone))


app = rx.App(
    html_lang="en",
    reset_style=False,  # components.css brings its own
    stylesheets=["/tokens.css", "/components.css", "/pages.css"],
    toaster=None,
    app_wraps={
        (55, "ErrorBoundary"): lambda _stateful: default_error_boundary(),
        (5, "Overlay"): overlay,
    },
    head_components=[
        rx.el.link(rel="icon", href="/favicon.svg", type="image/svg+xml"),
        rx.el.meta(name="color-scheme", content="light dark"),
    ],
    backend_exception_handler=errors.show,
)
app.add_middleware(ForgetOthers())
