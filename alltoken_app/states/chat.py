"""The chat page's state: who may chat. Not a word of what is said is ever here."""

import reflex as rx

from alltoken_app.states.session import SessionState


class ChatState(SessionState):
    """The member whose conversations this browser keeps apart from others'."""

    owner: str = ""
    may_use: bool = False
    loaded: bool = False

    @rx.event
    async def load(self) -> None:
        """Ask who it is; nobody is no error, they can look and then sign in."""
        self.owner, self.may_use = "", False
        if self.signed_in:
            actor = await self.actor()
            self.owner, self.may_use = actor.person_id, actor.allowed("use")
        self.loaded = True
