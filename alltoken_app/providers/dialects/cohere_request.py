"""A chat in the common form as a request of Cohere's, and what is lost in it."""

from typing import Any

import msgspec

from alltoken_app.providers.base import Call, EndpointFacts, Unfit
from alltoken_app.providers.dialects import chat_form
from alltoken_app.providers.dialects.chat_form import Format, Message, Part, Tool, url_of

MOST_STOPS = 5
LEAST_P, MOST_P = 0.01, 0.99
MOST_K = 500
# The share of the output that an effort may think.
SHARES = {"minimal": 0.1, "low": 0.2, "medium": 0.5, "high": 0.8, "xhigh": 0.95, "max": 0.95}

Body = dict[str, Any]


def write(call: Call, endpoint: EndpointFacts, max_output: int) -> Body:
    """The body. Raises Unfit."""
    return _Request(call, endpoint, max_output).write()


def lost(call: Call, endpoint: EndpointFacts) -> set[str]:
    """The names of what the body could not carry."""
    request = _Request(call, endpoint, call.max_output or endpoint.max_output)
    try:
        request.write(unread=call.modalities <= {"text"})
    except Unfit as unfit:
        request.lost.add(unfit.param or "messages")
    return request.lost


class _Request:
    def __init__(self, call: Call, endpoint: EndpointFacts, max_output: int) -> None:
        self.call = call
        self.reasons = "reasoning" in endpoint.parameters
        self.max_output = max_output
        self.lost: set[str] = set()
        self.body: Body = {"model": endpoint.upstream_model}

    def write(self, *, unread: bool = False) -> Body:
        """The body; without the messages where they are left `unread`."""
        messages = [] if unread else chat_form.messages(self.call)
        self.body["messages"] = [self._message(message) for message in messages]
        self.body["max_tokens"] = self.max_output
        if self.call.stream:
            self.body["stream"] = True
        self._tools()
        self._format()
        self._think()
        self._sample()
        if self.call.choices > 1:
            self.lost.add("n")
        return self.body

    def _message(self, message: Message) -> Body:
        if message.role in ("tool", "function"):
            text = "".join(part.text or "" for part in message.parts)
            return {"role": "tool", "tool_call_id": message.tool_call_id or "", "content": text}
        role = "system" if message.role == "developer" else message.role
        said: Body = {"role": role, "content": self._content(message)}
        if message.tool_calls:
            said["tool_calls"] = [
                {
                    "id": made.id,
                    "type": "function",
                    "function": {
                        "name": made.function.name,
                        "arguments": made.function.arguments or "{}",
                    },
                }
                for made in message.tool_calls
            ]
            if not said["content"]:
                del said["content"]
        return said

    def _content(self, message: Message) -> str | list[Body]:
        if not isinstance(message.content, list):
            return message.content or message.refusal or ""
        parts = [self._part(part) for part in message.content]
        return [part for part in parts if part is not None]

    def _part(self, part: Part) -> Body | None:
        text = part.text if part.text is not None else part.refusal
        if text is not None:
            return {"type": "text", "text": text}
        url = url_of(part.image_url)
        if part.type == "image_url" and url:
            return {"type": "image_url", "image_url": {"url": url}}
        self.lost.add(f"messages.{part.type}")
        return None

    def _tools(self) -> None:
        tools = chat_form.tools(self.call)
        choice, name = chat_form.tool_choice(self.call)
        functions = [tool for tool in tools if tool.function is not None]
        if len(functions) < len(tools):
            self.lost.add("tools")
        if choice == "named":
            # No tool can be named, but one can be the only one.
            functions = [tool for tool in functions if tool.function and tool.function.name == name]
        if not functions:
            return
        self.body["tools"] = [_tool(tool) for tool in functions]
        if choice in ("named", "required"):
            self.body["tool_choice"] = "REQUIRED"
        elif choice == "none":
            self.body["tool_choice"] = "NONE"
        elif choice == "other":
            self.lost.add("tool_choice")
        self._strict(functions)
        if chat_form.field(self.call, "parallel_tool_calls", bool) is False:
            self.lost.add("parallel_tool_calls")

    def _strict(self, tools: list[Tool]) -> None:
        strict = [bool(tool.function and tool.function.strict) for tool in tools]
        if all(strict):
            self.body["strict_tools"] = True
        elif any(strict):
            self.lost.add("tools.strict")

    def _format(self) -> None:
        wish = chat_form.field(self.call, "response_format", Format)
        if wish is None or wish.type == "text":
            return
        if "tools" in self.body:
            self.lost.add("response_format")
            return
        self.body["response_format"] = {"type": "json_object"}
        if wish.json_schema is not None:
            self.body["response_format"]["json_schema"] = wish.json_schema.schema

    def _think(self) -> None:
        """Models that reason do so unless they are told not to."""
        wish = chat_form.reasoning(self.call)
        if not self.reasons:
            if wish.wanted:
                self.lost.add(
                    "reasoning" if "reasoning" in self.call.fields else "reasoning_effort"
                )
            return
        if wish.refused:
            self.body["thinking"] = {"type": "disabled"}
        elif wish.wanted:
            self.body["thinking"] = {"type": "enabled"}
            budget = wish.max_tokens
            if budget is None and wish.effort is not None:
                budget = int(self.max_output * SHARES.get(wish.effort, 0.5))
            if budget:
                self.body["thinking"]["token_budget"] = min(budget, self.max_output)

    def _sample(self) -> None:
        self._number("temperature", "temperature", 0, 1)
        self._number("frequency_penalty", "frequency_penalty", 0, 1)
        self._number("presence_penalty", "presence_penalty", 0, 1)
        self._number("top_k", "k", 0, MOST_K)
        top_p = chat_form.field(self.call, "top_p", float)
        if top_p is not None:
            self.body["p"] = min(max(top_p, LEAST_P), MOST_P)
        self._number("seed", "seed", 0, 2**63 - 1)
        stop: str | list[str] = chat_form.field(self.call, "stop", str | list[str]) or []
        stops = [stop] if isinstance(stop, str) else stop
        if stops:
            self.body["stop_sequences"] = stops[:MOST_STOPS]
        if len(stops) > MOST_STOPS:
            self.lost.add("stop")

    def _number(self, name: str, theirs: str, least: int, most: int) -> None:
        """A number, moved into their range and named where that changes it."""
        value: float | int | None = chat_form.field(self.call, name, float | int)
        if value is None:
            return
        self.body[theirs] = min(max(value, least), most)
        if self.body[theirs] != value:
            self.lost.add(name)


def _tool(tool: Tool) -> Body:
    assert tool.function is not None
    function: Body = {"name": tool.function.name}
    if tool.function.description:
        function["description"] = tool.function.description
    given = tool.function.parameters != chat_form.NULL
    empty = msgspec.Raw(b'{"type":"object","properties":{}}')
    function["parameters"] = tool.function.parameters if given else empty
    return {"type": "function", "function": function}
