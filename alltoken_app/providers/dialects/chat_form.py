"""The common form of a chat as structs: what adapters of other wires translate from and to."""

import re
from typing import Any, TypeVar

import msgspec

from alltoken_app.providers.base import Call, Piece, Reply, Unfit, Usage

T = TypeVar("T")
NULL = msgspec.Raw(b"null")
BASE64 = re.compile(r"[A-Za-z0-9+/]+={0,2}")


class CacheControl(msgspec.Struct):
    """A mark: the prompt up to here is worth keeping for `ttl`."""

    ttl: str | None = None


class Url(msgspec.Struct):
    url: str = ""


class Sound(msgspec.Struct):
    data: str = ""
    format: str = ""


class File(msgspec.Struct):
    filename: str | None = None
    file_data: str | None = None
    file_id: str | None = None


class Part(msgspec.Struct):
    """One part of a message's content."""

    type: str = "text"
    text: str | None = None
    refusal: str | None = None
    image_url: Url | str | None = None
    video_url: Url | str | None = None
    input_audio: Sound | None = None
    file: File | None = None
    cache_control: CacheControl | None = None


class Function(msgspec.Struct):
    name: str = ""
    arguments: str | None = None


class ToolCall(msgspec.Struct):
    id: str = ""
    function: Function = msgspec.field(default_factory=Function)


class Detail(msgspec.Struct):
    """One entry of `reasoning_details`; signatures and data are opaque."""

    type: str = ""
    text: str | None = None
    signature: str | None = None
    data: str | None = None
    format: str | None = None
    index: int | None = None


class Message(msgspec.Struct):
    role: str
    content: str | list[Part] | None = None
    refusal: str | None = None
    tool_calls: list[ToolCall] | None = None
    tool_call_id: str | None = None
    reasoning_details: list[Detail] | None = None
    is_error: bool | None = None
    cache_control: CacheControl | None = None

    @property
    def parts(self) -> list[Part]:
        """The content as parts, whichever way it was written."""
        if isinstance(self.content, list):
            return self.content
        return [Part(text=self.content)] if self.content else []


class Schema(msgspec.Struct):
    name: str = ""
    description: str | None = None
    schema: msgspec.Raw = msgspec.Raw(b"{}")
    strict: bool | None = None
    parameters: msgspec.Raw = NULL


class Tool(msgspec.Struct):
    """A tool; `function` is absent for kinds that are not functions."""

    type: str = "function"
    function: Schema | None = None
    cache_control: CacheControl | None = None


class Choice(msgspec.Struct):
    """`tool_choice` where it is an object."""

    type: str = ""
    function: Function | None = None


class Format(msgspec.Struct):
    type: str = "text"
    json_schema: Schema | None = None


class Reasoning(msgspec.Struct):
    """The wish to reason, from `reasoning` or `reasoning_effort`."""

    effort: str | None = None
    max_tokens: int | None = None
    enabled: bool | None = None
    exclude: bool | None = None

    @property
    def wanted(self) -> bool:
        """Whether it asks for reasoning (rather than against it, or just to hide it)."""
        if self.enabled is False or self.effort == "none":
            return False
        return bool(self.enabled or self.effort or self.max_tokens)

    @property
    def refused(self) -> bool:
        return self.enabled is False or self.effort == "none"


def field(call: Call, name: str, kind: type[T] | Any) -> T | None:
    """A field of the call as `kind`; None when absent or null.

    Raises:
        Unfit: It has another shape.
    """
    raw = call.fields.get(name)
    if raw is None or raw == NULL:
        return None
    try:
        found: T = msgspec.json.decode(raw, type=kind)
    except msgspec.ValidationError as wrong:
        raise Unfit(f"{name}: {wrong}.", name) from None
    return found


def messages(call: Call) -> list[Message]:
    """The messages. Raises Unfit."""
    return field(call, "messages", list[Message]) or []


def tools(call: Call) -> list[Tool]:
    """The tools. Raises Unfit."""
    return field(call, "tools", list[Tool]) or []


def tool_choice(call: Call) -> tuple[str, str]:
    """("auto" | "none" | "required" | "named" | "other", name). Raises Unfit."""
    found: str | Choice | None = field(call, "tool_choice", str | Choice)
    if found is None:
        return "auto", ""
    if isinstance(found, str):
        return (found if found in ("auto", "none", "required") else "other"), ""
    if found.type == "function" and found.function is not None:
        return "named", found.function.name
    return "other", ""


