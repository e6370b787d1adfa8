"""/app — a period at a glance."""

from typing import Any

import reflex as rx

from alltoken_app.components.button import link_button, segmented
from alltoken_app.components.chart import chart, chart_table, legend
from alltoken_app.components.code_block import code_of
from alltoken_app.components.empty import skeleton
from alltoken_app.components.icons import icon
from alltoken_app.components.link import link
from alltoken_app.components.notice import notice
from alltoken_app.components.range_bar import range_bar
from alltoken_app.components.stat import facts, meter, stat, stat_grid
from alltoken_app.components.table import Column, card, table
from alltoken_app.pages.member import frame, member_page
from alltoken_app.services.periods import PRESETS
from alltoken_app.services.samples import LANGUAGES
from alltoken_app.states.overview import OverviewState

S: Any = OverviewState  # its attributes are vars here, which its own types do not say


@member_page("/app", "Overview", [S.load])
def overview() -> rx.Component:
    """First what is urgent, then four figures, then where the money went."""
    return frame(
        rx.cond(S.loaded & ~S.used, rx.fragment(), range_bar(S, PRESETS)),
        rx.cond(S.problem != "", notice(S.problem, tone="warning", live=True)),
        rx.foreach(S.tight, tight),
        rx.cond(S.loaded, rx.cond(S.used, figures(), start()), waiting()),
        title="Overview",
        active="overview",
        lead="What your organisation asked for, and what it cost.",
    )


def tight(key: Any) -> rx.Component:
    """A key that has nearly spent its limit."""
    return notice(
        rx.el.p(
            rx.el.span(key.name, " has used ", key.used, ".", class_name="strong"),
            " Requests with it fail at the limit. ",
            link("Raise the limit", href="/app/keys"),
            class_name="small",
        ),
        tone="warning",
    )


def start() -> rx.Component:
    """Nothing was ever asked: three steps to the first answer, and what it will look like."""
    add = link_button("Add funds", href="/app/wallet", icon="plus", size="small")
    make = link_button("Create key", href="/app/keys?create=1", icon="key", size="small")
    names = [label for label, _ in LANGUAGES]
    steps = rx.el.ol(
        step(
            S.wallet.available_nano > 0,
            "Add funds",
            rx.cond(
                S.wallet.sandbox,
                "From $5. This is a sandbox: you pay with a test card, and no real money moves.",
                "From $5, prepaid. A request that the wallet cannot cover is refused, never owed.",
            ),
            rx.cond(S.wallet.may_pay, add),
        ),
        step(
            S.has_keys,
            "Create a key",
            "It is shown once. Put it into ALLTOKEN_API_KEY.",
            rx.cond(S.may_make_keys, make),
        ),
        step(
            False,
            "Send the first request",
            "It shows up here as soon as it has ended, with what it cost.",
            rx.el.div(
                link_button("Try it in the browser", href="/chat", icon="chat", size="small"),
                link_button("Read the quickstart", href="/docs", icon="doc", size="small"),
                class_name="row",
            ),
        ),
        class_name="todo",
    )
    return card(
        rx.el.div(
            rx.el.div(rx.el.h2("No requests yet"), steps, class_name="stack"),
            code_of("First request", names, S.calls),
            class_name="card-body first-steps",
        )
    )


def step(done: Any, title: str, text: Any, action: rx.Component) -> rx.Component:
    """A step; once done it is ticked and its button is gone."""
    ticked = rx.el.span(
        icon("check"),
        rx.el.span("Done: ", class_name="only-screen-reader"),
        class_name="is-success",
    )
    return rx.el.li(
        rx.el.h3(rx.cond(done, ticked), title, class_name="row"),
        rx.el.p(text, class_name="small muted"),
        rx.cond(done, rx.fragment(), action),
    )


def waiting() -> rx.Component:
    """The shape of what is to come."""
    return rx.el.div(
        card(skeleton("30%", "60%")),
        card(skeleton("20%", "100%", "100%", "100%")),
        class_name="stack",
    )


def figures() -> rx.Component:
    """Four figures, the chart, shares by model and by key, and the balance."""
    return rx.el.div(
        stats(),
        spend(),
        rx.el.div(
            by_model(),
            rx.el.div(by_key(), balance(), class_name="stack"),
            class_name="columns columns-two",
        ),
        class_name="stack stack-loose",
    )


def stats() -> rx.Component:
    """Each figure links to the requests behind it."""
    requests = "/app/activity?" + S.range_query
    return stat_grid(
        stat("Spend", S.usage.spend, S.usage.spend_note, href=requests),
        stat("Requests", S.usage.requests, S.usage.tokens + " tokens", href=requests),
        stat("Errors", S.usage.errors, S.usage.errors_note, href=requests + "&status=trouble"),
        stat(
            "Half are done within",
            S.usage.duration,
            "first words within " + S.usage.first_token,
            href=requests,
        ),
    )


