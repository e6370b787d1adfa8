"""The OpenAPI document as pages to read: an overview, and one page for each group."""

import re
from collections.abc import Iterator
from typing import Any

from alltoken_app.guides import calls, texts
from alltoken_app.guides.calls import PLAIN, HttpCall
from alltoken_app.guides.texts import HERE, Guide

Json = dict[str, Any]

HOME = "api"
TITLE = "API reference"
LEAD = (
    "Every address with its fields, limits and errors, made from the same types that read your "
    "requests. Programs get it as OpenAPI 3.1 from /openapi.json."
)
SERVED = (
    "Each is there under `/v1` and under `/api/v1`; only errors differ. "
    "[The document itself](/openapi.json) is at the root, too."
)
SHARED = ("ProviderPreferences", "AllToken")  # in every body: explained on the overview
JSON = "application/json"
METHODS = ("get", "post", "patch", "delete")
VALUES = {
    "author": "alltoken", "slug": "smollm2-135m-instruct", "hash": "$KEY_HASH", "id": "gen_…",
}  # fmt: skip
NEEDED = {"ApiKey": "an API key", "ManagementKey": "a management key"}
HUGE = 10**9


def pages(document: Json) -> list[Guide]:
    """The overview first, then the groups in their order."""
    book = Book(document)
    groups = [(tag["name"], tag["description"]) for tag in document["tags"]]
    made = [texts.parse(HOME, book.overview(groups))]
    return made + [
        texts.parse(f"{HOME}/{texts.anchor(name)}", book.group(name, lead)) for name, lead in groups
    ]


class Book:
    """Writes Markdown about one document."""

    def __init__(self, document: Json) -> None:
        self._document = document
        self._schemas: Json = document["components"]["schemas"]
        self._here = ""

    def overview(self, groups: list[tuple[str, str]]) -> str:
        """Addresses, keys, headers, errors, and the objects that every body may have."""
        self._here = HOME
        parts = [f"# {TITLE}", LEAD, "## Addresses"]
        for name, _ in groups:
            parts += [f"### {name}", _table(["Address", "What it does"], self._addresses(name))]
        parts += [SERVED]
        parts += ["## Credentials", *self._keys()]
        parts += ["## Headers of a request", self._named("parameters")]
        parts += ["## Headers of an answer", self._named("headers")]
        parts += ["## Errors", self._errors()]
        parts += ["The codes, each with what to do, are in [Errors](/docs/errors)."]
        for name in SHARED:
            parts += [f"## {name}", *self._object(name)]
        parts += self._inner([self._schemas[name] for name in SHARED])
        return "\n\n".join(parts) + "\n"

    def group(self, name: str, lead: str) -> str:
        """The page of one group."""
        self._here = f"{HOME}/{texts.anchor(name)}"
        parts, bodies = [f"# {name}", lead], []
        for path, method, found in self._of(name):
            parts += self._operation(path, method, found)
            body = _body(found)
            if body and body["schema"] not in bodies:
                bodies.append(body["schema"])
        shown = [self._schemas[_name(schema)] for schema in bodies]
        return "\n\n".join(parts + self._inner(shown)) + "\n"

    def _of(self, group: str) -> Iterator[tuple[str, str, Json]]:
        for path, item in self._document["paths"].items():
            for method in METHODS:
                if method in item and item[method]["tags"] == [group]:
                    yield path, method, item[method]

    def _addresses(self, group: str) -> Iterator[list[str]]:
        page = f"/docs/{HOME}/{texts.anchor(group)}"
        for path, method, found in self._of(group):
            place = f"{page}#{texts.anchor(found['summary'])}"
            yield [f"`{method.upper()} {path}`", f"[{found['summary']}]({place})"]

    def _keys(self) -> list[str]:
        schemes = self._document["components"]["securitySchemes"].values()
        return [
            _table(["Header", "Value"], ([_header(one), one["description"]] for one in schemes))
        ]

    def _named(self, kind: str) -> str:
        found = self._document["components"][kind].items()
        rows = ([f"`{name}`", one["description"]] for name, one in found)
        return _table(["Header", "What it says"], rows)

    def _errors(self) -> str:
        found = self._document["components"]["responses"].items()
        rows = ([n.removeprefix("Error"), one["description"]]
                for n, one in found if n.startswith("Error"))  # fmt: skip
        return _table(["Status", "Meaning and codes"], rows)

    def _operation(self, path: str, method: str, found: Json) -> list[str]:
        parts = [f"## {found['summary']}", f"`{method.upper()} {path}`"]
        parts += [found["description"]] if "description" in found else []
        parts += [_needs(found)]
        asked = [one for one in found["parameters"] if one.get("in") == "query"]
        if asked:
            rows = ([f"`{one['name']}`", self._type(one["schema"]), one["description"]]
                    for one in asked)  # fmt: skip
            parts += [_table(["Query", "Type", "Meaning"], rows)]
        body = _body(found)
        if body:
            parts += self._object(_name(body["schema"]))
        if any(status.startswith("2") for status in found["responses"]):
            parts += [calls.fences(call(path, method, found)), *_answer(found)]
        return [*parts, _fails(found)]

    def _object(self, name: str) -> list[str]:
        schema = self._schemas[name]
        needed = schema.get("required", [])
        fields = sorted(schema["properties"].items(), key=lambda one: one[0] not in needed)
        rows = (
            [f"`{field}`{' *' if field in needed else ''}", self._type(one), _meaning(one)]
            for field, one in fields
        )
        table = _table(["Field", "Type", "Meaning"], rows)
        closed = schema.get("additionalProperties") is False
        notes = ["\\* must be there."] if needed else []
        notes += ["Other fields are refused."] if closed else []
        return [table, *([" ".join(notes)] if notes else [])]

    def _inner(self, shown: list[Json]) -> list[str]:
        """The objects inside those that are shown, each once."""
        names: list[str] = []
        waiting = list(shown)
        while waiting:
            for name in _references(waiting.pop(0)):
                if name not in names and name not in SHARED:
                    names.append(name)
                    waiting.append(self._schemas[name])
        if not names:
            return []
        parts = ["## Objects"]
        for name in names:
            about = self._schemas[name].get("description")
            parts += [f"### {name}", *([about] if about else []), *self._object(name)]
        return parts

    def _type(self, schema: Json) -> str:
        if "$ref" in schema:
            name = _name(schema)
            page = f"/docs/{HOME}" if name in SHARED and self._here != HOME else ""
            return f"[{name}]({page}#{texts.anchor(name)})"
        if "anyOf" in schema:
            kinds = [self._type(one) for one in schema["anyOf"] if one.get("type") != "null"]
            return " or ".join(dict.fromkeys(kinds))
        if "enum" in schema:
            return ", ".join(f"`{one}`" for one in schema["enum"])
        if "const" in schema:
            return f"`{schema['const']}`"
        return self._plain(schema)

    def _plain(self, schema: Json) -> str:
        kind = schema.get("type", "any")
        if kind == "array":
            most = f", at most {schema['maxItems']:,}," if "maxItems" in schema else ""
            return f"list{most} of {self._type(schema['items'])}"
        if kind == "object" and isinstance(schema.get("additionalProperties"), dict):
            kind = f"object of {self._type(schema['additionalProperties'])}"
        elif isinstance(kind, list):
            kind = " or ".join(kind)
        limits = _limits(schema)
        return f"{kind} ({limits})" if limits else str(kind)


