"""What this installation is: facts of its settings that public pages show."""

import reflex as rx

from alltoken_app.mail import outbox
from alltoken_app.settings import settings


class PlaceState(rx.State):
    """Its address, and whether mails stay on this machine, where the mailbox page shows them."""

    origin: str = settings().origin
    mailbox: bool = False

    @rx.event
    async def load(self) -> None:
        """Ask the settings."""
        self.origin = settings().origin
        self.mailbox = outbox.has_mailbox(settings())
