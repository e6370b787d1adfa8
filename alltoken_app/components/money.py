"""Amounts on a page. Services write them (`money.show_usd`); here they only get their look."""

import reflex as rx


def money(amount: str | rx.Var[str], *, strong: bool = False) -> rx.Component:
    """An amount in figures of equal width, never broken over two lines.

    money(row.cost), money(State.balance, strong=True)
    """
    return rx.el.span(amount, class_name="money strong" if strong else "money")
