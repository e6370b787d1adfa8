"""/signup — make an account and its organisation."""

import reflex as rx

from alltoken_app.components.link import document_link, link
from alltoken_app.components.site_shell import plain_shell
from alltoken_app.components.web_form import web_check, web_field, web_form
from alltoken_app.pages.public import public_page
from alltoken_app.services import acceptances
from alltoken_app.services.acceptances import Document
from alltoken_app.services.password_rules import LONGEST, SHORTEST

ABOUT = "Create an AllToken account: one API key and one prepaid wallet for every model."


@public_page("/signup", "Create account · AllToken", ABOUT)
def signup() -> rx.Component:
    """Name, email, password, organisation, and the consents; none is ticked beforehand."""
    return plain_shell(
        rx.el.div(
            rx.el.h1("Create account"),
            rx.el.p("One account for the API, the wallet and the chat.", class_name="muted"),
            class_name="stack stack-tight",
        ),
        web_form(
            *fields(),
            *consents(),
            action="/web/sign-up",
            submit="Create account",
            busy="Creating account",
            notes={
                "error=weak_password": "This password is too easy to guess. Choose another.",
                "error=age_required": "You must be 16 or older.",
                "error=acceptance_required": "Accept the documents to go on.",
            },
        ),
        rx.el.p(
            rx.el.span("Have an account? ", link("Sign in", href="/signin")), class_name="form-foot"
        ),
    )


def fields() -> list[rx.Component]:
    """Who, and what to call the organisation that pays."""
    return [
        web_field("Your name", "name", missing="Write your name.", auto_complete="name"),
        web_field(
            "Email",
            "email",
            missing="Write your email.",
            type="email",
            auto_complete="email",
            hint="We send a link there to confirm it.",
        ),
        web_field(
            "Organisation",
            "organisation",
            missing="",
            required=False,
            auto_complete="organization",
            hint="Optional. The wallet and the keys belong to it.",
        ),
        web_field(
            "Password",
            "password",
            missing="Choose a password.",
            type="password",
            auto_complete="new-password",
            min_length=SHORTEST,
            max_length=LONGEST,
            meter=True,
            hint=f"{SHORTEST} characters or more; a few words are best.",
        ),
    ]


def consents() -> list[rx.Component]:
    """Age, and each document in the version that is shown."""
    return [
        web_check("I am 16 or older.", name="age", missing="You must be 16 or older."),
        *[consent(document) for document in acceptances.DOCUMENTS],
    ]


def consent(document: Document) -> rx.Component:
    """One document; opening it does not lose what was typed."""
    text = document_link(document.title, href=f"/legal/{document.id}", target="_blank")
    return web_check(
        "I accept the ",
        text,
        ", version of ",
        rx.el.span(document.version, class_name="nowrap"),
        ".",
        name=document.id,
        missing=f"Accept the {document.title} to go on.",
    )
