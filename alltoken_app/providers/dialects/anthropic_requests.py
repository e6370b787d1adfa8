"""From the common form to the body of a Messages request.

Each message becomes the same bytes on every turn, so that a cached prefix stays one.
"""

from typing import Any

import msgspec

from alltoken_app.providers.base import Call, Unfit
from alltoken_app.providers.dialects import anthropic_content, anthropic_schemas
from alltoken_app.providers.dialects.anthropic_content import Block
from alltoken_app.providers.dialects.anthropic_models import Traits
from alltoken_app.providers.dialects.anthropic_parameters import Parameters

NULL = msgspec.Raw(b"null")
FORMAT = "anthropic-claude-v1"
EMPTY_SCHEMA = msgspec.Raw(b'{"type":"object","properties":{}}')
WEB_SEARCH = {"type": "web_search_20250305", "name": "web_search"}
FOLDED = ("<system>\n", "\n</system>")

Turn = tuple[str, list[Block]]


class Function(msgspec.Struct):
    name: str = ""
    arguments: str | None = None


class ToolCall(msgspec.Struct):
    id: str = ""
    function: Function = msgspec.field(default_factory=Function)
    cache_control: msgspec.Raw = NULL


class Detail(msgspec.Struct):
    """One reasoning detail; signatures are opaque."""

    type: str = ""
    text: str | None = None
    signature: str | None = None
    data: str | None = None
    format: str | None = None
    index: int | None = None


class Message(msgspec.Struct):
    role: str
    content: msgspec.Raw = NULL
    tool_calls: list[ToolCall] | None = None
    tool_call_id: str | None = None
    reasoning_details: list[Detail] | None = None
    cache_control: msgspec.Raw = NULL
    is_error: bool | None = None


class FunctionTool(msgspec.Struct):
    name: str
    description: msgspec.Raw = NULL
    parameters: msgspec.Raw = NULL
    strict: bool | None = None
    cache_control: msgspec.Raw = NULL


class Tool(msgspec.Struct):
    type: str = "function"
    function: FunctionTool | None = None
    cache_control: msgspec.Raw = NULL


class Place(msgspec.Struct):
    approximate: dict[str, Any] = {}


class Search(msgspec.Struct):
    """`web_search_options`."""

    user_location: Place | None = None
    max_uses: int | None = None
    allowed_domains: list[str] | None = None
    blocked_domains: list[str] | None = None


_messages = msgspec.json.Decoder(list[Message])
_tools = msgspec.json.Decoder(list[Tool])
_search = msgspec.json.Decoder(Search)
_schema = msgspec.json.Decoder(dict[str, Any])
_object = msgspec.json.Decoder(dict[str, msgspec.Raw])


def body(call: Call, traits: Traits, max_output: int, *, urls: bool) -> dict[str, Any]:
    """The request's body without model, version and stream.

    Raises:
        Unfit: Something in it cannot be said.
    """
    parameters = Parameters(call.fields, traits, max_output)
    system, turns = _conversation(call, traits, urls=urls)
    if parameters.instruction:
        system.append({"type": "text", "text": parameters.instruction})
    if not _goes_on(turns):
        parameters.think_no_more()
    found = parameters.body | {"messages": [{"role": r, "content": c} for r, c in turns]}
    if system:
        found["system"] = system
    tools = _tool_list(call.fields, traits)
    if tools:
        found["tools"] = tools
    return found


def _conversation(call: Call, traits: Traits, *, urls: bool) -> tuple[list[Block], list[Turn]]:
    """System blocks, and turns that alternate."""
    try:
        messages = _messages.decode(call.fields.get("messages", b"[]"))
    except ValueError:
        raise Unfit("messages: their parts cannot be read.", "messages") from None
    system: list[Block] = []
    turns: list[Turn] = []
    for index, message in enumerate(messages):
        found = _blocks(message, f"messages[{index}]", urls=urls)
        if message.role not in ("system", "developer"):
            _add(turns, "assistant" if message.role == "assistant" else "user", found)
        elif not turns:
            system += found
        elif traits.system_turns:
            _add(turns, "system", found)
        else:
            _add(turns, "user", _folded(found))  # moved up it would undo the cached prefix
    if not turns and system:
        turns, system = [("user", system)], []
    for _, blocks in turns:
        blocks.sort(key=lambda block: block["type"] != "tool_result")  # results come first
    _trim_last(turns)
    return system, turns


def _add(turns: list[Turn], role: str, blocks: list[Block]) -> None:
    if turns and turns[-1][0] == role:
        turns[-1][1].extend(blocks)
    elif blocks:
        turns.append((role, list(blocks)))


def _folded(blocks: list[Block]) -> list[Block]:
    """System text where a model takes none: marked, in the place where it stood."""
    before, after = FOLDED
    for block in (block for block in blocks if block["type"] == "text"):
        block["text"] = before + block["text"] + after
    return blocks


