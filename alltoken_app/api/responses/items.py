"""An input of the Responses API as messages of the common form."""

from typing import Any

import msgspec

from alltoken_app.api import parse
from alltoken_app.api.responses.fields import FREE_TOOLS, NULL, Item, Part
from alltoken_app.errors import Invalid
from alltoken_app.providers.dialects import openai_reasoning
from alltoken_app.providers.dialects.openai_reasoning import SEAL, ReasoningItem

Json = dict[str, Any]

ROLES = frozenset({"user", "system", "developer", "assistant"})
TEXTS = frozenset({"input_text", "output_text", "text"})
KINDS = {"input_image": "image", "input_file": "file", "input_audio": "audio"}
KEPT_ELSEWHERE = (
    "{where}: {what} names something kept from an earlier request; AllToken keeps nothing. Send "
    "the items themselves. Nothing was charged."
)

_raws = msgspec.json.Decoder(list[msgspec.Raw])
_item = msgspec.json.Decoder(Item)
_parts = msgspec.json.Decoder(list[Part])
_reasoning = msgspec.json.Decoder(ReasoningItem)
_text = msgspec.json.Decoder(str)
_encode = msgspec.json.Encoder().encode


class Conversation:
    """Reads an input. What it finds stays in its attributes.

    Attributes:
        messages: In the common form; consecutive items of the assistant are one message.
        modalities: Kinds of input.
        untranslated: What no message can hold, by name.
        count: How many items there are.
        native: The input for upstreams that speak the dialect.
    """

    def __init__(self, raw: msgspec.Raw, instructions: str | None) -> None:
        self.messages: list[Json] = []
        self.modalities = {"text"}
        self.untranslated: set[str] = set()
        self.native = raw
        self._turn: Json | None = None
        if instructions:
            self.messages.append({"role": "system", "content": instructions})
        if bytes(raw)[:1] == b'"':
            self.count = 1
            self.messages.append({"role": "user", "content": parse.decode(_text, bytes(raw))})
            return
        found = parse.decode(_raws, bytes(raw), "input")
        self.count = len(found)
        self._read(found)
        self._finish_turn()

    def _read(self, found: list[msgspec.Raw]) -> None:
        kept: list[msgspec.Raw] = []
        for place, raw in enumerate(found):
            where = f"input[{place}]"
            item = parse.decode(_item, bytes(raw), where)
            self._add(item, raw, where)
            if _goes_back(item):
                kept.append(raw)
        if len(kept) != len(found):
            self.native = msgspec.Raw(_encode(kept))

    def _add(self, item: Item, raw: msgspec.Raw, where: str) -> None:
        kind = item.type or "message"
        if kind == "item_reference":
            text = KEPT_ELSEWHERE.format(where=where, what="item_reference")
            raise Invalid(text, code="stateless_only", param=where)
        if kind == "message":
            self._add_message(item, where)
        elif kind == "reasoning":
            details = self._assistant().setdefault("reasoning_details", [])
            thought = parse.decode(_reasoning, bytes(raw), where)
            details += openai_reasoning.details(thought, len(details))
        elif kind in ("function_call", "custom_tool_call"):
            self._add_call(item, kind, where)
        elif kind in ("function_call_output", "custom_tool_call_output"):
            self._finish_turn()
            call_id = _needed(item.call_id, f"{where}.call_id")
            content = self._content(item.output, f"{where}.output")
            self.messages.append({"role": "tool", "tool_call_id": call_id, "content": content})
        else:
            check_tools(item, where)
            self.untranslated.add(f"input.{kind[:64]}")

    def _add_message(self, item: Item, where: str) -> None:
        if item.role not in ROLES:
            text = f"{where}.role: must be one of {', '.join(sorted(ROLES))}."
            raise Invalid(text, code="invalid_messages", param=f"{where}.role")
        content = self._content(item.content, f"{where}.content")
        if item.role != "assistant":
            self._finish_turn()
            self.messages.append({"role": item.role, "content": content})
            return
        turn = self._assistant()
        turn["content"] = _joined(turn["content"], content)

    def _add_call(self, item: Item, kind: str, where: str) -> None:
        call_id = _needed(item.call_id, f"{where}.call_id")
        name = _needed(item.name, f"{where}.name")
        if kind == "function_call":
            arguments = parse.decode(_text, bytes(item.arguments), f"{where}.arguments")
            call: Json = {"type": "function", "function": {"name": name, "arguments": arguments}}
        else:
            call = {"type": "custom", "custom": {"name": name, "input": item.input or ""}}
        self._assistant().setdefault("tool_calls", []).append({"id": call_id, **call})

    def _assistant(self) -> Json:
        if self._turn is None:
            self._turn = {"role": "assistant", "content": None}
        return self._turn

    def _finish_turn(self) -> None:
        if self._turn is not None and (self._turn["content"] or "tool_calls" in self._turn):
            self.messages.append(self._turn)
        self._turn = None

    def _content(self, raw: msgspec.Raw, where: str) -> str | list[Json]:
        if bytes(raw)[:1] == b'"':
            return parse.decode(_text, bytes(raw), where)
        if bytes(raw)[:1] != b"[":
            raise Invalid(f"{where}: must be a string or a list of parts.", code="invalid_type",
                          param=where)  # fmt: skip
        parts = parse.decode(_parts, bytes(raw), where)
        made = [self._part(part) for part in parts]
        return [part for part in made if part]

    def _part(self, part: Part) -> Json:
        self.modalities.add(KINDS.get(part.type, "text"))
        made = self._translated(part)
        if not made:
            self.untranslated.add(f"input.{part.type[:64]}")
        elif part.prompt_cache_breakpoint != NULL:
            made["cache_control"] = {"type": "ephemeral"}
        return made

    def _translated(self, part: Part) -> Json:
        if part.type in TEXTS:
            return {"type": "text", "text": part.text or ""}
        if part.type == "refusal":
            return {"type": "refusal", "refusal": part.refusal or ""}
        if part.type == "input_image" and part.image_url:
            detail = {"detail": part.detail} if part.detail in ("low", "high", "auto") else {}
            return {"type": "image_url", "image_url": {"url": part.image_url, **detail}}
        if part.type == "input_file":
            return _file(part)
        if part.type == "input_audio" and part.input_audio != NULL:
            return {"type": "input_audio", "input_audio": part.input_audio}
        return {}


