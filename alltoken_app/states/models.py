"""The page of all models. Its address says what is filtered, so that Back and links work."""

from collections.abc import Mapping
from urllib.parse import urlencode

import reflex as rx
from reflex.event import EventSpec

from alltoken_app import db
from alltoken_app.services import models
from alltoken_app.services.models import PAGE, SORTS, FacetsView, ModelFilter, ModelView
from alltoken_app.states.session import SessionState

GROUPS = ("here", "kind", "takes", "provider", "zdr")
MOST_PAGES = 1_000


def read(query: Mapping[str, str]) -> ModelFilter:
    """The filter an address asks for; what it does not know it leaves out."""
    sort = query.get("sort", "")
    return ModelFilter(
        text=query.get("q", ""),
        kinds=_listed(query.get("kind", "")),
        providers=_listed(query.get("provider", "")),
        zdr=_listed(query.get("zdr", "")),
        takes=_listed(query.get("takes", "")),
        here=_listed(query.get("here", "")),
        page=_page(query.get("page", "")),
        sort=sort.removeprefix("-") if sort.removeprefix("-") in SORTS else "name",
        descending=sort.startswith("-"),
    )


def write(wanted: ModelFilter) -> str:
    """The address of a filter; what is left at its default is not in it."""
    sort = f"{'-' if wanted.descending else ''}{wanted.sort}"
    said = {
        "q": wanted.text.strip(),
        "here": ",".join(wanted.here),
        "kind": ",".join(wanted.kinds),
        "takes": ",".join(wanted.takes),
        "provider": ",".join(wanted.providers),
        "zdr": ",".join(wanted.zdr),
        "sort": "" if sort == "name" else sort,
        "page": "" if wanted.page <= 1 else str(wanted.page),
    }
    query = urlencode({name: value for name, value in said.items() if value}, safe=",")
    return f"/models?{query}" if query else "/models"


def _listed(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(part for part in text.split(",") if part))


def _page(text: str) -> int:
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 1
    return min(max(number, 1), MOST_PAGES)


class ModelsState(rx.State):
    """The list, and the filter as the address has it."""

    text: str = ""
    chosen: dict[str, list[str]] = {group: [] for group in GROUPS}
    sort: str = "name"
    descending: bool = False
    page: int = 1

    models: list[ModelView] = []
    facets: FacetsView = FacetsView()
    fitting: int = 0
    total: int = 0
    endpoints: int = 0
    at: int = 0
    loading: bool = True

    @rx.var
    def filters(self) -> int:
        """How many filters are set."""
        return bool(self.text.strip()) + sum(len(values) for values in self.chosen.values())

    @rx.var
    def range(self) -> str:
        """Which of the fitting models are shown: "51–100 of 165"."""
        first = (self.page - 1) * PAGE
        return f"{first + 1}–{first + len(self.models)} of {self.fitting}"

    @rx.var
    def has_before(self) -> bool:
        """Whether there is a page before this one."""
        return self.page > 1

    @rx.var
    def has_after(self) -> bool:
        """Whether there is a page after this one."""
        return self.page * PAGE < self.fitting

    @rx.event
    async def load(self) -> None:
        """Show what the address asks for."""
        wanted = read(dict(self.router.url.query_parameters))
        self._take(wanted)
        session = await self.get_state(SessionState)
        listed = await db.read(
            models.browse, wanted, member=session.signed_in, connected=models.reach()
        )
        self.models, self.facets, self.at = listed.models, listed.facets, listed.at
        self.total, self.endpoints, self.fitting = listed.total, listed.endpoints, listed.fitting
        self.loading = False

    @rx.event
    async def search(self, text: str) -> EventSpec:
        """Filter by words; typing does not fill the browser's history."""
        self.text, self.page = text[:200], 1
        return rx.redirect(write(self._wanted()), replace=True)

    @rx.event
    async def choose(self, group: str, value: str, on: bool) -> EventSpec:
        """Tick or untick one answer of a filter."""
        values = [one for one in self.chosen.get(group, []) if one != value]
        self.page = 1
        if group in GROUPS:
            self.chosen[group] = [*values, value] if on else values
        return rx.redirect(write(self._wanted()))

    @rx.event
    async def order(self, key: str) -> EventSpec:
        """Sort by a column; the same one again turns it round."""
        self.descending = not self.descending if self.sort == key else key == "context"
        self.sort, self.page = key, 1
        return rx.redirect(write(self._wanted()))

    @rx.event
    async def turn(self, pages: int) -> EventSpec:
        """Go some pages on, or back."""
        self.page = min(max(self.page + pages, 1), MOST_PAGES)
        return rx.redirect(write(self._wanted()))

    def _take(self, wanted: ModelFilter) -> None:
        self.text, self.sort, self.descending = wanted.text, wanted.sort, wanted.descending
        self.page = wanted.page
        self.chosen = {
            "here": list(wanted.here),
            "takes": list(wanted.takes),
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
            takes=tuple(self.chosen["takes"]),
            here=tuple(self.chosen["here"]),
            page=self.page,
            sort=self.sort if self.sort in SORTS else "name",
            descending=self.descending,
        )
