"""The landing page: a code sample with our address, a few models, a worked example."""

import reflex as rx

from alltoken_app import db
from alltoken_app.components.code_block import Sample, sample
from alltoken_app.errors import NotFound
from alltoken_app.services import models, samples
from alltoken_app.services.models import ModelFilter, ModelView
from alltoken_app.services.samples import LANGUAGES, ExampleView
from alltoken_app.settings import settings
from alltoken_app.states.session import SessionState

SHOWN = 6


def coloured(slug: str, kind: str = "chat") -> list[Sample]:
    """The samples of a model, coloured; our own address is in them."""
    texts = samples.calls(settings().origin, slug, kind)
    return [
        sample(label, text, language)
        for (label, language), text in zip(LANGUAGES, texts, strict=True)
    ]


class HomeState(rx.State):
    """What the landing page shows to everybody."""

    calls: list[Sample] = coloured(samples.FIRST)
    models: list[ModelView] = []
    total: int = 0
    endpoints: int = 0
    at: int = 0
    example: ExampleView = ExampleView()
    loading: bool = True

    @rx.event
    async def load(self) -> None:
        """Read prices and models as of now."""
        self.calls = coloured(samples.FIRST)
        session = await self.get_state(SessionState)
        wanted = ModelFilter(kinds=("chat",), sort="input")
        listed = await db.read(models.browse, wanted, member=session.signed_in)
        self.models, self.total = listed.models[:SHOWN], listed.total
        self.endpoints, self.at = listed.endpoints, listed.at
        try:
            self.example = await db.read(samples.example)
        except NotFound:
            self.example = ExampleView()
        self.loading = False
