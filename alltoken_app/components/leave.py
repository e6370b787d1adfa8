"""Leaving for a page that is not the app's."""

import reflex as rx


class Leave(rx.Component):
    """Loads the document `to`; nothing while it is "". A redirect event would stay in the app."""

    library = rx.asset("leave.jsx", shared=True).importable_path
    tag = "Leave"
    to: rx.Var[str]


def leave(to: rx.Var[str]) -> rx.Component:
    """Go to `to` when it becomes an address.

    leave(State.pay_at)
    """
    return Leave.create(to=to)
