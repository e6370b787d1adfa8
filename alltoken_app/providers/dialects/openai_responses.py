"""OpenAI's Responses API, spoken to an upstream; nothing is ever stored there.

Wire format: https://platform.openai.com/docs/api-reference/responses
"""

from typing import Any

import msgspec

from alltoken_app.providers.base import (
    Call,
    EndpointFacts,
    HeaderOf,
    Outgoing,
    Reply,
    StreamError,
    UpstreamError,
    word,
)
from alltoken_app.providers.dialects import openai_responses_items as items
from alltoken_app.providers.dialects import openai_responses_reply as reply
from alltoken_app.providers.dialects import openai_responses_shapes as shapes
from alltoken_app.providers.dialects.openai_chat import ALWAYS, OpenAIChat
from alltoken_app.providers.dialects.openai_responses_reply import NULL, OutItem, ResponseIn
from alltoken_app.providers.dialects.openai_responses_stream import ResponsesReader
from alltoken_app.providers.quirks import PLAIN, Quirks

JSON = ("content-type", "application/json")
NONE = msgspec.Raw(b"[]")
TRUE, FALSE = msgspec.Raw(b"true"), msgspec.Raw(b"false")
HONOURS = frozenset({
    "messages", "temperature", "top_p", "logprobs", "top_logprobs", "response_format", "tools",
    "tool_choice", "parallel_tool_calls", "user", "safety_identifier", "metadata", "service_tier",
    "verbosity", "reasoning", "reasoning_effort", "include_reasoning", "web_search_options",
    "prompt_cache_key",
})  # fmt: skip
UNSAID = {"audio": "input_audio", "video": "video_url"}  # kinds of input that no item carries
# Sent only where the endpoint lists them: it has a price for what they cost.
PRICED = frozenset({"service_tier", "web_search_options"})
# What the caller's own fields became in the common form, where the names differ.
BECAME: dict[str, tuple[str, ...]] = {
    "tools": ("tools", "web_search_options"),
    "text": ("response_format", "verbosity"),
    "reasoning": ("reasoning", "reasoning_effort"),
    "tool_choice": ("tool_choice",),
    **{name: (name,) for name in items.SAME},
}
SEARCH = "web_search"
SEARCHES = 10  # of one answer, as many as are held when the caller sets no limit

_response = msgspec.json.Decoder(ResponseIn)
_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])
_names = msgspec.json.Decoder(list[str])
_raws = msgspec.json.Decoder(list[msgspec.Raw])
_encode = msgspec.json.Encoder().encode


