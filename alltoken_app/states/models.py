"""The page of all models. Its address says what is filtered, so that Back and links work."""

from collections.abc import Mapping
from urllib.parse import urlencode

import reflex as rx
from reflex.event import EventSpec

from alltoken_app import db
from alltoken_app.services import models
from alltoken_app.services.models import SORTS, FacetsView, ModelFilter, ModelView
from alltoken_app.states.session import SessionState

GROUPS = ("kind", "provider", "zdr")


def read(query: Mapping[str, str]) -> ModelFilter:
    """The filter an address asks for; what it does not know it leaves out."""
    sort = query.get("sort", "")
    return ModelFilter(
        text=query.get("q", ""),
        kinds=_listed(query.get("kind", "")),
        providers=_listed(query.get("provider", "")),
        zdr=_listed(query.get("zdr", "")),
        sort=sort.removeprefix("-") if sort.removeprefix("-") in SORTS else "name",
        descending=sort.startswith("-"),
    )


def write(wanted: ModelFilter) -> str:
    """The address of a filter; what is left at its default is not in it."""
    sort = f"{'-' if wanted.descending else ''}{wanted.sort}"
    said = {
        "q": wanted.text.strip(),
        "kind": ",".join(wanted.kinds),
        "provider": ",".join(wanted.providers),
        "zdr": ",".join(wanted.zdr),
        "sort": "" if sort == "name" else sort,
    }
    query = urlencode({name: value for name, value in said.items() if value}, safe=",")
    return f"/models?{query}" if query else "/models"


def _listed(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(part for part in text.split(",") if part))


class ModelsState(rx.State):
    """The list, and the filter as the address has it."""

    text: str = ""
    chosen: dict[str, list[str]] = {group: [] for group in GROUPS}
    sort: str = "name"
    descending: bool = False

    models: list[ModelView] = []
    facets: FacetsView = FacetsView()
    total: int = 0
    endpoints: int = 0
    at: int = 0
    loading: bool = True

    @rx.var
    def filters(self) -> int:
        """How many filters are set."""
        return bool(self.text.strip()) + sum(len(values) for values in self.chosen.values())

    @rx.event
    async def load(self) -> None:
        """Show what the address asks for."""
        wanted = read(dict(self.router.url.query_parameters))
        self._take(wanted)
        session = await self.get_state(SessionState)
        listed = await db.read(models.browse, wanted, member=session.signed_in)
        self.models, self.facets, self.at = listed.models, listed.facets, listed.at
        self.total, self.endpoints, self.loading = listed.total, listed.endpoints, False

    @rx.event
    async def search(self, text: str) -> EventSpec:
        """Filter by words; typing does not fill the browser's history."""
        self.text = text[:200]
        return rx.redirect(write(self._wanted()), replace=True)

    @rx.event
    async def choose(self, group: str, value: str, on: bool) -> EventSpec:
        """Tick or untick one answer of a filter."""
        values = [one for one in self.chosen.get(group, []) if one != value]
        if group in GROUPS:
            self.chosen[group] = [*values, value] if on else values
        return rx.redirect(write(self._wanted()))

    @rx.event
    async def order(self, key: str) -> EventSpec:
        """Sort by a column; the same one again turns it round."""
        self.descending = not self.descending if self.sort == key else key == "context"
        self.sort = key
        return rx.redirect(write(self._wanted()))

    def _take(self, wanted: ModelFilter) -> None:
        self.text, self.sort, self.descending = wanted.text, wanted.sort, wanted.descending
        self.chosen = {
            "kind": list(wanted.kinds),
            "provider": list(wanted.providers),
            "zdr": list(wanted.zdr),
        }

    def _wanted(self) -> ModelFilter:
        return ModelFilter(
            text=self.text,
            kinds=tuple(self.chosen["kind"]),
            providers=tuple(self.chosen["provider"]),
            zdr=tuple(self.chosen["zdr"]),
            sort=self.sort if self.sort in SORTS else "name",
            descending=self.descending,
        )