def spend() -> rx.Component:
    """Spend over time, cut by model, key or provider."""
    label = "Spend over " + S.usage.shown + ", " + S.zone + " time, by " + S.by
    choices = [("model", "Model"), ("key", "Key"), ("provider", "Provider")]
    return rx.el.figure(
        rx.el.div(
            rx.el.h2("Spend by ", S.by),
            rx.el.span(
                S.usage.spend,
                " · ",
                S.usage.shown,
                ", ",
                S.zone,
                class_name="muted small tabular",
            ),
            rx.el.span(class_name="push"),
            segmented("Group by", choices, S.by, S.choose_by),
            class_name="card-head",
        ),
        rx.el.div(chart(S.usage.chart, label), legend(S.usage.chart), class_name="card-body stack"),
        chart_table(S.usage.chart, label, "When"),
        class_name="card",
    )


def by_model() -> rx.Component:
    """Which models the money went to."""
    nothing = rx.el.p("No requests in these days.", class_name="card-body muted small")
    return card(
        table(
            "Spend by model",
            [
                Column("Model", model_name, header=True),
                Column("Requests", lambda share: share.requests, num=True),
                Column("Tokens", lambda share: share.tokens, num=True),
                Column("Spend", lambda share: share.spend, num=True),
            ],
            S.usage.models,
            empty=nothing,
            foot=total(
                ("Requests", S.usage.requests),
                ("Tokens", S.usage.tokens),
                ("Spend", S.usage.spend),
            ),
        ),
        title="By model",
        aside=link("View requests", href="/app/activity?" + S.range_query),
    )


def model_name(share: Any) -> rx.Component:
    """A model with its colour, linked to its requests."""
    href = "/app/activity?model=" + share.id + "&" + S.range_query
    name = rx.cond(
        share.id != "", link(share.name, href=href, class_name="cell-link mono"), share.name
    )
    return rx.el.span(name, class_name=rx.cond(share.css != "", "swatch " + share.css, ""))


def by_key() -> rx.Component:
    """Which keys spent it, and what is left of their limits."""
    nothing = rx.el.p("No requests in these days.", class_name="card-body muted small")
    return card(
        table(
            "Spend by key, and how much of each limit is used",
            [
                Column("Key", key_name, header=True),
                Column("Spend", lambda share: share.spend, num=True),
                Column("Limit used", limit_used),
            ],
            S.keys,
            empty=nothing,
            foot=total(("Spend", S.usage.spend), ("", "")),
        ),
        title="By key",
        aside=link("Manage keys", href="/app/keys"),
    )


def key_name(share: Any) -> rx.Component:
    """A key, linked to its requests."""
    href = "/app/activity?key=" + share.id + "&" + S.range_query
    name = link(share.name, href=href, class_name="cell-link truncate name-cell", title=share.name)
    return rx.cond(share.id != "", name, share.name)


def total(*figures: Any) -> rx.Component:
    """The last line of a table: the same sums as above the chart."""
    cells = [
        rx.el.td(figure, role="cell", class_name="num", custom_attrs={"data-label": label})
        for label, figure in figures
    ]
    name = rx.el.th("Total", scope="row", role="rowheader")
    return rx.el.tfoot(rx.el.tr(name, *cells, role="row"), role="rowgroup")


def limit_used(share: Any) -> rx.Component:
    """A bar against the key's own limit and period."""
    return rx.cond(
        share.limited,
        rx.el.span(
            rx.el.span(share.used, class_name="tiny"),
            meter(share.percent, share.percent.to(str) + " % of the limit is used", share.tone),
            class_name="limit-cell",
        ),
        rx.el.span(share.used, class_name="faint"),
    )


def balance() -> rx.Component:
    """What is left to spend."""
    add = link_button("Add funds", href="/app/wallet", icon="plus", size="small")
    return card(
        rx.el.div(
            rx.cond(
                S.wallet.low,
                notice(
                    "Below ", S.wallet.low_at, ": at $0.00 requests fail with 402.", tone="warning"
                ),
            ),
            facts(
                ("Available", S.wallet.available),
                ("Held for running requests", S.wallet.held),
                money=True,
            ),
            rx.cond(S.wallet.runway != "", rx.el.p(S.wallet.runway, class_name="small muted")),
            rx.cond(S.wallet.may_pay, rx.el.div(add)),
            class_name="card-body stack",
        ),
        title="Balance",
        aside=link("Open wallet", href="/app/wallet"),
    )
