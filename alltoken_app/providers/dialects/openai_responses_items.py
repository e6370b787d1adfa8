"""A call in the common form as a request of the Responses API: messages to items, tools, formats.

Wire format: https://platform.openai.com/docs/api-reference/responses/create
"""

from collections.abc import Iterator
from typing import Any

import msgspec

from alltoken_app.providers.base import Unfit
from alltoken_app.providers.dialects import openai_reasoning

Json = dict[str, Any]

_messages = msgspec.json.Decoder(list[Json])
_list = msgspec.json.Decoder(list[Json])
_any = msgspec.json.Decoder()
_encode = msgspec.json.Encoder().encode

# What passes under the name it has.
SAME = (
    "temperature", "top_p", "top_logprobs", "parallel_tool_calls", "metadata", "user",
    "safety_identifier", "service_tier", "prompt_cache_key",
)  # fmt: skip
TRUE = msgspec.Raw(b"true")
ENCRYPTED = "reasoning.encrypted_content"
LOGPROBS = "message.output_text.logprobs"


def body(fields: dict[str, msgspec.Raw], *, thinks: bool) -> Json:
    """The request's body without model, bounds and stream.

    Args:
        thinks: The model reasons, and its reasoning can come back encrypted.

    Raises:
        Unfit: A message has a part that no item can carry.
    """
    made: Json = {name: fields[name] for name in SAME if name in fields}
    made["input"] = list(_input(_messages.decode(fields["messages"])))
    text = _text(fields)
    if text:
        made["text"] = text
    tools = _tools(fields)
    if tools:
        made["tools"] = tools
    if "tool_choice" in fields:
        made["tool_choice"] = _tool_choice(_any.decode(fields["tool_choice"]))
    reasoning = _reasoning(fields)
    if reasoning:
        made["reasoning"] = reasoning
    wanted = [LOGPROBS] if fields.get("logprobs") == TRUE else []
    if thinks:
        wanted.append(ENCRYPTED)
    if wanted:
        made["include"] = wanted
    return made


def _input(messages: list[Json]) -> Iterator[Json]:
    custom: set[str] = set()  # ids of calls of tools that take free text
    for place, message in enumerate(messages):
        where = f"messages[{place}].content"
        role, content = message.get("role"), message.get("content")
        if role == "assistant":
            yield from _assistant(message, where, custom)
        elif role in ("tool", "function"):
            call_id = message.get("tool_call_id") or message.get("name") or ""
            kind = "custom_tool_call_output" if call_id in custom else "function_call_output"
            yield {"type": kind, "call_id": call_id, "output": _given(content, where)}
        else:
            yield {"role": role, "content": _given(content, where)}


def _assistant(message: Json, where: str, custom: set[str]) -> Iterator[Json]:
    for item in openai_reasoning.items(message.get("reasoning_details") or ()):
        if item.get("encrypted_content") or item.get("content"):
            yield item  # a summary alone tells a model nothing, and its id is kept nowhere
    said = _said(message, where)
    if isinstance(said, list):
        yield {"type": "message", "role": "assistant", "status": "completed", "content": said}
    elif said:
        yield {"role": "assistant", "content": said}
    for call in message.get("tool_calls") or ():
        yield _call(call, custom)


def _said(message: Json, where: str) -> str | list[Json]:
    content, refusal = message.get("content"), message.get("refusal")
    if not refusal and not isinstance(content, list):
        return content or ""
    parts = content if isinstance(content, list) else [{"type": "text", "text": content or ""}]
    if not refusal and all(part.get("type") == "text" for part in parts):
        return "".join(part.get("text") or "" for part in parts)
    made: list[Json] = []
    for part in parts:
        if part.get("type") == "refusal":
            made.append({"type": "refusal", "refusal": part.get("refusal") or ""})
        elif part.get("type") != "text":
            raise Unfit(f"{where}: an assistant's message holds text only here.", where)
        elif part.get("text"):
            made.append({"type": "output_text", "text": part["text"], "annotations": []})
    if refusal:
        made.append({"type": "refusal", "refusal": refusal})
    return made


