"""alltoken_app/engines/schemas.py"""

import json
from typing import Any

import pytest

from alltoken_app.engines import schemas
from alltoken_app.errors import Invalid


def fitted(schema: dict[str, Any]) -> dict[str, Any]:
    line = schemas.rule("value", schema, "response_format")
    fit: dict[str, Any] = json.loads(line.removeprefix("value: %json "))
    assert fit.pop("x-guidance")["whitespace_flexible"] is False
    return fit


def test_what_is_open_ended_is_closed() -> None:
    fit = fitted(
        {
            "type": "object",
            "title": "Person",
            "properties": {
                "name": {"type": ["string", "null"], "description": "who"},
                "bio": {"type": "string", "maxLength": 999},
                "tags": {"type": "array"},
                "age": {"type": "integer"},
                "more": {"type": "object"},
            },
        }
    )
    properties = fit["properties"]
    assert fit["additionalProperties"] is False
    assert "title" not in fit
    assert properties["name"] == {"type": ["string", "null"], "maxLength": 200}
    assert properties["bio"]["maxLength"] == 999
    assert properties["tags"]["maxItems"] == properties["more"]["maxProperties"] == 8
    assert properties["age"]["maximum"] == 2**53 - 1


def test_parts_of_one_object_stay_open_for_each_other() -> None:
    one = {"type": "object", "properties": {"a": {"type": "null"}}, "required": ["a"]}
    other = {"type": "object", "properties": {"b": {"type": "null"}}, "required": ["b"]}
    fit = fitted({"allOf": [one, other]})
    assert all("additionalProperties" not in part for part in fit["allOf"])


def test_references_and_branches_are_followed() -> None:
    fit = fitted(
        {
            "oneOf": [{"$ref": "#/definitions/A"}, {"type": "string"}],
            "definitions": {"A": {"properties": {"x": True}}},
        }
    )
    assert fit["anyOf"][0] == {"$ref": "#/$defs/A"}
    assert fit["anyOf"][1]["maxLength"] == 200
    assert fit["$defs"]["A"]["type"] == "object"


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        ({"not": {}}, "`not` is not supported"),
        ({"properties": {"a": {"uniqueItems": True}}}, "`uniqueItems`"),
        ({"type": "objekt"}, "`type`"),
        ({"$ref": "https://example.com/x.json"}, "`$ref`"),
        ({"$ref": "#/$defs/absent"}, "`$ref`"),
        ({"type": "string", "pattern": "^(?=x)"}, "`pattern`"),
        ({"type": "string", "pattern": "["}, "`pattern`"),
        ({"type": "string", "minLength": 3, "maxLength": 2}, "`minLength` is greater"),
        ({"type": "string", "maxLength": "9"}, "whole numbers"),
        ({"anyOf": []}, "`anyOf`"),
        ({"items": 5}, "every part"),
    ],
)
def test_what_cannot_be_enforced_is_refused(schema: dict[str, Any], reason: str) -> None:
    with pytest.raises(Invalid) as refused:
        schemas.grammar(schema, "response_format")
    assert reason in str(refused.value)
    assert refused.value.param == "response_format"


def test_a_schema_without_bottom_is_refused() -> None:
    deep: dict[str, Any] = {"type": "string"}
    for _ in range(50):
        deep = {"type": "array", "items": deep}
    with pytest.raises(Invalid, match="deeper"):
        schemas.grammar(deep, "tools")
