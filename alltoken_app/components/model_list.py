"""The table of models: the landing page shows a few, the page of models all."""

from typing import Any

import reflex as rx

from alltoken_app.components.badge import zdr
from alltoken_app.components.link import link
from alltoken_app.components.money import money
from alltoken_app.components.table import Column, Sort, table


def model_list(
    label: str,
    rows: Any,
    *,
    loading: bool | rx.Var[bool],
    empty: rx.Component | None = None,
    sort: Sort | None = None,
    connected: bool = False,
) -> rx.Component:
    """Rows are `services.models.ModelView`; with `connected` those we can reach are marked.

    model_list("Prices now", HomeState.models, loading=HomeState.loading)
    """
    columns = [
        Column("Model", _marked if connected else _name, header=True, sort="name"),
        Column("Kind", lambda model: model.kind),
        Column("Context", lambda model: model.context, num=True, sort="context"),
        Column("Input /1M", lambda model: money(model.input_price), num=True, sort="input"),
        Column("Output /1M", lambda model: money(model.output_price), num=True, sort="output"),
        Column("Retention", lambda model: zdr(model.zdr)),
    ]
    return table(label, columns, rows, loading=loading, empty=empty, sort=sort)


def _name(model: Any) -> rx.Component:
    slug = rx.el.span(rx.el.span(model.author, "/", class_name="faint"), model.short)
    return rx.el.span(
        link(slug, href=model.href, class_name="cell-link"),
        rx.el.span(model.name, class_name="tiny faint"),
        class_name="model-name",
    )


def _marked(model: Any) -> rx.Component:
    here = rx.el.span("connected here", class_name="tiny is-success")
    return rx.fragment(_name(model), rx.cond(model.here, here, rx.fragment()))
