"""The pages of providers: all of them, and one."""

from urllib.parse import unquote

import reflex as rx

from alltoken_app import db
from alltoken_app.errors import NotFound
from alltoken_app.services import models, providers
from alltoken_app.services.providers import ProviderPage, ProviderView
from alltoken_app.states.session import SessionState


class ProvidersState(rx.State):
    """Every provider."""

    providers: list[ProviderView] = []
    loading: bool = True

    @rx.event
    async def load(self) -> None:
        """Read them."""
        session = await self.get_state(SessionState)
        self.providers = await db.read(
            providers.list_providers, member=session.signed_in, connected=models.reach()
        )
        self.loading = False


class ProviderState(rx.State):
    """The provider that the address names, or that there is none."""

    page: ProviderPage = ProviderPage()
    loading: bool = True
    missing: bool = False
    asked: str = ""

    @rx.var
    def title(self) -> str:
        """What the tab of the browser says."""
        return f"{self.page.provider.name or self.asked or 'Provider'} · AllToken"

    @rx.event
    async def load(self) -> None:
        """Read the provider; the address is /providers/{id}."""
        self.asked = unquote(self.router.url.path.removeprefix("/providers/").strip("/"))
        self.loading, self.missing = self.asked != self.page.provider.id, False
        session = await self.get_state(SessionState)
        try:
            self.page = await db.read(
                providers.provider,
                self.asked,
                member=session.signed_in,
                connected=models.reach(),
            )
        except NotFound:
            self.page, self.missing = ProviderPage(), True
        self.loading = False
