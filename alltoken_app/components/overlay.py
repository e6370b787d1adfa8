"""What may lie over any page: toasts, and a calm word when the connection is gone."""

import reflex as rx
from reflex_components_core.core.banner import has_too_many_connection_errors

from alltoken_app.components.icons import icon


class Toasts(rx.Component):
    """Keeps each new `id` on the screen for a while."""

    library = rx.asset("toasts.jsx", shared=True).importable_path
    tag = "Toasts"
    id: rx.Var[str]
    text: rx.Var[str]
    tone: rx.Var[str]


def toasts(id: str | rx.Var[str], text: str | rx.Var[str], tone: str | rx.Var[str]) -> rx.Component:
    """Where toasts appear; once, in the app's overlay. Pages say `toast("…")` (states/toasts).

    toasts(ToastState.id, ToastState.text, ToastState.tone)
    """
    return Toasts.create(id=id, text=text, tone=tone)


def connection_banner() -> rx.Component:
    """Shown while the page cannot reach the server; it goes by itself."""
    words = "No connection. What you see may be out of date; it comes back by itself."
    return rx.cond(
        has_too_many_connection_errors,
        rx.el.div(icon("plug"), words, class_name="connection", role="status"),
    )
