"""/app/keys — the organisation's API keys."""

from typing import Any

import reflex as rx

from alltoken_app.components.badge import Tone, status_of
from alltoken_app.components.button import button, link_button
from alltoken_app.components.dialog import dialog, dialog_body, dialog_foot
from alltoken_app.components.empty import empty
from alltoken_app.components.field import search_field, select, text_field
from alltoken_app.components.keys.key_forms import key_forms
from alltoken_app.components.menu import menu, menu_item, menu_line
from alltoken_app.components.notice import notice
from alltoken_app.components.stat import meter
from alltoken_app.components.table import Column, card, table
from alltoken_app.components.time_ago import time_ago
from alltoken_app.pages.member import frame, member_page
from alltoken_app.states.keys import KeysState

S: Any = KeysState  # its attributes are vars here, which its own types do not say
PERIODS = [("month", "a month"), ("week", "a week"), ("day", "a day"), ("total", "in total")]
STATUS: dict[str, tuple[str, Tone, str]] = {
    "active": ("Active", "success", "circle_check"),
    "near_limit": ("Near limit", "warning", "warning"),
    "limit_reached": ("Limit reached", "danger", "octagon_x"),
    "expires_soon": ("Expires soon", "warning", "clock"),
    "paused": ("Paused", "neutral", "pause"),
    "rotating": ("Old secret", "info", "refresh"),
    "expired": ("Expired", "neutral", "clock"),
    "revoked": ("Revoked", "neutral", "octagon_x"),
}


@member_page("/app/keys", "API keys", [S.load])
def keys() -> rx.Component:
    """The list, and the dialogs about one key."""
    create = button("Create key", variant="primary", icon="plus", on_click=S.ask("create", ""))
    return frame(
        rx.cond(S.rows.length() > 0, filters()),
        card(listing()),
        rx.cond(S.may_manage, managing()),
        rx.cond(S.rows.length() > 0, leaked()),
        key_forms(
            rx.cond((S.task == "create") | (S.task == "manage") | (S.task == "rotate"), S.task, ""),
            S.chosen,
            S.chosen_name,
            origin=S.origin,
            on_close=S.close,
            on_made=S.made,
        ),
        rename_dialog(),
        limit_dialog(),
        revoke_dialog(),
        title="API keys",
        active="keys",
        lead="A key is shown once, when it is made. We keep only its hash.",
        actions=[rx.cond(S.may_make & (S.rows.length() > 0), create)],
    )


def filters() -> rx.Component:
    """Find a key; those that have ended are hidden until asked for."""
    ended = button(
        rx.cond(S.with_ended, "Hide ended", "Show ended"),
        rx.el.span(S.ended, class_name="faint tabular"),
        on_click=S.toggle_ended,
        aria_pressed=rx.cond(S.with_ended, "true", "false"),
    )
    return rx.el.div(
        search_field(
            "Search keys", placeholder="Name or beginning", on_change=S.find.debounce(200)
        ),
        rx.cond(S.ended > 0, ended),
        rx.el.span(
            "Monthly limits start anew on the 1st, 00:00 UTC.", class_name="push small muted"
        ),
        class_name="row",
    )


def listing() -> rx.Component:
    """Every key with what it may do and what it has spent."""
    make = button("Create key", variant="primary", icon="plus", on_click=S.ask("create", ""))
    none = empty(
        "No keys yet",
        "A key lets your programs call every model here. Limit what it may spend, and revoke it "
        "whenever you like.",
        rx.el.div(
            make, link_button("Read the quickstart", href="/docs", icon="doc"), class_name="row"
        ),
    )
    unfit = rx.el.p("No key fits. Clear the search.", class_name="card-body muted")
    refused = empty("Not for your role", "Owners, admins and developers work with keys.")
    return rx.cond(
        S.loaded & ~S.may_make,
        refused,
        table(
            "API keys",
            [
                Column("Name", name, header=True),
                Column("Key", lambda key: rx.el.span(key.display, class_name="mono")),
                Column("May call", may_call),
                Column("Spent", spent),
                Column("Last used", lambda key: time_ago(key.last_used_at, empty="Never")),
                Column("Status", state),
                Column("Actions", actions, num=True, bare=True),
            ],
            S.shown,
            empty=rx.cond(S.rows.length() == 0, none, unfit),
            loading=~S.loaded,
        ),
    )


def name(key: Any) -> rx.Component:
    """Long names are cut; the whole stands in the title."""
    return rx.el.span(key.name, class_name="truncate name-cell", title=key.name)


def may_call(key: Any) -> rx.Component:
    """One model, or how many; the title has them all."""
    return rx.el.span(key.models, class_name="truncate models-cell", title=key.models_title)


def spent(key: Any) -> rx.Component:
    """What was spent, against the limit when there is one."""
    bar = meter(key.percent, key.percent.to(str) + " % of the limit is used", key.tone)
    return rx.el.span(
        rx.el.span(key.used, class_name="num"), rx.cond(key.limited, bar), class_name="limit-cell"
    )


def state(key: Any) -> rx.Component:
    """A badge, and when it ends by itself."""
    ends = rx.el.span(
        rx.cond(key.status == "expired", "ended ", "ends "),
        time_ago(key.expires_at),
        class_name="tiny faint nowrap",
    )
    return rx.el.span(
        status_of(key.status, STATUS),
        rx.cond((key.expires_at > 0) & (key.status != "revoked"), ends),
        class_name="status-cell",
    )


