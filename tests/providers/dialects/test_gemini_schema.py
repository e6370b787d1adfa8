"""alltoken_app/providers/dialects/gemini_schema.py"""

from typing import Any

import pytest

from alltoken_app.providers.dialects.gemini_schema import normal


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"const": "a"}, {"enum": ["a"]}),
        ({"const": None}, {"type": "null"}),
        ({"type": "integer", "exclusiveMinimum": 0, "exclusiveMaximum": 9},
         {"type": "integer", "minimum": 1, "maximum": 8}),
        ({"type": "number", "exclusiveMinimum": 0}, {"type": "number", "minimum": 0}),
        ({"type": "number", "exclusiveMinimum": True}, {"type": "number"}),
        ({"$ref": "#/$defs/A"}, {"$ref": "#/$defs/A"}),
        ({"$ref": "#/$defs/A", "description": "d"},
         {"anyOf": [{"$ref": "#/$defs/A"}], "description": "d"}),
        ({"allOf": [{"$ref": "#/$defs/A"}]}, {"$ref": "#/$defs/A"}),
        ({"$schema": "s", "type": "object"}, {"type": "object"}),
        ({"oneOf": [{"const": 1}], "discriminator": {"propertyName": "k"}},
         {"oneOf": [{"enum": [1]}]}),
        ({"type": ["string", "null"]}, {"type": ["string", "null"]}),
        (True, True),
    ],
)  # fmt: skip
def test_what_gemini_refuses_is_said_in_another_way(schema: Any, expected: Any) -> None:
    assert normal(schema) == expected
    nested = {"type": "object", "properties": {"p": schema}, "$defs": {"A": schema}}
    assert normal(nested) == {
        "type": "object", "properties": {"p": expected}, "$defs": {"A": expected},
    }  # fmt: skip


def test_properties_may_be_named_like_keywords() -> None:
    schema = {"type": "object", "properties": {"const": {"type": "string"}, "$schema": {}}}
    assert normal(schema) == schema
