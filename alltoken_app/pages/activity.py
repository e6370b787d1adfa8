"""/app/activity — each request, its route and what it cost."""

from typing import Any

import reflex as rx

from alltoken_app.components.badge import badge
from alltoken_app.components.button import button, icon_button, link_button
from alltoken_app.components.chart import chart, chart_table, legend
from alltoken_app.components.copy_button import copy_button
from alltoken_app.components.dialog import sheet
from alltoken_app.components.empty import empty
from alltoken_app.components.icons import icon
from alltoken_app.components.link import link
from alltoken_app.components.notice import notice
from alltoken_app.components.pagination import pagination
from alltoken_app.components.range_bar import range_bar
from alltoken_app.components.table import Column, card, table
from alltoken_app.pages.member import frame, member_page
from alltoken_app.services.periods import PRESETS
from alltoken_app.states.activity import ActivityState

S: Any = ActivityState  # its attributes are vars here, which its own types do not say
STATUS = [
    ("", "Any status"),
    ("ok", "Answered"),
    ("trouble", "All that failed"),
    ("failed", "Failed before the answer"),
    ("error", "Broke off"),
    ("interrupted", "Interrupted"),
    ("cancelled", "Cancelled"),
]


@member_page("/app/activity/[generation]", "Request", [S.load])
@member_page("/app/activity", "Activity", [S.load])
def activity() -> rx.Component:
    """Filters, the histogram, the list, and one request beside it."""
    csv = link_button(
        "CSV, ", S.page.total.to_string(), " rows",
        href=S.csv_href, icon="download", document=True, custom_attrs={"download": True},
    )  # fmt: skip
    return frame(
        rx.el.div(
            filters(),
            rx.cond(S.problem != "", notice(S.problem, tone="warning", live=True)),
            histogram(),
            requests(),
            class_name="stack",
        ),
        details(),
        title="Activity",
        active="activity",
        lead="Each request, its route and what it cost. Content is not stored.",
        actions=[rx.cond(S.page.total > 0, csv)],
    )


def filters() -> rx.Component:
    """All of them are in the address."""
    by_id = rx.el.form(
        rx.el.label(
            icon("search"),
            rx.el.span("Find by request id", class_name="only-screen-reader"),
            rx.el.input(
                class_name="input", type="search", name="id", placeholder="gen_… or req_…",
                default_value=S.id_begins, key=S.id_begins,
            ),
            class_name="input-group search-field",
        ),
        on_submit=S.find,
        class_name="find",
    )  # fmt: skip
    return rx.el.div(
        range_bar(S, PRESETS),
        choice("Key", "key", "All keys", S.choices.of_key, S.key),
        choice("Model", "model", "All models", S.choices.of_model, S.model),
        choice("Provider", "provider", "All providers", S.choices.of_provider, S.provider),
        rx.el.select(
            *[rx.el.option(text, value=value) for value, text in STATUS],
            class_name="input input-auto",
            aria_label="Status",
            value=S.status,
            on_change=lambda value: S.choose("status", value),
        ),
        by_id,
        rx.cond(S.filtered, button("Clear filters", variant="quiet", icon="x", on_click=S.clear)),
        class_name="row filters",
    )


def choice(label: str, name: str, everything: str, options: Any, value: Any) -> rx.Component:
    """A filter that offers what the organisation has used."""
    return rx.el.select(
        rx.el.option(everything, value=""),
        rx.foreach(options, lambda one: rx.el.option(one.label, value=one.value)),
        class_name="input input-auto",
        aria_label=label,
        value=value,
        on_change=lambda chosen: S.choose(name, chosen),
    )


def histogram() -> rx.Component:
    """How many, when, and how many of them failed; a bar zooms into its time."""

    def slot(row: Any) -> rx.Component:
        return link(
            href="/app/activity?" + row.query, title=row.name, tab_index=-1, aria_hidden="true"
        )

    label = "Requests over " + S.range_shown + ", " + S.zone + " time"
    return rx.cond(
        S.id_begins == "",
        rx.el.figure(
            rx.el.div(
                rx.el.h2(S.page.total.to_string(), " requests", class_name="h3"),
                legend(S.chart),
                rx.el.span("Press a bar to zoom in", class_name="push tiny faint only-wide"),
                class_name="card-head",
            ),
            rx.el.div(chart(S.chart, label, short=True, zoom=slot), class_name="card-body"),
            chart_table(S.chart, label, "When", zoom=True),
            class_name="card",
            aria_label=label,
        ),
    )


def requests() -> rx.Component:
    """Newest first."""
    clear = button("Clear filters", on_click=S.clear)
    unfit = empty("Nothing fits", "No request in these days matches the filters.", clear)
    none = empty(
        "No requests in these days",
        "Requests appear here when they have ended: what they cost, which route they took, and "
        "never what they said.",
        link_button("Show 90 days", href="/app/activity?range=90d"),
    )
    return card(
        table(
            "Requests, newest first",
            [
                Column("Time", time, header=True),
                Column("Model", lambda row: rx.el.span(row.model, class_name="mono")),
                Column("Route", route),
                Column("Tokens", lambda row: row.tokens, num=True),
                Column("Cost", lambda row: row.cost, num=True),
                Column("Took", lambda row: row.took, num=True),
                Column("Status", outcome),
                Column("Key", key),
            ],
            S.page.rows,
            empty=rx.cond(S.filtered, unfit, none),
            loading=~S.loaded,
            row_props=lambda row: {
                "class_name": rx.cond(S.is_open & (S.one.id == row.id), "is-selected", "")
            },
        ),
        foot=pagination(
            S.page.place,
            has_newer=S.page.previous_cursor != "",
            has_older=S.page.next_cursor != "",
            on_newer=S.newer,
            on_older=S.older,
        ),
    )


