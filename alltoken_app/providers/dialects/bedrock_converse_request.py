"""A call in the common form as the body of a Converse request, and what is lost in it."""

import re
from typing import Any, TypeVar

import msgspec

from alltoken_app.providers.base import Call, EndpointFacts, Unfit
from alltoken_app.providers.dialects import bedrock_converse_content as content
from alltoken_app.providers.dialects import chat_form
from alltoken_app.providers.dialects.anthropic_models import Traits
from alltoken_app.providers.dialects.anthropic_schemas import normalised
from alltoken_app.providers.dialects.bedrock_models import family
from alltoken_app.providers.dialects.chat_form import CacheControl, Format, Reasoning, Schema, Tool

JSON_TOOL = "alltoken_json_answer"  # the tool that is forced where schemas are not native
ANY_OBJECT = msgspec.Raw(b'{"type":"object"}')
NO_ARGUMENTS = msgspec.Raw(b'{"type":"object","properties":{}}')
TIERS = frozenset({"priority", "default", "flex", "reserved"})
MARKS = (b'"cache_control"', b'"tool_calls"')
METADATA = re.compile(r"[a-zA-Z0-9\s:_@$#=/+,.-]{0,256}")
LEAST_BUDGET = 1024
# The share of the output that an effort may think, where a budget is wanted.
SHARES = {"minimal": 0.1, "low": 0.2, "medium": 0.5, "high": 0.8, "xhigh": 0.95, "max": 0.95}
WORDS = {"minimal": "low", "none": "low", "xhigh": "high", "max": "high"}
NOVA_WORDS = {"minimal": "low", "high": "medium", "xhigh": "medium", "max": "medium"}

T = TypeVar("T")
Body = dict[str, Any]


def write(call: Call, endpoint: EndpointFacts, max_output: int) -> Body:
    """The body. Raises Unfit."""
    return _Request(call, endpoint, max_output).write()


def lost(call: Call, endpoint: EndpointFacts) -> set[str]:
    """The names of what the body could not carry."""
    request = _Request(call, endpoint, call.max_output or endpoint.max_output)
    try:
        request.write(unread=_plain(call))
    except Unfit as unfit:
        request.lost.add(unfit.param or "messages")
    return request.lost


def _plain(call: Call) -> bool:
    """Whether the messages are words alone, which never get lost and take long to read."""
    raw = bytes(call.fields.get("messages", b""))
    return call.modalities <= {"text"} and not any(mark in raw for mark in MARKS)


