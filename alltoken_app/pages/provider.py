"""/providers/{id} — one provider: its policies, what it keeps, the models it serves."""

import reflex as rx

from alltoken_app.components.badge import badge, zdr
from alltoken_app.components.button import link_button
from alltoken_app.components.empty import skeleton
from alltoken_app.components.link import link, outside_link
from alltoken_app.components.model_list import model_list
from alltoken_app.components.stat import facts
from alltoken_app.components.table import card
from alltoken_app.components.time_ago import time_at
from alltoken_app.pages.public import frame, public_page
from alltoken_app.states.providers import ProviderState

PAGE = ProviderState.page
PROVIDER = ProviderState.page.provider


@public_page(
    "/providers/[provider]",
    ProviderState.title,
    "Policies, data retention and models of one provider.",
    [ProviderState.load],
)
def provider() -> rx.Component:
    """The page of the provider that the address names."""
    body = rx.cond(
        ProviderState.missing,
        no_such_provider(),
        rx.cond(ProviderState.loading, waiting(), whole()),
    )
    return frame(
        rx.el.div(body, class_name="wrap page-wide stack stack-loose with-room"), active="Providers"
    )


def whole() -> rx.Component:
    """Everything about it."""
    return rx.fragment(
        crumbs(),
        heading(),
        rx.el.div(
            card(
                model_list("Models", PAGE.models, loading=False),
                title="Models",
                aside=rx.fragment("prices as of ", time_at(PAGE.at)),
            ),
            rx.el.div(kept(), policies(), class_name="stack"),
            class_name="with-aside",
        ),
    )


def crumbs() -> rx.Component:
    """The way back to all providers."""
    return rx.el.nav(
        rx.el.ol(
            rx.el.li(link("Providers", href="/providers")),
            rx.el.li(PROVIDER.name, aria_current="page"),
            class_name="row small crumbs",
        ),
        aria_label="You are here",
    )


def heading() -> rx.Component:
    """Who it is, and whether we are connected."""
    return rx.el.div(
        rx.el.div(
            rx.el.h1(PROVIDER.name),
            rx.el.p(PROVIDER.description, class_name="muted"),
            rx.el.div(
                rx.cond(
                    PROVIDER.here,
                    badge("Connected here", "success", "circle_check"),
                    badge("Not connected here", "outline"),
                ),
                rx.cond(PROVIDER.place != "", badge("Seat " + PROVIDER.place, "outline")),
                class_name="row",
            ),
        ),
        class_name="page-head",
    )


def kept() -> rx.Component:
    """What it does with prompts, and how we know."""
    checked = rx.cond(PAGE.checked != "", rx.fragment("Checked ", PAGE.checked), "Never checked")
    source = rx.cond(PAGE.source_url != "", outside_link("Source", PAGE.source_url), rx.fragment())
    return card(
        rx.el.div(
            rx.el.div(zdr(PROVIDER.zdr), class_name="row"),
            facts(
                ("Keeps prompts", PROVIDER.retention),
                ("Trains on data", PROVIDER.trains),
                ("Evidence", rx.cond(PAGE.evidence != "", PAGE.evidence, "None on file")),
                ("Data centres", rx.cond(PAGE.datacenters != "", PAGE.datacenters, "Not on file")),
                ("As of", rx.el.span(checked, " ", source)),
            ),
            class_name="card-body stack",
        ),
        title="What it keeps",
    )


def policies() -> rx.Component:
    """Its own words, where they are."""
    return card(
        rx.el.ul(
            policy("Privacy policy", PAGE.privacy_url),
            policy("Terms", PAGE.terms_url),
            policy("Status", PAGE.status_url),
            class_name="card-body stack stack-tight",
        ),
        title="Policies",
    )


def policy(name: str, url: rx.Var[str] | str) -> rx.Component:
    """One of them, or that there is none on file."""
    none = rx.el.span(name, ": none on file", class_name="muted")
    return rx.el.li(rx.cond(url != "", outside_link(name, url), none))


def waiting() -> rx.Component:
    """Shaped like the page to come."""
    return rx.el.div(
        rx.el.h1("Provider", class_name="only-screen-reader"),
        skeleton("20%", "36%", "60%"),
        skeleton("100%", "92%", "96%", "40%"),
        aria_busy="true",
    )


def no_such_provider() -> rx.Component:
    """The address names nobody we know."""
    return rx.el.div(
        rx.el.h1("No such provider"),
        rx.el.p("The catalogue has no ", rx.el.code(ProviderState.asked), ".", class_name="muted"),
        rx.el.div(
            link_button("All providers", href="/providers", variant="primary"), class_name="row"
        ),
        class_name="stack",
    )
