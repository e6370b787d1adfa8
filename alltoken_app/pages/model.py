"""/models/{author}/{name} — one model: who serves it, at which price, and what they keep."""

import reflex as rx

from alltoken_app.components.badge import badge, zdr
from alltoken_app.components.button import link_button
from alltoken_app.components.code_block import code_of
from alltoken_app.components.copy_button import copy_button
from alltoken_app.components.empty import skeleton
from alltoken_app.components.link import link, outside_link
from alltoken_app.components.money import money
from alltoken_app.components.notice import notice
from alltoken_app.components.stat import facts
from alltoken_app.components.table import Column, card, table
from alltoken_app.components.time_ago import time_at
from alltoken_app.pages.public import frame, public_page
from alltoken_app.services.models import EndpointView
from alltoken_app.services.prices import PriceView
from alltoken_app.services.samples import LANGUAGES
from alltoken_app.states.model import ModelState

PAGE = ModelState.page
MODEL = ModelState.page.model


@public_page(
    "/models/[author]/[slug]",
    ModelState.title,
    "Price, context, providers and data retention of one model.",
    [ModelState.load],
)
def model() -> rx.Component:
    """The page of the model that the address names."""
    body = rx.cond(
        ModelState.missing, no_such_model(), rx.cond(ModelState.loading, waiting(), whole())
    )
    return frame(
        rx.el.div(body, class_name="wrap page-wide stack stack-loose with-room"), active="Models"
    )


def whole() -> rx.Component:
    """Everything about it."""
    return rx.fragment(
        crumbs(),
        heading(),
        rx.cond(PAGE.notice != "", notice(PAGE.notice, tone="info")),
        rx.cond(~MODEL.here, not_connected()),
        rx.el.div(
            rx.el.div(endpoints(), evidence(), calling(), class_name="stack stack-loose"),
            rx.el.div(limits(), parameters(), class_name="stack"),
            class_name="with-aside",
        ),
    )


def not_connected() -> rx.Component:
    """Said before anybody copies a request that would be refused."""
    return notice(
        "No provider of this model is connected here: requests for it are refused, at no charge. ",
        link("Models connected here", href="/models?here=connected"),
        tone="info",
    )


def crumbs() -> rx.Component:
    """The way back to all models."""
    return rx.el.nav(
        rx.el.ol(
            rx.el.li(link("Models", href="/models")),
            rx.el.li(link(MODEL.author, href="/models?q=" + MODEL.author + "/")),
            rx.el.li(MODEL.short, aria_current="page"),
            class_name="row small crumbs",
        ),
        aria_label="You are here",
    )


def heading() -> rx.Component:
    """Name, purpose, and what to do with it."""
    can_chat = MODEL.kind == "Chat"
    return rx.el.div(
        rx.el.div(
            rx.el.h1(MODEL.name),
            rx.el.p(PAGE.description, class_name="muted"),
            rx.el.div(
                badge(MODEL.kind),
                rx.cond(PAGE.size != "", badge(PAGE.size + " parameters", "outline")),
                rx.cond(PAGE.licence != "", badge(PAGE.licence, "outline")),
                rx.cond(PAGE.ends != "", badge("Ends " + PAGE.ends, "warning", "warning")),
                class_name="row",
            ),
        ),
        rx.el.div(
            copy_button(MODEL.slug, MODEL.slug, variant="default", size="normal"),
            rx.cond(
                can_chat & MODEL.here,
                link_button(
                    "Try in chat",
                    href="/chat?model=" + MODEL.slug,
                    variant="primary",
                    icon="chat",
                ),
            ),
            class_name="row",
        ),
        class_name="page-head",
    )


def endpoints() -> rx.Component:
    """Who serves it."""
    columns = [
        Column("Provider", provider_cell, header=True),
        Column("Context", context_cell, num=True),
        Column("Input /1M", lambda row: money(row.input_price), num=True),
        Column("Output /1M", lambda row: money(row.output_price), num=True),
        Column("Retention", lambda row: zdr(row.zdr)),
        Column("Other prices", other_prices),
    ]
    return card(
        table("Providers", columns, PAGE.endpoints),
        title="Providers",
        aside=rx.fragment("as of ", time_at(PAGE.at)),
    )


def provider_cell(row: EndpointView) -> rx.Component:
    """The provider, where it runs the model, and how coarsely."""
    return rx.el.span(
        rx.el.span(
            link(row.provider, href=row.provider_href, class_name="cell-link"),
            rx.cond(row.place != "", " · " + row.place, ""),
        ),
        rx.cond(row.here, rx.el.span("connected here", class_name="tiny is-success")),
        rx.cond(
            row.quantization != "",
            rx.el.span(row.quantization, " weights", class_name="tiny faint"),
        ),
        class_name="model-name",
    )


