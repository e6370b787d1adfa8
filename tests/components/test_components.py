"""alltoken_app/components: names, roles and words that people and screen readers rely on."""

import re
from types import SimpleNamespace

import pytest
import reflex as rx

from alltoken_app.components.badge import status_of, zdr
from alltoken_app.components.button import button, icon_button
from alltoken_app.components.code_block import code_block, highlight, sample
from alltoken_app.components.dialog import dialog
from alltoken_app.components.empty import empty
from alltoken_app.components.field import checkbox, select, text_field
from alltoken_app.components.icons import FILLED, PATHS, icon
from alltoken_app.components.menu import menu, menu_item
from alltoken_app.components.notice import notice
from alltoken_app.components.table import Column, Sort, table
from alltoken_app.components.web_form import web_check, web_field, web_form
from tests.components.rendered import text

ROW = SimpleNamespace(name="ci", spent="$3.18")
COLUMNS = [
    Column("Name", lambda row: row.name, header=True, sort="name"),
    Column("Spent", lambda row: row.spent, num=True, sort="spent"),
    Column("Actions", lambda row: "…", bare=True),
]


def test_a_table_keeps_its_roles_and_names_its_cells_for_cards() -> None:
    shown = text(table("API keys", COLUMNS, [ROW]))
    for role in ("table", "rowgroup", "row", "columnheader", "rowheader", "cell"):
        assert f'role:"{role}"' in shown
    assert shown.count('"data-label":"Spent"') == 1
    assert '"data-label":"Actions"' not in shown
    assert 'role:"region"' in shown
    assert '"aria-label":"API keys"' in shown


def test_a_table_without_rows_says_what_would_be_there() -> None:
    assert "No keys yet" in text(table("API keys", COLUMNS, [], empty=empty("No keys yet", "…")))


def test_a_sorted_column_says_so() -> None:
    by, down = rx.Var.create("spent"), rx.Var.create(True)
    shown = text(table("API keys", COLUMNS, [ROW], sort=Sort(by, down, lambda key: [])))
    assert shown.count('"aria-sort":') == 2
    assert "descending" in shown


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("confirmed", "ZDR confirmed for your account"),
        ("available", "ZDR available – not confirmed"),
        ("none", "No ZDR"),
        ("unknown", "Unknown"),
        ("offered", "Unknown"),
    ],
)
def test_zero_data_retention_is_never_said_shorter(state: str, words: str) -> None:
    assert f'"{words}"' in text(zdr(state))


def test_a_status_that_nobody_foresaw_is_shown_as_unknown() -> None:
    looks = {"active": ("Active", "success", "circle_check")}
    shown = text(status_of(rx.Var("status").to(str), looks))
    assert "Active" in shown
    assert "Unknown" in shown


def test_a_busy_button_cannot_be_pressed() -> None:
    shown = text(button("Create key", busy=True))
    assert '"aria-busy":true' in shown
    assert "disabled:true" in shown
    assert 'type:"button"' in shown


def test_a_button_without_words_has_a_name() -> None:
    assert '"aria-label":"Refresh"' in text(icon_button("refresh", "Refresh"))


def test_a_field_belongs_to_its_label_hint_and_error() -> None:
    shown = text(text_field("Name", "name", hint="Shown in usage.", error=rx.Var.create("Taken.")))
    assert 'htmlFor:"name"' in shown
    assert '"aria-describedby":"name-hint name-error"' in shown
    assert 'id:"name-hint"' in shown
    assert 'id:"name-error"' in shown


def test_a_choice_has_a_name_with_and_without_a_visible_label() -> None:
    assert '"aria-label":"Key"' in text(select("Key", "key", [("", "All")], hide_label=True))
    assert 'htmlFor:"key"' in text(select("Key", "key", [("", "All")]))
    assert "I saved it" in text(checkbox("I saved it", "saved"))


def test_code_is_coloured_but_never_becomes_markup() -> None:
    html = highlight('print("<script>alert(1)</script>")  # </code>', "python")
    assert "<script>" not in html
    assert "&lt;script&gt;" in html
    assert re.findall(r"<(?!/?span)", html) == []
    assert 'class="code-string"' in html
    assert 'class="code-comment"' in html


def test_what_is_copied_is_the_code_itself() -> None:
    code = 'curl "http://localhost"'
    shown = text(code_block("First request", sample("curl", code, "bash")))
    assert code.replace('"', '\\"') in shown


def test_a_dialog_that_must_not_be_lost_says_so_to_its_script() -> None:
    shown = text(dialog("atk_…", title="Save this key", open=True, dismissable=False))
    assert "dismissable:false" in shown
    assert 'title:"Save this key"' in shown


def test_menu_items_are_items_of_a_named_menu() -> None:
    shown = text(menu(menu_item("Rename", icon="edit"), label="Actions for ci"))
    assert 'label:"Actions for ci"' in shown
    assert 'role:"menuitem"' in shown


def test_a_live_notice_is_an_alert_only_when_something_is_wrong() -> None:
    assert 'role:"alert"' in text(notice("No.", tone="danger", live=True))
    assert 'role:"status"' in text(notice("Done.", live=True))
    assert "role:" not in text(notice("A remark."))


def test_no_consent_is_given_beforehand() -> None:
    shown = text(web_check("I accept.", name="terms", missing="Accept the terms."))
    assert "hecked" not in shown
    assert "required:true" in shown


def test_a_form_posts_where_it_says_also_without_javascript() -> None:
    password = web_field("Password", "password", missing="Write it.", type="password")
    shown = text(web_form(password, action="/web/sign-in", submit="Sign in"))
    assert 'action:"/web/sign-in"' in shown
    assert '"data-missing":"Write it."' in shown


@pytest.mark.parametrize("name", sorted(PATHS.keys() | FILLED.keys()))
def test_every_icon_is_path_data_and_hidden_from_screen_readers(name: str) -> None:
    for drawn in (PATHS.get(name, ""), FILLED.get(name, "")):
        assert re.fullmatch(r"([Mm][\dMmLlHhVvCcSsQqTtAaZz .,-]+)?", drawn)
    assert '"aria-hidden":"true"' in text(icon(name))
