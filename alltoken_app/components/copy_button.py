"""A button that copies a text and says so."""

from typing import Any

import reflex as rx

from alltoken_app.components.button import Size, Variant, classes


class CopyButton(rx.Component):
    """Copies `text` in the browser; nothing goes to the server."""

    library = rx.asset("copy.jsx", shared=True).importable_path
    tag = "CopyButton"
    text: rx.Var[str]
    label: rx.Var[str]
    look: rx.Var[str]
    on_copied: rx.EventHandler[rx.event.no_args_event_spec]  # type: ignore[type-arg,valid-type]


def copy_button(
    text: str | rx.Var[str],
    label: str | rx.Var[str] = "Copy",
    *,
    variant: Variant = "quiet",
    size: Size = "small",
    on_copied: Any = None,
) -> rx.Component:
    """Copy `text` to the clipboard; the button and a live region then say "Copied".

    copy_button(State.new_key, variant="primary", size="normal"), copy_button(row.id, row.id)
    """
    more = {"on_copied": on_copied} if on_copied is not None else {}
    return CopyButton.create(
        text=text, label=label, look=classes(variant, size, "button-copy"), **more
    )
