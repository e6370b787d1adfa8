"""Dialogs and sheets: the browser's own modal <dialog>, opened and closed by a var."""

from typing import Any

import reflex as rx


class Dialog(rx.Component):
    """A modal dialog. Escape, the cross and a press outside ask `on_close`; focus goes back."""

    library = rx.asset("dialog.jsx", shared=True).importable_path
    tag = "Dialog"
    open: rx.Var[bool]
    title: rx.Var[str]
    text: rx.Var[str]
    dismissable: rx.Var[bool]
    look: rx.Var[str]
    on_close: rx.EventHandler[rx.event.no_args_event_spec]  # type: ignore[type-arg,valid-type]


def dialog(
    *body: Any,
    title: str | rx.Var[str],
    open: bool | rx.Var[bool],
    on_close: Any = None,
    text: str | rx.Var[str] = "",
    foot: list[rx.Component] | None = None,
    dismissable: bool | rx.Var[bool] = True,
) -> rx.Component:
    """A dialog; its content exists only while it is open, so fields start fresh each time.

    dialog(text_field("Name", "name"), title="Create key", open=State.creating,
           on_close=State.cancel, foot=[button("Cancel", on_click=State.cancel),
                                        button("Create key", variant="primary")])

    For a form, pass one `rx.el.form(dialog_body(...), dialog_foot(...), on_submit=…)` and no
    `foot`. With `dismissable=False` only your own button closes it (a key shown once).
    """
    content = [dialog_body(*body), dialog_foot(*foot)] if foot else list(body)
    return _dialog(content, title, open, on_close, text, dismissable, "dialog")


def sheet(
    *body: Any,
    title: str | rx.Var[str],
    open: bool | rx.Var[bool],
    on_close: Any,
    text: str | rx.Var[str] = "",
) -> rx.Component:
    """Details beside a list, over its right edge.

    sheet(facts(("Model", State.chosen.model)), title="Request", open=State.is_open,
          on_close=State.close)
    """
    content = [rx.el.div(*body, class_name="sheet-body")]
    return _dialog(content, title, open, on_close, text, True, "sheet")


def dialog_body(*content: Any) -> rx.Component:
    """The middle of a dialog."""
    return rx.el.div(*content, class_name="dialog-body")


def dialog_foot(*buttons: rx.Component) -> rx.Component:
    """The buttons of a dialog, the primary one last."""
    return rx.el.div(*buttons, class_name="dialog-foot")


def _dialog(
    content: list[Any],
    title: Any,
    open: Any,
    on_close: Any,
    text: Any,
    dismissable: Any,
    look: str,
) -> rx.Component:
    close = {"on_close": on_close} if on_close is not None else {}
    return Dialog.create(
        *content, open=open, title=title, text=text, dismissable=dismissable, look=look, **close
    )
