"""The OpenAPI document of the surface, made once from the table of operations."""

import re
from functools import cache
from typing import Any

from alltoken_app.api import completions, keys, moderations, parse
from alltoken_app.api.http import encode
from alltoken_app.api.messages import blocks
from alltoken_app.api.messages import parse as messages
from alltoken_app.api.openapi import examples, records, words
from alltoken_app.api.openapi.inside import INSIDE
from alltoken_app.api.openapi.operations import (
    API_KEY,
    GROUPS,
    MANAGEMENT_KEY,
    OPERATIONS,
    Operation,
)
from alltoken_app.api.openapi.schemas import REF, Schemas
from alltoken_app.api.responses import fields as responses
from alltoken_app.guides import texts
from alltoken_app.routing import preferences

Json = dict[str, Any]

VERSION = "1"
ABOUT = (
    "One address and one prepaid wallet for every model. `/v1` answers errors in OpenAI’s shape, "
    "`/api/v1` in OpenRouter’s, `…/messages` under both in Anthropic’s. The guides are at `/docs`."
)
NAMES: dict[type, str] = {
    parse.Message: "ChatMessage", parse.Extension: "AllToken",
    preferences.Preferences: "ProviderPreferences", preferences.Percentiles: "Thresholds",
    responses.StreamOptions: "ResponseStreamOptions", responses.Reasoning: "ResponseReasoning",
    responses.Tool: "ResponseTool", responses.ToolChoice: "ResponseToolChoice",
    responses.Format: "ResponseFormat",
    blocks.Tool: "MessageTool", messages.ToolChoice: "MessageToolChoice",
    messages.Metadata: "MessageMetadata", messages.CountFields: "CountTokensRequest",
    completions.CompletionFields: "CompletionRequest",
    keys.Wanted: "KeyRequest", keys.Changed: "KeyChanges",
    moderations.TextPart: "ModerationText", moderations.ImagePart: "ModerationImage",
    moderations.ImageUrl: "ModerationAddress",
}  # fmt: skip
ALWAYS = (400, 500)
KEYED = (401, 403)
BILLED = (402, 409, 413, 415, 422, 429, 502, 503, 504)
ROW = re.compile(r"^\| `([a-z_]+)` \| ([^|]+) \|", re.MULTILINE)
HEADER = re.compile(r"^\| `([A-Z][\w-]+)` \| ([^|]+) \|$", re.MULTILINE)
MEANINGS = {
    400: "The request is wrong", 401: "No key, or one that does not work",
    402: "The wallet or the key’s limit cannot cover it", 403: "Not allowed",
    404: "No such thing, or no endpoint that fits",
    409: "Another request has this Idempotency-Key, or there are too many keys",
    413: "Too large", 415: "Not JSON, or compressed",
    422: "The Idempotency-Key was another body’s, or a key cannot be so",
    429: "Too many at once or per minute", 500: "Something failed here",
    502: "The provider failed", 503: "The provider or this installation cannot serve now",
    504: "The provider took too long",
}  # fmt: skip


@cache
def body() -> bytes:
    """The document as it is served."""
    return encode(document())


@cache
def document() -> Json:
    """The document: OpenAPI 3.1."""
    schemas = Schemas({**_requests(), **NAMES}, {**words.FIELDS, **words.OBJECTS}, INSIDE)
    for shape in (records.OpenAIError, records.OpenRouterError, records.AnthropicError):
        schemas.of(shape)
    paths: dict[str, Json] = {}
    for one in OPERATIONS:
        paths.setdefault(one.path, {})[one.method.lower()] = _operation(one, schemas)
    schemas.made.pop("Steering", None)
    return {
        "openapi": "3.1.1",
        "info": {"title": "AllToken", "version": VERSION, "description": ABOUT},
        "servers": [
            {"url": "/v1", "description": "Errors in OpenAI’s shape"},
            {"url": "/api/v1", "description": "Errors in OpenRouter’s shape"},
        ],
        "tags": [{"name": name, "description": lead} for name, lead in GROUPS.items()],
        "paths": paths,
        "components": {
            "schemas": dict(sorted(schemas.made.items())),
            "responses": _errors(),
            "headers": _headers(),
            "parameters": _parameters(),
            "securitySchemes": _security(),
        },
    }


def _requests() -> dict[type, str]:
    bodies = [one.body for one in OPERATIONS if one.body]
    return {shape: shape.__name__.replace("Fields", "Request") for shape in bodies}


def _operation(one: Operation, schemas: Schemas) -> Json:
    made: Json = {
        "tags": [one.group],
        "operationId": _id(one),
        "summary": one.title,
        "security": [{name: []} for name in [*one.key.split(), "XApiKey"]] if one.key else [],
        "parameters": _places(one) + _query(one) + _wishes(one),
        "responses": _responses(one, schemas),
    }
    if one.about:
        made["description"] = one.about
    if one.body:
        made["requestBody"] = _body(one, schemas)
    return made


def _id(one: Operation) -> str:
    words = re.findall(r"\w+", one.path)
    return "_".join([one.method.lower(), *words])


def _places(one: Operation) -> list[Json]:
    names = re.findall(r"{(\w+)}", one.path)
    schema = {"type": "string"}
    return [{"name": name, "in": "path", "required": True, "schema": schema} for name in names]


def _query(one: Operation) -> list[Json]:
    return [
        {
            "name": asked.name, "in": "query", "description": asked.about,
            "required": asked.required, "schema": asked.schema,
        }
        for asked in one.query
    ]  # fmt: skip


