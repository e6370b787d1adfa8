"""Links: `link` stays in the app, `document_link` loads a page, `outside_link` leaves."""

from typing import Any

import reflex as rx
from reflex_components_core.el.elements.inline import A

from alltoken_app.components.icons import icon


def link(*children: Any, href: str | rx.Var[str], **props: Any) -> rx.Component:
    """A link to one of our pages, followed without loading the document again.

    link("All models", href="/models"), link(row.name, href=row.href, class_name="cell-link")
    """
    return rx.el.a(*children, href=href, **props)


def document_link(*children: Any, href: str | rx.Var[str], **props: Any) -> rx.Component:
    """A link the browser follows by itself: downloads, places on this page, sign-in.

    document_link("CSV", href="/web/exports/activity.csv")
    """
    return A.create(*children, href=href, **props)


def outside_link(text: str | rx.Var[str], href: str | rx.Var[str]) -> rx.Component:
    """A link to another site, marked by an arrow.

    outside_link("Privacy policy", provider.privacy_url)
    """
    return A.create(text, icon("external"), href=href, rel="noopener noreferrer")
