"""The frame of every page of a signed-in member: sidebar, top bar, heading, content."""

from dataclasses import dataclass
from typing import Any

import reflex as rx

from alltoken_app.components.brand import skip_link, theme_switch, wordmark
from alltoken_app.components.icons import icon
from alltoken_app.components.link import link
from alltoken_app.components.menu import menu, menu_item, menu_line
from alltoken_app.components.web_form import NativeForm

PLACES = (
    (
        "",
        (
            ("overview", "/app", "chart", "Overview"),
            ("activity", "/app/activity", "activity", "Activity"),
        ),
    ),
    (
        "Build",
        (
            ("keys", "/app/keys", "key", "API keys"),
            ("routing", "/app/routing", "route", "Routing"),
            ("models", "/models", "layers", "Models"),
            ("chat", "/chat", "chat", "Chat"),
        ),
    ),
    ("Billing", (("wallet", "/app/wallet", "wallet", "Wallet"),)),
)


@dataclass(frozen=True)
class Member:
    """Who is signed in, as vars; `balance` is written for people ("$12.40")."""

    name: str | rx.Var[str]
    email: str | rx.Var[str]
    organisation: str | rx.Var[str]
    balance: str | rx.Var[str]
    sandbox: bool | rx.Var[bool]


def shell(
    *content: Any,
    title: Any,
    active: str,
    member: Member,
    lead: Any = None,
    actions: list[rx.Component] | None = None,
    bare: bool = False,
) -> rx.Component:
    """A page of the app. `active` is the place's first name in PLACES.

    shell(card(table(...)), title="API keys", active="keys", member=member(),
          lead="A key is shown once, when it is made.", actions=[button("Create key", …)])

    `bare` leaves out heading and padding: the page brings its own h1 (chat).
    """
    page = list(content) if bare else [_heading(title, lead, actions or []), *content]
    return rx.el.div(
        skip_link(),
        _sidebar(active, member),
        rx.el.div(
            _topbar(member),
            _sandbox(member),
            rx.el.main(*page, class_name="main-bare" if bare else "page", id="main"),
            class_name="app-main",
        ),
        class_name="app-shell",
    )


def _heading(title: Any, lead: Any, actions: list[rx.Component]) -> rx.Component:
    words = [rx.el.h1(title), *([rx.el.p(lead, class_name="muted")] if lead is not None else [])]
    right = [rx.el.div(*actions, class_name="row")] if actions else []
    return rx.el.div(rx.el.div(*words), *right, class_name="page-head")


def _sidebar(active: str, member: Member) -> rx.Component:
    groups: list[rx.Component] = []
    for heading, places in PLACES:
        groups += [rx.el.h2(heading)] if heading else []
        groups.append(rx.el.ul(*[_place(place, active) for place in places]))
    organisation = rx.el.p(
        icon("team"),
        rx.el.span(member.organisation, class_name="truncate", title=member.organisation),
        class_name="workspace",
    )
    return rx.el.nav(
        wordmark("/app"),
        organisation,
        *groups,
        class_name="sidebar",
        id="sidebar",
        aria_label="App",
        custom_attrs={"popover": "auto"},
    )


def _place(place: tuple[str, str, str, str], active: str) -> rx.Component:
    name, href, shape, label = place
    here = {"aria_current": "page"} if name == active else {}
    return rx.el.li(link(icon(shape), label, href=href, class_name="nav-link", **here))


def _topbar(member: Member) -> rx.Component:
    return rx.el.header(
        rx.el.button(
            icon("menu"),
            class_name="button button-quiet button-icon only-narrow",
            type="button",
            aria_label="Menu",
            custom_attrs={"popoverTarget": "sidebar"},
        ),
        rx.el.span(class_name="push"),
        link(
            icon("wallet"),
            rx.el.span(member.balance),
            href="/app/wallet",
            class_name="button button-quiet tabular",
            aria_label=rx.Var.create(f"Wallet balance {member.balance}"),
        ),
        theme_switch(),
        _member_menu(member),
        class_name="topbar",
    )


def _member_menu(member: Member) -> rx.Component:
    trigger = rx.el.span(icon("user"), class_name="avatar")
    who = rx.el.div(
        rx.el.p(member.name, class_name="strong truncate"),
        rx.el.p(member.email, class_name="tiny faint truncate"),
        class_name="menu-who",
    )
    leave = NativeForm.create(
        menu_item("Sign out", icon="sign_out", type="submit"),
        action="/web/sign-out",
        method="post",
    )
    return menu(
        who,
        menu_line(),
        menu_item("Wallet", icon="wallet", href="/app/wallet"),
        menu_item("API keys", icon="key", href="/app/keys"),
        menu_line(),
        leave,
        label="Account",
        trigger=trigger,
        size="normal",
    )


def _sandbox(member: Member) -> rx.Component:
    words = (
        rx.el.strong("Sandbox: no real money."),
        " Top-ups use a test card, and keys start with ",
        rx.el.code("atk_test_"),
        ".",
    )
    return rx.cond(
        member.sandbox,
        rx.el.aside(icon("info"), rx.el.p(*words), class_name="sandbox", aria_label="Sandbox"),
    )