def actions(key: Any) -> rx.Component:
    """What can be done with a key; an ended one only keeps its history."""
    pause = menu_item("Pause key", icon="pause", on_click=S.pause(key.id))
    resume = menu_item("Resume key", icon="play", on_click=S.resume(key.id))
    change = rx.fragment(
        menu_item("Rename", icon="edit", on_click=S.ask("rename", key.id)),
        menu_item("Change limit", icon="gear", on_click=S.ask("limit", key.id)),
        menu_item("Rotate secret", icon="refresh", on_click=S.ask("rotate", key.id)),
        rx.cond(key.status == "paused", resume, pause),
        menu_line(),
    )
    end = menu_item("Revoke key", icon="trash", danger=True, on_click=S.ask("revoke", key.id))
    return menu(
        menu_item("View requests", icon="activity", href="/app/activity?range=30d&key=" + key.id),
        rx.cond(key.live, change),
        rx.cond(key.status != "revoked", end),
        label="Actions for " + key.name,
    )


def managing() -> rx.Component:
    """Keys with which programs make, change and end API keys."""
    create = button("Create management key", icon="plus", on_click=S.ask("manage", ""))
    none = empty(
        "No management keys",
        "Programs make, change and end API keys with one. It calls no model and spends nothing.",
        rx.el.div(create, link_button("How", href="/docs/keys", icon="doc"), class_name="row"),
    )
    head = rx.el.div(
        rx.el.h2("Management keys"),
        rx.cond(S.managers.length() > 0, rx.el.span(create, class_name="push")),
        class_name="card-head",
    )
    columns = [
        Column("Name", name, header=True),
        Column("Key", lambda key: rx.el.span(key.display, class_name="mono")),
        Column("Last used", lambda key: time_ago(key.last_used_at, empty="Never")),
        Column("Status", manager_state),
        Column("Actions", manager_actions, num=True, bare=True),
    ]
    return card(head, table("Management keys", columns, S.managers, empty=none, loading=~S.loaded))


def manager_state(key: Any) -> rx.Component:
    """A badge, and when it ends by itself."""
    ends = rx.el.span("ends ", time_ago(key.expires_at), class_name="tiny faint nowrap")
    return rx.el.span(
        status_of(key.status, STATUS),
        rx.cond(key.expires_at > 0, ends),
        class_name="status-cell",
    )


def manager_actions(key: Any) -> rx.Component:
    """It can only be ended."""
    end = menu_item("Revoke key", icon="trash", danger=True, on_click=S.revoke_manager(key.id))
    return menu(end, label="Actions for " + key.name)


def leaked() -> rx.Component:
    """What to do in the bad hour."""
    return notice(
        rx.el.p("If a key leaks", class_name="strong"),
        rx.el.p(
            "Revoke it: the next request with it fails, within a second on every server. Its "
            "requests stay listed under Activity. To change a secret without a gap, rotate it and "
            "keep the old one working for a while.",
            class_name="muted",
        ),
        icon="shield",
    )


def rename_dialog() -> rx.Component:
    """A new name; the secret stays."""
    field = text_field(
        "Name", "name", error=S.form_error, default_value=S.chosen_name, max_length=48,
        auto_focus=True, required=True,
    )  # fmt: skip
    form = rx.el.form(dialog_body(field), foot("Rename key"), on_submit=S.rename)
    return dialog(form, title="Rename key", open=S.task == "rename", on_close=S.close)


def limit_dialog() -> rx.Component:
    """How much it may spend per period."""
    amount = text_field(
        "Spending limit", "limit_usd", unit="$", error=S.form_error, input_mode="decimal",
        placeholder="No limit", default_value=S.limit_usd, auto_focus=True,
        hint="Leave it empty for no limit. What it has spent in this period counts.",
    )  # fmt: skip
    period = select("Counts", "period", PERIODS, default_value=S.period)
    form = rx.el.form(
        dialog_body(rx.el.div(amount, period, class_name="pair")),
        foot("Set limit"),
        on_submit=S.set_limit,
    )
    return dialog(
        form,
        title="Limit of " + S.chosen_name,
        text="A request that could exceed it is refused before it starts, with 402.",
        open=S.task == "limit",
        on_close=S.close,
    )


def revoke_dialog() -> rx.Component:
    """For good, so the name is typed."""
    field = text_field(
        rx.fragment("Type ", rx.el.strong(S.chosen_name), " to confirm"),
        "name",
        id="revoke-name",
        error=S.form_error,
        auto_focus=True,
        auto_complete="off",
    )
    form = rx.el.form(dialog_body(field), foot("Revoke key", danger=True), on_submit=S.revoke)
    return dialog(
        form,
        title="Revoke key " + S.chosen_name + "?",
        text="Programs that use it stop working now. It cannot be undone. Its history stays.",
        open=S.task == "revoke",
        on_close=S.close,
    )


def foot(verb: str, *, danger: bool = False) -> rx.Component:
    """Cancel, and the verb."""
    go = button(verb, type="submit", variant="danger" if danger else "primary")
    return dialog_foot(button("Cancel", on_click=S.close), go)
