"""Stacked bars as inline SVG, made of numbers the server laid out, and their table twin."""

from typing import Any

import reflex as rx

from alltoken_app.components.icons import icon
from alltoken_app.components.link import link


def chart(view: Any, label: Any, *, short: bool = False, zoom: Any = None) -> rx.Component:
    """The bars of a ChartView (a var); `zoom` makes a slot a link, from its row to an address.

    chart(State.usage.chart, "Spend by day and model")
    """
    bars = rx.el.svg(
        rx.foreach(view.bars, _bar),
        view_box="0 0 700 200",
        preserve_aspect_ratio="none",
        role="img",
        aria_label=label + ". " + view.summary,
    )
    slots = [rx.el.div(rx.foreach(view.rows, zoom), class_name="chart-slots")] if zoom else []
    return rx.el.div(
        rx.el.div(
            rx.foreach(view.scale, lambda word: rx.el.span(word)),
            class_name="chart-y",
            aria_hidden="true",
        ),
        rx.el.div(bars, *slots, class_name="chart-plot chart-short" if short else "chart-plot"),
        rx.el.div(rx.foreach(view.ticks, _tick), class_name="chart-x", aria_hidden="true"),
        class_name="chart",
    )


def legend(view: Any) -> rx.Component:
    """Which colour is whose."""
    return rx.el.ul(
        rx.foreach(view.series, lambda one: rx.el.li(one.name, class_name=one.css)),
        class_name="legend",
    )


def chart_table(view: Any, label: str | rx.Var[str], first: str, zoom: Any = None) -> rx.Component:
    """Every value of the chart, behind "Show as table"; `zoom` links a row's name."""
    heads = rx.foreach(view.columns, lambda name: _head(name, class_name="num"))
    head = rx.el.tr(_head(first), heads, _head("Total", class_name="num"), role="row")
    total = rx.el.tr(
        rx.el.th("Total", scope="row", role="rowheader"),
        rx.foreach(view.total, _cell),
        role="row",
    )
    grid = rx.el.table(
        rx.el.caption(label, class_name="only-screen-reader"),
        rx.el.thead(head, role="rowgroup"),
        rx.el.tbody(rx.foreach(view.rows, lambda row: _line(row, zoom)), role="rowgroup"),
        rx.el.tfoot(total, role="rowgroup"),
        class_name="table",
        role="table",
    )
    return rx.el.details(
        rx.el.summary("Show as table", icon("down")),
        rx.el.div(grid, class_name="table-scroll", role="region", aria_label=label, tab_index=0),
        class_name="as-table",
    )


def _bar(bar: Any) -> rx.Component:
    return rx.el.rect(
        rx.el.title(bar.title),
        x=bar.x,
        y=bar.y,
        width=bar.width,
        height=bar.height,
        class_name=bar.series,
    )


def _tick(tick: Any) -> rx.Component:
    second = rx.cond(tick.bottom != "", rx.fragment(rx.el.br(), tick.bottom))
    return rx.el.span(rx.el.span(tick.top, second))


def _head(*content: Any, **props: Any) -> rx.Component:
    return rx.el.th(*content, scope="col", role="columnheader", **props)


def _cell(text: Any) -> rx.Component:
    return rx.el.td(text, role="cell", class_name="num")


def _line(row: Any, zoom: Any) -> rx.Component:
    name = link(row.name, href="?" + row.query, class_name="cell-link") if zoom else row.name
    return rx.el.tr(
        rx.el.th(name, scope="row", role="rowheader"), rx.foreach(row.cells, _cell), role="row"
    )
