"""Anthropic's messages and tools in the common form."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from alltoken_app.api.messages import fields as known
from alltoken_app.api.messages import foreign
from alltoken_app.api.messages.blocks import NULL, Block, MessageIn, Source, Tool
from alltoken_app.errors import Invalid

FORMAT = "anthropic-claude-v1"

Json = dict[str, Any]

_inner = msgspec.json.Decoder(str | list[Block] | None)


@dataclass
class Said:
    """A conversation in the common form.

    Attributes:
        untranslated: Kinds of blocks that the common form has no room for.
        foreign: Whether it holds another maker's reasoning, which Anthropic would refuse.
    """

    messages: list[Json] = field(default_factory=list)
    untranslated: set[str] = field(default_factory=set)
    foreign: bool = False
    kinds: set[str] = field(default_factory=set)

    @property
    def modalities(self) -> frozenset[str]:
        return frozenset(self.kinds | {"text"})


@dataclass
class Tools:
    """Tools in the common form, as fields of the request.

    Attributes:
        searches: How many searches of the web the call may make at most.
        limited: Whether that bound is ours, not the caller's.
    """

    fields: Json = field(default_factory=dict)
    untranslated: set[str] = field(default_factory=set)
    searches: int = 0
    limited: bool = False


def conversation(system: str | list[Block] | None, messages: Sequence[MessageIn]) -> Said:
    """System prompt and turns. Raises Invalid for what is never sent on."""
    said = Said()
    if system:
        said.messages.append({"role": "system", "content": _texts(system, "system", said)})
    for index, message in enumerate(messages):
        where = f"messages[{index}].content"
        if isinstance(message.content, str):
            said.messages.append({"role": message.role, "content": message.content})
        elif message.role == "assistant":
            said.messages.append(_assistant(message.content, where, said))
        elif message.role == "system":
            content = _texts(message.content, where, said)
            if content:
                said.messages.append({"role": "system", "content": content})
        else:
            said.messages += _user(message.content, where, said)
    return said


def _texts(content: str | list[Block], where: str, said: Said) -> str | list[Json]:
    if isinstance(content, str):
        return content
    return [part for i, block in enumerate(content) for part in _part(block, f"{where}[{i}]", said)]


def _user(content: list[Block], where: str, said: Said) -> list[Json]:
    """Results first, each a message of its own; then what the person says."""
    results: list[Json] = []
    parts: list[Json] = []
    for index, block in enumerate(content):
        at = f"{where}[{index}]"
        if block.type == "tool_result":
            result, pictures = _result(block, at, said)
            results.append(result)
            parts += pictures
        else:
            parts += _part(block, at, said)
    return results + ([{"role": "user", "content": parts}] if parts else [])


def _result(block: Block, where: str, said: Said) -> tuple[Json, list[Json]]:
    """A tool's result, and its pictures, which only a person's message can carry elsewhere."""
    if not block.tool_use_id:
        text = f"{where}.tool_use_id: a result names the call it answers. Nothing was charged."
        raise Invalid(text, param=f"{where}.tool_use_id")
    parts: list[Json] = []
    inner = _inside(block.content, where)
    if isinstance(inner, str):
        parts = [{"type": "text", "text": inner}] if inner else []
    else:
        for index, one in enumerate(inner):
            parts += _part(one, f"{where}.content[{index}]", said)
    texts = [part for part in parts if part["type"] == "text"]
    others = [part for part in parts if part["type"] != "text"]
    if others:
        others.insert(0, {"type": "text", "text": f"From the result of {block.tool_use_id}:"})
    message: Json = {"role": "tool", "tool_call_id": block.tool_use_id, "content": _plain(texts)}
    if block.is_error:
        message["is_error"] = True
    return _marked(message, block), others


def _inside(raw: msgspec.Raw, where: str) -> str | list[Block]:
    try:
        return _inner.decode(raw) or []
    except msgspec.ValidationError as error:
        text = f"{where}.content: {str(error).partition(' - at')[0]}. Nothing was charged."
        raise Invalid(text, param=f"{where}.content") from None


def _plain(texts: list[Json]) -> str | list[Json]:
    """One string where nothing is marked for the cache."""
    if any("cache_control" in part for part in texts):
        return texts
    return "\n".join(part["text"] for part in texts)


def _marked(part: Json, block: Block) -> Json:
    if block.cache_control != NULL:
        part["cache_control"] = block.cache_control
    return part


def _assistant(content: list[Block], where: str, said: Said) -> Json:
    texts: list[Json] = []
    calls: list[Json] = []
    details: list[Json] = []
    for index, block in enumerate(content):
        if block.type == "text":
            texts.append(_marked({"type": "text", "text": block.text or ""}, block))
        elif block.type == "tool_use":
            calls.append(_marked(_call(block, f"{where}[{index}]"), block))
        elif block.type in ("thinking", "redacted_thinking"):
            details += _thought(block, len(details), said)
        else:
            said.untranslated.add(f"messages.{block.type}")
    message: Json = {"role": "assistant", "content": _joined(texts)}
    if details:
        message["reasoning_details"] = details
    if calls:
        message["tool_calls"] = calls
    return message


def _joined(texts: list[Json]) -> str | list[Json] | None:
    if any("cache_control" in part for part in texts):
        return texts
    return "".join(part["text"] for part in texts) or None


def _call(block: Block, where: str) -> Json:
    if not block.id or not block.name:
        text = f"{where}: a tool_use block has an id and a name. Nothing was charged."
        raise Invalid(text, param=where)
    arguments = "{}" if block.input == NULL else bytes(block.input).decode()
    function = {"name": block.name, "arguments": arguments}
    return {"id": block.id, "type": "function", "function": function}


def _thought(block: Block, index: int, said: Said) -> list[Json]:
    opaque = (block.signature if block.type == "thinking" else block.data) or ""
    detail = foreign.unpack(opaque)
    if detail is not None or (block.type == "thinking" and not opaque):
        said.foreign = True
    if detail is None and block.type == "redacted_thinking":
        return [_numbered({"type": "reasoning.encrypted", "data": opaque}, index)]
    if detail is None:
        text: Json = {"type": "reasoning.text", "text": block.thinking or ""}
        return [_numbered(text | {"signature": opaque}, index) if opaque else text]
    if block.type == "thinking":
        detail["summary" if detail.get("type") == "reasoning.summary" else "text"] = block.thinking
    return [detail]


def _numbered(detail: Json, index: int) -> Json:
    return detail | {"format": FORMAT, "index": index}


def _part(block: Block, where: str, said: Said) -> list[Json]:
    make = PARTS.get(block.type)
    if make is None:
        if block.type == "container_upload":
            raise _no_files(where)
        said.untranslated.add(f"messages.{block.type}")
        return []
    parts = make(block, where, said)
    if parts:
        _marked(parts[-1], block)
    return parts


def _text(block: Block, where: str, said: Said) -> list[Json]:
    if block.text is None:
        text = f"{where}.text: a text block has a text. Nothing was charged."
        raise Invalid(text, param=f"{where}.text")
    return [{"type": "text", "text": block.text}]


def _image(block: Block, where: str, said: Said) -> list[Json]:
    said.kinds.add("image")
    return [{"type": "image_url", "image_url": {"url": _address(_source(block, where), where)}}]


def _document(block: Block, where: str, said: Said) -> list[Json]:
    source = _source(block, where)
    if b"true" in bytes(block.citations):
        said.untranslated.add("messages.document.citations")
    if source.type in ("text", "content"):
        return _document_text(block, source, where, said)
    said.kinds.add("file")
    name = block.title or "document.pdf"
    return [
        {"type": "file", "file": {"filename": name, "file_data": _address(source, where)}},
        *([{"type": "text", "text": block.context}] if block.context else []),
    ]


def _document_text(block: Block, source: Source, where: str, said: Said) -> list[Json]:
    """A text document: its words, under its title."""
    if source.type == "text":
        inner: list[Json] = [{"type": "text", "text": source.data or ""}]
    elif isinstance(source.content, str):
        inner = [{"type": "text", "text": source.content}]
    else:
        content = source.content or []
        inner = [part for one in content for part in _part(one, f"{where}.source.content", said)]
    head = [text for text in (block.title, block.context) if text]
    return [{"type": "text", "text": "\n".join(head)}, *inner] if head else inner


def _search_result(block: Block, where: str, said: Said) -> list[Json]:
    said.untranslated.add("messages.search_result")
    inner = _inside(block.content, where)
    texts = [inner] if isinstance(inner, str) else [one.text or "" for one in inner]
    source = block.source if isinstance(block.source, str) else ""
    text = "\n".join([block.title or "", source, *texts])
    return [{"type": "text", "text": text}]


def _source(block: Block, where: str) -> Source:
    if not isinstance(block.source, Source):
        text = f"{where}.source: say where it is. Nothing was charged."
        raise Invalid(text, param=f"{where}.source")
    if block.source.type == "file":
        raise _no_files(f"{where}.source")
    return block.source


def _address(source: Source, where: str) -> str:
    """A data URL, or the address."""
    if source.type == "url" and source.url:
        return source.url
    if source.type == "base64" and source.data and source.media_type:
        return f"data:{source.media_type};base64,{source.data}"
    text = f"{where}.source: needs media_type and data, or a url. Nothing was charged."
    raise Invalid(text, param=f"{where}.source")


def _no_files(where: str) -> Invalid:
    text = f"{where}: AllToken keeps no files; send the content itself. Nothing was charged."
    return Invalid(text, param=where)


PARTS: dict[str, Callable[[Block, str, Said], list[Json]]] = {
    "text": _text,
    "image": _image,
    "document": _document,
    "search_result": _search_result,
}


def tools(found: Sequence[Tool]) -> Tools:
    """The caller's own tools as functions, web search as an option, others by name.

    Raises:
        Invalid: A tool that Anthropic runs at a price nobody sells here.
    """
    said = Tools()
    functions: list[Json] = []
    for index, tool in enumerate(found):
        kind = tool.type or "custom"
        if kind == "custom":
            functions.append(_function(tool, f"tools[{index}]"))
        elif kind.startswith(known.SEARCH_TOOL):
            said.fields["web_search_options"] = _search(tool)
            said.searches += tool.max_uses or known.SEARCHES
            said.limited = said.limited or tool.max_uses is None
        elif kind.startswith(known.NATIVE_TOOLS):
            said.untranslated.add(f"tools.{kind}")
        else:
            where = f"tools[{index}].type"
            text = f"{where}: {kind[:64]!r} is not offered here. Nothing was charged."
            raise Invalid(text, param=where)
    if functions:
        said.fields["tools"] = functions
    return said


def _function(tool: Tool, where: str) -> Json:
    if not tool.name or tool.input_schema is None:
        text = f"{where}: a tool has a name and an input_schema. Nothing was charged."
        raise Invalid(text, param=where)
    function: Json = {"name": tool.name}
    if tool.description is not None:
        function["description"] = tool.description
    function["parameters"] = tool.input_schema
    if tool.strict is not None:
        function["strict"] = tool.strict
    found: Json = {"type": "function", "function": function}
    if tool.cache_control != NULL:
        found["cache_control"] = tool.cache_control
    return found


def _search(tool: Tool) -> Json:
    found: Json = {}
    if tool.user_location:
        place = {name: value for name, value in tool.user_location.items() if name != "type"}
        found["user_location"] = {"type": "approximate", "approximate": place}
    for name in ("allowed_domains", "blocked_domains"):
        if (value := getattr(tool, name)) is not None:
            found[name] = value
    return found | {"max_uses": tool.max_uses or known.SEARCHES}
