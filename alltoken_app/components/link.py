"""Links: `link` stays in the app, `outside_link` leaves it."""

from typing import Any

import reflex as rx
from reflex_components_core.react_router.dom import ReactRouterLink

from alltoken_app.components.icons import icon


def link(*children: Any, href: str | rx.Var[str], **props: Any) -> rx.Component:
    """A link to one of our pages, followed without loading the document again.

    link("All models", href="/models"), link(row.name, href=row.href, class_name="cell-link")
    """
    return ReactRouterLink.create(*children, to=href, **props)


def outside_link(text: str | rx.Var[str], href: str | rx.Var[str]) -> rx.Component:
    """A link to another site, marked by an arrow.

    outside_link("Privacy policy", provider.privacy_url)
    """
    return rx.el.a(text, icon("external"), href=href, rel="noopener noreferrer")
