"""What answers are made of: the common form as it comes, Anthropic's shapes as they go."""

from typing import Any

import msgspec

from alltoken_app.api.messages import foreign
from alltoken_app.api.render import exact
from alltoken_app.providers.base import Usage
from alltoken_app.services.generations import Run

FORMAT = "anthropic-claude-v1"
STOPS = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "function_call": "tool_use",
    "content_filter": "refusal",
}
OWN_STOPS = frozenset({
    "end_turn", "max_tokens", "stop_sequence", "tool_use", "pause_turn", "refusal",
    "model_context_window_exceeded",
})  # fmt: skip

Json = dict[str, Any]


class Function(msgspec.Struct):
    name: str | None = None
    arguments: str | None = None


class ToolCall(msgspec.Struct):
    """A call, or a part of one; `index` tells them apart in a stream."""

    function: Function = msgspec.field(default_factory=Function)
    id: str | None = None
    index: int | None = None

    @property
    def empty(self) -> bool:
        """Whether it is a call of another kind than ours (a custom tool's)."""
        return not (self.function.name or self.function.arguments)


class UrlCitation(msgspec.Struct):
    url: str = ""
    title: str | None = None
    content: str | None = None


class Annotation(msgspec.Struct):
    url_citation: UrlCitation | None = None


class Said(msgspec.Struct):
    """A message, or what a chunk adds to one."""

    content: str | None = None
    refusal: str | None = None
    reasoning: str | None = None
    reasoning_content: str | None = None
    reasoning_details: list[Json] | None = None
    tool_calls: list[ToolCall] | None = None
    annotations: list[Annotation] | None = None
    images: Any = None
    audio: Any = None

    @property
    def unsaid(self) -> tuple[str, ...]:
        """What Anthropic's answers have no room for."""
        kinds = (("images", self.images), ("audio", self.audio))
        return tuple(f"untranslated:{name}" for name, found in kinds if found)

    @property
    def thought(self) -> str:
        """Reasoning that came as mere text."""
        return self.reasoning or self.reasoning_content or ""


class Choice(msgspec.Struct):
    message: Said | None = None
    delta: Said | None = None
    finish_reason: str | None = None
    native_finish_reason: str | None = None


_choices = msgspec.json.Decoder(list[Choice])
_encode = msgspec.json.Encoder().encode


def read(raw: bytes) -> list[Choice]:
    """The choices of an answer or a chunk; what has an odd type is left out.

    Raises:
        ValueError: This is no list of choices.
    """
    try:
        return _choices.decode(raw)
    except msgspec.ValidationError:
        found = msgspec.json.decode(raw, type=list[Json])
        return [_lenient(choice) for choice in found]


def _lenient(choice: Json) -> Choice:
    made = Choice()
    for name in ("message", "delta"):
        if isinstance(choice.get(name), dict):
            setattr(made, name, _said(choice[name]))
    for name in ("finish_reason", "native_finish_reason"):
        if isinstance(choice.get(name), str):
            setattr(made, name, choice[name])
    return made


def _said(found: Json) -> Said:
    """A message field by field; arguments that came as an object are written out again."""
    calls = found.get("tool_calls")
    for call in calls if isinstance(calls, list) else ():
        function = call.get("function") if isinstance(call, dict) else None
        if isinstance(function, dict) and isinstance(function.get("arguments"), dict):
            function["arguments"] = _encode(function["arguments"]).decode()
    made = Said()
    for one in msgspec.structs.fields(Said):
        try:
            setattr(made, one.name, msgspec.convert(found.get(one.name), one.type))
        except msgspec.ValidationError:
            continue
    return made


def asked_to_think(run: Run) -> bool:
    """Whether the caller reads thinking: without a wish for it, it would only surprise."""
    wish = run.call.fields.get("reasoning", b"")
    return b'"enabled":true' in bytes(wish) and b'"exclude":true' not in bytes(wish)


def stop_reason(finish: str | None, native: str | None, *, called: bool) -> str:
    """Anthropic's word for why it stopped."""
    if native in OWN_STOPS:
        return str(native)
    said = STOPS.get(finish or "stop", "end_turn")
    return "tool_use" if called and said == "end_turn" else said


def usage(run: Run) -> Json:
    """Anthropic's usage object, and what it cost (a number, USD)."""
    used = run.meter.usage if run.meter else Usage()
    written = used.cache_write_5m + used.cache_write_1h
    found: Json = {
        "input_tokens": used.input - used.cached - written,
        "cache_creation_input_tokens": written,
        "cache_read_input_tokens": used.cached,
        "cache_creation": {
            "ephemeral_5m_input_tokens": used.cache_write_5m,
            "ephemeral_1h_input_tokens": used.cache_write_1h,
        },
        "output_tokens": used.output,
        "output_tokens_details": {"thinking_tokens": used.reasoning},
    }
    if used.searches:
        found["server_tool_use"] = {"web_search_requests": used.searches}
    return found | {"service_tier": "standard", "cost": exact(run.cost)}


def thinking(detail: Json, *, wanted: bool) -> Json | None:
    """The block of a reasoning detail; None for text that nobody asked for."""
    own = detail.get("format") == FORMAT
    if detail.get("type") == "reasoning.encrypted":
        data = str(detail.get("data") or "") if own else foreign.pack(detail)
        return {"type": "redacted_thinking", "data": data}
    if not wanted:
        return None
    text = detail.get("text") or detail.get("summary") or ""
    return {"type": "thinking", "thinking": text, "signature": signature(detail)}


def signature(detail: Json) -> str:
    """What must come back with the text of this detail; "" for nothing."""
    if detail.get("format") == FORMAT:
        return str(detail.get("signature") or "")
    rest = {name: value for name, value in detail.items() if name not in ("text", "summary")}
    return foreign.pack(rest) if rest.get("signature") or rest.get("id") else ""


def citation(note: Annotation) -> Json | None:
    """A citation of a page on the web; None for anything else."""
    said = note.url_citation
    if said is None or not said.url.startswith(("https://", "http://")):
        return None
    return {
        "type": "web_search_result_location",
        "url": said.url,
        "title": said.title,
        "cited_text": said.content or "",
        "encrypted_index": "",
    }
