"""The activity page's state: a filter out of the query string, a page of rows, one row in full."""

import asyncio
from dataclasses import replace
from functools import partial
from urllib.parse import urlencode

import reflex as rx
from reflex.event import EventSpec

from alltoken_app import db
from alltoken_app.errors import Invalid
from alltoken_app.services import activity, activity_detail, activity_query
from alltoken_app.services.activity import ActivityFilter, ActivityPage, ChoicesView
from alltoken_app.services.activity_detail import GenerationView
from alltoken_app.services.activity_query import DEFAULT, FILTERS, RANGE
from alltoken_app.services.actors import Actor
from alltoken_app.services.charts import ChartView
from alltoken_app.services.periods import Period
from alltoken_app.settings import settings
from alltoken_app.states.period import PeriodState
from alltoken_app.states.session import internal

ASKED = (*RANGE, *FILTERS)


class ActivityState(PeriodState):
    """The filter is never kept here: it is read from the address at every event."""

    key: str = ""
    model: str = ""
    provider: str = ""
    status: str = ""
    id_begins: str = ""
    choices: ChoicesView = ChoicesView()
    page: ActivityPage = ActivityPage()
    chart: ChartView = ChartView()
    csv_href: str = ""
    filtered: bool = False
    loaded: bool = False
    one: GenerationView = GenerationView()
    one_link: str = ""
    is_open: bool = False

    @rx.event
    async def load(self) -> None:
        """Read the query string and show what it asks for; a deep link opens its request."""
        if not self.signed_in:  # `require_session` comes first and sends them to sign in
            return
        actor = await self.actor()
        period, wanted = self._wanted()
        try:
            await self._read(actor, period, wanted, self.asked("cursor"))
        except Invalid as wrong:
            self.problem = str(wrong)
            wanted = replace(wanted, status="")
            await self._read(actor, period, wanted, "")
        self.csv_href = f"/web/activity.csv?{self._query()}"
        self.loaded, self.is_open = True, False
        if linked := self.linked():
            await self._open(actor, wanted, linked)

    async def _read(
        self, actor: Actor, period: Period, wanted: ActivityFilter, cursor: str
    ) -> None:
        zoomed = partial(activity_query.zoomed, {name: self.asked(name) for name in ASKED})
        self.page, self.chart, self.choices = await asyncio.gather(
            db.read(activity.page, actor, wanted, cursor),
            db.read(activity.histogram, actor, wanted, period, zoomed),
            db.read(activity.choices, actor, settings().book),
        )

    @internal
    def linked(self) -> str:
        """The request that the address names: /app/activity/gen_…"""
        place, _, last = self.router.url.path.rstrip("/").rpartition("/")
        return last if place == "/app/activity" else ""

    def _wanted(self) -> tuple[Period, ActivityFilter]:
        period = self.read_period(DEFAULT)
        self.key, self.model, self.provider, self.status, self.id_begins = (
            self.asked(name) for name in FILTERS
        )
        self.filtered = any(self.asked(name) for name in FILTERS)
        query = {name: self.asked(name) for name in ASKED}
        wanted = activity_query.read_filter(query, period, settings().book)
        return period, wanted

    def _query(self) -> str:
        asked = [(name, self.asked(name)) for name in ASKED]
        return urlencode([(name, value) for name, value in asked if value])

    @rx.event
    async def choose(self, name: str, value: str) -> EventSpec | None:
        """Change one filter; "" means any."""
        await self.actor()
        return self.go(**{name: value[:200]}) if name in FILTERS else None

    @rx.event
    async def find(self, form: dict[str, str]) -> EventSpec:
        """Find a request by the beginning of its id, in any range."""
        await self.actor()
        return self.go(id=form.get("id", "").strip()[:200])

    @rx.event
    async def clear(self) -> EventSpec:
        """Drop every filter; the range stays."""
        await self.actor()
        return self.go(**dict.fromkeys(FILTERS, ""))

    @rx.event
    async def older(self) -> EventSpec:
        """The next page."""
        await self.actor()
        return self.go(cursor=self.page.next_cursor)

    @rx.event
    async def newer(self) -> EventSpec:
        """The page before."""
        await self.actor()
        return self.go(cursor=self.page.previous_cursor)

    @rx.event
    async def show(self, generation_id: str) -> None:
        """Open one request in full."""
        actor = await self.actor()
        _, wanted = self._wanted()
        await self._open(actor, wanted, generation_id)

    async def _open(self, actor: Actor, wanted: ActivityFilter, generation_id: str) -> None:
        self.one = await db.read(activity_detail.detail, actor, generation_id, wanted)
        self.one_link = f"{settings().origin}/app/activity/{self.one.id}"
        self.is_open = True

    @rx.event
    async def close(self) -> EventSpec | None:
        """Back to the list; a deep link becomes the list's address."""
        await self.actor()
        self.is_open = False
        if not self.linked():
            return None
        query = self.router.url.query
        return rx.redirect(f"/app/activity?{query}" if query else "/app/activity")
