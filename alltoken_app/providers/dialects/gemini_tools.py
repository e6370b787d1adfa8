"""Tools and the choice among them, in Gemini's words.

Wire format: https://ai.google.dev/api/caching#Tool
"""

from typing import Any

import msgspec

from alltoken_app.providers.dialects import gemini_schema
from alltoken_app.providers.dialects.gemini_models import Traits

Fields = dict[str, msgspec.Raw]
MODES = {"auto": "AUTO", "none": "NONE", "required": "ANY"}


class Function(msgspec.Struct):
    name: str
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class Tool(msgspec.Struct):
    type: str = "function"
    function: Function | None = None


class Named(msgspec.Struct):
    name: str


class Allowed(msgspec.Struct):
    mode: str = "auto"
    tools: list[Tool] = []


class Choice(msgspec.Struct):
    """A choice that names tools."""

    type: str = "function"
    function: Named | None = None
    allowed_tools: Allowed | None = None


_tools = msgspec.json.Decoder(list[Tool])
_choice = msgspec.json.Decoder(str | Choice)


def functions(fields: Fields) -> list[Function]:
    """The functions among the tools. Raises ValueError."""
    if "tools" not in fields:
        return []
    return [tool.function for tool in _tools.decode(fields["tools"]) if tool.function]


def other_kinds(fields: Fields) -> bool:
    """Whether there are tools that are not functions. Raises ValueError."""
    return "tools" in fields and any(not tool.function for tool in _tools.decode(fields["tools"]))


def build(fields: Fields, traits: Traits) -> dict[str, Any]:
    """`tools` and `toolConfig` of a request; neither when nothing was asked for.

    Raises:
        ValueError: A tool or the choice is not what it should be.
    """
    declared = functions(fields)
    searching = "web_search_options" in fields
    tools: list[dict[str, Any]] = []
    if declared:
        tools.append({"functionDeclarations": [_declaration(function) for function in declared]})
    if searching:
        tools.append({"googleSearch": {}})
    config = _config(fields, declared, traits) if declared else {}
    if declared and searching:
        config["includeServerSideToolInvocations"] = True
    built: dict[str, Any] = {"tools": tools} if tools else {}
    return built | ({"toolConfig": config} if config else {})


def _declaration(function: Function) -> dict[str, Any]:
    declared: dict[str, Any] = {"name": function.name}
    if function.description:
        declared["description"] = function.description
    parameters = gemini_schema.normal(function.parameters or {})
    if parameters.get("properties") or len(parameters.keys() - {"type", "properties"}) > 0:
        declared["parametersJsonSchema"] = parameters
    return declared


def _config(fields: Fields, declared: list[Function], traits: Traits) -> dict[str, Any]:
    if "tool_choice" in fields:
        mode, names = _wanted(_choice.decode(fields["tool_choice"]))
    else:
        mode, names = "AUTO", []
    held = names or all(function.strict for function in declared)
    if mode == "AUTO" and held and traits.generation >= (2, 5):
        mode = "VALIDATED"  # keeps to the schemas, and is the one lenient mode that takes names
    if mode == "AUTO":
        return {}
    calling: dict[str, Any] = {"mode": mode}
    if names:
        calling["allowedFunctionNames"] = names
    return {"functionCallingConfig": calling}


def _wanted(choice: str | Choice) -> tuple[str, list[str]]:
    """Mode and names."""
    if isinstance(choice, str):
        return MODES.get(choice, "AUTO"), []
    if choice.allowed_tools is not None:
        allowed = choice.allowed_tools
        return MODES.get(allowed.mode, "AUTO"), [
            t.function.name for t in allowed.tools if t.function
        ]
    return ("ANY", [choice.function.name]) if choice.function else ("AUTO", [])