def reasoning(call: Call) -> Reasoning:
    """The wish to reason. Raises Unfit."""
    found: Reasoning = field(call, "reasoning", Reasoning) or Reasoning()
    if found.effort is None:
        found.effort = field(call, "reasoning_effort", str)
    if found.exclude is None and field(call, "include_reasoning", bool) is False:
        found.exclude = True
    return found


def inline(url: str) -> tuple[str, str] | None:
    """(MIME type, base64) of a data URL; None for any other URL.

    Raises:
        Unfit: It is not base64.
    """
    if not url.startswith("data:"):
        return None
    head, _, data = url[5:].partition(",")
    mime, *flags = head.lower().split(";")
    if "base64" not in flags:
        raise Unfit("A data URL must be base64.", "messages")
    return mime.strip(), base64(data)


def base64(data: str) -> str:
    """The data, base64 by its length and both ends: it may be long. Raises Unfit."""
    start, end = data[:64].rstrip("="), data[-64:]
    if len(data) % 4 or not BASE64.fullmatch(start) or not BASE64.fullmatch(end):
        raise Unfit("Data of a content part is not base64.", "messages")
    return data


def url_of(given: Url | str | None) -> str:
    """The URL of an image or video part, whichever way it was written."""
    return given.url if isinstance(given, Url) else given or ""


# What comes back


class Answer:
    """Collects one answer's message."""

    def __init__(self, *, show_reasoning: bool = True) -> None:
        self.text: list[str] = []
        self.thoughts: list[str] = []
        self.details: list[dict[str, Any]] = []
        self.calls: list[dict[str, Any]] = []
        self.annotations: list[dict[str, Any]] = []
        self.images: list[dict[str, Any]] = []
        self._show = show_reasoning

    def call(self, call_id: str, name: str, arguments: str) -> None:
        """A tool call, complete."""
        function = {"name": name, "arguments": arguments}
        self.calls.append({"id": call_id, "type": "function", "function": function})

    @property
    def position(self) -> int:
        """Characters of text so far, where the next annotation points."""
        return sum(map(len, self.text))

    @property
    def size(self) -> int:
        """Bytes that the model wrote."""
        written = [*self.text, *self.thoughts]
        for call in self.calls:
            written += call["function"].values()
        return sum(len(part.encode()) for part in written)

    def reply(self, finish: str, native: str, usage: Usage | None) -> Reply:
        """The whole answer in the common form."""
        size = self.size
        choice = {
            "index": 0,
            "message": self._message(),
            "finish_reason": finish,
            "native_finish_reason": native,
            "logprobs": None,
        }
        choices = msgspec.Raw(msgspec.json.encode([choice]))
        return Reply(
            body={"choices": choices},
            usage=usage,
            content=bool(size or self.images),
            size=size,
            finish=finish,
            native_finish=native,
        )

    def _message(self) -> dict[str, Any]:
        text = "".join(self.text)
        message: dict[str, Any] = {"role": "assistant", "content": text or None, "refusal": None}
        if self._show and self.thoughts:
            message["reasoning"] = "".join(self.thoughts)
        if self._show and self.details:
            message["reasoning_details"] = self.details
        if self.calls:
            message["tool_calls"] = self.calls
        else:
            message["content"] = text
        if self.annotations:
            message["annotations"] = self.annotations
        if self.images:
            message["images"] = self.images
        return message


def piece(delta: dict[str, Any], size: int = 0, *, content: bool = True) -> Piece:
    """One event of a stream; `size` in bytes of what the model wrote."""
    choice = {"index": 0, "delta": delta, "finish_reason": None}
    return Piece(msgspec.json.encode([choice]), content=content, size=size)


def last_piece(finish: str, native: str, usage: Usage | None) -> Piece:
    """The event that ends a stream."""
    choice = {
        "index": 0,
        "delta": {},
        "finish_reason": finish,
        "native_finish_reason": native,
    }
    choices = msgspec.json.encode([choice])
    return Piece(choices, finish=finish, native_finish=native, usage=usage)


def call_delta(
    index: int, *, call_id: str = "", name: str = "", arguments: str = ""
) -> dict[str, Any]:
    """A delta with a part of one tool call; its id and name come with the first."""
    function: dict[str, str] = {"arguments": arguments}
    if not call_id:
        return {"tool_calls": [{"index": index, "function": function}]}
    function = {"name": name, **function}
    call = {"index": index, "id": call_id, "type": "function", "function": function}
    return {"tool_calls": [call]}
