"""JSON schemas as Anthropic takes them: closed objects, no numeric or length rules.

A rule that it refuses becomes words in the description, so that the model may still follow it.
Rules: https://platform.claude.com/docs/en/build-with-claude/structured-outputs
"""

from typing import Any

import msgspec

Schema = dict[str, Any]

FORMATS = frozenset(
    {"date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid"}
)
KEPT = frozenset({
    "type", "properties", "required", "additionalProperties", "items", "anyOf", "allOf", "enum",
    "const", "$ref", "$defs", "definitions", "description", "title", "default", "format",
    "minItems",
})  # fmt: skip
MAPS = ("properties", "$defs", "definitions")
LISTS = ("anyOf", "allOf")

_encode = msgspec.json.Encoder().encode


def normalised(schema: Schema) -> Schema:
    """The schema in what Anthropic accepts; the argument is left as it is."""
    found = {name: value for name, value in schema.items() if name not in ("$schema", "$id")}
    if "oneOf" in found and "anyOf" not in found:
        found["anyOf"] = found.pop("oneOf")
    kept = {name: _inside(name, value) for name, value in found.items() if _takes(name, value)}
    if _is_object(kept):
        kept["additionalProperties"] = False
    refused = {name: value for name, value in found.items() if name not in kept}
    if refused:
        kept["description"] = _described(kept.get("description"), refused)
    return kept


def _takes(name: str, value: Any) -> bool:
    if name == "format":
        return value in FORMATS
    if name == "minItems":
        return value in (0, 1)
    return name in KEPT


def _is_object(schema: Schema) -> bool:
    kind = schema.get("type")
    return kind == "object" or (isinstance(kind, list) and "object" in kind)


def _inside(name: str, value: Any) -> Any:
    if name in MAPS and isinstance(value, dict):
        return {key: _schema(inner) for key, inner in value.items()}
    if name in LISTS and isinstance(value, list):
        return [_schema(inner) for inner in value]
    return _schema(value) if name == "items" else value


def _schema(value: Any) -> Any:
    return normalised(value) if isinstance(value, dict) else value


def _described(description: object, refused: Schema) -> str:
    rules = ", ".join(f"{name}: {_encode(value).decode()}" for name, value in refused.items())
    return f"{description}\n\n{{{rules}}}" if description else f"{{{rules}}}"
