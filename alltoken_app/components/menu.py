"""A menu of actions under a button, with arrow keys."""

from typing import Any

import reflex as rx

from alltoken_app.components.button import Size, Variant, classes
from alltoken_app.components.icons import icon as draw
from alltoken_app.components.link import link


class Menu(rx.Component):
    """A native popover with the keyboard of a menu."""

    library = rx.asset("menu.jsx", shared=True).importable_path
    tag = "Menu"
    label: rx.Var[str]
    look: rx.Var[str]


def menu(
    *items: Any,
    label: str | rx.Var[str],
    trigger: rx.Component | None = None,
    variant: Variant = "quiet",
    size: Size = "small",
) -> rx.Component:
    """A button that opens `items`; without `trigger` it shows three dots and says `label`.

    menu(menu_item("Rename", icon="edit", on_click=State.rename(key.id)), menu_line(),
         menu_item("Revoke key", icon="trash", danger=True, on_click=State.ask(key.id)),
         label=f"Actions for {key.name}")
    """
    shape = "button-icon" if trigger is None else ""
    return Menu.create(
        trigger if trigger is not None else draw("more"),
        *items,
        label=label,
        look=classes(variant, size, shape),
    )


def menu_item(
    text: Any,
    *,
    icon: str = "",
    danger: bool = False,
    href: str | rx.Var[str] | None = None,
    **props: Any,
) -> rx.Component:
    """One action, or with `href` a link."""
    look = "menu-item is-danger" if danger else "menu-item"
    content = [*([draw(icon)] if icon else []), text]
    if href is not None:
        return link(*content, href=href, class_name=look, role="menuitem", **props)
    return rx.el.button(*content, class_name=look, role="menuitem", **{"type": "button", **props})


def menu_line() -> rx.Component:
    """A line between groups of items."""
    return rx.el.hr()