def _goes_back(item: Item) -> bool:
    """Whether an upstream that speaks the dialect can make something of it.

    A seal of ours it would take for a forgery; reasoning without its words or its secret it would
    look for among what it has stored, which is nothing.
    """
    if item.type != "reasoning":
        return True
    secret = item.encrypted_content or ""
    return not secret.startswith(SEAL) and bool(
        secret or bytes(item.content) not in (b"null", b"[]")
    )


def _file(part: Part) -> Json:
    file = {"file_data": part.file_data or part.file_url, "filename": part.filename,
            "file_id": part.file_id}  # fmt: skip
    return {"type": "file", "file": {name: value for name, value in file.items() if value}}


def _joined(before: str | list[Json] | None, more: str | list[Json]) -> str | list[Json]:
    """What the assistant said in two items; text alone stays a string."""
    parts = [] if before is None else _as_parts(before)
    parts += _as_parts(more)
    if all(part["type"] == "text" and len(part) == 2 for part in parts):
        return "".join(part["text"] for part in parts)
    return parts


def _as_parts(content: str | list[Json]) -> list[Json]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def _needed(value: str | None, where: str) -> str:
    if not value:
        raise Invalid(f"{where}: is missing. Nothing was charged.", param=where)
    return value


def check_tools(item: Item, where: str) -> None:
    """Refuse tools that an item brings along and that nobody has a price for."""
    for place, tool in enumerate(item.tools or ()):
        if tool.type not in FREE_TOOLS and tool.type not in ("function", "custom"):
            at = f"{where}.tools[{place}].type"
            raise hosted(tool.type, at)


def hosted(kind: str, where: str) -> Invalid:
    """The refusal of a tool that runs at the provider."""
    text = (
        f"{where}: {kind[:64]!r} runs at the provider, on what is stored there or at a price of "
        "its own; AllToken offers functions, custom tools and web_search. Nothing was charged."
    )
    return Invalid(text, code="unsupported_tool", param=where)
