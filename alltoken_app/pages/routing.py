"""/app/routing — what the organisation asks of routing: rules and presets."""

from typing import Any

import reflex as rx

from alltoken_app.components.badge import status_of
from alltoken_app.components.button import button, link_button
from alltoken_app.components.dialog import dialog, dialog_body, dialog_foot
from alltoken_app.components.empty import empty
from alltoken_app.components.field import checkbox, field_error, fieldset, select, text_field
from alltoken_app.components.menu import menu, menu_item, menu_line
from alltoken_app.components.table import Column, card, table
from alltoken_app.components.time_ago import time_ago
from alltoken_app.pages.member import frame, member_page
from alltoken_app.states.routing import RoutingState

S: Any = RoutingState  # its attributes are vars here, which its own types do not say
SORTS = [
    ("", "Cheaper ones more often"),
    ("price", "The cheapest first"),
    ("throughput", "The most tokens per second first"),
    ("latency", "The quickest first token first"),
]
GUIDE = "/docs/routing#the-provider-object"


@member_page("/app/routing", "Routing", [S.load])
def routing() -> rx.Component:
    """Both lists, and the dialogs about one of their rows."""
    add = button("Add rule", variant="primary", icon="plus", on_click=S.new_rule)
    return frame(
        rx.cond(
            S.loaded & ~S.may_see,
            card(empty("Not for your role", "Owners, admins and developers see the rules.")),
            rx.fragment(
                card(rules(), title="Rules"),
                card(
                    presets(),
                    title="Presets",
                    aside=rx.cond(S.presets.length() > 0, preset_button()),
                ),
            ),
        ),
        wish_dialog("rule", S.save_rule, rule_fields()),
        wish_dialog("preset", S.save_preset, preset_fields()),
        delete_dialog(),
        title="Routing",
        active="routing",
        lead="Rules hold for all requests. A request can tighten them and never loosen them.",
        actions=[rx.cond(S.may_edit & (S.rules.length() > 0), add)],
    )


def rules() -> rx.Component:
    """What holds whether a request says so or not."""
    add = button("Add rule", variant="primary", icon="plus", on_click=S.new_rule)
    none = empty(
        "No rules yet",
        "Keep providers in or out, ask for zero data retention, or cap prices, for every request "
        "or for one key.",
        rx.el.div(
            rx.cond(S.may_edit, add),
            link_button("Read about routing", href="/docs/routing", icon="doc"),
            class_name="row",
        ),
    )
    return table(
        "Rules",
        [
            Column("Name", lambda rule: cut(rule.name), header=True),
            Column("Holds for", lambda rule: cut(rule.scope)),
            Column("Asks", lambda rule: rx.el.span(rule.asks, class_name="small")),
            Column("Status", rule_status),
            Column("Changed", lambda rule: time_ago(rule.changed_at)),
            Column("Actions", rule_actions, num=True, bare=True),
        ],
        S.rules,
        empty=none,
        loading=~S.loaded,
    )


def presets() -> rx.Component:
    """Names of the organisation's own for models and wishes."""
    none = empty(
        "No presets yet",
        "A preset keeps models and wishes under a name. Requests write it as their model, and "
        "you change it here without touching a program.",
        preset_button(),
    )
    return table(
        "Presets",
        [
            Column("Model", lambda one: rx.el.span(one.call, class_name="mono"), header=True),
            Column("Serves", lambda one: cut(one.models)),
            Column("Asks", lambda one: rx.el.span(one.asks, class_name="small")),
            Column("Changed", lambda one: time_ago(one.changed_at)),
            Column("Actions", preset_actions, num=True, bare=True),
        ],
        S.presets,
        empty=none,
        loading=~S.loaded,
    )


def preset_button() -> rx.Component:
    """For those who may."""
    return rx.cond(S.may_edit, button("Add preset", icon="plus", on_click=S.new_preset))


def cut(text: Any) -> rx.Component:
    """Long words are cut; the whole stands in the title."""
    return rx.el.span(text, class_name="truncate name-cell", title=text)


def rule_status(rule: Any) -> rx.Component:
    """Whether it holds."""
    word = rx.cond(rule.enabled, "on", "off")
    return status_of(
        word, {"on": ("On", "success", "circle_check"), "off": ("Off", "neutral", "pause")}
    )


