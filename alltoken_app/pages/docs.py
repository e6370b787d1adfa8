"""/docs — the guides, and the reference of the API, one page for each."""

from typing import Any

import reflex as rx

from alltoken_app.api.openapi.document import document
from alltoken_app.components.code_block import Sample, code_block, highlight
from alltoken_app.components.icons import icon
from alltoken_app.components.link import document_link, link
from alltoken_app.guides import reference, texts
from alltoken_app.guides.texts import Code, Guide, Prose
from alltoken_app.pages.public import frame, public_page
from alltoken_app.states.place import PlaceState

GUIDES = texts.guides()
OVERVIEW, *GROUPS = reference.pages(document())
PAGES = [*GUIDES, OVERVIEW, *GROUPS]


def add(at: int) -> None:
    """Add one page."""
    guide = PAGES[at]

    @public_page(guide.route, f"{guide.title} · AllToken docs", guide.lead, [PlaceState.load])
    def page() -> rx.Component:
        return frame(
            rx.el.div(
                rx.el.nav(contents(guide), class_name="guide-rail only-wide", aria_label="Guides"),
                rx.el.details(
                    rx.el.summary(icon("menu"), "Guides"),
                    rx.el.nav(contents(guide), aria_label="Guides"),
                    class_name="guide-menu only-narrow",
                ),
                article(guide, at),
                class_name="wrap page-wide guide",
            ),
            active="Docs",
        )


def contents(current: Guide) -> rx.Component:
    """All guides, and the reference's groups within it; the current one with its headings."""
    places = [place(guide, current=guide == current) for guide in GUIDES]
    if current not in (OVERVIEW, *GROUPS):
        return rx.el.ol(*places, place(OVERVIEW, current=False))
    here = {"aria_current": "page"} if current == OVERVIEW else {}
    groups = [place(guide, current=guide == current) for guide in GROUPS]
    home = link(OVERVIEW.title, href=OVERVIEW.route, **here)
    return rx.el.ol(*places, rx.el.li(home, rx.el.ol(*groups)))


def place(guide: Guide, *, current: bool) -> rx.Component:
    """One line of the contents."""
    if not current:
        return rx.el.li(link(guide.title, href=guide.route))
    headings = [rx.el.li(document_link(text, href=f"#{id_}")) for id_, text in guide.headings]
    here = link(guide.title, href=guide.route, aria_current="page")
    return rx.el.li(here, rx.el.ol(*headings))


def article(guide: Guide, at: int) -> rx.Component:
    """The text, and where to go on."""
    return rx.el.article(
        rx.el.div(
            rx.el.h1(guide.title),
            rx.el.p(guide.lead, class_name="lead"),
            class_name="stack stack-tight",
        ),
        *[part(one) for one in guide.parts],
        onward(at),
        class_name="guide-text",
    )


def part(one: Prose | Code) -> rx.Component:
    """Prose, or code with a copy button."""
    if isinstance(one, Prose):
        return rx.html(at_home(one.html), class_name="guide-prose")
    return code_block(
        one.name,
        *[
            Sample(f.label, at_home(f.text), at_home(highlight(f.text, f.language)))
            for f in one.fences
        ],
    )


def at_home(text: str) -> Any:
    """The text with this installation's address in it."""
    if texts.HERE not in text:
        return text
    return rx.Var.create(text).to(str).replace(texts.HERE, PlaceState.origin)


def onward(at: int) -> rx.Component:
    """The pages before and after this one."""
    before = PAGES[at - 1] if at else None
    after = PAGES[at + 1] if at + 1 < len(PAGES) else None
    return rx.el.nav(
        link(icon("left"), before.title, href=before.route, rel="prev") if before else rx.el.span(),
        link(after.title, icon("right"), href=after.route, rel="next") if after else rx.el.span(),
        class_name="guide-onward",
        aria_label="Previous and next guide",
    )


for number in range(len(PAGES)):
    add(number)
