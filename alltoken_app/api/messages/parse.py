"""From the bytes of a Messages request to a call: strict types, the caller's bytes kept."""

from typing import Annotated, Any, Literal

import msgspec

from alltoken_app.api import parse
from alltoken_app.api.http import encode
from alltoken_app.api.messages import convert
from alltoken_app.api.messages import fields as known
from alltoken_app.api.messages.blocks import Block, MessageIn, Tool
from alltoken_app.api.parse import Count, Extension, Parsed, Share, Slug
from alltoken_app.errors import Invalid
from alltoken_app.providers.base import Call, Usage
from alltoken_app.routing.preferences import Preferences

NULL = msgspec.Raw(b"null")
MAX_TOOLS = 512
MAX_MESSAGES = 10_000  # an agent's day of work


class ToolChoice(msgspec.Struct):
    """Which tools may be called."""

    type: Literal["auto", "any", "tool", "none"]
    name: str | None = None
    disable_parallel_tool_use: bool | None = None


class Thinking(msgspec.Struct):
    """Whether and how long to think."""

    type: Literal["enabled", "disabled", "adaptive", "between_tools"]
    budget_tokens: Annotated[int, msgspec.Meta(ge=1_024, le=2**31 - 1)] | None = None
    display: Literal["summarized", "omitted"] | None = None


class OutputFormat(msgspec.Struct):
    """The schema of the answer."""

    type: Literal["json_schema"]
    schema: dict[str, Any]


class OutputConfig(msgspec.Struct):
    """How much effort the answer may take, and its format."""

    effort: Literal["low", "medium", "high", "xhigh", "max"] | None = None
    format: OutputFormat | None = None
    task_budget: dict[str, Any] | None = None


class Metadata(msgspec.Struct):
    """Whose request it is."""

    user_id: Annotated[str, msgspec.Meta(max_length=512)] | None = None


class MessagesFields(msgspec.Struct):
    """The fields of a Messages request. Null counts as absent."""

    model: Slug
    messages: Annotated[list[MessageIn], msgspec.Meta(min_length=1, max_length=MAX_MESSAGES)]
    max_tokens: Count
    system: str | list[Block] | None = None
    metadata: Metadata | None = None
    stop_sequences: Annotated[list[str], msgspec.Meta(max_length=8_192)] | None = None
    stream: bool | None = None
    temperature: Share | None = None
    top_p: Share | None = None
    top_k: Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)] | None = None
    tools: Annotated[list[Tool], msgspec.Meta(max_length=MAX_TOOLS)] | None = None
    tool_choice: ToolChoice | None = None
    thinking: Thinking | None = None
    output_config: OutputConfig | None = None
    output_format: OutputFormat | None = None
    service_tier: Literal["auto", "standard_only"] | None = None
    cache_control: dict[str, Any] | None = None
    context_management: dict[str, Any] | None = None
    mcp_servers: list[dict[str, Any]] | None = None
    provider: Preferences | None = None
    alltoken: Extension | None = None


class CountFields(MessagesFields, kw_only=True):
    """The fields of a request to count tokens: as above, without a bound."""

    max_tokens: Count | None = None  # type: ignore[assignment]


_fields = msgspec.json.Decoder(MessagesFields, strict=True)
_tools = msgspec.json.Decoder(list[dict[str, msgspec.Raw]])
_count = msgspec.json.Decoder(CountFields, strict=True)


def messages(body: bytes, content_type: str, headers: dict[str, str], *, strict: bool) -> Parsed:
    """Parse a Messages request; `headers` are those of the dialect, by lower-case name.

    Raises:
        Invalid: `param` names the field; nothing was charged.
        NotFound: The model's name cannot be one.
    """
    found = parse.document(body, content_type)
    fields = parse.decode(_fields, body)
    strict = strict or bool(fields.alltoken and fields.alltoken.strict)
    warnings = parse.unknown(found, known.FORWARDED | known.OURS | known.UNSOLD, strict=strict)
    betas, dropped = _betas(headers.get("anthropic-beta", ""))
    warnings += _unsold(found, dropped, strict=strict)
    said = convert.conversation(fields.system, fields.messages)
    tools = convert.tools(fields.tools or [])
    common = {"messages": said.messages, **tools.fields, **_parameters(fields)}
    native = {} if said.foreign else parse.forwarded(found, known.FORWARDED)
    if tools.limited and native:
        native["tools"] = _limited(native["tools"])
    call = Call(
        operation="chat",
        model=parse.slug(fields.model),
        fields={name: msgspec.Raw(encode(value)) for name, value in common.items()},
        stream=bool(fields.stream),
        max_output=fields.max_tokens,
        size=len(body),
        inputs=len(fields.messages) + len(fields.tools or ()),
        modalities=said.modalities,
        dialect="messages",
        native=native,
        headers=_forwarded_headers(headers, betas),
        known=Usage(searches=tools.searches),
        session=_session(fields.metadata),
        untranslated=_untranslated(fields, said.untranslated | tools.untranslated),
    )
    user = fields.metadata.user_id if fields.metadata else None
    call = parse.steered(call, found)
    wishes = fields.provider or Preferences()
    return Parsed(call, wishes, strict, warnings, user, fields.alltoken)


