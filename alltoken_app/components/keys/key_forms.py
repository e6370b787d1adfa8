"""Creating and rotating keys: dialogs that keep a new secret out of the web app's state."""

from typing import Any

import reflex as rx

from alltoken_app.components.copy_button import CopyButton
from alltoken_app.components.dialog import Dialog

NEEDED = (CopyButton, Dialog)  # their files are imported by path
ASSETS = [rx.asset("secret.jsx", shared=True)]


class KeyForms(rx.NoSSRComponent):
    """A dialog for `task`: "create", "manage", "rotate" or "" for none. Then the secret, once."""

    library = rx.asset("key_forms.jsx", shared=True).importable_path
    tag = "KeyForms"
    task: rx.Var[str]
    key_id: rx.Var[str]
    key_name: rx.Var[str]
    origin: rx.Var[str]
    on_close: rx.EventHandler[rx.event.no_args_event_spec]  # type: ignore[type-arg,valid-type]
    on_made: rx.EventHandler[rx.event.no_args_event_spec]  # type: ignore[type-arg,valid-type]


def key_forms(
    task: rx.Var[str],
    key_id: rx.Var[str],
    key_name: rx.Var[str],
    *,
    origin: rx.Var[str],
    on_close: Any,
    on_made: Any,
) -> rx.Component:
    """The dialogs of the keys page; `on_made` follows each new key or secret."""
    return KeyForms.create(
        task=task,
        key_id=key_id,
        key_name=key_name,
        origin=origin,
        on_close=on_close,
        on_made=on_made,
    )