class _Request:
    def __init__(self, call: Call, endpoint: EndpointFacts, max_output: int) -> None:
        self.call = call
        self.kin = family(endpoint)
        self.tier = endpoint.tier
        self.parameters = endpoint.parameters
        self.max_output = max_output
        self.lost: set[str] = set()
        self.body: Body = {}
        self.extra: Body = {}

    def write(self, *, unread: bool = False) -> Body:
        """The body; without the messages where they are left `unread`."""
        tools = chat_form.tools(self.call)
        specs, points = self._specs(tools)
        automatic = chat_form.field(self.call, "cache_control", CacheControl)
        messages = [] if unread else chat_form.messages(self.call)
        said = content.write(messages, self.kin, points, automatic)
        self.lost |= said.lost
        self.body["messages"] = said.messages
        if said.system:
            self.body["system"] = said.system
        forced = self._format(bool(specs))
        self._tools(specs, said.tool_names, forced)
        self._effort()
        thinking = self._think(forced)
        if thinking and _unthought(said.messages):
            thinking = self.extra["thinking"]["type"] == "adaptive"
            if not thinking:
                del self.extra["thinking"]  # it would have to go on from thoughts that are lost
        self._sample(thinking=thinking)
        self._send_on()
        if self.extra:
            self.body["additionalModelRequestFields"] = self.extra
        return self.body

    def _specs(self, tools: list[Tool]) -> tuple[list[Body], int]:
        """The tools as Bedrock has them, and how many cache points are left for the messages."""
        specs: list[Body] = []
        points = content.MAX_POINTS
        for tool in tools:
            if tool.function is None:
                self.lost.add("tools")
                continue
            specs.append({"toolSpec": self._spec(tool.function)})
            if tool.cache_control is not None and "tools" in self.kin.caches and points:
                specs.append(content.point(tool.cache_control, self.kin))
                points -= 1
        return specs, points

    def _spec(self, function: Schema) -> Body:
        spec: Body = {"name": function.name}
        if function.description:
            spec["description"] = function.description
        given = function.parameters != chat_form.NULL
        strict = bool(function.strict and self.kin.schema == "native")
        parameters = self._schema(function.parameters, strict=strict) if given else NO_ARGUMENTS
        spec["inputSchema"] = {"json": parameters}
        if strict:
            spec["strict"] = True
        elif function.strict:
            self.lost.add("tools.strict")
        return spec

    def _schema(self, raw: msgspec.Raw, *, strict: bool) -> msgspec.Raw:
        """A schema as the model takes it: of an object, and in what it can be held to."""
        try:
            schema = msgspec.json.decode(raw, type=dict[str, Any])
        except ValueError:
            raise Unfit("A schema must be a JSON object.", "tools") from None
        if strict and self.kin.claude is not None:
            return msgspec.Raw(msgspec.json.encode(normalised(schema)))
        if "type" in schema:
            return raw
        return msgspec.Raw(msgspec.json.encode({"type": "object", **schema}))

    def _format(self, tools: bool) -> bool:
        """Bind the answer to a schema; whether that takes a forced tool."""
        wish = chat_form.field(self.call, "response_format", Format)
        if wish is None or wish.type == "text":
            return False
        schema = wish.json_schema or Schema(schema=ANY_OBJECT)
        if self.kin.schema == "native" and wish.type == "json_schema":
            self.body["outputConfig"] = {"textFormat": self._text_format(schema)}
            return False
        if "named" not in self.kin.choices or tools:
            self.lost.add("response_format")
            return False
        tool = Schema(JSON_TOOL, schema.description, parameters=schema.schema)
        self.body["toolConfig"] = {
            "tools": [{"toolSpec": self._spec(tool)}],
            "toolChoice": {"tool": {"name": JSON_TOOL}},
        }
        return True

    def _text_format(self, schema: Schema) -> Body:
        bound = self._schema(schema.schema, strict=True)
        definition: Body = {"schema": bytes(bound).decode()}
        if schema.name:
            definition["name"] = schema.name
        if schema.description:
            definition["description"] = schema.description
        return {"type": "json_schema", "structure": {"jsonSchema": definition}}

    def _tools(self, specs: list[Body], called: list[str], forced: bool) -> None:
        if forced:
            return
        choice, name = chat_form.tool_choice(self.call)
        if choice == "none" and not called:
            specs = []
        if not specs and called:
            # Bedrock refuses a history with tools in it when the request has none.
            specs = [{"toolSpec": self._spec(Schema(known))} for known in dict.fromkeys(called)]
            choice = "auto"
        if not specs:
            return
        self.body["toolConfig"] = {"tools": specs}
        self._one_at_a_time(choice)
        if choice in self.kin.choices:
            wanted: Body = {"tool": {"name": name}} if choice == "named" else {"any": {}}
            self.body["toolConfig"]["toolChoice"] = wanted
        elif choice != "auto":
            self.lost.add("tool_choice")

    def _one_at_a_time(self, choice: str) -> None:
        if chat_form.field(self.call, "parallel_tool_calls", bool) is not False:
            return
        if self.kin.parallel and choice == "auto":
            self.extra["tool_choice"] = {"type": "auto", "disable_parallel_tool_use": True}
        else:
            self.lost.add("parallel_tool_calls")

    def _effort(self) -> None:
        verbosity: str | None = chat_form.field(self.call, "verbosity", str)
        if verbosity is None:
            return
        if self.kin.claude is not None and verbosity in self.kin.claude.efforts:
            self.extra["output_config"] = {"effort": verbosity}
        else:
            self.lost.add("verbosity")

    def _think(self, forced: bool) -> bool:
        """Ask for reasoning, or against it; whether Claude will think, which binds the rest."""
        wish = chat_form.reasoning(self.call)
        name = "reasoning" if "reasoning" in self.call.fields else "reasoning_effort"
        if self.kin.claude is not None:
            choice = self.body.get("toolConfig", {}).get("toolChoice")
            return self._claude(self.kin.claude, wish, name, bound=forced or choice is not None)
        if wish.wanted and not self.kin.thinks:
            self.lost.add(name)
        elif wish.wanted or wish.refused:
            self._word(wish, name)
        return False

    def _claude(self, known: Traits, wish: Reasoning, name: str, *, bound: bool) -> bool:
        if not wish.wanted:
            if wish.refused and known.unasked and known.silenced:
                self.extra["thinking"] = {"type": "disabled"}
            return False
        if not known.thinks or bound:
            self.lost.add(name)  # a forced tool leaves no room for thoughts
            return False
        if known.adaptive:
            self._adapt(known, wish)
            return True
        budget = _budget(wish, self.max_output)
        if budget is None:
            self.lost.add(name)
            return False
        self.extra["thinking"] = {"type": "enabled", "budget_tokens": budget}
        return True

    def _adapt(self, known: Traits, wish: Reasoning) -> None:
        self.extra["thinking"] = {"type": "adaptive"}
        if not known.budget:
            self.extra["thinking"]["display"] = "omitted" if wish.exclude else "summarized"
        effort = _effort(wish, self.max_output)
        if effort:
            allowed = effort if effort in known.efforts else WORDS.get(effort, "high")
            self.extra.setdefault("output_config", {}).setdefault("effort", allowed)

    def _word(self, wish: Reasoning, name: str) -> None:
        """Reasoning by a word, in the field where the family expects it."""
        word: str = "none" if wish.refused else _effort(wish, self.max_output) or "medium"
        if self.kin.thinks == "openai":
            self.extra["reasoning"] = {"effort": "low" if word == "minimal" else word}
        elif self.kin.thinks == "effort":
            self.extra["reasoning_effort"] = WORDS.get(word, word)
            if wish.refused:
                self.lost.add(name)  # these models think in any case
        elif self.kin.thinks == "nova" and not wish.refused:
            # "high" forbids a bound on the output, and without one we cannot say what it costs.
            allowed = NOVA_WORDS.get(word, word)
            self.extra["reasoningConfig"] = {"type": "enabled", "maxReasoningEffort": allowed}
            if allowed != word and word != "minimal":
                self.lost.add(name)

    def _sample(self, *, thinking: bool) -> None:
        settings: Body = {"maxTokens": self.max_output}
        temperature = self._wish("temperature", float)
        top_p = self._wish("top_p", float)
        claude = self.kin.claude
        free = not thinking and (claude is None or claude.sampling)
        if temperature is not None:
            if temperature > 1 or (not free and temperature != 1):  # 1 is what it is without
                self.lost.add("temperature")
            if free:
                settings["temperature"] = min(temperature, 1.0)
        if top_p is not None:
            if free and (temperature is None or claude is None or claude.both):
                settings["topP"] = top_p
            else:
                self.lost.add("top_p")
        stop: str | list[str] = chat_form.field(self.call, "stop", str | list[str]) or []
        if stop:
            settings["stopSequences"] = [stop] if isinstance(stop, str) else stop
        self.body["inferenceConfig"] = settings
        self._top_k(free=free)

    def _wish(self, name: str, kind: type[T]) -> T | None:
        """A parameter, unless the catalogue knows that the model refuses it."""
        if self.parameters and name not in self.parameters:
            return None
        return chat_form.field(self.call, name, kind)

    def _top_k(self, *, free: bool) -> None:
        top_k = self._wish("top_k", int)
        if top_k is None:
            return
        if not free or not self.kin.top_k:
            self.lost.add("top_k")
        elif self.kin.top_k == "nova":
            self.extra["inferenceConfig"] = {"topK": top_k}
        else:
            self.extra[self.kin.top_k] = top_k

    def _send_on(self) -> None:
        """What Bedrock is told beside the model: the tier, and words for its own records."""
        tier = self.tier or chat_form.field(self.call, "service_tier", str)
        if tier in TIERS:
            self.body["serviceTier"] = {"type": tier}
        elif tier not in (None, "auto"):
            self.lost.add("service_tier")
        notes: dict[str, str] = chat_form.field(self.call, "metadata", dict[str, str]) or {}
        for name in ("user", "safety_identifier"):
            value = chat_form.field(self.call, name, str)
            if value:
                notes = {**notes, name: value}
        kept = {key: value for key, value in notes.items() if _notable(key, value)}
        self.lost |= {key if key in self.call.fields else "metadata" for key in notes.keys() - kept}
        if kept:
            self.body["requestMetadata"] = kept
        if self.call.choices > 1:
            self.lost.add("n")


def _unthought(messages: list[Body]) -> bool:
    """Whether a turn of tools is under way that did not begin with a thought."""
    last = messages[-2:]
    if len(last) < 2 or not any("toolResult" in block for block in last[1]["content"]):
        return False
    return "reasoningContent" not in last[0]["content"][0]


def _notable(key: str, value: str) -> bool:
    return bool(key and METADATA.fullmatch(key) and METADATA.fullmatch(value))


def _effort(wish: Reasoning, max_output: int) -> str:
    """The effort asked for, or what a budget amounts to; "" when none was named."""
    if wish.effort:
        return wish.effort
    if not wish.max_tokens:
        return ""
    share = wish.max_tokens / max_output
    return next((word for word, bound in SHARES.items() if share <= bound), "xhigh")


def _budget(wish: Reasoning, max_output: int) -> int | None:
    """Tokens to think with: at least 1024, and less than the output; None when that is no number.

    `max_output` counts thoughts as well as words.
    """
    if max_output <= LEAST_BUDGET:
        return None
    asked = wish.max_tokens or int(max_output * SHARES.get(wish.effort or "medium", 0.5))
    return min(max(asked, LEAST_BUDGET), max_output - 1)
