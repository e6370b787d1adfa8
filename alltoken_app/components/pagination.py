"""Paging through a list that the server sorts: newer and older, never page numbers."""

from typing import Any

import reflex as rx

from alltoken_app.components.icons import icon


def pagination(
    text: Any,
    *,
    has_newer: bool | rx.Var[bool],
    has_older: bool | rx.Var[bool],
    on_newer: Any,
    on_older: Any,
    names: tuple[str, str] = ("Newer", "Older"),
) -> rx.Component:
    """The foot of a list.

    card(table(...), foot=pagination("1–50 of 1,204", has_newer=S.newer, has_older=S.older,
                                     on_newer=S.go_newer, on_older=S.go_older))
    """
    newer, older = names
    return rx.el.nav(
        rx.el.span(text),
        rx.el.span(class_name="push"),
        _step(icon("left"), newer, disabled=~has_newer, on_click=on_newer),
        _step(older, icon("right"), disabled=~has_older, on_click=on_older),
        class_name="pagination",
        aria_label="Pages",
    )


def _step(*content: Any, **props: Any) -> rx.Component:
    return rx.el.button(*content, class_name="button button-small", type="button", **props)
