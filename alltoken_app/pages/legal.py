"""/legal/terms and /legal/privacy — what people accept when they sign up."""

import reflex as rx

from alltoken_app.pages.legal_texts import PRIVACY, TERMS, Clause
from alltoken_app.pages.public import frame, public_page
from alltoken_app.services import acceptances


@public_page("/legal/terms", "Terms of Service · AllToken", "The terms of this installation.")
def terms() -> rx.Component:
    """The Terms of Service."""
    return text("terms", TERMS)


@public_page("/legal/privacy", "Privacy Policy · AllToken", "What is kept, and what is not.")
def privacy() -> rx.Component:
    """The Privacy Policy."""
    return text("privacy", PRIVACY)


def text(document_id: str, clauses: tuple[Clause, ...]) -> rx.Component:
    """A document with its date; every clause has an anchor."""
    document = next(one for one in acceptances.DOCUMENTS if one.id == document_id)
    return frame(
        rx.el.article(
            rx.el.div(
                rx.el.h1(document.title),
                rx.el.p("In force since ", document.version, ".", class_name="muted"),
                class_name="stack stack-tight",
            ),
            *[clause(one) for one in clauses],
            class_name="wrap page-wide stack stack-loose prose",
        )
    )


def clause(one: Clause) -> rx.Component:
    """One numbered part."""
    return rx.el.section(
        rx.el.h2(one.title), *[rx.el.p(words) for words in one.paragraphs], id=one.id
    )
