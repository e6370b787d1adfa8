"""JSON schemas made fit for a grammar that a very small model can finish.

Everything here narrows: what follows the result follows the caller's schema too. A schema that
cannot be enforced is refused, because the grammar's compiler would let it pass unenforced.
"""

import json
import re
from collections.abc import Iterator
from typing import Any, TypeAlias

from alltoken_app.errors import Invalid

Schema: TypeAlias = dict[str, Any]

MAX_DEPTH = 32
MAX_TEXT = 200  # characters of a string the schema leaves open: small models ramble
MAX_ITEMS = 8
MAX_INTEGER = 2**53 - 1
TYPES = frozenset({"object", "array", "string", "number", "integer", "boolean", "null"})
FORMATS = frozenset({
    "date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid", "uri",
})  # fmt: skip
KEPT = frozenset({
    "type", "enum", "const", "required", "minItems", "maxItems", "minLength", "maxLength",
    "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minProperties",
    "maxProperties",
})  # fmt: skip
REFUSED = frozenset({
    "not", "if", "then", "else", "patternProperties", "propertyNames", "dependentRequired",
    "dependentSchemas", "dependencies", "unevaluatedProperties", "unevaluatedItems", "contains",
    "uniqueItems", "$dynamicRef",
})  # fmt: skip
BRANCHES = {"anyOf": "anyOf", "oneOf": "anyOf", "allOf": "allOf", "prefixItems": "prefixItems"}
NAMED = {"properties": "properties", "$defs": "$defs", "definitions": "$defs"}
LIMITS = frozenset({"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"})
UNSUPPORTED_PATTERN = re.compile(r"\(\?|\\[1-9AbBGZz]")
LOCAL = re.compile(r"#/(\$defs|definitions)/([^/]+)")
ANY_OBJECT = r"""%llguidance {}
start: object
object: "{" [pair (", " pair){0,5}] "}"
pair: KEY ": " value
value: plain | "[" [plain (", " plain){0,3}] "]" | "{" [inner (", " inner){0,3}] "}"
inner: KEY ": " plain
plain: STRING | NUMBER | "true" | "false" | "null"
KEY: /"[A-Za-z_][A-Za-z0-9_ ]{0,31}"/
STRING: /"([^"\\\x00-\x1f]|\\["\\nt]){0,100}"/
NUMBER: /-?(0|[1-9][0-9]{0,15})(\.[0-9]{1,6})?/
"""  # an object a small model finishes: two levels, few of everything
COMPACT = {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}


def grammar(schema: Schema, param: str) -> str:
    """The grammar of one JSON value that follows the schema.

    Raises:
        Invalid: It cannot be enforced; `param` names the field it came in.
    """
    return f"%llguidance {{}}\nstart: value\n{rule('value', schema, param)}"


def rule(name: str, schema: Schema, param: str) -> str:
    """The same as a rule of a larger grammar."""
    fit = _Fitter(param, schema).fit(schema)
    return f"{name}: %json {json.dumps(fit | {'x-guidance': COMPACT})}"


