"""From the bytes of a Responses request to a call: the caller's own fields, and the common form."""

from typing import Any

import msgspec

from alltoken_app.api import parse
from alltoken_app.api.parse import Parsed
from alltoken_app.api.responses import fields as known
from alltoken_app.api.responses.fields import (
    NULL,
    SEARCHES,
    Format,
    Reasoning,
    ResponsesFields,
    Tool,
    ToolChoice,
)
from alltoken_app.api.responses.items import KEPT_ELSEWHERE, Conversation, hosted
from alltoken_app.errors import Invalid
from alltoken_app.providers.base import Call, Usage
from alltoken_app.routing.preferences import Preferences

Json = dict[str, Any]

LOGPROBS = "message.output_text.logprobs"
MET = frozenset({"reasoning.encrypted_content", LOGPROBS})  # what `include` may ask of any model

_request = msgspec.json.Decoder(ResponsesFields, strict=True)
_encode = msgspec.json.Encoder().encode


def responses(body: bytes, content_type: str, *, strict: bool) -> Parsed:
    """Parse a request.

    Raises:
        Invalid: `param` names the field; nothing was charged. `stateless_only` where something
            would have to be kept, `unsupported_tool` for tools that run at a provider.
        NotFound: The model's name cannot be one.
    """
    found = parse.document(body, content_type)
    fields = parse.decode(_request, body)
    strict = strict or bool(fields.alltoken and fields.alltoken.strict)
    warnings = parse.unknown(found, known.NATIVE | known.ADDED | known.OURS, strict=strict)
    warnings += _refuse_state(found, fields, strict=strict)
    if bytes(fields.input) in (b"null", b'""', b"[]"):
        raise Invalid("input is missing or empty. Nothing was charged.", param="input")
    call = parse.steered(_call(found, fields, len(body)), found)
    wishes = fields.provider or Preferences()
    return Parsed(call, wishes, strict, warnings, fields.user, fields.alltoken)


def _call(found: dict[str, msgspec.Raw], fields: ResponsesFields, size: int) -> Call:
    talk = Conversation(fields.input, fields.instructions)
    given = _beyond_defaults(found)
    wanted = _Wanted(given, fields)
    common = parse.forwarded(given, known.ADDED.union(known.SAME)) | wanted.common()
    common["messages"] = msgspec.Raw(_encode(talk.messages))
    native = parse.forwarded(found, known.NATIVE) | {"input": talk.native}
    if wanted.searches:
        native["max_tool_calls"] = msgspec.Raw(str(wanted.searches).encode())
    return Call(
        operation="chat",
        model=parse.slug(fields.model),
        fields=common,
        stream=bool(fields.stream),
        max_output=fields.max_output_tokens,
        size=size,
        inputs=talk.count + len(fields.tools or ()) + bool(fields.instructions),
        modalities=frozenset(talk.modalities),
        dialect="responses",
        native=native,
        known=Usage(searches=wanted.searches),
        untranslated=parse.names(talk.untranslated | wanted.untranslated),
    )


def _refuse_state(
    found: dict[str, msgspec.Raw], fields: ResponsesFields, *, strict: bool
) -> tuple[str, ...]:
    """Refuse what needs something kept; `store` alone is a wish that is not granted."""
    for name in known.STORED:
        if found.get(name, NULL) != NULL:
            text = KEPT_ELSEWHERE.format(where=name, what="it")
            raise Invalid(text, code="stateless_only", param=name)
    if fields.background:
        text = "background: AllToken keeps no answers to be fetched later. Nothing was charged."
        raise Invalid(text, code="stateless_only", param="background")
    if fields.store and strict:
        text = "store: AllToken keeps no answers. Leave it out. Nothing was charged."
        raise Invalid(text, code="stateless_only", param="store")
    return ("unsupported_parameter:store",) if fields.store else ()


def _beyond_defaults(found: dict[str, msgspec.Raw]) -> dict[str, msgspec.Raw]:
    """The fields that say more than what holds anyway: nobody need go elsewhere for the others."""
    return {
        name: value
        for name, value in found.items()
        if bytes(value) not in known.DEFAULTS.get(name, ()) and value != NULL
    }