class OpenAIResponses:
    """Speaks the Responses API: byte for byte for its own callers, translated for the others."""

    native = "responses"
    stream_type = "text/event-stream"

    def __init__(self, quirks: Quirks = PLAIN) -> None:
        self._chat = OpenAIChat(quirks)
        self._quirks = quirks
        self.honours = HONOURS - quirks.drops

    def unable(self, call: Call, endpoint: EndpointFacts) -> tuple[str, ...]:
        beyond = self._beyond_schemas(call)
        if call.dialect == self.native:
            return beyond
        return beyond + self._beyond_items(call)

    def _beyond_schemas(self, call: Call) -> tuple[str, ...]:
        wanted = bytes(call.fields.get("response_format", b""))
        refused = not self._quirks.schemas and b'"json_schema"' in wanted
        return ("response_format",) if refused else ()

    def _beyond_items(self, call: Call) -> tuple[str, ...]:
        beyond = [f"messages.{UNSAID[kind]}" for kind in sorted(call.modalities & UNSAID.keys())]
        if call.choices > 1:
            beyond.append("n")
        if "stop" in call.fields:
            beyond.append("stop")
        if b'"max_tokens"' in bytes(call.fields.get("reasoning", b"")):
            beyond.append("reasoning.max_tokens")
        return tuple(beyond)

    def request(self, call: Call, endpoint: EndpointFacts, max_output: int) -> Outgoing:
        known = endpoint.parameters
        fields = {
            name: value
            for name, value in call.fields.items()
            if name in self.honours
            and (name in known or name in ALWAYS or (not known and name not in PRICED))
        }
        if call.dialect == self.native:
            body = _own(call, fields)
            if _thinks(endpoint):
                body["include"] = _with_secrets(body.get("include", NONE))
        else:
            shapes.check(call)
            body = items.body(fields, thinks=_thinks(endpoint))
            if "web_search_options" in fields:
                body["max_tool_calls"] = call.known.searches or SEARCHES
        body["model"] = endpoint.upstream_model
        body["store"] = FALSE
        body["max_output_tokens"] = max_output
        if endpoint.tier:
            body["service_tier"] = endpoint.tier
        if call.stream:
            body["stream"] = TRUE
        return Outgoing("/responses", (JSON,), _encode(body))

    def read(self, call: Call, header: HeaderOf, payload: bytes) -> Reply:
        found = _response.decode(payload)
        if found.error != NULL or found.status == "failed":
            raise StreamError(reply.fault(found.error))
        if found.output is None or found.status in reply.UNFINISHED:
            raise ValueError("no answer in the reply")
        output = reply.items(found)
        choice = _choice(found, output)
        said = choice["message"]
        return Reply(
            body={"choices": msgspec.Raw(_encode([choice])), **_tier(found)},
            usage=reply.usage(found, output),
            content=any(said.get(name) for name in CONTENT),
            size=_size(said),
            finish=choice["finish_reason"],
            native_finish=word(choice["native_finish_reason"]),
            upstream_id=word(found.id),
            native=_fields.decode(payload) if call.dialect == self.native else None,
            tier=word(found.service_tier),
        )

    def reader(self, call: Call) -> ResponsesReader:
        return ResponsesReader(own=call.dialect == self.native)

    def read_error(self, status: int, header: HeaderOf, payload: bytes) -> UpstreamError:
        return self._chat.read_error(status, header, payload)


CONTENT = ("content", "refusal", "reasoning", "reasoning_details", "tool_calls")


def _own(call: Call, fields: dict[str, msgspec.Raw]) -> dict[str, Any]:
    """The caller's own fields, as they came; without those that the endpoint does not honour."""
    body: dict[str, Any] = {}
    for name, value in call.native.items():
        became = [wish for wish in BECAME.get(name, ()) if wish in call.fields]
        if not became or any(wish in fields for wish in became):
            body[name] = value
    if "tools" in body and "web_search_options" not in fields:
        body["tools"] = _without_search(body["tools"])
    return body


def _with_secrets(include: msgspec.Raw) -> list[str] | msgspec.Raw:
    """What the caller wants included, and reasoning in a form that can be sent back: nothing is
    stored that its id could name.
    """
    wanted = _names.decode(include)
    return include if items.ENCRYPTED in wanted else [*wanted, items.ENCRYPTED]


def _without_search(tools: msgspec.Raw) -> object:
    """The caller's bytes again, unless a search is among them."""
    kept = [raw for raw in _raws.decode(tools) if not reply.item(raw).type.startswith(SEARCH)]
    return kept if len(kept) != len(_raws.decode(tools)) else tools


def _thinks(endpoint: EndpointFacts) -> bool:
    return not endpoint.parameters.isdisjoint(("reasoning", "reasoning_effort"))


def _choice(found: ResponseIn, output: list[OutItem]) -> dict[str, Any]:
    finish, native_finish = reply.finish(found, output)
    tokens = reply.logprobs(output)
    return {
        "index": 0,
        "message": reply.message(output),
        "finish_reason": finish,
        "native_finish_reason": native_finish,
        "logprobs": {"content": tokens, "refusal": None} if tokens else None,
    }


def _tier(found: ResponseIn) -> dict[str, msgspec.Raw]:
    tier = word(found.service_tier)
    return {"service_tier": msgspec.Raw(_encode(tier))} if tier else {}


def _size(message: dict[str, Any]) -> int:
    """Bytes the model wrote: text, reasoning and calls."""
    texts = [message.get("content"), message.get("refusal"), message.get("reasoning")]
    for call in message.get("tool_calls") or ():
        texts += call.get("function", call.get("custom", {})).values()
    return sum(len(text.encode()) for text in texts if text)