def to_count(body: bytes, content_type: str) -> CountFields:
    """Parse a request to count tokens. Raises as `messages`."""
    parse.document(body, content_type)
    fields = parse.decode(_count, body)
    parse.slug(fields.model)
    return fields


def _limited(raw: msgspec.Raw) -> msgspec.Raw:
    """The tools as they are, with the bound on searches that the hold is made of."""
    found = _tools.decode(raw)
    for tool in found:
        kind = msgspec.json.decode(tool.get("type", NULL))
        given = tool.get("max_uses", NULL)
        if str(kind).startswith(known.SEARCH_TOOL) and given == NULL:
            tool["max_uses"] = msgspec.Raw(str(known.SEARCHES).encode())
    return msgspec.Raw(encode(found))


def _session(metadata: Metadata | None) -> str:
    """Claude Code names its session inside the user's id."""
    said = (metadata.user_id if metadata else None) or ""
    return said[-256:] if "session" in said else ""


def _betas(said: str) -> tuple[str, list[str]]:
    """Beta names that go upstream, and those that do not."""
    names = [name.strip() for name in said.split(",") if name.strip()]
    kept = [name for name in names if name.startswith(known.BETAS)]
    return ",".join(kept), [name for name in names if name not in kept]


def _unsold(found: dict[str, msgspec.Raw], betas: list[str], *, strict: bool) -> tuple[str, ...]:
    names = sorted(name for name in found.keys() & known.UNSOLD if found[name] != NULL)
    if b"compact_" in bytes(found.get("context_management", b"")):
        text = "context_management: compaction is not offered here. Nothing was charged."
        raise Invalid(text, param="context_management")
    if strict and (names or betas):
        param = names[0] if names else "anthropic-beta"
        text = f"{param}: {(names or betas)[0][:64]!r} is not offered here. Nothing was charged."
        raise Invalid(text, code="unsupported_parameter", param=param)
    shown = [f"unsupported_parameter:{name}" for name in names]
    return (*shown, *(f"unsupported_beta:{parse.printable(name)}" for name in betas[:16]))


def _forwarded_headers(headers: dict[str, str], betas: str) -> tuple[tuple[str, str], ...]:
    found = {"anthropic-version": headers.get("anthropic-version", ""), "anthropic-beta": betas}
    return tuple((name, value) for name, value in found.items() if value)


def _untranslated(fields: MessagesFields, found: set[str]) -> tuple[str, ...]:
    found |= {name for name in known.NATIVE_ONLY if getattr(fields, name)}
    if fields.output_config and fields.output_config.task_budget:
        found.add("output_config.task_budget")
    return parse.names(found)


def _parameters(fields: MessagesFields) -> dict[str, Any]:
    """Everything but messages and tools, in the common form."""
    config = fields.output_config or OutputConfig()
    wanted = config.format or fields.output_format
    found: dict[str, Any] = {
        "temperature": fields.temperature,
        "top_p": fields.top_p,
        "top_k": fields.top_k,
        "stop": fields.stop_sequences or None,
        "user": fields.metadata.user_id if fields.metadata else None,
        "cache_control": fields.cache_control,
        "reasoning": _reasoning(fields.thinking, config.effort),
        "response_format": _response_format(wanted) if wanted else None,
    }
    if fields.tool_choice is not None:
        found["tool_choice"] = _choice(fields.tool_choice)
        found["parallel_tool_calls"] = (
            False if fields.tool_choice.disable_parallel_tool_use else None
        )
    return {name: value for name, value in found.items() if value is not None}


def _reasoning(thinking: Thinking | None, effort: str | None) -> dict[str, Any] | None:
    """The wish to reason; Anthropic's "disabled" says no more than silence does."""
    if thinking is not None and thinking.type == "disabled":
        return None
    if thinking is None:
        return {"effort": effort} if effort else None
    found: dict[str, Any] = {"enabled": True}
    if effort:
        found["effort"] = effort
    if thinking.budget_tokens:
        found["max_tokens"] = thinking.budget_tokens
    if thinking.display == "omitted":
        found["exclude"] = True
    return found


def _response_format(wanted: OutputFormat) -> dict[str, Any]:
    schema = {"name": "answer", "strict": True, "schema": wanted.schema}
    return {"type": "json_schema", "json_schema": schema}


def _choice(choice: ToolChoice) -> str | dict[str, Any]:
    if choice.type == "tool":
        if not choice.name:
            text = "tool_choice.name: name the tool. Nothing was charged."
            raise Invalid(text, param="tool_choice.name")
        return {"type": "function", "function": {"name": choice.name}}
    return {"auto": "auto", "any": "required", "none": "none"}[choice.type]
