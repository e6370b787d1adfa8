"""Fields of forms: a label that names the control, a hint, an error."""

from typing import Any

import reflex as rx

from alltoken_app.components.icons import icon as draw

Text = str | rx.Var[str]


def field(
    label: Text,
    control: rx.Component,
    *,
    id: str,
    hint: Text | None = None,
    error: str | rx.Var[str] | None = None,
) -> rx.Component:
    """A labelled control of your own; give the control the same `id`.

    field("Key", rx.el.input(id="key", class_name="input mono", read_only=True), id="key")
    """
    parts = [rx.el.label(label, html_for=id), control]
    if hint is not None:
        parts.append(rx.el.p(hint, class_name="field-hint", id=f"{id}-hint"))
    if error is not None:
        parts.append(field_error(error, f"{id}-error"))
    return rx.el.div(*parts, class_name="field")


def field_error(error: str | rx.Var[str], id: str) -> rx.Component:
    """The error under a control; nothing while the var is empty."""
    words = rx.el.p(draw("warning"), error, class_name="field-error")
    return rx.el.div(rx.cond(error != "", words), id=id, aria_live="polite")


def text_field(
    label: Text,
    name: str,
    *,
    hint: Text | None = None,
    error: str | rx.Var[str] | None = None,
    id: str = "",
    unit: str = "",
    mono: bool = False,
    **props: Any,
) -> rx.Component:
    """A line of text; `unit` stands before it ("$").

    text_field("Name", "name", hint="Shown in usage.", error=State.name_error, max_length=48)
    text_field("Monthly limit", "limit", unit="$", input_mode="decimal", default_value="25")
    """
    id = id or name
    look = "input mono" if mono else "input"
    control = rx.el.input(class_name=look, id=id, name=name, **_described(id, hint, error), **props)
    if unit:
        control = rx.el.div(rx.el.span(unit), control, class_name="input-group")
    return field(label, control, id=id, hint=hint, error=error)


def text_area(
    label: Text,
    name: str,
    *,
    hint: Text | None = None,
    error: str | rx.Var[str] | None = None,
    id: str = "",
    **props: Any,
) -> rx.Component:
    """Several lines of text.

    text_area("Reason", "reason", rows=3)
    """
    id = id or name
    control = rx.el.textarea(
        class_name="input", id=id, name=name, **_described(id, hint, error), **props
    )
    return field(label, control, id=id, hint=hint, error=error)


def select(
    label: Text,
    name: str,
    options: list[tuple[str, str]] | rx.Var[list[tuple[str, str]]],
    *,
    hint: Text | None = None,
    error: str | rx.Var[str] | None = None,
    id: str = "",
    hide_label: bool = False,
    **props: Any,
) -> rx.Component:
    """A choice of one: options are (value, text). `hide_label` is for filter bars.

    select("Expires", "expires", [("90", "In 90 days"), ("", "Never")], default_value="90")
    select("Key", "key", State.key_options, hide_label=True, value=State.key, on_change=State.pick)
    """
    id = id or name
    if isinstance(options, rx.Var):
        choices = [rx.foreach(options, lambda option: rx.el.option(option[1], value=option[0]))]
    else:
        choices = [rx.el.option(text, value=value) for value, text in options]
    described = _described(id, hint, error)
    if hide_label:
        return rx.el.select(
            *choices, class_name="input input-auto", id=id, name=name, aria_label=label, **props
        )
    control = rx.el.select(*choices, class_name="input", id=id, name=name, **described, **props)
    return field(label, control, id=id, hint=hint, error=error)


def checkbox(label: Any, name: str, *, hint: Any = None, **props: Any) -> rx.Component:
    """A box to tick; the label may hold links.

    checkbox("I saved the key in a safe place", "saved", checked=State.saved, on_change=State.tick)
    """
    return _choice(rx.el.input(type="checkbox", name=name, **props), label, hint)


def radio(label: Any, name: str, value: str, *, hint: Any = None, **props: Any) -> rx.Component:
    """One of several answers under a `fieldset`.

    fieldset("May call", radio("All models", "scope", "all"), radio("Some", "scope", "some"))
    """
    return _choice(rx.el.input(type="radio", name=name, value=value, **props), label, hint)


def switch(label: Any, name: str, *, hint: Any = None, **props: Any) -> rx.Component:
    """A setting that takes effect at once.

    switch("Alert me by mail", "alert", checked=State.alert, on_change=State.set_alert)
    """
    control = rx.el.input(type="checkbox", class_name="switch", name=name, role="switch", **props)
    return _choice(control, label, hint)


def fieldset(legend: Text, *controls: rx.Component) -> rx.Component:
    """Controls that answer one question."""
    return rx.el.fieldset(rx.el.legend(legend), *controls, class_name="stack stack-tight")


def search_field(label: str, *, placeholder: str = "", **props: Any) -> rx.Component:
    """A search box with its icon; debounce with `on_change=State.search.debounce(250)`.

    search_field("Search keys", placeholder="Name or prefix", on_change=State.search)
    """
    return rx.el.label(
        draw("search"),
        rx.el.span(label, class_name="only-screen-reader"),
        rx.el.input(class_name="input", type="search", placeholder=placeholder, **props),
        class_name="input-group search-field",
    )


def _choice(control: rx.Component, label: Any, hint: Any) -> rx.Component:
    words = [label, *([rx.el.span(hint, class_name="field-hint")] if hint is not None else [])]
    return rx.el.label(control, rx.el.span(*words), class_name="choice")


def _described(id: str, hint: Any, error: Any) -> dict[str, Any]:
    parts = [f"{id}-hint"] * (hint is not None) + [f"{id}-error"] * (error is not None)
    props: dict[str, Any] = {"aria_describedby": " ".join(parts)} if parts else {}
    if error is not None:
        props["aria_invalid"] = rx.cond(error != "", "true", "false")
    return props
