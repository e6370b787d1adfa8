"""Tabs with arrow keys; every panel is in the page, one is shown."""

from typing import Any

import reflex as rx


class Tabs(rx.Component):
    """As many labels as children; with `head`, as many again that stand beside the tabs."""

    library = rx.asset("tabs.jsx", shared=True).importable_path
    tag = "Tabs"
    label: rx.Var[str]
    labels: rx.Var[list[str]]
    look: rx.Var[str]
    head: rx.Var[bool]


def tabs(label: str, *panels: tuple[str, Any]) -> rx.Component:
    """Panels of which one is shown.

    tabs("Model", ("Overview", overview()), ("Providers", providers()))
    """
    names = [name for name, _ in panels]
    boxes = [rx.el.div(panel, class_name="tab-panel") for _, panel in panels]
    return Tabs.create(*boxes, label=label, labels=names, look="stack")
