"""The mark, the theme switch and the skip link: what every page starts with."""

import reflex as rx

from alltoken_app.components.icons import icon
from alltoken_app.components.link import document_link, link


def mark() -> rx.Component:
    """The mark alone: a caret over a token."""
    return rx.el.svg(
        rx.el.path(d="M3.5 20.5 12 3.5l8.5 17", class_name="mark-line"),
        rx.el.circle(cx="12", cy="16.5", r="3", class_name="mark-token"),
        view_box="0 0 24 24",
        class_name="mark",
        aria_hidden="true",
    )


def wordmark(href: str = "/") -> rx.Component:
    """Mark and name, a link home."""
    return link(mark(), "AllToken", href=href, class_name="wordmark")


def theme_switch() -> rx.Component:
    """Light to dark and back; the choice stays in the browser."""
    return rx.el.button(
        icon("theme"),
        class_name="button button-quiet button-icon",
        type="button",
        aria_label="Switch theme",
        title="Switch theme",
        on_click=rx.toggle_color_mode,
    )


def skip_link() -> rx.Component:
    """The first thing the Tab key reaches."""
    return document_link("Skip to content", href="#main", class_name="skip-link")
