"""Forms that post to `/web/…`: JSON by fetch, errors beside their field, then a real page load.

Signing in must not pass through the web app's socket: the answer sets an HttpOnly cookie.
"""

from typing import Any

import reflex as rx

_LIBRARY = rx.asset("web_form.jsx", shared=True).importable_path


NOTES = {
    "error": "This was not accepted. Check the fields and try again.",
    "error=invalid_credentials": "This email and password do not fit together.",
    "error=invalid_token": "This link has been used or is too old. Ask for a new one.",
    "error=too_many_attempts": "Too many attempts. Wait a few minutes, then try again.",
    "error=signed_out": "You are signed out. Sign in to go on.",
}


class NativeForm(rx.Component):
    """A plain HTML form; `rx.el.form` would never submit to its `action`."""

    tag = "form"
    _is_tag_in_global_scope = True
    action: rx.Var[str]
    method: rx.Var[str]


class WebForm(rx.Component):
    """Posts the values of its fields, and `from_query` of the address, as JSON."""

    library = _LIBRARY
    tag = "WebForm"
    action: rx.Var[str]
    from_query: rx.Var[list[str]]
    done: rx.Var[str]
    notes: rx.Var[dict[str, str]]


class WebField(rx.Component):
    """A line of text of a `WebForm`."""

    library = _LIBRARY
    tag = "WebField"
    label: rx.Var[str]
    name: rx.Var[str]
    hint: rx.Var[str]
    type: rx.Var[str]
    meter: rx.Var[bool]
    required: rx.Var[bool]
    min_length: rx.Var[int]
    max_length: rx.Var[int]
    auto_complete: rx.Var[str]
    auto_focus: rx.Var[bool]
    input_mode: rx.Var[str]


class WebCheck(rx.Component):
    """A box to tick of a `WebForm`; its children are the label."""

    library = _LIBRARY
    tag = "WebCheck"
    name: rx.Var[str]
    required: rx.Var[bool]


class WebSubmit(rx.Component):
    """The one primary button of a `WebForm`."""

    library = _LIBRARY
    tag = "WebSubmit"
    label: rx.Var[str]
    busy_label: rx.Var[str]


def web_form(
    *fields: Any,
    action: str,
    submit: str,
    busy: str = "",
    from_query: list[str] | None = None,
    done: str = "",
    notes: dict[str, str] | None = None,
) -> rx.Component:
    """A form for an endpoint that answers {redirect}, {message} or {error: {message, param}}.

    web_form(web_field("Email", "email", type="email"), action="/web/forgot",
             submit="Send link", done="Look into your mailbox.")

    `from_query` names parameters of the page's address that go along ("token", "next");
    `done` is shown when the answer has neither redirect nor message; `notes` says what an
    `?error=code` in the address means (a form that was sent without JavaScript).
    """
    return WebForm.create(
        *fields,
        WebSubmit.create(label=submit, busy_label=busy),
        action=action,
        from_query=from_query or [],
        done=done,
        notes={**NOTES, **(notes or {})},
    )


def web_field(
    label: str,
    name: str,
    *,
    missing: str,
    type: str = "text",
    required: bool = True,
    **props: Any,
) -> rx.Component:
    """A field; `missing` is said when it is empty. A password can be shown, `meter` rates it.

    web_field("Password", "password", missing="Choose a password.", type="password",
              auto_complete="new-password", min_length=12, meter=True)
    """
    return WebField.create(
        label=label,
        name=name,
        type=type,
        required=required,
        custom_attrs={"data-missing": missing},
        **props,
    )


def web_check(*label: Any, name: str, missing: str, required: bool = True) -> rx.Component:
    """A consent; never ticked beforehand.

    web_check("I accept the ", link("terms", href="/legal/terms"), name="terms",
              missing="Accept the terms to go on.")
    """
    return WebCheck.create(
        *label, name=name, required=required, custom_attrs={"data-missing": missing}
    )


class ByQuery(rx.Component):
    """Two children of which the address chooses one."""

    library = _LIBRARY
    tag = "ByQuery"
    name: rx.Var[str]
    tall: rx.Var[bool]


def by_query(
    name: str, present: rx.Component, absent: rx.Component, *, tall: bool = False
) -> rx.Component:
    """`present` when the address has the parameter `name`, else `absent`; decided in the browser.

    by_query("token", new_password_form(), mail_me_a_link(), tall=True)

    `tall` keeps room until then, so that what follows does not jump.
    """
    return ByQuery.create(present, absent, name=name, tall=tall)
