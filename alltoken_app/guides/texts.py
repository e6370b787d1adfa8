"""The guides: Markdown files beside this one, read into parts that a page can be made of."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from pathlib import Path
from typing import Any

import nh3
from markdown_it import MarkdownIt
from markdown_it.token import Token

FOLDER = Path(__file__).parent
HERE = "http://localhost:3000"  # stands in the texts for the address of the installation
ORDER = (
    "quickstart", "clients", "chat", "responses", "messages", "structured-output", "thinking",
    "embeddings", "audio", "judging", "models", "routing", "limits", "money", "keys", "errors",
    "testing", "self-hosting",
)  # fmt: skip
LABELS = {
    "python": "Python", "bash": "curl", "javascript": "JavaScript", "sh": "Shell",
    "json": "JSON", "text": "Output", "ini": ".env",
}  # fmt: skip
TABS = {"python", "bash", "javascript"}
ROLES = {
    "thead_open": "rowgroup", "tbody_open": "rowgroup", "tr_open": "row",
    "th_open": "columnheader", "td_open": "cell",
}  # fmt: skip
ALLOWED = {
    "a": {"href", "class"},
    "h2": {"id"},
    "h3": {"id"},
    "div": {"class", "role", "tabindex"},
    "table": {"class", "role"},
    "thead": {"role"},
    "tbody": {"role"},
    "tr": {"role"},
    "th": {"role", "scope"},
    "td": {"role"},
    **{name: set[str]() for name in ("p", "ul", "ol", "li", "strong", "em", "code")},
}


@dataclass(frozen=True)
class Prose:
    """Paragraphs, lists, headings and tables, as HTML that is safe for `rx.html`."""

    html: str


@dataclass(frozen=True)
class Fence:
    """One piece of code: its tab's label, the language for Pygments, the text."""

    label: str
    language: str
    text: str


@dataclass(frozen=True)
class Code:
    """The same code in one or several languages; `name` is unique within its guide."""

    name: str
    fences: tuple[Fence, ...]


@dataclass(frozen=True)
class Guide:
    """One page.

    Attributes:
        lead: Its first paragraph, plain.
        headings: Anchor and text of the second level.
    """

    name: str
    title: str
    lead: str
    parts: tuple[Prose | Code, ...]
    headings: tuple[tuple[str, str], ...]

    @property
    def route(self) -> str:
        """Where it is served."""
        return "/docs" if self.name == ORDER[0] else f"/docs/{self.name}"


def guides() -> list[Guide]:
    """Every guide in the order of reading."""
    return [read(name) for name in ORDER]


def read(name: str) -> Guide:
    """One guide."""
    return parse(name, (FOLDER / f"{name}.md").read_text())


def parse(name: str, text: str) -> Guide:
    """A guide of Markdown that begins with `# Title` and a paragraph of plain text."""
    tokens = _markdown().parse(text)
    body = tokens[6:]  # after the title and the lead, three tokens each
    _mark(body)
    headings = [
        (str(token.attrs["id"]), plain(body[at + 1]))
        for at, token in enumerate(body)
        if token.type == "heading_open" and token.tag == "h2"
    ]
    return Guide(name, plain(tokens[1]), plain(tokens[4]), tuple(_parts(body)), tuple(headings))


def anchor(heading: str) -> str:
    """The id of a heading: "What is charged?" becomes "what-is-charged"."""
    return re.sub(r"[^a-z0-9]+", "-", heading.lower()).strip("-")


def plain(token: Token) -> str:
    """The words of an inline token, without markup."""
    return "".join(child.content or " " for child in token.children or ())


def _mark(tokens: Sequence[Token]) -> None:
    """Anchors for headings; a name of its own for each table and piece of code."""
    heading, names = "", Counter[str]()
    for at, token in enumerate(tokens):
        if token.type == "heading_open":
            heading = plain(tokens[at + 1])
            token.attrs["id"] = anchor(heading)
        elif token.type == "table_open":
            token.meta["name"] = _unique(f"{heading}: table", names)
            _mark_table(tokens[at:])
        elif token.type == "fence":
            kind = "sample" if _language(token) in TABS else _label(token)
            token.meta["name"] = _unique(f"{heading}: {kind}", names)


def _unique(name: str, names: Counter[str]) -> str:
    names[name] += 1
    return name if names[name] == 1 else f"{name} {names[name]}"


def _mark_table(tokens: Sequence[Token]) -> None:
    """Roles, since cards on narrow screens lose them; each cell gets the heading above it."""
    labels: list[str] = []
    column = 0
    for at, token in enumerate(tokens):
        if token.type == "table_close":
            return
        if token.type in ROLES:
            token.attrs = {"role": ROLES[token.type]}
        if token.type == "tr_open":
            column = 0
        elif token.type == "th_open":
            token.attrs["scope"] = "col"
            labels.append(plain(tokens[at + 1]))
        elif token.type == "td_open":
            token.attrs["data-label"] = labels[column]
            if column == 0:  # it names its row
                token.attrs = {"role": "rowheader", "scope": "row"}
                token.tag = tokens[at + 2].tag = "th"
            column += 1


def _parts(tokens: Sequence[Token]) -> Iterator[Prose | Code]:
    """Prose between code, and code in groups that become tabs."""
    for is_code, run in groupby(tokens, lambda token: token.type == "fence"):
        if is_code:
            yield from _codes(list(run))
        else:
            yield Prose(_html(list(run)))


def _codes(fences: Sequence[Token]) -> Iterator[Code]:
    """The same sample in one more language stands beside the one before."""
    group: list[Token] = []
    for fence in fences:
        seen = {_language(one) for one in group}
        if group and (_language(fence) in seen or not seen | {_language(fence)} <= TABS):
            yield _code(group)
            group = []
        group.append(fence)
    yield _code(group)


def _code(fences: Sequence[Token]) -> Code:
    made = [Fence(_label(one), _language(one), one.content.rstrip("\n")) for one in fences]
    return Code(str(fences[0].meta["name"]), tuple(made))


def _language(fence: Token) -> str:
    return fence.info.partition(" ")[0]


def _label(fence: Token) -> str:
    """Its own, after the language, or the language's."""
    return fence.info.partition(" ")[2] or LABELS[_language(fence)]


def _html(tokens: Sequence[Token]) -> str:
    markdown = _markdown()
    return nh3.clean(
        markdown.renderer.render(tokens, markdown.options, {}),
        tags=set(ALLOWED),
        attributes=ALLOWED,
        generic_attribute_prefixes={"aria-", "data-"},
        link_rel=None,
    )


@lru_cache
def _markdown() -> MarkdownIt:
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    markdown.add_render_rule("heading_close", _heading_close)
    markdown.add_render_rule("table_open", _table_open)
    markdown.add_render_rule("table_close", _table_close)
    return markdown


def _heading_close(_: Any, tokens: Sequence[Token], at: int, *__: Any) -> str:
    words = plain(tokens[at - 1]).replace('"', "")
    here = tokens[at - 2].attrs["id"]
    link = f'<a class="anchor" href="#{here}" aria-label="Link to “{words}”">#</a>'
    return f"{link}</{tokens[at].tag}>\n"


def _table_open(_: Any, tokens: Sequence[Token], at: int, *__: Any) -> str:
    name = tokens[at].meta["name"]
    region = f'<div class="card table-scroll" role="region" tabindex="0" aria-label="{name}">'
    return f'{region}<table class="table table-cards" role="table">'


def _table_close(*_: Any) -> str:
    return "</table></div>\n"
