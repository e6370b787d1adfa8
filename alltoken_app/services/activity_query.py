"""The activity page's query string: the page and its download read it alike."""

from collections.abc import Mapping
from urllib.parse import urlencode

from alltoken_app.services import periods
from alltoken_app.services.activity import ActivityFilter
from alltoken_app.services.periods import Period

RANGE = ("range", "from", "to", "tz")
FILTERS = ("key", "model", "provider", "status", "id")
DEFAULT = "24h"
LONGEST = 200  # characters of a filter


def read_period(query: Mapping[str, str], default: str = DEFAULT) -> Period:
    """The range a query string asks for.

    Raises:
        Invalid: It makes no sense; see `periods.read`.
    """
    preset, start, end, zone = (query.get(name, "") for name in RANGE)
    return periods.read(preset, start, end, zone, default)


def read_filter(query: Mapping[str, str], period: Period, book: str) -> ActivityFilter:
    """The requests a query string asks for, within the period."""
    key, model, provider, status, id_ = (query.get(name, "")[:LONGEST].strip() for name in FILTERS)
    return ActivityFilter(
        start=period.start,
        end=period.end,
        key=key,
        model=model,
        provider=provider,
        status=status,
        id=id_,
        zone=period.zone,
        book=book,
    )


def zoomed(query: Mapping[str, str], period: Period) -> str:
    """The query string with the same filter, for this period alone."""
    start, end = period.edges
    kept = {name: query.get(name, "") for name in (*FILTERS, "tz")}
    asked = {"from": start, "to": end, **kept}
    return urlencode({name: value for name, value in asked.items() if value})