def _wishes(one: Operation) -> list[Json]:
    names = list(words.HEADERS) if one.billed else []
    names += list(words.OF_MESSAGES) if one.group == "Messages" and one.billed else []
    return [{"$ref": f"#/components/parameters/{name}"} for name in names]


def _body(one: Operation, schemas: Schemas) -> Json:
    assert one.body is not None
    shape = schemas.of(one.body)
    name = shape["$ref"].removeprefix(REF)
    fields = schemas.made[name]["properties"]
    for unread in sorted(one.known - fields.keys()):
        fields[unread] = _untyped(unread, name, schemas)
    content: Json = {"schema": shape}
    example = examples.request(one.method, one.path)
    if example:
        content["example"] = example
    found: Json = {"application/json": content}
    if one.form:
        found = {"multipart/form-data": {"schema": _form(schemas.made[name], name)}, **found}
    return {"required": True, "content": found}


def _untyped(field: str, owner: str, schemas: Schemas) -> Json:
    """A field that is passed on as it is, or that steers."""
    steering = schemas.of(parse.Steering)["$ref"].removeprefix(REF)
    known = schemas.made[steering]["properties"].get(field, {})
    meaning = schemas.meaning(owner, field)
    return {**known, "description": meaning} if meaning else dict(known)


def _form(shape: Json, name: str) -> Json:
    """The same fields as text, and the sound as a file."""
    sound = {"type": "string", "format": "binary", "description": words.FIELDS["file"]}
    return {
        "type": "object",
        "required": ["model", "file"],
        "properties": {"file": sound, **{n: {"$ref": f"{REF}{name}/properties/{n}"}
                                         for n in shape["properties"] if n != "input_audio"}},
    }  # fmt: skip


def _responses(one: Operation, schemas: Schemas) -> Json:
    kept = one.path.startswith("/responses/")
    found: Json = {} if kept else {str(one.status): _answer(one, schemas)}
    statuses = {*ALWAYS, 404, *(KEYED if one.key else ()), *(BILLED if one.billed else ())}
    statuses |= {413, 415} if one.body else set()
    statuses |= {409, 422} if one.body and one.key == MANAGEMENT_KEY else set()
    statuses |= {429} if one.body and one.key == API_KEY else set()
    dialect = "Messages" if one.group == "Messages" else ""
    for status in sorted(statuses):
        found[str(status)] = {"$ref": f"#/components/responses/{dialect}Error{status}"}
    return found


def _answer(one: Operation, schemas: Schemas) -> Json:
    content: Json = {}
    if one.answer is not None:
        content["application/json"] = {"schema": schemas.of(one.answer)}
        example = examples.answer(one.method, one.path)
        if example:
            content["application/json"]["example"] = example
    if one.event is not None:
        event = schemas.of(one.event)
        content["text/event-stream"] = {
            "schema": {
                "type": "string",
                "description": "Server-sent events; the data of each is "
                f"{event['$ref'].removeprefix(REF)}. Lines that begin with a colon are comments.",
                "x-event": event,
            }
        }
    for kind in one.media:
        content[kind] = {"schema": {"type": "string"}} if kind == "text/plain" else {}
    names = _header_texts() if one.billed else {"X-Request-Id": ""}
    headers = {name: {"$ref": f"#/components/headers/{name}"} for name in names}
    return {"description": one.title, "headers": headers, "content": content}


def _errors() -> Json:
    codes = _codes()
    found: Json = {}
    for status, meaning in MEANINGS.items():
        about = f"{meaning}. Codes: {', '.join(f'`{code}`' for code in codes[status])}."
        both = [{"$ref": f"{REF}OpenAIError"}, {"$ref": f"{REF}OpenRouterError"}]
        found[f"Error{status}"] = _error(about, {"anyOf": both}, status)
        found[f"MessagesError{status}"] = _error(about, {"$ref": f"{REF}AnthropicError"}, status)
    return found


def _error(about: str, schema: Json, status: int) -> Json:
    names = ["X-Request-Id", *(["Retry-After"] if status in (429, 503) else [])]
    headers = {name: {"$ref": f"#/components/headers/{name}"} for name in names}
    return {
        "description": about,
        "headers": headers,
        "content": {"application/json": {"schema": schema}},
    }


def _codes() -> dict[int, list[str]]:
    """The codes of each status, from the guide that lists them all."""
    found: dict[int, list[str]] = {status: [] for status in MEANINGS}
    for code, statuses in ROW.findall((texts.FOLDER / "errors.md").read_text()):
        for status in re.findall(r"\d{3}", statuses):
            found.setdefault(int(status), []).append(code)
    return found


def _header_texts() -> dict[str, str]:
    """The headers of an answer, from the guides that list them."""
    files = [texts.FOLDER / f"{name}.md" for name in texts.ORDER]
    return {name: about for file in files for name, about in HEADER.findall(file.read_text())
            if name.startswith(("X-", "Retry", "Server"))}  # fmt: skip


def _headers() -> Json:
    return {
        name: {"description": about, "schema": {"type": "string"}}
        for name, about in _header_texts().items()
    }


def _parameters() -> Json:
    return {
        name: {"name": name, "in": "header", "description": about, "schema": {"type": "string"}}
        for name, about in {**words.HEADERS, **words.OF_MESSAGES}.items()
    }


def _security() -> Json:
    return {
        "ApiKey": {"type": "http", "scheme": "bearer", "description": "An API key, `atk_…`"},
        "XApiKey": {"type": "apiKey", "in": "header", "name": "x-api-key",
                    "description": "The same key, as Anthropic’s clients send it"},
        "ManagementKey": {"type": "http", "scheme": "bearer",
                          "description": "A management key, `atm_…`"},
    }  # fmt: skip
