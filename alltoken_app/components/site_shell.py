"""The frame of every public page: header, content, footer."""

from typing import Any

import reflex as rx

from alltoken_app.components.brand import skip_link, theme_switch, wordmark
from alltoken_app.components.button import link_button
from alltoken_app.components.icons import icon
from alltoken_app.components.link import link
from alltoken_app.components.menu import menu, menu_item

PLACES = (
    ("Models", "/models"), ("Providers", "/providers"), ("Chat", "/chat"), ("Docs", "/docs"),
)  # fmt: skip


def site_shell(
    *content: Any, active: str = "", signed_in: bool | rx.Var[bool] = False
) -> rx.Component:
    """A public page; `active` is the label of a place in the header. The page brings its h1.

    site_shell(hero(), prices(), active="Models", signed_in=SessionState.signed_in)
    """
    return rx.fragment(
        skip_link(),
        _header(active, signed_in),
        rx.el.main(*content, id="main"),
        _footer(),
    )


def plain_shell(*content: Any) -> rx.Component:
    """A public page with one small task (sign in, verify): no navigation to lead away."""
    bar = rx.el.div(wordmark(), rx.el.span(class_name="push"), theme_switch(), class_name="wrap")
    return rx.fragment(
        skip_link(),
        rx.el.header(bar, class_name="site-header site-header-plain"),
        rx.el.main(rx.el.div(*content, class_name="narrow"), id="main"),
    )


def _header(active: str, signed_in: Any) -> rx.Component:
    places = [
        link(label, href=href, **({"aria_current": "page"} if label == active else {}))
        for label, href in PLACES
    ]
    entrance = rx.fragment(
        link_button("Sign in", href="/signin", variant="quiet", class_name="only-wide"),
        link_button("Create account", href="/signup", variant="primary"),
    )
    console = link_button("Open console", href="/app", variant="primary")
    small = menu(
        *[menu_item(label, href=href) for label, href in PLACES],
        menu_item("Sign in", href="/signin"),
        label="Menu",
        trigger=icon("menu"),
        size="normal",
    )
    bar = rx.el.div(
        wordmark(),
        rx.el.nav(*places, class_name="site-nav only-wide", aria_label="Site"),
        rx.el.span(class_name="push"),
        theme_switch(),
        rx.cond(signed_in, console, entrance),
        rx.el.div(small, class_name="only-narrow"),
        class_name="wrap",
    )
    return rx.el.header(bar, class_name="site-header")


def _footer() -> rx.Component:
    about = rx.el.div(
        wordmark(),
        rx.el.p("One API key. Every model you use.", class_name="small"),
        class_name="stack stack-tight",
    )
    return rx.el.footer(
        rx.el.div(
            about,
            _column("Product", *PLACES),
            _column("Policies", ("Terms", "/legal/terms"), ("Privacy", "/legal/privacy")),
            _column("Account", ("Sign in", "/signin"), ("Create account", "/signup")),
            class_name="wrap site-footer-columns",
        ),
        class_name="site-footer",
    )


def _column(heading: str, *places: tuple[str, str]) -> rx.Component:
    links = [rx.el.li(link(label, href=href)) for label, href in places]
    return rx.el.nav(rx.el.h2(heading), rx.el.ul(*links, class_name="small"), aria_label=heading)
