"""What the top bar shows of the wallet."""

import reflex as rx

from alltoken_app import db
from alltoken_app.services import wallets
from alltoken_app.states.session import SessionState


class BalanceState(SessionState):
    """The money that can be spent now."""

    available: str = ""

    @rx.event
    async def load(self) -> None:
        """Read it again."""
        if not self.signed_in:  # `require_session` comes first and sends them to sign in
            return
        actor = await self.actor()
        self.available = (await db.read(wallets.overview, actor)).available
