"""/app/wallet — what is in it, what moved, and adding funds."""

from typing import Any

import reflex as rx

from alltoken_app.components.button import button, link_button
from alltoken_app.components.empty import empty
from alltoken_app.components.field import text_field
from alltoken_app.components.leave import leave
from alltoken_app.components.link import link
from alltoken_app.components.money import money
from alltoken_app.components.notice import notice
from alltoken_app.components.pagination import pagination
from alltoken_app.components.stat import facts
from alltoken_app.components.table import Column, card, table
from alltoken_app.pages.member import frame, member_page
from alltoken_app.states.wallet import WalletState

S: Any = WalletState  # its attributes are vars here, which its own types do not say
AMOUNTS = ("20", "50", "100", "250")


@member_page("/app/wallet", "Wallet", [S.load])
def wallet() -> rx.Component:
    """The balance and the way to raise it, then every movement."""
    return frame(
        returned(),
        rx.cond(S.problem != "", notice(S.problem, tone="warning", live=True)),
        rx.el.div(balance(), add_funds(), class_name="wallet-top wallet-two"),
        movements(),
        rx.el.p(
            "Credits used are generally non-refundable. If a charge looks wrong, note its request "
            "id under ",
            link("Activity", href="/app/activity"),
            ": it shows every line of the price.",
            class_name="small muted",
        ),
        leave(S.pay_at),
        title="Wallet",
        active="wallet",
        lead="Prepaid, in US dollars. Usage is taken when each request ends.",
    )


def returned() -> rx.Component:
    """Back from the payment page: how the payment stands."""
    cancelled = notice("The payment was cancelled. Nothing was charged.", live=True)
    return rx.match(
        S.returned.state,
        ("credited", credited()),
        ("failed", failed()),
        ("processing", processing()),
        rx.cond(S.cancelled, cancelled),
    )


def credited() -> rx.Component:
    """Done, with the receipt's number."""
    href = "/app/wallet/receipts/" + S.returned.id
    return notice(
        rx.el.p(rx.el.span(S.returned.credit, " added. ", class_name="strong"),
                "Receipt ", link(S.returned.receipt_number, href=href), "."),
        tone="info", icon="circle_check", live=True,
    )  # fmt: skip


def failed() -> rx.Component:
    """Not paid, and why."""
    return notice(
        rx.el.span("Nothing was charged. ", class_name="strong"),
        S.returned.trouble,
        tone="danger",
        live=True,
    )


def processing() -> rx.Component:
    """Usually for less than a second."""
    waiting = rx.el.p(rx.el.span(class_name="spinner"), "Confirming the payment…", class_name="row")
    late = rx.el.p(
        "The payment is not confirmed yet. Its credit arrives by itself as soon as it is; you can "
        "leave this page.",
    )
    return notice(rx.cond(S.gave_up, late, waiting), tone="info", icon="clock", live=True)


def balance() -> rx.Component:
    """What can be spent, and where it came from."""
    low = notice(
        "Below ", S.wallet.low_at, ". At $0.00 requests fail with 402; running ones are finished.",
        tone="warning",
    )  # fmt: skip
    return rx.el.section(
        rx.el.div(
            rx.el.div(
                rx.el.h2("Available", class_name="stat-label", id="balance-title"),
                rx.el.p(rx.cond(S.loaded, S.wallet.available, "–"), class_name="balance tabular"),
                rx.cond(S.wallet.runway != "", rx.el.p(S.wallet.runway, class_name="small muted")),
                class_name="stack stack-tight",
            ),
            rx.cond(S.loaded & S.wallet.low, low),
            facts(
                ("Paid credit", S.wallet.cash),
                ("Promotional credit", S.wallet.promo),
                ("Held for running requests", S.wallet.held),
                money=True,
            ),
            class_name="card-body stack",
        ),
        class_name="card",
        aria_labelledby="balance-title",
    )


