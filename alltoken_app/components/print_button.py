"""A button that prints the page."""

import reflex as rx

from alltoken_app.components.button import classes


class PrintButton(rx.Component):
    """Opens the browser's print dialog; Reflex's own way would need `eval`."""

    library = rx.asset("print_button.jsx", shared=True).importable_path
    tag = "PrintButton"
    label: rx.Var[str]
    look: rx.Var[str]


def print_button(label: str) -> rx.Component:
    """Print what is on the page.

    print_button("Print")
    """
    return PrintButton.create(label=label, look=classes("default"))
