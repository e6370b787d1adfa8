"""/models — every model, searchable; the address carries the filter."""

from typing import Any

import reflex as rx

from alltoken_app.components.button import link_button
from alltoken_app.components.empty import empty, skeleton
from alltoken_app.components.field import select
from alltoken_app.components.icons import icon
from alltoken_app.components.link import link
from alltoken_app.components.model_list import model_list
from alltoken_app.components.pagination import pagination
from alltoken_app.components.search_box import search_box
from alltoken_app.components.table import Sort, card
from alltoken_app.components.tick import tick
from alltoken_app.components.time_ago import time_at
from alltoken_app.pages.public import frame, public_page
from alltoken_app.services.models import FacetView
from alltoken_app.states.models import ModelsState

STATE: Any = ModelsState  # its attributes are vars here, which its own types do not say
NOTE = (
    "Prices are those of the cheapest endpoint, per million tokens where no unit is named. Data "
    "retention is a fact of one endpoint, not of a model: open a model to see each, its evidence "
    "and the date it was checked."
)
ABOUT = "Every model behind one API key, with its price, context and what its providers keep."


@public_page("/models", "Models · AllToken", ABOUT, [ModelsState.load])
def models() -> rx.Component:
    """The list with its filters."""
    return frame(
        rx.el.div(
            rx.el.div(
                rx.el.div(rx.el.h1("Models"), rx.el.p(summary(), class_name="muted two-lines")),
                class_name="page-head",
            ),
            rx.el.div(
                rail(),
                rx.el.div(toolbar(), found(), class_name="stack"),
                class_name="with-rail",
            ),
            class_name="wrap page-wide stack stack-loose",
        ),
        active="Models",
    )


def summary() -> rx.Component:
    """How many there are, and when prices were read."""
    return rx.cond(
        STATE.loading,
        "Reading the catalogue …",
        rx.fragment(
            STATE.total,
            " models · ",
            STATE.endpoints,
            " endpoints · prices as of ",
            time_at(STATE.at),
        ),
    )


def rail() -> rx.Component:
    """The filters: at the side, or on a narrow screen in a drawer from below."""
    close = {"popoverTarget": "filters", "popoverTargetAction": "hide"}
    return rx.el.aside(
        rx.el.div(
            rx.el.h2("Filters"),
            rx.cond(
                STATE.filters > 0,
                link("Clear ", STATE.filters, href="/models", class_name="push"),
            ),
            rx.el.button(
                "Show ",
                STATE.fitting,
                type="button",
                class_name="button button-small button-primary only-narrow push",
                custom_attrs=close,
            ),
            class_name="rail-head",
        ),
        rx.cond(
            STATE.loading,
            skeleton("40%", "80%", "70%"),
            rx.fragment(
                rx.cond(
                    STATE.facets.here.length() > 0,
                    group("This installation", "here", STATE.facets.here),
                ),
                group("Kind", "kind", STATE.facets.kinds),
                group("Takes, beside text", "takes", STATE.facets.takes),
                group("Provider", "provider", STATE.facets.providers),
                group("Data retention", "zdr", STATE.facets.zdr),
            ),
        ),
        class_name="rail",
        id="filters",
        aria_label="Filters",
        custom_attrs={"popover": "auto"},
    )


def group(title: str, name: str, facets: Any) -> rx.Component:
    """One question and its answers."""

    def answer(facet: FacetView) -> rx.Component:
        return tick(
            facet.label,
            count=facet.count,
            checked=STATE.chosen[name].contains(facet.value),
            on_tick=lambda on: STATE.choose(name, facet.value, on),
        )

    return rx.el.fieldset(
        rx.el.legend(title), rx.foreach(facets, answer), class_name="filter-group"
    )


def toolbar() -> rx.Component:
    """Search, and the order where there are no column headings (cards)."""
    return rx.el.div(
        search_box(
            "Search models",
            placeholder="Name, author or purpose",
            value=STATE.text,
            on_search=STATE.search,
        ),
        rx.el.button(
            icon("filter"),
            "Filters",
            rx.cond(STATE.filters > 0, rx.el.span(STATE.filters, class_name="badge")),
            type="button",
            class_name="button only-narrow",
            custom_attrs={"popoverTarget": "filters"},
        ),
        rx.el.div(
            select(
                "Sort by",
                "sort",
                [
                    ("name", "Name"),
                    ("input", "Input price"),
                    ("output", "Output price"),
                    ("context", "Context"),
                ],
                hide_label=True,
                value=STATE.sort,
                on_change=STATE.order,
            ),
            class_name="only-cards push",
        ),
        class_name="row",
    )


def found() -> rx.Component:
    """What fits, and what to do when nothing does."""
    nothing = empty(
        "No model fits",
        "Nothing in the catalogue matches these filters.",
        link_button("Clear filters", href="/models"),
    )
    return rx.fragment(
        rx.el.p(
            rx.cond(
                STATE.filters > 0,
                rx.fragment(
                    STATE.fitting,
                    " of ",
                    STATE.total,
                    " · ",
                    link("Clear filters", href="/models"),
                ),
            ),
            class_name="small muted filter-result",
            role="status",
        ),
        card(
            model_list(
                "Models",
                STATE.models,
                loading=STATE.loading,
                empty=nothing,
                connected=True,
                sort=Sort(STATE.sort, STATE.descending, STATE.order),
            ),
            foot=rx.cond(
                STATE.has_before | STATE.has_after,
                pagination(
                    STATE.range,
                    has_newer=STATE.has_before,
                    has_older=STATE.has_after,
                    on_newer=STATE.turn(-1),
                    on_older=STATE.turn(1),
                    names=("Back", "Next"),
                ),
            ),
        ),
        rx.cond(~STATE.loading, rx.el.p(NOTE, class_name="tiny faint")),
    )