def _name(schema: Json) -> str:
    return str(schema["$ref"].rpartition("/")[2])


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if "$ref" in value:
            yield _name(value)
        for one in value.values():
            yield from _references(one)
    elif isinstance(value, list):
        for one in value:
            yield from _references(one)


def _body(found: Json) -> Json | None:
    content: Json = found.get("requestBody", {}).get("content", {})
    return content.get(JSON)


def _limits(schema: Json) -> str:
    low = schema.get("minimum", schema.get("exclusiveMinimum"))
    high = schema.get("maximum", schema.get("exclusiveMaximum"))
    low = None if low is not None and abs(low) > HUGE else low
    high = None if high is not None and high > HUGE else high
    said = []
    if low is not None and high is not None:
        said.append(f"{low:,} to {high:,}")
    elif low is not None:
        said.append(f"above {low:,}" if "exclusiveMinimum" in schema else f"{low:,} or more")
    elif high is not None:
        said.append(f"at most {high:,}")
    for name, unit in (("maxLength", "characters"), ("maxProperties", "entries")):
        if name in schema:
            said.append(f"at most {schema[name]:,} {unit}")
    if "default" in schema:
        said.append(f"default `{calls.written(schema['default'], PLAIN)}`")
    return ", ".join(said)


def _meaning(schema: Json) -> str:
    return str(schema.get("description", ""))


def _table(head: list[str], rows: Any) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(_cell(one) for one in line) + " |" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ") or " "


def _header(scheme: Json) -> str:
    return "`Authorization: Bearer …`" if scheme["type"] == "http" else f"`{scheme['name']}`"


def _needs(found: Json) -> str:
    keys = _keys(found)
    return f"Needs {' or '.join(NEEDED[name] for name in keys)}." if keys else "Needs no key."


def _keys(found: Json) -> list[str]:
    return [name for one in found["security"] for name in one if name in NEEDED]


def call(path: str, method: str, found: Json) -> HttpCall:
    """How an operation is called, with its example."""
    url = re.sub(r"{(\w+)}", lambda name: VALUES[name[1]], f"{HERE}/v1{path}")
    if any(one.get("required") and one.get("in") == "query" for one in found["parameters"]):
        url += "?id=gen_…"
    key = "ALLTOKEN_API_KEY" if found["security"] else ""
    if _keys(found) == ["ManagementKey"]:
        key = "ALLTOKEN_MANAGEMENT_KEY"
    contents = found.get("requestBody", {}).get("content", {})
    body = contents.get(JSON, {}).get("example")
    form = "multipart/form-data" in contents
    if form and body:
        body = {name: value for name, value in body.items() if name != "input_audio"}
    sound = any("audio/wav" in one.get("content", {}) for one in found["responses"].values())
    return HttpCall(method.upper(), url, key, body, form, sound)


def _answer(found: Json) -> list[str]:
    [status] = [one for one in found["responses"] if one.startswith("2")]
    content = found["responses"][status]["content"]
    example = content.get(JSON, {}).get("example")
    shown = [f"```json Answer\n{calls.written(example, PLAIN)}\n```"] if example else []
    events = content.get("text/event-stream")
    said = [events["schema"]["description"]] if events else []
    return shown + said


def _fails(found: Json) -> str:
    codes = [one for one in found["responses"] if not one.startswith("2")]
    links = ", ".join(codes)
    return f"Fails with {links}: see [Errors](/docs/{HOME}#errors)."