def context_cell(row: EndpointView) -> rx.Component:
    """How much goes in, and of that comes out."""
    out = rx.el.span(row.max_output, " out", class_name="tiny faint")
    return rx.el.span(
        rx.el.span(row.context), rx.cond(row.max_output != "–", out), class_name="model-name"
    )


def other_prices(row: EndpointView) -> rx.Component:
    """Every other unit it charges for; open, they stand below one another."""
    lines = rx.el.dl(rx.foreach(row.other_prices, price_line), class_name="price-lines")
    more = rx.el.details(rx.el.summary(row.others, " more"), lines, class_name="prices")
    return rx.cond(row.others > 0, more, "–")


def price_line(price: PriceView) -> rx.Component:
    """A unit and its price, or the heading of those below it."""
    heading = rx.el.div(rx.el.dt(price.label), class_name="price-heading")
    line = rx.el.div(rx.el.dt(price.label), rx.el.dd(money(price.amount)))
    return rx.cond(price.amount == "", heading, line)


def evidence() -> rx.Component:
    """What each provider keeps, how we know it, and since when."""
    return rx.el.section(
        rx.el.h2("What providers keep"),
        rx.foreach(PAGE.endpoints, kept),
        class_name="stack",
    )


def kept(row: EndpointView) -> rx.Component:
    """One provider's retention."""
    source = rx.cond(row.source_url != "", outside_link("Source", row.source_url), rx.fragment())
    checked = rx.cond(row.checked != "", rx.fragment("Checked ", row.checked), "Never checked")
    return card(
        rx.el.div(
            rx.el.div(
                rx.el.h3(row.provider, rx.cond(row.place != "", " · " + row.place, "")),
                zdr(row.zdr),
                class_name="row row-wide",
            ),
            facts(
                ("Keeps prompts", row.retention),
                ("Trains on data", row.trains),
                ("Evidence", rx.cond(row.evidence != "", row.evidence, "None on file")),
                ("As of", rx.el.span(checked, " ", source)),
            ),
            class_name="card-body stack",
        )
    )


def calling() -> rx.Component:
    """The request, in three languages."""
    return rx.el.section(
        rx.el.h2("Call it"),
        code_of("Request", [label for label, _ in LANGUAGES], ModelState.calls),
        rx.el.p(
            "Make a key under ",
            link("API keys", href="/app/keys"),
            " and set it as ",
            rx.el.code("ALLTOKEN_API_KEY"),
            ".",
            class_name="small muted",
        ),
        class_name="stack",
    )


def limits() -> rx.Component:
    """How much goes in and out."""
    return card(
        rx.el.div(
            facts(
                ("Model id", rx.el.span(MODEL.slug, class_name="mono")),
                ("Context", rx.fragment(MODEL.context, " tokens")),
                (
                    "Max output",
                    rx.cond(
                        PAGE.max_output != "", rx.fragment(PAGE.max_output, " tokens"), "No text"
                    ),
                ),
                ("Modalities", PAGE.modalities),
                ("Knows until", rx.cond(PAGE.cutoff != "", PAGE.cutoff, "Not published")),
                ("Released", rx.cond(PAGE.released != "", PAGE.released, "Not on file")),
                ("Added", PAGE.added),
            ),
            class_name="card-body",
        ),
        title="Limits",
    )


def parameters() -> rx.Component:
    """The request fields its endpoints honour."""
    return card(
        rx.el.div(
            rx.el.ul(
                rx.foreach(PAGE.parameters, lambda name: rx.el.li(rx.el.code(name))),
                class_name="chips",
            ),
            rx.el.p(
                "Other known fields steer to an endpoint that honours them, or come back as a "
                "warning.",
                class_name="tiny faint",
            ),
            class_name="card-body stack stack-tight",
        ),
        title="Parameters",
    )


def waiting() -> rx.Component:
    """Shaped like the page to come."""
    return rx.el.div(
        rx.el.h1("Model", class_name="only-screen-reader"),
        skeleton("20%", "36%", "60%"),
        skeleton("100%", "92%", "96%", "40%"),
        aria_busy="true",
    )


def no_such_model() -> rx.Component:
    """The address names nothing we have."""
    return rx.el.div(
        rx.el.h1("No such model"),
        rx.el.p(
            "The catalogue has no ",
            rx.el.code(ModelState.asked),
            ". It may have been retired or written differently.",
            class_name="muted",
        ),
        rx.el.div(
            link_button("Browse models", href="/models", variant="primary"), class_name="row"
        ),
        class_name="stack",
    )
