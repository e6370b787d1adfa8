"""JSON schemas as Gemini reads them. What it refuses is said in another way with the same meaning.

What it knows: https://ai.google.dev/api/generate-content (responseJsonSchema)
"""

from typing import Any

Schema = dict[str, Any]

# Of no meaning to a model that must write one document of this schema.
UNREAD = frozenset({"$schema", "$comment", "discriminator", "examples"})
MAPS = frozenset({"properties", "$defs", "definitions", "patternProperties"})
LISTS = frozenset({"anyOf", "oneOf", "allOf", "prefixItems"})
NESTED = frozenset({"items", "additionalProperties", "not"})


def normal(schema: object) -> Any:
    """The same schema in Gemini's words; anything that is not an object stays as it is."""
    if not isinstance(schema, dict):
        return schema
    kept = {key: _value(key, value) for key, value in schema.items() if key not in UNREAD}
    _single_value(kept)
    _bounds(kept)
    _one_of_one(kept)
    return _reference(kept)


def _value(key: str, value: object) -> object:
    if key in MAPS and isinstance(value, dict):
        return {name: normal(nested) for name, nested in value.items()}
    if key in LISTS and isinstance(value, list):
        return [normal(nested) for nested in value]
    return normal(value) if key in NESTED else value


def _single_value(schema: Schema) -> None:
    """`const` is an enum of one."""
    if "const" in schema:
        only = schema.pop("const")
        if only is None:
            schema["type"] = "null"
        else:
            schema.setdefault("enum", [only])


def _bounds(schema: Schema) -> None:
    """Open bounds become closed ones: exact for integers, the nearest thing for numbers."""
    step = 1 if schema.get("type") == "integer" else 0
    for open_bound, bound, inward in (
        ("exclusiveMinimum", "minimum", step),
        ("exclusiveMaximum", "maximum", -step),
    ):
        limit = schema.pop(open_bound, None)
        if isinstance(limit, int | float) and not isinstance(limit, bool):
            schema.setdefault(bound, limit + inward)


def _one_of_one(schema: Schema) -> None:
    """`allOf` of one is that one."""
    every = schema.get("allOf")
    if isinstance(every, list) and len(every) == 1 and isinstance(every[0], dict):
        del schema["allOf"]
        for key, value in every[0].items():
            schema.setdefault(key, value)


def _reference(schema: Schema) -> Schema:
    """Beside `$ref` nothing may stand but more words with a dollar."""
    beside = {key: value for key, value in schema.items() if not key.startswith("$")}
    if "$ref" not in schema or not beside:
        return schema
    dollars = {key: value for key, value in schema.items() if key.startswith("$")}
    definitions = {key: dollars.pop(key) for key in ("$defs",) if key in dollars}
    return {"anyOf": [dollars], **beside, **definitions}
