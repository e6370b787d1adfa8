"""What people see when an event fails. Registered once, as the app's backend exception handler."""

import reflex as rx
from reflex.event import EventSpec

from alltoken_app.errors import AllTokenError
from alltoken_app.services import failures
from alltoken_app.states.toasts import toast


def show(exception: Exception) -> EventSpec:
    """Expected errors speak for themselves; any other is logged and shown by its id alone."""
    if isinstance(exception, AllTokenError):
        if exception.code == "signed_out":
            return rx.redirect("/signin?error=signed_out")
        return toast(str(exception), "danger")
    error_id = failures.report(exception, where="page")
    return toast(
        "This did not work, and it is our fault. Nothing was charged. "
        f"Try again; if it stays, tell us this id: {error_id}",
        "danger",
    )
