"""The pages of the API reference say what the OpenAPI document says."""

import re

from alltoken_app.api.openapi.document import document
from alltoken_app.guides import reference, texts
from alltoken_app.guides.texts import Code, Guide, Prose

PAGES = reference.pages(document())
LINK = re.compile(r'href="([^"#]*)(?:#([^"]*))?"')


def html(page: Guide) -> str:
    return "".join(part.html for part in page.parts if isinstance(part, Prose))


def ids(page: Guide) -> set[str]:
    return set(re.findall(r'id="([^"]+)"', html(page)))


def test_every_operation_is_on_one_page_and_in_the_overview() -> None:
    overview, *groups = PAGES
    for path, item in document()["paths"].items():
        for method, found in item.items():
            anchor = texts.anchor(found["summary"])
            [page] = [one for one in groups if anchor in ids(one)]
            assert f"<code>{method.upper()} {path}</code>" in html(page)
            assert f'href="{page.route}#{anchor}"' in html(overview)


def test_every_link_leads_somewhere() -> None:
    places = {page.route: ids(page) for page in [*texts.guides(), *PAGES]}
    places["/openapi.json"] = set()
    for page in PAGES:
        for route, anchor in LINK.findall(html(page)):
            assert (route or page.route) in places
            assert not anchor or anchor in places[route or page.route], (page.route, anchor)


def test_no_page_has_an_anchor_twice() -> None:
    for page in PAGES:
        found = re.findall(r'id="([^"]+)"', html(page))
        assert len(found) == len(set(found)), page.route


def test_every_field_of_every_body_is_on_its_page() -> None:
    for item in document()["paths"].values():
        for found in item.values():
            body = found.get("requestBody", {}).get("content", {}).get("application/json")
            if body:
                name = body["schema"]["$ref"].rpartition("/")[2]
                page = next(p for p in PAGES if texts.anchor(found["summary"]) in ids(p))
                for field in document()["components"]["schemas"][name]["properties"]:
                    assert f"<code>{field}</code>" in html(page), (page.route, field)


def test_every_sample_has_the_address_of_the_installation_in_it() -> None:
    for page in PAGES:
        for part in page.parts:
            if isinstance(part, Code) and len(part.fences) > 1:
                assert all(texts.HERE in fence.text for fence in part.fences)
