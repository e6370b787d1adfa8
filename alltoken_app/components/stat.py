"""Figures: tiles, facts in two columns, and meters."""

from typing import Any

import reflex as rx

from alltoken_app.components.link import link


def stat(
    label: str,
    value: Any,
    note: Any = None,
    *,
    href: str | rx.Var[str] | None = None,
    extra: rx.Component | None = None,
) -> rx.Component:
    """A tile with one figure; with `href` the whole tile is a link. `extra` may be a sparkline.

    stat_grid(stat("Spend", State.spend, "7 days"), stat("Requests", State.requests))
    """
    parts = [
        rx.el.span(label, class_name="stat-label"),
        rx.el.span(value, class_name="stat-value"),
        *([rx.el.span(note, class_name="stat-note")] if note is not None else []),
        *([extra] if extra is not None else []),
    ]
    if href is not None:
        return link(*parts, href=href, class_name="stat")
    return rx.el.div(*parts, class_name="stat")


def stat_grid(*stats: rx.Component) -> rx.Component:
    """Stat tiles side by side, as many to a line as fit."""
    return rx.el.div(*stats, class_name="stat-grid")


def facts(*pairs: tuple[Any, Any], money: bool = False) -> rx.Component:
    """Names and values; with `money` the values stand at the right edge.

    facts(("Context", "8,192 tokens"), ("Licence", model.licence))
    """
    cells = [part for name, value in pairs for part in (rx.el.dt(name), rx.el.dd(value))]
    return rx.el.dl(*cells, class_name="facts facts-money" if money else "facts")


def meter(
    percent: int | rx.Var[int],
    label: str | rx.Var[str],
    tone: str | rx.Var[str] = "",
) -> rx.Component:
    """A bar filled to `percent` (0 to 100); `tone` is "", "is-warning" or "is-danger".

    meter(key.used_percent, key.used_text, key.used_tone)
    """
    return rx.el.span(
        rx.el.span(),
        class_name=f"meter {tone}",
        style={"--value": f"{percent}%"},
        role="img",
        aria_label=label,
    )
