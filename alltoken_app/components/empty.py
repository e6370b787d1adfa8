"""What stands where there is nothing yet: an empty state, or a skeleton while loading."""

from typing import Any

import reflex as rx


def empty(title: Any, text: Any, *more: rx.Component) -> rx.Component:
    """Say what would be here and what to do about it; `more` may be code and a button.

    empty("No requests yet", "Send the first one with your key.", code_block(...), button(...))
    """
    return rx.el.div(rx.el.h2(title, class_name="h3"), rx.el.p(text), *more, class_name="empty")


def skeleton(*widths: str) -> rx.Component:
    """Grey lines shaped like the content to come; they appear after 150 ms.

    skeleton("40%", "100%", "80%")
    """
    lines = [rx.el.span(class_name="skeleton", style={"width": width}) for width in widths]
    return rx.el.div(*lines, class_name="skeletons", aria_hidden="true")
