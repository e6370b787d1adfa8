"""The page of addresses that lead nowhere."""

import reflex as rx

from alltoken_app.components.button import link_button
from alltoken_app.pages.public import frame, public_page


@public_page("/404", "Not found · AllToken", "There is no such page.")
def not_found() -> rx.Component:
    """Say so, and offer ways on."""
    return frame(
        rx.el.div(
            rx.el.p("404", class_name="not-found-code"),
            rx.el.h1("There is no such page"),
            rx.el.p(
                "The address may be mistyped, or the page has moved.",
                class_name="muted",
            ),
            rx.el.div(
                link_button("Go to start", href="/", variant="primary"),
                link_button("Browse models", href="/models"),
                class_name="row",
            ),
            class_name="wrap page-wide stack not-found",
        )
    )
