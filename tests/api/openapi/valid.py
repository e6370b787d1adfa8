"""Values against the schemas of the OpenAPI document."""

from functools import cache
from typing import Any

from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from alltoken_app.api.openapi import document

PLACE = "urn:document"


@cache
def _registry() -> Registry:
    resource = Resource.from_contents(document.document(), default_specification=DRAFT202012)
    return Registry().with_resource(PLACE, resource)


def against(schema: dict[str, Any], value: Any) -> list[str]:
    """What is wrong with a value, by place; [] when nothing is."""
    rooted = _rooted(schema)
    found = Draft202012Validator(rooted, registry=_registry()).iter_errors(value)
    return [f"{error.json_path}: {error.message[:200]}" for error in found]


def _rooted(schema: Any) -> Any:
    """The schema with its references pointing into the document."""
    if isinstance(schema, dict):
        return {
            name: PLACE + value if name == "$ref" else _rooted(value)
            for name, value in schema.items()
        }
    return [_rooted(one) for one in schema] if isinstance(schema, list) else schema