class _Wanted:
    """What a request asks for beside its input, translated."""

    def __init__(self, found: dict[str, msgspec.Raw], fields: ResponsesFields) -> None:
        self._fields = fields
        self.untranslated: set[str] = set()
        self._search: Json | None = None
        self._tools = self._read_tools(fields.tools or [])
        self.searches = (fields.max_tool_calls or SEARCHES) if self._search is not None else 0
        self.untranslated |= {name for name in known.UNTRANSLATED if name in found}
        self.untranslated |= {f"include.{name[:64]}" for name in fields.include or ()
                              if name not in MET}  # fmt: skip

    def common(self) -> dict[str, msgspec.Raw]:
        """Fields of the common form."""
        fields = self._fields
        made: Json = {}
        if fields.text and fields.text.format and fields.text.format.type != "text":
            made["response_format"] = _format(fields.text.format)
        if fields.text and fields.text.verbosity:
            made["verbosity"] = fields.text.verbosity
        made |= self._choice(fields.tool_choice)
        if self._tools:
            made["tools"] = self._tools
        if self._search is not None:
            made["web_search_options"] = self._search
        if fields.reasoning:
            made |= self._reasoning(fields.reasoning)
        if fields.top_logprobs or LOGPROBS in (fields.include or ()):
            made["logprobs"] = True
        return {name: msgspec.Raw(_encode(value)) for name, value in made.items()}

    def _read_tools(self, tools: list[Tool]) -> list[Json]:
        made: list[Json] = []
        for place, tool in enumerate(tools):
            where = f"tools[{place}]"
            if tool.type in ("function", "custom"):
                made.append(_tool(tool, where))
            elif tool.type.startswith("web_search"):
                self._search = self._searching(tool)
            elif tool.type in known.FREE_TOOLS or _local_shell(tool):
                self.untranslated.add(f"tools.{tool.type}")
            else:
                raise hosted(tool.type, f"{where}.type")
        return made

    def _searching(self, tool: Tool) -> Json:
        if tool.filters != NULL:
            self.untranslated.add("tools.web_search.filters")
        made: Json = {}
        if tool.search_context_size:
            made["search_context_size"] = tool.search_context_size
        if tool.user_location:
            place = {name: value for name, value in tool.user_location.items()
                     if name != "type" and value is not None}  # fmt: skip
            made["user_location"] = {"type": "approximate", "approximate": place}
        return made

    def _choice(self, choice: str | ToolChoice | None) -> Json:
        if choice is None or isinstance(choice, str):
            return {"tool_choice": choice} if choice not in (None, "auto") else {}
        if choice.type in ("function", "custom"):
            return {"tool_choice": {"type": choice.type, choice.type: {"name": choice.name}}}
        if choice.type == "allowed_tools":
            allowed = {(tool.type, tool.name) for tool in choice.tools or ()}
            self._tools = [t for t in self._tools if (t["type"], t[t["type"]]["name"]) in allowed]
            return {"tool_choice": choice.mode or "auto"} if self._tools else {}
        self.untranslated.add("tool_choice")
        return {}

    def _reasoning(self, wish: Reasoning) -> Json:
        if wish.context not in (None, "auto"):
            self.untranslated.add("reasoning.context")
        if wish.mode not in (None, "standard"):
            self.untranslated.add("reasoning.mode")
        summary = wish.summary or wish.generate_summary
        if not summary:
            return {"reasoning_effort": wish.effort} if wish.effort else {}
        return {
            "reasoning": {"summary": summary, **({"effort": wish.effort} if wish.effort else {})}
        }


def _format(wanted: Format) -> Json:
    if wanted.type != "json_schema":
        return {"type": wanted.type}
    if wanted.schema == NULL or not wanted.name:
        raise Invalid("text.format: a json_schema has a name and a schema.", param="text.format")
    schema: Json = {"name": wanted.name, "schema": wanted.schema}
    if wanted.description is not None:
        schema["description"] = wanted.description
    if wanted.strict is not None:
        schema["strict"] = wanted.strict
    return {"type": "json_schema", "json_schema": schema}


def _tool(tool: Tool, where: str) -> Json:
    if not tool.name:
        raise Invalid(f"{where}.name: is missing. Nothing was charged.", param=f"{where}.name")
    made: Json = {"name": tool.name}
    if tool.description is not None:
        made["description"] = tool.description
    if tool.type == "custom":
        if tool.format is not None:
            made["format"] = _grammar(tool.format)
        return {"type": "custom", "custom": made}
    if tool.parameters != NULL:
        made["parameters"] = tool.parameters
    if tool.strict is not None:
        made["strict"] = tool.strict
    return {"type": "function", "function": made}


def _grammar(wanted: Json) -> Json:
    if wanted.get("type") != "grammar":
        return {"type": "text"}
    rest = {name: value for name, value in wanted.items() if name != "type"}
    return {"type": "grammar", "grammar": rest}


def _local_shell(tool: Tool) -> bool:
    """A shell at the caller's; the provider's own containers cost by the hour."""
    return tool.type == "shell" and (tool.environment or {}).get("type") == "local"