def rule_actions(rule: Any) -> rx.Component:
    """What can be done with a rule."""
    off = menu_item("Switch off", icon="pause", on_click=S.switch_rule(rule.id))
    on = menu_item("Switch on", icon="play", on_click=S.switch_rule(rule.id))
    return rx.cond(
        S.may_edit,
        menu(
            menu_item("Edit", icon="edit", on_click=S.edit_rule(rule.id)),
            rx.cond(rule.enabled, off, on),
            menu_line(),
            menu_item("Delete", icon="trash", danger=True, on_click=S.ask_delete_rule(rule.id)),
            label="Actions for " + rule.name,
        ),
    )


def preset_actions(one: Any) -> rx.Component:
    """What can be done with a preset."""
    return rx.cond(
        S.may_edit,
        menu(
            menu_item("Edit", icon="edit", on_click=S.edit_preset(one.id)),
            menu_line(),
            menu_item("Delete", icon="trash", danger=True, on_click=S.ask_delete_preset(one.id)),
            label="Actions for " + one.call,
        ),
    )


def wish_dialog(kind: str, save: Any, own: list[rx.Component]) -> rx.Component:
    """The form of a rule or a preset: its own fields, then what it asks."""
    verb = rx.cond(S.chosen == "", f"Add {kind}", f"Save {kind}")
    form = rx.el.form(
        dialog_body(*own, *wishes(kind), field_error(S.form_error, f"{kind}-error")),
        dialog_foot(
            button("Cancel", on_click=S.close), button(verb, type="submit", variant="primary")
        ),
        on_submit=save,
    )
    title = rx.cond(S.chosen == "", f"Add {kind}", "Change " + S.chosen_name)
    return dialog(form, title=title, open=S.task == kind, on_close=S.close)


def rule_fields() -> list[rx.Component]:
    """A name for people, and whose requests it holds for."""
    return [
        words("Name", "name", "rule", hint="Errors and explanations name it.", max_length=48),
        select(
            "Holds for", "key_id", S.key_options, id="rule-key", default_value=S.draft["key_id"]
        ),
    ]


def preset_fields() -> list[rx.Component]:
    """A name for programs, and the models behind it."""
    return [
        words("Name", "name", "preset", hint="Requests write @preset/ before it.", max_length=48),
        words(
            "Models", "models", "preset",
            hint="With commas, in the order they may serve. Empty: the request names the model.",
        ),
    ]  # fmt: skip


def wishes(kind: str) -> list[rx.Component]:
    """What may be asked of routing, in the words of the `provider` object."""
    return [
        words("Only these providers", "only", kind, hint="Tags with commas: openai, azure."),
        words("Never these", "ignore", kind),
        words("These first, in this order", "order", kind),
        fieldset(
            "Privacy",
            box("Only confirmed zero data retention", "zdr"),
            box("Nobody who may train on the data", "no_training"),
        ),
        fieldset(
            "When a request is not served as asked",
            box("No other endpoint stands in", "allow_fallbacks"),
            box("Every parameter has to be honoured", "require_parameters"),
        ),
        rx.el.div(
            words("Input up to", "max_prompt", kind, unit="$", input_mode="decimal"),
            words("Output up to", "max_completion", kind, unit="$", input_mode="decimal"),
            class_name="pair",
        ),
        rx.el.p("Prices per million tokens.", class_name="field-hint"),
        words("Only these quantisations", "quantizations", kind, hint="Such as fp8, bf16."),
        select("Order", "sort", SORTS, id=f"{kind}-sort", default_value=S.draft["sort"]),
        link_button("What each of these means", href=GUIDE, icon="doc"),
    ]


def words(label: str, name: str, kind: str, **props: Any) -> rx.Component:
    """A line of text that starts with what is stored."""
    return text_field(label, name, id=f"{kind}-{name}", default_value=S.draft[name], **props)


def box(label: str, name: str) -> rx.Component:
    """A box that starts as it is stored."""
    return checkbox(label, name, default_checked=S.draft[name] != "")


def delete_dialog() -> rx.Component:
    """Asks once: what is deleted can be made again."""
    return dialog(
        rx.el.p(
            rx.cond(
                S.task == "delete_rule",
                "Requests are no longer held to it, within a second on every server.",
                "Requests that name it are answered with 404.",
            )
        ),
        title="Delete " + S.chosen_name + "?",
        open=(S.task == "delete_rule") | (S.task == "delete_preset"),
        on_close=S.close,
        foot=[
            button("Cancel", on_click=S.close),
            button("Delete", variant="danger", on_click=S.delete),
        ],
    )
