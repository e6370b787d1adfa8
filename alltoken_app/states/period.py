"""Pages that show a range of time: everything chosen is in the query string, so Back works."""

from urllib.parse import urlencode

import reflex as rx
from reflex.event import EventSpec

from alltoken_app.errors import Invalid
from alltoken_app.services import activity_query, periods
from alltoken_app.services.activity_query import RANGE
from alltoken_app.services.periods import Period
from alltoken_app.states.session import SessionState, internal


class PeriodState(SessionState):
    """The range and the time zone in force. Base of the overview's and the activity's state."""

    preset: str = periods.DEFAULT
    first_day: str = ""
    last_day: str = ""
    zone: str = "UTC"
    range_title: str = ""
    range_shown: str = ""
    range_query: str = ""  # the same range for links to other pages
    problem: str = ""

    @internal
    def asked(self, name: str) -> str:
        """A parameter of the query string; "" when it is absent."""
        return self.router.url.query_parameters.get(name, "")

    @internal
    def read_period(self, default: str = periods.DEFAULT) -> Period:
        """The range of the query string; one that makes no sense is said, and the default shown."""
        self.problem = ""
        query = {name: self.asked(name) for name in RANGE}
        try:
            period = activity_query.read_period(query, default)
        except Invalid as wrong:
            self.problem = f"{wrong} Shown instead: {periods.PRESETS[default].lower()}, UTC."
            query = {}
            period = activity_query.read_period(query, default)
        self.preset, self.zone = period.preset, period.zone
        self.first_day, self.last_day = period.days
        self.range_title, self.range_shown = period.title, period.shown
        self.range_query = urlencode({name: part for name, part in query.items() if part})
        return period

    @internal
    def go(self, **changes: str) -> EventSpec:
        """This page with some parameters changed; a cursor belongs to the list it was made for."""
        kept = dict(self.router.url.query_parameters) | {"cursor": ""} | changes
        query = urlencode([(name, value) for name, value in kept.items() if value])
        path = self.router.url.path.rstrip("/")
        return rx.redirect(f"{path}?{query}" if query else path)

    @rx.event
    async def choose_range(self, preset: str) -> EventSpec:
        """Show one of the presets."""
        await self.actor()
        return self.go(**{"range": preset, "from": "", "to": ""})

    @rx.event
    async def choose_days(self, first: str, last: str) -> EventSpec:
        """Show these days, the last one included."""
        await self.actor()
        return self.go(**{"range": "", "from": first, "to": last})

    @rx.event
    async def choose_zone(self, zone: str) -> EventSpec:
        """Cut and label days by this zone's clock; "UTC" or the browser's own."""
        await self.actor()
        return self.go(tz="" if zone == "UTC" else zone)
