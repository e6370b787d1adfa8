"""/ — what AllToken is, what it costs, what it records."""

import reflex as rx

from alltoken_app.components.button import link_button
from alltoken_app.components.code_block import code_of
from alltoken_app.components.empty import empty
from alltoken_app.components.icons import icon
from alltoken_app.components.link import link
from alltoken_app.components.model_list import model_list
from alltoken_app.components.table import card
from alltoken_app.components.time_ago import time_at
from alltoken_app.pages.public import frame, public_page
from alltoken_app.services.samples import LANGUAGES, LineView
from alltoken_app.states.home import HomeState

LEAD = (
    "One OpenAI-compatible address for every model you use, and one prepaid wallet. "
    "See the provider, what it keeps and the exact cost of every answer."
)


@public_page("/", "AllToken · One API key, every model", LEAD, [HomeState.load])
def home() -> rx.Component:
    """The landing page."""
    return frame(
        hero(),
        rx.el.div(class_name="ruler", aria_hidden="true"),
        prices(),
        payment(),
        records(),
        closing(),
    )


def hero() -> rx.Component:
    """What it is, and the request that proves it."""
    return rx.el.section(
        rx.el.div(
            rx.el.h1("One API key.", rx.el.br(), "Every model you use."),
            rx.el.p(LEAD, class_name="lead"),
            rx.el.div(
                link_button("Create account", href="/signup", variant="primary", size="large"),
                link_button("Browse models", href="/models", size="large"),
                class_name="row",
            ),
            rx.el.p(
                "Works with the OpenAI SDKs: change ",
                rx.el.code("base_url"),
                " and the key.",
                class_name="small muted",
            ),
            class_name="hero-copy",
        ),
        code_of("First request", [label for label, _ in LANGUAGES], HomeState.calls),
        class_name="wrap hero",
    )


def prices() -> rx.Component:
    """A few models, live from the catalogue."""
    nothing = empty("No models yet", "Models appear here when a provider is set up.")
    return rx.el.section(
        rx.el.div(
            rx.el.div(
                rx.el.h2("Prices now", class_name="section-title"),
                rx.el.p(
                    "US dollars per million tokens, exactly as they are charged.",
                    class_name="muted",
                ),
            ),
            link("All ", HomeState.total, " models", href="/models"),
            class_name="page-head",
        ),
        card(model_list("Prices now", HomeState.models, loading=HomeState.loading, empty=nothing)),
        rx.el.p("As of ", time_at(HomeState.at), ".", class_name="tiny faint"),
        class_name="wrap section section-first",
    )


def payment() -> rx.Component:
    """How a request is paid, and an example that can be checked by hand."""
    return rx.el.section(
        rx.el.div(
            rx.el.h2("How a request is paid", class_name="section-title"),
            rx.el.ol(
                step("Set aside", "Before anything is sent, the most it can cost is held back."),
                step("Send", "A provider that fails before its first word is replaced, free."),
                step("Charge", "You pay for the tokens used. The rest of the hold comes back."),
                class_name="steps",
            ),
            rx.el.p(
                "A request never costs more than its hold, and usage never takes a wallet "
                "below zero.",
                class_name="muted",
            ),
            class_name="stack",
        ),
        receipt(),
        class_name="wrap section payment",
    )


def step(title: str, text: str) -> rx.Component:
    """One numbered step."""
    return rx.el.li(rx.el.h3(title), rx.el.p(text, class_name="muted"))


def receipt() -> rx.Component:
    """The worked example; nothing is shown while there is no model to price it with."""
    example = HomeState.example
    return rx.cond(
        example.model != "",
        rx.el.figure(
            rx.el.figcaption(
                rx.el.span("Worked example"),
                rx.el.span("today’s prices", class_name="push"),
                class_name="receipt-head",
            ),
            rx.el.dl(
                rx.el.dt("Model"),
                rx.el.dd(example.model, class_name="mono"),
                rx.el.dt("Provider"),
                rx.el.dd(example.provider),
                class_name="facts receipt-asked",
            ),
            rx.el.dl(
                rx.foreach(example.lines, receipt_line),
                rx.el.dt("Charged", class_name="total"),
                rx.el.dd(example.total, class_name="total"),
                class_name="facts facts-money",
            ),
            rx.el.p(icon("lock"), "Prompt and answer: not stored.", class_name="receipt-foot"),
            class_name="receipt",
        ),
    )


def receipt_line(line: LineView) -> rx.Component:
    """What, and its product."""
    return rx.fragment(rx.el.dt(line.what), rx.el.dd(line.amount))


def records() -> rx.Component:
    """What is written down about a request and what never is."""
    return rx.el.section(
        rx.el.h2("What we record", class_name="section-title"),
        rx.el.div(
            fact(
                "check",
                "Every request",
                "Time, key, model, provider, token counts, duration, status and cost.",
            ),
            fact(
                "x",
                "Not your content",
                "Prompts, answers and images are in no table, no log and no error report.",
            ),
            fact(
                "shield_check",
                "Retention, per provider",
                "Each provider keeps something else. We show what, the evidence, and the date.",
            ),
            fact(
                "receipt",
                "Every cent, twice",
                "Double entry: what you paid in, what was used and what is left always add up.",
            ),
            class_name="records",
        ),
        class_name="wrap section",
    )


def fact(shape: str, title: str, text: str) -> rx.Component:
    """A heading with an icon, and a sentence."""
    return rx.el.div(rx.el.h3(icon(shape), title), rx.el.p(text, class_name="muted"))


def closing() -> rx.Component:
    """The last word: how to begin."""
    return rx.el.section(
        rx.el.div(
            rx.el.div(
                rx.el.h2("Start with $5", class_name="section-title"),
                rx.el.p(
                    "Prepaid wallet; the fee is shown before you pay. "
                    "Credits used are generally non-refundable.",
                    class_name="muted",
                ),
            ),
            rx.el.div(
                link_button("Create account", href="/signup", variant="primary", size="large"),
                link_button("Browse models", href="/models", size="large"),
                class_name="row",
            ),
            class_name="closing",
        ),
        class_name="wrap section",
    )
