"""The OpenAPI document is the surface: no more, no less, and its examples are what it says."""

import re
from typing import Any

import msgspec
import pytest
from openapi_spec_validator import validate

from alltoken_app.api import app
from alltoken_app.api.http import EVERYWHERE
from alltoken_app.api.openapi import examples
from alltoken_app.api.openapi.document import body, document
from alltoken_app.api.openapi.operations import OPERATIONS, Operation
from alltoken_app.api.openapi.words import FIELDS, HEADERS, OF_MESSAGES
from tests.api.conftest import Product
from tests.api.openapi import valid
from tests.test_architecture import APP

METHODS = ("get", "post", "patch", "delete", "put")
JSON = "application/json"
BODIES = [one for one in OPERATIONS if one.body]
READ = re.compile(r'(?:header|says)\(\s*b"([\w-]+)"')
UNSAID = {  # of HTTP itself, or said as security
    "authorization", "x-api-key", "content-type", "content-encoding", "content-length", "accept",
}  # fmt: skip


def operations() -> list[tuple[str, str, dict[str, Any]]]:
    """Method, path and object of each."""
    return [
        (method.upper(), path, item[method])
        for path, item in document()["paths"].items()
        for method in METHODS
        if method in item
    ]


def shape(one: Operation) -> dict[str, Any]:
    said = document()["paths"][one.path][one.method.lower()]
    found: dict[str, Any] = said["requestBody"]["content"][JSON]["schema"]
    return found


def properties(one: Operation) -> dict[str, Any]:
    name = shape(one)["$ref"].rpartition("/")[2]
    found: dict[str, Any] = document()["components"]["schemas"][name]["properties"]
    return found


def test_it_is_valid_openapi() -> None:
    validate(document())
    assert document()["openapi"].startswith("3.1")


def test_every_route_and_method_is_in_it_and_nothing_else() -> None:
    routes = {(method, path) for path, item in app.ROUTES.items() for method in item}
    fixed = {(method, path) for method, path, _ in operations() if "{" not in path}
    assert fixed == routes


def test_every_address_below_another_is_in_it_and_nothing_else() -> None:
    below = {(method, prefix) for prefix, item in app.BELOW.items() for method in item}
    named = {(m, path.partition("{")[0]) for m, path, _ in operations() if "{" in path}
    assert named == below


def test_names_of_operations_are_unique() -> None:
    ids = [found["operationId"] for _, _, found in operations()]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("one", BODIES, ids=lambda one: f"{one.method} {one.path}")
def test_a_body_has_every_field_that_is_known_each_with_its_meaning(one: Operation) -> None:
    assert one.body is not None
    fields = properties(one)
    assert set(one.body.__struct_fields__) | one.known <= fields.keys()
    assert [name for name, field in fields.items() if "description" not in field] == []


@pytest.mark.parametrize("one", BODIES, ids=lambda one: f"{one.method} {one.path}")
def test_an_example_fits_the_schema_and_the_type_that_parses_it(one: Operation) -> None:
    example = examples.request(one.method, one.path)
    assert example is not None
    assert valid.against(shape(one), example) == []
    msgspec.json.decode(msgspec.json.encode(example), type=one.body)


@pytest.mark.parametrize("one", BODIES, ids=lambda one: f"{one.method} {one.path}")
def test_what_the_parser_refuses_the_schema_refuses(one: Operation) -> None:
    example = examples.request(one.method, one.path) or {}
    assert one.body is not None
    kept = {field.name for field in msgspec.structs.fields(one.body) if field.type is msgspec.Raw}
    for name in example.keys() - kept:
        broken = {**example, name: {"no": [1]}}
        sent = msgspec.json.encode(broken)
        with pytest.raises(msgspec.ValidationError):
            msgspec.json.decode(sent, type=one.body)
        assert valid.against(shape(one), broken) != [], name


def test_every_answer_that_is_shown_fits_its_schema() -> None:
    for method, path, found in operations():
        for status, answer in found["responses"].items():
            content = answer.get("content", {}).get(JSON, {})
            if "example" in content:
                wrong = valid.against(content["schema"], content["example"])
                assert wrong == [], (method, path, status)


def test_the_meanings_belong_to_fields_that_exist() -> None:
    schemas = document()["components"]["schemas"]
    names = {name for one in schemas.values() for name in one.get("properties", {})}
    places = {f"{s}.{name}" for s, one in schemas.items() for name in one.get("properties", {})}
    assert {one for one in FIELDS if one not in (places if "." in one else names)} == set()


def test_every_header_that_is_read_is_in_it() -> None:
    texts = [path.read_text() for path in (APP / "api").rglob("*.py")]
    read = {name for text in texts for name in READ.findall(text)} - UNSAID
    assert {name.lower() for name in HEADERS} == read


def test_every_error_has_its_codes() -> None:
    for name, found in document()["components"]["responses"].items():
        assert "`" in found["description"], name


async def test_it_is_served_at_the_root_and_on_both_mounts(product: Product) -> None:
    async with product.http("") as client:
        for place in ("/openapi.json", "/v1/openapi.json", "/api/v1/openapi.json"):
            answer = await client.get(place)
            assert answer.status_code == 200
            assert answer.content == body()
            assert answer.headers["content-type"] == "application/json"
            assert dict(EVERYWHERE)[b"access-control-allow-origin"] == b"*"
        assert (await client.get("/models")).status_code == 404


def test_messages_have_the_headers_of_the_dialect() -> None:
    parameters = document()["paths"]["/messages"]["post"]["parameters"]
    names = {one.get("$ref", "").rpartition("/")[2] for one in parameters}
    assert OF_MESSAGES.keys() <= names