def _call(call: Json, custom: set[str]) -> Json:
    call_id = call.get("id") or ""
    if call.get("type") == "custom":
        custom.add(call_id)
        tool = call.get("custom") or {}
        return {"type": "custom_tool_call", "call_id": call_id, "name": tool.get("name") or "",
                "input": tool.get("input") or ""}  # fmt: skip
    tool = call.get("function") or {}
    return {"type": "function_call", "call_id": call_id, "name": tool.get("name") or "",
            "arguments": tool.get("arguments") or ""}  # fmt: skip


def _given(content: object, where: str) -> str | list[Json]:
    """What a user, a system or a tool says: text, or parts."""
    if not isinstance(content, list):
        return content if isinstance(content, str) else ""
    return [_part(part, where) for part in content]


def _part(part: Json, where: str) -> Json:
    kind = part.get("type")
    if kind == "text":
        return {"type": "input_text", "text": part.get("text") or ""}
    if kind == "image_url":
        image = part.get("image_url") or {}
        image = image if isinstance(image, dict) else {"url": image}
        return {"type": "input_image", "image_url": image.get("url"),
                "detail": image.get("detail") or "auto"}  # fmt: skip
    if kind == "file":
        return {"type": "input_file", **_file(part.get("file") or {})}
    raise Unfit(f"{where}: this model's provider takes text, images and files, not {kind}.", where)


def _file(file: Json) -> Json:
    data = file.get("file_data") or ""
    if data.startswith(("https://", "http://")):
        return {"file_url": data}
    if file.get("file_id"):
        return {"file_id": file["file_id"]}
    if data and not data.startswith("data:"):
        data = f"data:application/pdf;base64,{data}"
    return {"filename": file.get("filename") or "file.pdf", "file_data": data}


def _text(fields: dict[str, msgspec.Raw]) -> Json:
    made: Json = {}
    if "verbosity" in fields:
        made["verbosity"] = fields["verbosity"]
    if "response_format" in fields:
        wanted = _any.decode(fields["response_format"])
        kind = wanted.get("type")
        schema = wanted.get("json_schema") or {} if kind == "json_schema" else {}
        made["format"] = {"type": kind, **schema}
    return made


def _tools(fields: dict[str, msgspec.Raw]) -> list[Json]:
    made = [_tool(tool) for tool in _list.decode(fields["tools"])] if "tools" in fields else []
    if "web_search_options" in fields:
        made.append({"type": "web_search", **_search(_any.decode(fields["web_search_options"]))})
    return made


def _tool(tool: Json) -> Json:
    kind = tool.get("type") or "function"
    if kind == "function":
        # Left out, chat completions means "not strict", the Responses API "strict".
        return {"type": "function", "strict": False, **(tool.get("function") or {})}
    if kind == "custom":
        custom = dict(tool.get("custom") or {})
        grammar = custom.get("format") or {}
        if grammar.get("type") == "grammar":
            custom["format"] = {"type": "grammar", **(grammar.get("grammar") or {})}
        return {"type": "custom", **custom}
    raise Unfit(f"tools: {kind} is not a tool this model's provider takes.", "tools")


def _search(options: Json) -> Json:
    made = (
        {"search_context_size": options["search_context_size"]}
        if (options.get("search_context_size"))
        else {}
    )
    place = options.get("user_location") or {}
    if place:
        made["user_location"] = {"type": "approximate", **(place.get("approximate") or {})}
    return made


def _tool_choice(choice: object) -> object:
    if not isinstance(choice, dict):
        return choice
    kind = choice.get("type")
    if kind == "allowed_tools":
        allowed = choice.get("allowed_tools") or {}
        tools = [_tool_choice(tool) for tool in allowed.get("tools") or ()]
        return {"type": kind, "mode": allowed.get("mode") or "auto", "tools": tools}
    named = choice.get(str(kind))
    return {"type": kind, "name": named.get("name")} if isinstance(named, dict) else choice


def _reasoning(fields: dict[str, msgspec.Raw]) -> Json:
    """The wish to reason. A summary is all of its reasoning that this API shows."""
    made: Json = {}
    if "reasoning_effort" in fields:
        made["effort"] = fields["reasoning_effort"]
    if "reasoning" not in fields:
        return made
    wish = _any.decode(fields["reasoning"]) or {}
    if wish.get("enabled") is False:
        return {"effort": "none"}
    if wish.get("effort"):
        made["effort"] = wish["effort"]
    if not wish.get("exclude"):
        made["summary"] = wish.get("summary") or "auto"
    return made