class _Fitter:
    """Walks one schema. `param` is for the refusals."""

    def __init__(self, param: str, root: Schema) -> None:
        self._param = param
        places = ("$defs", "definitions")
        self._defined = {name for place in places for name in root.get(place) or {}}
        self._open = '"allOf"' in json.dumps(root)  # its parts describe one object together

    def fit(self, schema: object, depth: int = 0) -> Schema:
        """The narrowed copy."""
        if schema is True:
            schema = {}
        if not isinstance(schema, dict):
            raise self._refuse("every part of it has to be an object")
        if depth > MAX_DEPTH:
            raise self._refuse(f"it is deeper than {MAX_DEPTH} levels")
        if refused := sorted(REFUSED & schema.keys()):
            raise self._refuse(f"`{refused[0]}` is not supported")
        fit: Schema = {key: value for key, value in schema.items() if key in KEPT}
        self._check(fit)
        for key, value in self._parts(schema, depth):
            fit[key] = value
        return self._bounded(fit)

    def _parts(self, schema: Schema, depth: int) -> Iterator[tuple[str, Any]]:
        """What contains schemas or needs translating."""
        for key, target in BRANCHES.items():
            if key in schema:
                yield target, [self.fit(part, depth + 1) for part in self._list(schema, key)]
        for key, target in NAMED.items():
            if isinstance(schema.get(key), dict):
                parts = schema[key].items()
                yield target, {name: self.fit(part, depth + 1) for name, part in parts}
        for key in ("items", "additionalProperties"):
            if key in schema:
                part = schema[key]
                yield key, part if part is False else self.fit(part, depth + 1)
        yield from self._texts(schema)

    def _texts(self, schema: Schema) -> Iterator[tuple[str, Any]]:
        if "$ref" in schema:
            found = LOCAL.fullmatch(str(schema["$ref"]))
            if not found or found[2] not in self._defined:
                raise self._refuse("`$ref` may only point to its own `$defs`")
            yield "$ref", f"#/$defs/{found[2]}"
        if "pattern" in schema:
            yield "pattern", self._pattern(schema["pattern"])
        if schema.get("format") in FORMATS:
            yield "format", schema["format"]

    def _check(self, schema: Schema) -> None:
        types = schema.get("type", [])
        for name in types if isinstance(types, list) else [types]:
            if name not in TYPES:
                raise self._refuse("`type` names something that JSON does not have")
        for low, high in (("minLength", "maxLength"), ("minItems", "maxItems")):
            bounds = schema.get(low, 0), schema.get(high, MAX_INTEGER)
            if not all(type(bound) is int and bound >= 0 for bound in bounds):
                raise self._refuse(f"`{low}` and `{high}` are whole numbers")
            if bounds[0] > bounds[1]:
                raise self._refuse(f"`{low}` is greater than `{high}`")

    def _list(self, schema: Schema, key: str) -> list[Any]:
        parts = schema[key]
        if not isinstance(parts, list) or not parts:
            raise self._refuse(f"`{key}` has to be a list of schemas")
        return parts

    def _pattern(self, pattern: object) -> str:
        try:
            re.compile(str(pattern))
        except re.error as error:
            raise self._refuse("`pattern` is not a regular expression") from error
        if UNSUPPORTED_PATTERN.search(str(pattern)):
            raise self._refuse("`pattern` uses a look-around, a group option or a reference")
        return str(pattern)

    def _bounded(self, schema: Schema) -> Schema:
        """Close what is open-ended, so that the model comes to an end."""
        if {"enum", "const", "$ref", "anyOf", "allOf"} & schema.keys():
            return schema
        if "type" not in schema and "properties" in schema:
            schema["type"] = "object"
        kinds = schema.get("type", [])
        kinds = set(kinds if isinstance(kinds, list) else [kinds])
        if "string" in kinds and not {"pattern", "format", "maxLength"} & schema.keys():
            schema["maxLength"] = max(MAX_TEXT, schema.get("minLength", 0))
        if "array" in kinds:
            schema.setdefault("maxItems", max(MAX_ITEMS, schema.get("minItems", 0)))
            schema.setdefault("items", {"type": "string", "maxLength": MAX_TEXT})
        if "integer" in kinds and not LIMITS & schema.keys():
            schema |= {"minimum": -MAX_INTEGER, "maximum": MAX_INTEGER}
        if "object" in kinds and not self._open:
            self._close(schema)
        return schema

    def _close(self, schema: Schema) -> None:
        named = schema.get("properties")
        if named is None:
            schema.setdefault("maxProperties", max(MAX_ITEMS, schema.get("minProperties", 0)))
        elif set(schema.get("required", [])) <= named.keys():
            schema.setdefault("additionalProperties", False)

    def _refuse(self, why: str) -> Invalid:
        return Invalid(f"The local model cannot follow this JSON schema: {why}.", param=self._param)