def _trim_last(turns: list[Turn]) -> None:
    """An answer to go on from must not end in white space."""
    if not turns or turns[-1][0] != "assistant":
        return
    last = turns[-1][1][-1]
    if last["type"] == "text":
        last["text"] = last["text"].rstrip()


def _goes_on(turns: list[Turn]) -> bool:
    """Whether thinking can go on: an open tool turn must begin with what was thought in it."""
    for role, blocks in reversed(turns):
        if role == "assistant":
            called = any(block["type"] == "tool_use" for block in blocks)
            return not called or blocks[0]["type"] in ("thinking", "redacted_thinking")
        if role == "user" and all(block["type"] != "tool_result" for block in blocks):
            return True
    return True


def _blocks(message: Message, where: str, *, urls: bool) -> list[Block]:
    found = anthropic_content.blocks(message.content, f"{where}.content", urls=urls)
    if message.role in ("tool", "function"):
        result: Block = {
            "type": "tool_result",
            "tool_use_id": anthropic_content.tool_id(message.tool_call_id or ""),
        }
        marks = [block.pop("cache_control") for block in found if "cache_control" in block]
        if found:
            result["content"] = found
        if message.is_error:
            result["is_error"] = True
        return [_marked(result, marks[-1] if marks else message.cache_control)]
    if message.role == "assistant":
        calls = [_tool_use(call, where) for call in message.tool_calls or ()]
        found = _thoughts(message.reasoning_details or []) + found + calls
    if found and message.cache_control != NULL:
        _marked(found[-1], message.cache_control)
    return found


def _marked(block: Block, mark: msgspec.Raw) -> Block:
    if mark != NULL:
        block["cache_control"] = mark
    return block


def _tool_use(call: ToolCall, where: str) -> Block:
    said = (call.function.arguments or "").strip() or "{}"
    try:
        _object.decode(said)
        given: Any = msgspec.Raw(said.encode())
    except ValueError:
        given = {"arguments": said}  # the model wrote no object: it must see what it wrote
    if not call.function.name:
        raise Unfit(f"{where}.tool_calls: a call has no name.", f"{where}.tool_calls")
    block: Block = {
        "type": "tool_use",
        "id": anthropic_content.tool_id(call.id),
        "name": call.function.name,
        "input": given,
    }
    return _marked(block, call.cache_control)


def _thoughts(details: list[Detail]) -> list[Block]:
    """Thinking blocks; one whose signature is missing or another maker's is refused upstream."""
    found: list[Block] = []
    text: list[str] = []
    at: int | None = None
    for detail in details:
        if detail.format not in (None, FORMAT):
            continue
        if detail.type == "reasoning.encrypted" and detail.data:
            found.append({"type": "redacted_thinking", "data": detail.data})
        if detail.type != "reasoning.text":
            continue
        if detail.index != at:
            text, at = [], detail.index
        text.append(detail.text or "")
        if detail.signature:
            block = {"thinking": "".join(text), "signature": detail.signature}
            found.append({"type": "thinking", **block})
            text = []
    return found


def _tool_list(fields: dict[str, msgspec.Raw], traits: Traits) -> list[Block]:
    try:
        tools = _tools.decode(fields.get("tools", b"[]"))
        search = _search.decode(fields["web_search_options"]) if _searches(fields) else None
    except ValueError:
        raise Unfit("tools: they cannot be read.", "tools") from None
    found = [_tool(tool, f"tools[{index}]", traits) for index, tool in enumerate(tools)]
    if search is not None:
        found.append(_web_search(search))
    return found


def _searches(fields: dict[str, msgspec.Raw]) -> bool:
    return fields.get("web_search_options", NULL) != NULL


def _tool(tool: Tool, where: str, traits: Traits) -> Block:
    function = tool.function
    if function is None:
        raise Unfit(f"{where}: this model takes functions only.", where)
    strict = bool(function.strict and traits.schemas)
    found: Block = {"name": function.name}
    if function.description != NULL:
        found["description"] = function.description
    found["input_schema"] = _input_schema(function.parameters, where, strict=strict)
    if strict:
        found["strict"] = True
    mark = tool.cache_control if tool.cache_control != NULL else function.cache_control
    return _marked(found, mark)


def _input_schema(raw: msgspec.Raw, where: str, *, strict: bool) -> Any:
    if bytes(raw) in (b"null", b"{}"):
        return EMPTY_SCHEMA
    try:
        schema = _schema.decode(raw)
    except ValueError:
        raise Unfit(f"{where}: its parameters are no schema.", where) from None
    if strict:
        return anthropic_schemas.normalised(schema)
    return raw if schema.get("type") == "object" else schema | {"type": "object"}


def _web_search(search: Search) -> Block:
    found: Block = dict(WEB_SEARCH)
    if search.user_location and search.user_location.approximate:
        found["user_location"] = {**search.user_location.approximate, "type": "approximate"}
    for name in ("max_uses", "allowed_domains", "blocked_domains"):
        if (value := getattr(search, name)) is not None:
            found[name] = value
    return found
