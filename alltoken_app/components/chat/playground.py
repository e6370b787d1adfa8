"""The chat playground: a local React component that talks to the gateway from the browser."""

from typing import Any

import reflex as rx

from alltoken_app.components.copy_button import CopyButton
from alltoken_app.components.dialog import Dialog
from alltoken_app.components.icons import FILLED, PATHS
from alltoken_app.components.menu import Menu
from alltoken_app.components.tabs import Tabs

PARTS = (
    "answer.js",
    "chat.css",
    "code.js",
    "composer.jsx",
    "conversations.js",
    "gateway.js",
    "icon.jsx",
    "markdown.jsx",
    "models.js",
    "settings.jsx",
    "side.jsx",
    "store.js",
    "turn.jsx",
)
SHOWN = (
    "clock",
    "code",
    "download",
    "edit",
    "menu",
    "more",
    "octagon_x",
    "plus",
    "refresh",
    "send",
    "sliders",
    "square",
    "trash",
)
NEEDED = (CopyButton, Dialog, Menu, Tabs)  # their files are imported by path
ASSETS = [rx.asset(part, shared=True) for part in PARTS]


class Chat(rx.NoSSRComponent):
    """Prompts and answers stay in the browser: no prop and no event carries a word of them."""

    library = rx.asset("chat.jsx", shared=True).importable_path
    tag = "Chat"
    lib_dependencies: list[str] = ["marked@18.2.1", "dompurify@3.4.18", "idb-keyval@6.3.0"]
    owner: rx.Var[str]
    icons: rx.Var[dict[str, str]]
    on_spent: rx.EventHandler[rx.event.no_args_event_spec]  # type: ignore[type-arg,valid-type]


def playground(owner: rx.Var[str], on_spent: Any) -> rx.Component:
    """The chat of the member `owner` (an id, or "" for nobody); `on_spent` follows each answer."""
    paths = {name: PATHS.get(name, "") + FILLED.get(name, "") for name in SHOWN}
    return Chat.create(owner=owner, icons=paths, on_spent=on_spent)
