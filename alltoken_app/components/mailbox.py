"""The mails of an installation without SMTP, read from the web app's own endpoint."""

import reflex as rx


class Mailbox(rx.Component):
    """Looks every few seconds; mails never enter a state."""

    library = rx.asset("mailbox.jsx", shared=True).importable_path
    tag = "Mailbox"
    source: rx.Var[str]
    empty: rx.Var[str]
    none: rx.Var[str]


def mailbox(source: str, *, empty: str, none: str) -> rx.Component:
    """The list of mails; `none` is said where there is no such mailbox.

    mailbox("/web/mailbox", empty="No mail yet.", none="There is no mailbox here.")
    """
    return Mailbox.create(source=source, empty=empty, none=none)