def add_funds() -> rx.Component:
    """The price is on the button before anything is paid."""
    form = rx.el.form(
        rx.el.fieldset(
            rx.el.legend("Amount", class_name="only-screen-reader"),
            rx.el.div(*[preset(dollars) for dollars in AMOUNTS], class_name="amounts"),
        ),
        text_field(
            "Or another amount",
            "dollars",
            unit="$",
            input_mode="decimal",
            auto_complete="off",
            value=S.dollars,
            on_change=S.choose_amount,
            error=S.amount_error,
            hint=rx.el.span("From $", S.wallet.least, " to $", S.wallet.most, "."),
        ),
        facts(
            ("Credit", S.quote.credit),
            (rx.el.span("Payment fee, ", S.quote.fee_percent, " %"), S.quote.fee),
            (rx.el.span("You pay", class_name="strong"), money(S.quote.total, strong=True)),
            money=True,
        ),
        rx.el.div(
            button(
                "Pay ",
                S.quote.total,
                type="submit",
                variant="primary",
                size="large",
                busy=S.busy,
                disabled=S.amount_error != "",
            ),
            rx.el.p(
                rx.cond(
                    S.wallet.sandbox,
                    "You continue at a sandbox payment page. No real money moves.",
                    "You continue at the card processor. We never see the card number.",
                ),
                class_name="field-hint",
            ),
            class_name="row",
        ),
        on_submit=S.pay,
        class_name="card-body stack",
    )
    refused = rx.el.p("Owners and billing members can add funds.", class_name="card-body muted")
    return card(rx.cond(S.wallet.may_pay | ~S.loaded, form, refused), title="Add funds")


def preset(dollars: str) -> rx.Component:
    """One of the usual amounts."""
    return rx.el.label(
        rx.el.input(
            type="radio",
            name="preset",
            value=dollars,
            checked=S.dollars == dollars,
            on_change=lambda _: S.choose_amount(dollars),
        ),
        rx.el.span("$", dollars),
    )


def movements() -> rx.Component:
    """Everything that came in or went out, with the balance after it."""
    csv = link_button(
        "CSV", href="/web/wallet.csv", icon="download", size="small", document=True,
        custom_attrs={"download": True},
    )  # fmt: skip
    none = empty("Nothing moved yet", "Top-ups and each day’s usage appear here.")
    return card(
        table(
            "Movements, newest first",
            [
                Column("Date, UTC", lambda entry: entry.day, header=True),
                Column("Type", lambda entry: entry.label),
                Column("Detail", detail),
                Column("Amount", amount, num=True),
                Column("Balance after", lambda entry: entry.balance, num=True),
                Column("Receipt", receipt, num=True),
            ],
            S.rows,
            empty=none,
            loading=~S.loaded,
        ),
        title="Movements",
        aside=csv,
        foot=pagination(
            rx.el.span("From ", S.page.opening, " to ", S.page.closing),
            has_newer=~S.first_page,
            has_older=S.page.older != "",
            on_newer=S.newest,
            on_older=S.older,
            names=("Newest", "Older"),
        ),
    )


def detail(entry: Any) -> rx.Component:
    """Usage leads to its requests."""
    day = entry.at.to(str)[0:10]
    href = "/app/activity?from=" + day + "&to=" + day
    return rx.cond(entry.requests > 0, link(entry.detail, href=href), rx.el.span(entry.detail))


def amount(entry: Any) -> rx.Component:
    """What came in is green, and has its sign."""
    return rx.el.span(
        entry.amount, class_name=rx.cond(entry.incoming, "money strong is-success", "money")
    )


def receipt(entry: Any) -> rx.Component:
    """A top-up's receipt."""
    href = "/app/wallet/receipts/" + entry.top_up_id
    return rx.cond(
        entry.receipt_number != "",
        link(entry.receipt_number, href=href),
        rx.el.span("—", class_name="faint"),
    )