def time(row: Any) -> rx.Component:
    """Opens the request."""
    return rx.el.button(
        rx.el.span(row.day, class_name="faint"),
        row.time,
        class_name="disclose num",
        type="button",
        title=row.full,
        aria_label="Open request of " + row.full,
        on_click=S.show(row.id),
    )


def route(row: Any) -> rx.Component:
    """Who served it, and how many were tried."""
    tries = rx.el.span(
        icon("branch"), row.tries, rx.el.span(" tries", class_name="only-screen-reader"),
        class_name="badge", title="Earlier tries failed",
    )  # fmt: skip
    return rx.el.span(row.provider, " ", rx.cond(row.tries > 1, tries), class_name="nowrap")


def outcome(row: Any) -> rx.Component:
    """A word; the title has the code of what went wrong."""
    return rx.el.span(
        rx.cond(row.tone == "is-danger", icon("octagon_x")),
        row.status,
        class_name="status " + rx.cond(row.tone == "is-success", "", row.tone),
        title=row.code,
    )


def key(row: Any) -> rx.Component:
    """Which key paid."""
    return rx.el.span(row.key, class_name="truncate name-cell", title=row.key)


def details() -> rx.Component:
    """One request in full; Escape closes it and focus goes back to its row."""
    steps = rx.el.div(
        icon_button(
            "left", "Newer request", on_click=S.show(S.one.newer), disabled=S.one.newer == ""
        ),
        icon_button(
            "right", "Older request", on_click=S.show(S.one.older), disabled=S.one.older == ""
        ),
        rx.el.span(class_name="push"),
        copy_button(S.one.id, "Copy id", variant="default"),
        copy_button(S.one_link, "Copy link", variant="default"),
        class_name="row",
    )
    return sheet(
        steps,
        summary(),
        section("Route", tries(), scale()),
        section(
            "Cost",
            rx.el.dl(
                rx.foreach(S.one.lines, cost_line),
                rx.el.dt("Charged", class_name="total"),
                rx.el.dd(S.one.cost, class_name="total"),
                class_name="facts facts-money",
            ),
            rx.el.p(S.one.cost_note, class_name="tiny faint"),
        ),
        rx.cond(
            S.one.warnings.length() > 0,
            section("Warnings", rx.el.ul(rx.foreach(S.one.warnings, warning), class_name="small")),
        ),
        section("Request", rx.el.dl(rx.foreach(S.one.facts, fact), class_name="facts")),
        title=S.one.id,
        text=S.one.when,
        open=S.is_open,
        on_close=S.close,
    )  # fmt: skip


def section(title: str, *content: Any) -> rx.Component:
    """A part of the sheet."""
    return rx.el.section(rx.el.h3(title), *content, class_name="stack stack-tight")


def summary() -> rx.Component:
    """How it ended, in one line."""
    tone = rx.match(
        S.one.tone,
        ("is-success", badge(S.one.status, "success", "circle_check")),
        ("is-danger", badge(S.one.status, "danger", "octagon_x")),
        badge(S.one.status),
    )
    return rx.el.div(
        tone,
        rx.el.span(S.one.cost, class_name="strong tabular"),
        rx.el.span(S.one.took, class_name="muted tabular"),
        rx.el.span(S.one.tokens, class_name="muted tabular"),
        rx.cond(S.one.finish != "", badge(S.one.finish, "outline")),
        class_name="row",
    )


def tries() -> rx.Component:
    """Every try, in the order they were made."""
    return rx.el.ol(rx.foreach(S.one.attempts, attempt), class_name="waterfall small")


def warning(text: Any) -> rx.Component:
    """What the request asked for and did not get."""
    return rx.el.li(text)


def attempt(one: Any) -> rx.Component:
    """A try as a bar: hatched until the first word, solid while words arrived."""
    good = one.tone == "is-success"
    mark = rx.cond(good, icon("circle_check"), icon("warning"))
    bars = rx.cond(
        good,
        rx.fragment(
            bar("waterfall-bar is-waiting", one.start, one.wait),
            bar("waterfall-bar", one.wait, one.end),
        ),
        bar("waterfall-bar is-danger", one.start, one.end),
    )
    return rx.el.li(
        rx.el.div(
            rx.el.span(one.number, class_name="strong"),
            rx.el.span(one.provider, " · ", rx.el.span(one.endpoint, class_name="mono faint")),
            rx.el.span(mark, one.result, class_name="status push " + one.tone),
            class_name="row",
        ),
        rx.el.div(bars, class_name="waterfall-lane", aria_hidden="true"),
        rx.cond(one.note != "", rx.el.p(one.note, class_name="tiny faint")),
    )


def bar(look: str, start: Any, end: Any) -> rx.Component:
    """A piece of a lane, from and to in per cent."""
    return rx.el.span(class_name=look, style={"--from": start, "--to": end})


def scale() -> rx.Component:
    """The clock under the lanes."""
    return rx.cond(
        S.one.attempts.length() > 0,
        rx.el.p(
            rx.foreach(S.one.scale, lambda word: rx.el.span(word)),
            class_name="row tiny faint tabular scale",
            aria_hidden="true",
        ),
        rx.el.p("It was refused before any provider was asked.", class_name="small muted"),
    )


def cost_line(line: Any) -> rx.Component:
    """Quantity × rate, and their product."""
    return rx.fragment(rx.el.dt(line.label), rx.el.dd(line.amount))


def fact(one: Any) -> rx.Component:
    """A name and its value."""
    return rx.fragment(
        rx.el.dt(one.name), rx.el.dd(one.value, class_name=rx.cond(one.mono, "mono", ""))
    )
