"""A search whose words are in the page's address."""

from typing import Any

import reflex as rx


class SearchBox(rx.Component):
    """Keeps what is typed; asks when typing pauses."""

    library = rx.asset("search_box.jsx", shared=True).importable_path
    tag = "SearchBox"
    label: rx.Var[str]
    placeholder: rx.Var[str]
    value: rx.Var[str]
    on_search: rx.EventHandler[rx.event.passthrough_event_spec(str)]  # type: ignore


def search_box(
    label: str, *, placeholder: str = "", value: str | rx.Var[str], on_search: Any
) -> rx.Component:
    """A search box; `value` follows the address (Back, a link), `on_search` gets the words.

    search_box("Search models", value=State.text, on_search=State.search)
    """
    return SearchBox.create(label=label, placeholder=placeholder, value=value, on_search=on_search)
