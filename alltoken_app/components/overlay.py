"""What may lie over any page: toasts, and a calm word when the connection is gone."""

import reflex as rx
from reflex_components_core.core.banner import has_too_many_connection_errors

from alltoken_app.components.icons import icon


def toaster() -> rx.Component:
    """Where toasts appear, in our own colours; call `rx.toast.error(…)` as usual."""
    return rx.toast.provider(
        position="bottom-right", class_name="toaster", rich_colors=False, close_button=True
    )


def connection_banner() -> rx.Component:
    """Shown while the page cannot reach the server; it goes by itself."""
    words = "No connection. What you see may be out of date; it comes back by itself."
    return rx.cond(
        has_too_many_connection_errors,
        rx.el.div(icon("plug"), words, class_name="connection", role="status"),
    )
