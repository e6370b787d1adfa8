"""/app/wallet/receipts/{top-up} — one payment on one sheet of paper."""

from typing import Any

import reflex as rx

from alltoken_app.components.empty import skeleton
from alltoken_app.components.icons import icon
from alltoken_app.components.link import link
from alltoken_app.components.notice import notice
from alltoken_app.components.print_button import print_button
from alltoken_app.components.stat import facts
from alltoken_app.pages.member import frame, member_page
from alltoken_app.states.wallet import WalletState

S: Any = WalletState  # its attributes are vars here, which its own types do not say


@member_page("/app/wallet/receipts/[top_up]", "Receipt", [S.load_receipt])
def receipt() -> rx.Component:
    """Printing leaves out everything around the sheet."""
    return frame(
        rx.cond(S.receipt.number != "", sheet(), rx.el.div(skeleton("40%", "70%", "60%"))),
        title="Receipt " + S.receipt.number,
        active="wallet",
        lead=link(icon("left"), "Back to the wallet", href="/app/wallet", class_name="back"),
        actions=[print_button("Print")],
    )


def sheet() -> rx.Component:
    """What was paid, by whom, and what it bought."""
    return rx.el.article(
        rx.cond(S.receipt.sandbox, notice("Sandbox: no real money was paid.", tone="warning")),
        facts(
            ("Receipt", S.receipt.number),
            ("Date", S.receipt.day),
            ("Paid by", S.receipt.organisation),
            ("Paid through", S.receipt.processor),
            ("Payment reference", rx.el.span(S.receipt.payment_reference, class_name="mono")),
        ),
        facts(
            ("Prepaid credit", S.receipt.credit),
            ("Payment fee", S.receipt.fee),
            (
                rx.el.span("Paid, ", S.receipt.currency, class_name="strong"),
                rx.el.span(S.receipt.total, class_name="strong"),
            ),
            money=True,
        ),
        rx.el.p(
            "This receipt confirms a payment of prepaid credit. It is not a tax invoice.",
            class_name="tiny faint",
        ),
        class_name="card card-body stack stack-loose paper",
    )
