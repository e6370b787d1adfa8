"""Choosing a range of days and the time zone they are told in."""

from typing import Any

import reflex as rx

from alltoken_app.components.dialog import Dialog

NEEDED = (Dialog,)  # its file is imported by path


class RangeBar(rx.Component):
    """A preset, custom days in a dialog, and UTC or the browser's own zone."""

    library = rx.asset("range_bar.jsx", shared=True).importable_path
    tag = "RangeBar"
    preset: rx.Var[str]
    presets: rx.Var[list[tuple[str, str]]]
    shown: rx.Var[str]
    first: rx.Var[str]
    last: rx.Var[str]
    zone: rx.Var[str]
    on_range: rx.EventHandler[rx.event.passthrough_event_spec(str)]  # type: ignore[type-arg,valid-type]
    on_days: rx.EventHandler[rx.event.passthrough_event_spec(str, str)]  # type: ignore[type-arg,valid-type]
    on_zone: rx.EventHandler[rx.event.passthrough_event_spec(str)]  # type: ignore[type-arg,valid-type]


def range_bar(state: Any, presets: dict[str, str]) -> rx.Component:
    """The bar for a state with `PeriodState`'s vars and events.

    range_bar(OverviewState, PRESETS)
    """
    return RangeBar.create(
        preset=state.preset,
        presets=list(presets.items()),
        shown=state.range_shown,
        first=state.first_day,
        last=state.last_day,
        zone=state.zone,
        on_range=state.choose_range,
        on_days=state.choose_days,
        on_zone=state.choose_zone,
    )
