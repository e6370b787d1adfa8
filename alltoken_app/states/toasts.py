"""Toasts: a word about a result that is off the screen. Errors of a form stand beside the form."""

from typing import Literal

import reflex as rx
from reflex.event import EventSpec

from alltoken_app.ids import new_id

ToastTone = Literal["success", "info", "warning", "danger"]


class ToastState(rx.State):
    """The newest toast of this tab; the page keeps a new `id` on the screen for a while."""

    id: str = ""
    text: str = ""
    tone: str = "success"

    @rx.event
    async def say(self, text: str, tone: str) -> None:
        """Show `text`; call `toast` instead."""
        self.id, self.text, self.tone = new_id("toast"), text, tone


def toast(text: str, tone: ToastTone = "success") -> EventSpec:
    """The event that shows `text`. Reflex's own toasts evaluate a string, which our CSP forbids.

    return toast("Key ci paused.")
    """
    return ToastState.say(text, tone)  # type: ignore[operator]
