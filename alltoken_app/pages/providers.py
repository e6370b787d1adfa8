"""/providers — who serves the models, and what each says it does with prompts."""

from typing import Any

import reflex as rx

from alltoken_app.components.badge import zdr
from alltoken_app.components.link import link
from alltoken_app.components.table import Column, card, table
from alltoken_app.pages.public import frame, public_page
from alltoken_app.states.providers import ProvidersState

ABOUT = "Who serves the models behind AllToken, and what each does with your prompts."
NOTE = (
    "What a provider offers is not what your account has: zero data retention counts only once it "
    "is confirmed for the account in use. Unknown is treated as the worst."
)


@public_page("/providers", "Providers · AllToken", ABOUT, [ProvidersState.load])
def providers() -> rx.Component:
    """The list."""
    return frame(
        rx.el.div(
            rx.el.div(
                rx.el.div(rx.el.h1("Providers"), rx.el.p(ABOUT, class_name="muted")),
                class_name="page-head",
            ),
            card(
                table(
                    "Providers", columns(), ProvidersState.providers, loading=ProvidersState.loading
                )
            ),
            rx.el.p(NOTE, class_name="tiny faint"),
            class_name="wrap page-wide stack stack-loose with-room",
        ),
        active="Providers",
    )


def columns() -> list[Column]:
    """What the list says of each."""
    return [
        Column("Provider", _name, header=True),
        Column("Models", lambda row: row.models, num=True),
        Column("Seat", lambda row: rx.cond(row.place != "", row.place, "–")),
        Column("Keeps prompts", lambda row: row.retention),
        Column("Trains on data", lambda row: row.trains),
        Column("Retention", lambda row: zdr(row.zdr)),
    ]


def _name(row: Any) -> rx.Component:
    return rx.el.span(
        link(row.name, href=row.href, class_name="cell-link"),
        rx.cond(row.here, rx.el.span("connected here", class_name="tiny is-success")),
        class_name="model-name",
    )
