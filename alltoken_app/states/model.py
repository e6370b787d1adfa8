"""One model's page."""

from urllib.parse import unquote

import reflex as rx

from alltoken_app import db
from alltoken_app.components.code_block import Sample
from alltoken_app.errors import NotFound
from alltoken_app.services import models
from alltoken_app.services.models import ModelPage
from alltoken_app.states.home import coloured
from alltoken_app.states.session import SessionState


class ModelState(rx.State):
    """The model that the address names, or that there is none."""

    page: ModelPage = ModelPage()
    calls: list[Sample] = coloured("author/model")
    loading: bool = True
    missing: bool = False
    asked: str = ""

    @rx.var
    def title(self) -> str:
        """What the tab of the browser says."""
        return f"{self.page.model.name or self.asked or 'Model'} · AllToken"

    @rx.event
    async def load(self) -> None:
        """Read the model; the address is /models/{author}/{name}."""
        self.asked = unquote(self.router.url.path.removeprefix("/models/").strip("/"))
        self.loading, self.missing = self.asked != self.page.model.slug, False
        try:
            session = await self.get_state(SessionState)
            self.page = await db.read(
                models.model, self.asked, member=session.signed_in, connected=models.reach()
            )
        except NotFound:
            self.page, self.missing = ModelPage(), True
        kind = "embeddings" if self.page.model.kind == "Embeddings" else "chat"
        self.calls = coloured(self.page.model.slug or "author/model", kind)
        self.loading = False
