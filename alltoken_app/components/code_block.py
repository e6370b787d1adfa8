"""Code to read and copy, coloured on the server."""

from dataclasses import dataclass
from typing import Any

import reflex as rx
from markupsafe import escape
from pygments.lexers import get_lexer_by_name
from pygments.token import Comment, Keyword, Number, String

from alltoken_app.components.copy_button import copy_button
from alltoken_app.components.tabs import Tabs

PLAIN = (String.Escape, String.Interpol)  # parts of a string that read better uncoloured
LOOKS = (
    (Keyword, "code-keyword"),
    (String, "code-string"),
    (Number, "code-number"),
    (Comment, "code-comment"),
)


@dataclass(frozen=True)
class Sample:
    """A piece of code: its tab's label, the text that is copied, its coloured HTML."""

    label: str
    text: str
    html: str


def sample(label: str, text: str, language: str = "") -> Sample:
    """Colour `text`; `language` is a name Pygments knows ("bash", "python", "javascript").

    sample("Python", "print(1)", "python")
    """
    return Sample(label, text, highlight(text, language or label.lower()))


def highlight(text: str, language: str) -> str:
    """HTML of the code: spans of a few classes around escaped text, safe for `rx.html`."""
    pieces = []
    for kind, value in get_lexer_by_name(language, stripnl=False).get_tokens(text):
        look = _look(kind)
        words = escape(value)
        pieces.append(f'<span class="{look}">{words}</span>' if look else str(words))
    return "".join(pieces).rstrip("\n")


def code_block(label: str, *samples: Sample) -> rx.Component:
    """Code with a copy button; several samples become tabs. `label` names it for all.

    code_block("First request", sample("curl", CURL, "bash"), sample("Python", CODE))
    """
    if len(samples) == 1:
        return _single(label, samples[0])
    return Tabs.create(
        *[_code(label, one.html) for one in samples],
        *[copy_button(one.text) for one in samples],
        label=label,
        labels=[one.label for one in samples],
        look="code",
        head=True,
    )


def code_of(label: str, names: list[str], samples: Any) -> rx.Component:
    """`code_block` for a var of a list of samples, in the order of `names`.

    code_of("First request", ["curl", "Python"], State.calls)
    """
    ones = [samples[at] for at in range(len(names))]
    return Tabs.create(
        *[_code(label, one.html) for one in ones],
        *[copy_button(one.text) for one in ones],
        label=label,
        labels=names,
        look="code",
        head=True,
    )


def _single(label: str, one: Sample) -> rx.Component:
    head = rx.el.div(
        rx.el.span(one.label, class_name="tab tab-title"),
        rx.el.span(copy_button(one.text), class_name="push"),
        class_name="code-head",
    )
    return rx.el.div(head, _code(label, one.html), class_name="code")


def _code(label: str, html: str | rx.Var[str]) -> rx.Component:
    inside = rx.html(html, class_name="code-text")
    return rx.el.div(inside, class_name="code-scroll", tab_index=0, role="region", aria_label=label)


def _look(kind: object) -> str:
    if kind in PLAIN:
        return ""
    return next((look for group, look in LOOKS if kind in group), "")
