"""Times: "12 s ago", with the full time on hover. Times are milliseconds UTC."""

import reflex as rx


class TimeAgo(rx.Component):
    """A <time> that keeps itself up to date while its tab is visible."""

    library = rx.asset("time_ago.jsx", shared=True).importable_path
    tag = "TimeAgo"
    at: rx.Var[int]
    zone: rx.Var[str]
    exact: rx.Var[bool]
    empty: rx.Var[str]


def time_ago(at: int | rx.Var[int], *, empty: str = "–") -> rx.Component:
    """How long ago `at` (milliseconds) was; 0 shows `empty`.

    time_ago(key.last_used_at, empty="Never")
    """
    return TimeAgo.create(at=at, empty=empty)


def time_at(at: int | rx.Var[int], *, zone: str | rx.Var[str] = "UTC") -> rx.Component:
    """The date and time itself, to the minute, in `zone` (an IANA name, "UTC" or "local").

    time_at(row.at, zone=State.zone)
    """
    return TimeAgo.create(at=at, zone=zone, exact=True)
