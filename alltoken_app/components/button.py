"""Buttons. A view has one primary button; a label is a verb and its object ("Create key")."""

from typing import Any, Literal

import reflex as rx

from alltoken_app.components.icons import icon as draw
from alltoken_app.components.link import document_link, link

Variant = Literal["default", "primary", "quiet", "danger"]
Size = Literal["normal", "small", "large"]


def classes(variant: Variant, size: Size = "normal", more: str = "") -> str:
    """The class list of a button."""
    names = ["button"]
    names += [f"button-{variant}"] if variant != "default" else []
    names += [f"button-{size}"] if size != "normal" else []
    return " ".join([*names, more]).strip()


def button(
    *label: Any,
    variant: Variant = "default",
    size: Size = "normal",
    icon: str = "",
    wide: bool = False,
    busy: bool | rx.Var[bool] | None = None,
    **props: Any,
) -> rx.Component:
    """A button; while `busy` it shows a spinner and can be pressed no more.

    button("Create key", variant="primary", icon="plus", on_click=State.open, busy=State.busy)
    button("Save", type="submit")
    """
    if busy is not None:
        props["aria_busy"] = busy
        props["disabled"] = busy | props["disabled"] if "disabled" in props else busy
    return rx.el.button(
        *([draw(icon)] if icon else []),
        *label,
        class_name=classes(variant, size, "button-wide" if wide else ""),
        **{"type": "button", **props},
    )


def icon_button(
    icon: str,
    label: str | rx.Var[str],
    *,
    variant: Variant = "quiet",
    size: Size = "normal",
    **props: Any,
) -> rx.Component:
    """A square button that shows an icon and says `label`.

    icon_button("refresh", "Refresh", on_click=State.load)
    """
    return rx.el.button(
        draw(icon),
        class_name=classes(variant, size, "button-icon"),
        aria_label=label,
        title=label,
        **{"type": "button", **props},
    )


def link_button(
    *label: Any,
    href: str | rx.Var[str],
    variant: Variant = "default",
    size: Size = "normal",
    icon: str = "",
    wide: bool = False,
    document: bool = False,
    **props: Any,
) -> rx.Component:
    """A link that looks like a button; `document` loads a whole page (downloads, sign-in).

    link_button("Create key", href="/app/keys", variant="primary")
    """
    content = [*([draw(icon)] if icon else []), *label]
    more = ("button-wide " if wide else "") + props.pop("class_name", "")
    look = classes(variant, size, more)
    follow = document_link if document else link
    return follow(*content, href=href, class_name=look, **props)


def segmented(
    label: str,
    choices: list[tuple[str, str]],
    value: str | rx.Var[str],
    on_choose: Any,
) -> rx.Component:
    """A row of choices of which one is pressed; `on_choose` gets the value.

    segmented("Group by", [("model", "Model"), ("key", "Key")], State.by, State.set_by)
    """
    return rx.el.div(
        *[
            rx.el.button(
                name,
                type="button",
                class_name="button",
                aria_pressed=rx.cond(value == choice, "true", "false"),
                on_click=on_choose(choice),
            )
            for choice, name in choices
        ],
        class_name="segmented",
        role="group",
        aria_label=label,
    )
