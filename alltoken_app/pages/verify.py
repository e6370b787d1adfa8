"""/verify — confirm an email address, or ask for the link again."""

import reflex as rx

from alltoken_app.components.link import document_link
from alltoken_app.components.site_shell import plain_shell
from alltoken_app.components.web_form import by_query, web_field, web_form
from alltoken_app.pages.mailbox import hint
from alltoken_app.pages.public import public_page
from alltoken_app.states.place import PlaceState


@public_page("/verify", "Confirm email · AllToken", "Confirm your email.", [PlaceState.load])
def verify() -> rx.Component:
    """With the link's token: one button (mail scanners only fetch). Without: where to look."""
    return plain_shell(by_query("token", confirm(), look(), tall=True))


def confirm() -> rx.Component:
    """The last step of signing up."""
    return rx.el.div(
        rx.el.h1("Confirm your email"),
        rx.el.p("One press, and your account is open.", class_name="muted"),
        web_form(
            action="/web/verify",
            submit="Confirm email",
            busy="Confirming",
            from_query=["token"],
        ),
        rx.el.p(
            rx.el.span("Link too old? ", document_link("Get a new one", href="/verify")),
            class_name="form-foot",
        ),
        class_name="stack",
    )


def look() -> rx.Component:
    """A mail is on its way; it can be sent again."""
    return rx.el.div(
        rx.el.h1("Look into your mailbox"),
        rx.el.p(
            "We sent a link to the address you signed up with. It works for 24 hours.",
            class_name="muted",
        ),
        hint(),
        rx.el.hr(class_name="line"),
        rx.el.h2("No mail?"),
        web_form(
            web_field(
                "Email",
                "email",
                missing="Write your email.",
                type="email",
                auto_complete="email",
            ),
            action="/web/resend",
            submit="Send link again",
            busy="Sending",
            done="If this address can get a mail from us, it is on its way.",
        ),
        class_name="stack",
    )
