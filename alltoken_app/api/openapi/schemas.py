"""JSON Schemas of the types that parse requests; `Raw` keeps the caller's bytes: any value."""

from collections.abc import Callable
from typing import Any

from msgspec import inspect

Json = dict[str, Any]

REF = "#/components/schemas/"
BOUNDS = {"gt": "exclusiveMinimum", "ge": "minimum", "lt": "exclusiveMaximum", "le": "maximum"}
LENGTHS = {"min_length": "minLength", "max_length": "maxLength", "pattern": "pattern"}
SIZES = {"min_length": "minItems", "max_length": "maxItems"}
ENTRIES = {"min_length": "minProperties", "max_length": "maxProperties"}


class Schemas:
    """Makes schemas and collects those of structs under their names.

    Args:
        names: Of structs whose class name is too short to be understood alone.
        words: What a field means, by "Struct.field" or "field", and a struct, by its name.
        inside: What lies in fields whose bytes are kept, or beside them, by "Struct.field".

    Attributes:
        made: Name → schema.
    """

    def __init__(
        self, names: dict[type, str], words: dict[str, str], inside: dict[str, Any]
    ) -> None:
        self.made: dict[str, Json] = {}
        self._names = names
        self._words = words
        self._inside = inside
        self._types: dict[str, type] = {}
        self._makers: dict[type, Callable[[Any], Json]] = {
            inspect.AnyType: lambda _: {},
            inspect.RawType: lambda _: {},
            inspect.NoneType: lambda _: {"type": "null"},
            inspect.BoolType: lambda _: {"type": "boolean"},
            inspect.IntType: lambda kind: {"type": "integer", **_limits(kind, BOUNDS)},
            inspect.FloatType: lambda kind: {"type": "number", **_limits(kind, BOUNDS)},
            inspect.StrType: lambda kind: {"type": "string", **_limits(kind, LENGTHS)},
            inspect.DecimalType: lambda _: {"type": ["number", "string"]},
            inspect.LiteralType: lambda kind: {"enum": list(kind.values)},
            inspect.Metadata: self._described,
            inspect.ListType: self._list,
            inspect.VarTupleType: self._list,
            inspect.DictType: self._dict,
            inspect.UnionType: self._union,
            inspect.StructType: self._struct,
        }

    def of(self, shape: Any) -> Json:
        """The schema of a type: of a struct, a reference to it."""
        return self._make(inspect.type_info(shape))

    def name(self, struct: type) -> str:
        """What a struct is called in the document."""
        return self._names.get(struct, struct.__name__)

    def _make(self, kind: inspect.Type) -> Json:
        return self._makers[type(kind)](kind)

    def _described(self, kind: inspect.Metadata) -> Json:
        return {**self._make(kind.type), **(kind.extra_json_schema or {})}

    def _list(self, kind: Any) -> Json:
        return {"type": "array", "items": self._make(kind.item_type), **_limits(kind, SIZES)}

    def _dict(self, kind: inspect.DictType) -> Json:
        values = self._make(kind.value_type)
        return {"type": "object", "additionalProperties": values or True, **_limits(kind, ENTRIES)}

    def _union(self, kind: inspect.UnionType) -> Json:
        made = [self._make(one) for one in kind.types]
        if {} in made:
            return {}
        return made[0] if len(made) == 1 else {"anyOf": made}

    def _struct(self, kind: inspect.StructType) -> Json:
        name = self.name(kind.cls)
        if self._types.setdefault(name, kind.cls) is not kind.cls:
            raise AssertionError(f"two types are called {name}")
        if name not in self.made:
            self.made[name] = {}  # it may lie within itself
            self.made[name] = self._object(kind, name)
        return {"$ref": REF + name}

    def _object(self, kind: inspect.StructType, name: str) -> Json:
        fields = {one.encode_name: self._field(one, name) for one in kind.fields}
        required = [one.encode_name for one in kind.fields if one.required]
        if kind.tag_field is not None:
            fields = {kind.tag_field: {"const": kind.tag}} | fields
            required.insert(0, kind.tag_field)
        for place in self._inside:
            owner, _, field = place.partition(".")
            if owner == name and field not in fields:
                fields[field] = self._spoken(self._kept(place), name, field)
        made: Json = {"type": "object"}
        about = self._words.get(name) or (kind.cls.__doc__ or "").partition("\n")[0]
        if about:
            made["description"] = about
        made["properties"] = fields
        if required:
            made["required"] = required
        if kind.forbid_unknown_fields:
            made["additionalProperties"] = False
        return made

    def _field(self, field: inspect.Field, owner: str) -> Json:
        place = f"{owner}.{field.encode_name}"
        made = self._kept(place) if place in self._inside else self._make(field.type)
        made = self._spoken(made, owner, field.encode_name)
        if isinstance(field.default, bool | int | float | str):
            made["default"] = field.default
        return made

    def _kept(self, place: str) -> Json:
        inside = self._inside[place]
        if isinstance(inside, tuple):
            return {"anyOf": [self.of(one) for one in inside]}
        return self.of(inside)

    def _spoken(self, made: Json, owner: str, field: str) -> Json:
        meaning = self.meaning(owner, field)
        return {**made, "description": meaning} if meaning else dict(made)

    def meaning(self, owner: str, field: str) -> str:
        """What a field of a struct means; "" where nobody has said."""
        return self._words.get(f"{owner}.{field}") or self._words.get(field, "")


def _limits(kind: Any, names: dict[str, str]) -> Json:
    found = {ours: getattr(kind, theirs, None) for theirs, ours in names.items()}
    return {name: value for name, value in found.items() if value is not None}
