"""The shapes of the common form that a translation to the Responses API relies on."""

from typing import Any

import msgspec

from alltoken_app.providers.base import Call
from alltoken_app.providers.dialects import chat_form

Json = dict[str, Any]


class Image(msgspec.Struct):
    url: str | None = None
    detail: str | None = None


class File(msgspec.Struct):
    filename: str | None = None
    file_data: str | None = None
    file_id: str | None = None


class Part(msgspec.Struct):
    type: str
    text: str | None = None
    refusal: str | None = None
    image_url: Image | str | None = None
    file: File | None = None


class Named(msgspec.Struct):
    name: str | None = None
    arguments: str | None = None
    input: str | None = None


class ToolCall(msgspec.Struct):
    id: str | None = None
    type: str | None = None
    function: Named | None = None
    custom: Named | None = None


class Detail(msgspec.Struct):
    type: str | None = None
    format: str | None = None
    id: str | None = None
    summary: str | None = None
    text: str | None = None
    data: str | None = None


class Message(msgspec.Struct):
    role: str
    content: str | list[Part] | None = None
    refusal: str | None = None
    name: str | None = None
    tool_call_id: str | None = None
    tool_calls: list[ToolCall] | None = None
    reasoning_details: list[Detail] | None = None


class Grammar(msgspec.Struct):
    type: str | None = None
    grammar: Json | None = None


class Custom(msgspec.Struct):
    format: Grammar | None = None


class Tool(msgspec.Struct):
    type: str | None = None
    function: Json | None = None
    custom: Custom | None = None


class Allowed(msgspec.Struct):
    mode: str | None = None
    tools: "list[Choice] | None" = None


class Choice(msgspec.Struct):
    type: str
    function: Named | None = None
    custom: Named | None = None
    allowed_tools: Allowed | None = None


class Format(msgspec.Struct):
    type: str
    json_schema: Json | None = None


class Wish(msgspec.Struct):
    effort: str | None = None
    summary: str | None = None
    enabled: bool | None = None
    exclude: bool | None = None


class Place(msgspec.Struct):
    approximate: Json | None = None


class Search(msgspec.Struct):
    search_context_size: str | None = None
    user_location: Place | None = None


SHAPES: dict[str, Any] = {
    "messages": list[Message],
    "tools": list[Tool],
    "tool_choice": str | Choice,
    "response_format": Format,
    "reasoning": Wish,
    "web_search_options": Search,
}


def check(call: Call) -> None:
    """Raises Unfit where a field has another shape; `param` names it."""
    for name, kind in SHAPES.items():
        chat_form.field(call, name, kind)
