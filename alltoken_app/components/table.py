"""One table for every list: real table roles, and cards instead of rows under 640 px."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import reflex as rx

from alltoken_app.components.icons import icon


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes:
        label: Its heading, and the name before the value on a card.
        cell: From the row (a var) to what stands in the cell.
        num: Figures: stand at the right edge.
        header: The cell that names its row; one per table, the first.
        bare: No heading to be seen and no name on cards, for a row's menu.
        sort: The key this column sorts by, when it can.
    """

    label: str
    cell: Callable[[Any], Any]
    num: bool = False
    header: bool = False
    bare: bool = False
    sort: str = ""


@dataclass(frozen=True)
class Sort:
    """How a table is sorted: the key and direction in force, and who changes them.

    Attributes:
        choose: Gets the key of the heading that was pressed; flips the direction itself.
    """

    by: str | rx.Var[str]
    descending: bool | rx.Var[bool]
    choose: Any


def table(
    label: str,
    columns: Sequence[Column],
    rows: Any,
    *,
    empty: rx.Component | None = None,
    loading: bool | rx.Var[bool] | None = None,
    sort: Sort | None = None,
    row_props: Callable[[Any], dict[str, Any]] | None = None,
    foot: rx.Component | None = None,
) -> rx.Component:
    """A scrolling table of `rows` (a var of a list, or a plain list).

    table("API keys", [
        Column("Name", lambda key: key.name, header=True),
        Column("Spent", lambda key: money(key.spent), num=True, sort="spent"),
        Column("Actions", lambda key: menu(...), bare=True),
    ], State.keys, empty=empty("No keys yet", "…"), loading=State.loading,
       sort=Sort(State.by, State.descending, State.sort_by))

    `empty` replaces the table when there are no rows; while `loading` is true rows are
    skeletons. `row_props` adds attributes to a row. Put it in a `card`.
    """
    body = _body(columns, rows, row_props)
    if loading is not None:
        body = rx.cond(loading, _skeletons(columns), body)
    grid = rx.el.div(
        rx.el.table(
            rx.el.caption(label, class_name="only-screen-reader"),
            _head(columns, sort),
            body,
            *([foot] if foot is not None else []),
            class_name="table table-cards",
            role="table",
        ),
        class_name="table-scroll",
        role="region",
        aria_label=label,
        tab_index=0,
    )
    if empty is None:
        return grid
    if not isinstance(rows, rx.Var):
        return grid if rows else empty
    nothing = rows.to(list).length() == 0
    return rx.cond(nothing if loading is None else nothing & ~loading, empty, grid)


def card(*content: Any, title: Any = None, aside: Any = None, foot: Any = None) -> rx.Component:
    """A bordered box: a heading with something at its right, the content, a foot.

    card(table(...), title="By model", aside=link("View requests", href="/app/activity"))
    """
    head = []
    if title is not None:
        right = [rx.el.span(aside, class_name="push small faint")] if aside is not None else []
        head = [rx.el.div(rx.el.h2(title), *right, class_name="card-head")]
    tail = [rx.el.div(foot, class_name="card-foot")] if foot is not None else []
    return rx.el.div(*head, *content, *tail, class_name="card")


def _head(columns: Sequence[Column], sort: Sort | None) -> rx.Component:
    cells = [_heading(column, sort) for column in columns]
    return rx.el.thead(rx.el.tr(*cells, role="row"), role="rowgroup")


def _heading(column: Column, sort: Sort | None) -> rx.Component:
    props: dict[str, Any] = {"scope": "col", "role": "columnheader"}
    if column.num:
        props["class_name"] = "num"
    if column.bare:
        return rx.el.th(rx.el.span(column.label, class_name="only-screen-reader"), **props)
    if not (sort and column.sort):
        return rx.el.th(column.label, **props)
    mine = sort.by == column.sort
    direction = rx.cond(sort.descending, "descending", "ascending")
    arrow = rx.cond(mine, rx.cond(sort.descending, icon("down"), icon("up")), icon("up_down"))
    press = rx.el.button(
        column.label,
        arrow,
        class_name="sort",
        type="button",
        on_click=sort.choose(column.sort),
    )
    return rx.el.th(press, aria_sort=rx.cond(mine, direction, "none"), **props)


def _body(
    columns: Sequence[Column], rows: Any, row_props: Callable[[Any], dict[str, Any]] | None
) -> rx.Component:
    def row(item: Any) -> rx.Component:
        more = row_props(item) if row_props else {}
        return rx.el.tr(*[_cell(column, item) for column in columns], role="row", **more)

    lines = rx.foreach(rows, row) if isinstance(rows, rx.Var) else [row(item) for item in rows]
    return rx.el.tbody(*(lines if isinstance(lines, list) else [lines]), role="rowgroup")


def _cell(column: Column, item: Any) -> rx.Component:
    content = column.cell(item)
    if column.header:
        return rx.el.th(content, scope="row", role="rowheader")
    props: dict[str, Any] = {"role": "cell"}
    if column.num:
        props["class_name"] = "num"
    if not column.bare:
        props["data_label"] = column.label
    return rx.el.td(content, **props)


def _skeletons(columns: Sequence[Column], count: int = 5) -> rx.Component:
    def line(number: int) -> rx.Component:
        width = f"{60 - 8 * (number % 3)}%"
        cells = [
            rx.el.td(rx.el.span(class_name="skeleton", style={"width": width}), role="cell")
            for _ in columns
        ]
        return rx.el.tr(*cells, role="row")

    return rx.el.tbody(*[line(n) for n in range(count)], role="rowgroup", aria_hidden="true")
