"""/forgot and /reset — a link by mail, then a new password."""

import reflex as rx

from alltoken_app.components.link import link
from alltoken_app.components.site_shell import plain_shell
from alltoken_app.components.web_form import by_query, web_field, web_form
from alltoken_app.pages.mailbox import hint
from alltoken_app.pages.public import public_page
from alltoken_app.services.password_rules import LONGEST, SHORTEST
from alltoken_app.states.place import PlaceState

ABOUT = "Set a new password for your AllToken account."


@public_page("/forgot", "Forgot password · AllToken", ABOUT, [PlaceState.load])
def forgot() -> rx.Component:
    """Ask for the link."""
    return plain_shell(ask())


@public_page("/reset", "New password · AllToken", ABOUT, [PlaceState.load])
def reset() -> rx.Component:
    """With the link's token: the new password. Without: ask for the link."""
    return plain_shell(by_query("token", choose(), ask(), tall=True))


def ask() -> rx.Component:
    """The answer is the same whether or not the address has an account."""
    return rx.el.div(
        rx.el.h1("Forgot password"),
        rx.el.p(
            "We mail you a link that sets a new one. It works for 30 minutes.", class_name="muted"
        ),
        web_form(
            web_field(
                "Email",
                "email",
                missing="Write your email.",
                type="email",
                auto_complete="username",
            ),
            action="/web/forgot",
            submit="Send link",
            busy="Sending",
            done="If this address can get a mail from us, it is on its way.",
        ),
        hint(),
        rx.el.p(link("Back to sign in", href="/signin"), class_name="form-foot"),
        class_name="stack",
    )


def choose() -> rx.Component:
    """The new password; it ends every session."""
    return rx.el.div(
        rx.el.h1("New password"),
        rx.el.p("Every browser is signed out and needs it from then on.", class_name="muted"),
        web_form(
            web_field(
                "New password",
                "password",
                missing="Choose a password.",
                type="password",
                auto_complete="new-password",
                min_length=SHORTEST,
                max_length=LONGEST,
                meter=True,
                hint=f"{SHORTEST} characters or more; a few words are best.",
            ),
            action="/web/reset",
            submit="Set password",
            busy="Setting password",
            from_query=["token"],
        ),
        class_name="stack",
    )
