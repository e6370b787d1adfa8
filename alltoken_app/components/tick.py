"""One answer of a filter: a box to tick, and how many it finds."""

from typing import Any

import reflex as rx


class Tick(rx.Component):
    """A check box that does not wait for the server."""

    library = rx.asset("tick.jsx", shared=True).importable_path
    tag = "Tick"
    label: rx.Var[str]
    count: rx.Var[int]
    checked: rx.Var[bool]
    on_tick: rx.EventHandler[rx.event.passthrough_event_spec(bool)]  # type: ignore


def tick(
    label: str | rx.Var[str],
    *,
    count: int | rx.Var[int],
    checked: bool | rx.Var[bool],
    on_tick: Any,
) -> rx.Component:
    """An answer; `on_tick` gets whether it is ticked now.

    tick("Chat", count=12, checked=State.kinds.contains("chat"), on_tick=State.choose_chat)
    """
    return Tick.create(label=label, count=count, checked=checked, on_tick=on_tick)
