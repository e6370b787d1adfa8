"""The fields of a Responses request, as data and as types.

Nothing is stored here: what asks for it is refused, and upstreams are told not to store either.
"""

from typing import Annotated, Any, Literal

import msgspec

from alltoken_app.api.parse import Count, Extension, Penalty, Share, Slug, Stop, Stops
from alltoken_app.routing.preferences import Preferences

# Sent to upstreams that speak the dialect, byte for byte.
NATIVE = frozenset({
    "input", "instructions", "tools", "tool_choice", "text", "reasoning", "include",
    "parallel_tool_calls", "metadata", "user", "safety_identifier", "service_tier", "truncation",
    "temperature", "top_p", "top_logprobs", "max_tool_calls", "prompt_cache_key", "moderation",
    "context_management", "stream_options",
})  # fmt: skip
# OpenRouter's additions: no upstream that speaks the dialect knows them, others do.
ADDED = frozenset({
    "frequency_penalty", "presence_penalty", "repetition_penalty", "top_k", "min_p", "seed", "stop",
    "logit_bias",
})  # fmt: skip
# Read and acted upon by us.
OURS = frozenset({
    "model", "models", "stream", "store", "background", "previous_response_id", "conversation",
    "prompt", "max_output_tokens", "provider", "session_id", "route", "preset", "alltoken",
})  # fmt: skip
# Fields that name something kept from an earlier request.
STORED = ("previous_response_id", "conversation", "prompt")
# Fields with the same name and meaning in the common form.
SAME = (
    "temperature", "top_p", "top_logprobs", "parallel_tool_calls", "metadata", "user",
    "safety_identifier", "service_tier", "prompt_cache_key",
)  # fmt: skip
# What holds when a field is left out.
DEFAULTS = {
    "parallel_tool_calls": (b"true",),
    "service_tier": (b'"auto"', b'"default"'),
    "top_logprobs": (b"0",),
    "truncation": (b'"disabled"',),
    "metadata": (b"{}",),
}
# Fields that no other wire has.
UNTRANSLATED = ("truncation", "moderation", "context_management")
# Tools that the caller runs, or that cost nothing beside tokens; no other wire has them.
FREE_TOOLS = frozenset({
    "local_shell", "apply_patch", "computer", "computer_use_preview", "tool_search", "namespace",
})  # fmt: skip
SEARCHES = 10  # web searches of one answer when the caller sets no limit; held beforehand

Raw = msgspec.Raw
NULL = Raw(b"null")


class StreamOptions(msgspec.Struct):
    include_obfuscation: bool | None = None


class Format(msgspec.Struct):
    """`text.format`; a schema's fields lie beside its type."""

    type: Literal["text", "json_object", "json_schema"]
    name: str | None = None
    schema: Raw = NULL
    strict: bool | None = None
    description: str | None = None


class TextConfig(msgspec.Struct):
    format: Format | None = None
    verbosity: str | None = None


class Reasoning(msgspec.Struct):
    effort: str | None = None
    summary: str | None = None
    generate_summary: str | None = None
    context: str | None = None
    mode: str | None = None


class Tool(msgspec.Struct):
    """A tool of any kind; `function` and `custom` are translated."""

    type: str
    name: str | None = None
    description: str | None = None
    parameters: Raw = NULL
    strict: bool | None = None
    format: dict[str, Any] | None = None
    search_context_size: str | None = None
    user_location: dict[str, Any] | None = None
    filters: Raw = NULL
    environment: dict[str, Any] | None = None


class NamedTool(msgspec.Struct):
    type: str
    name: str | None = None


class ToolChoice(msgspec.Struct):
    type: str
    name: str | None = None
    mode: Literal["auto", "required"] | None = None
    tools: list[NamedTool] | None = None


class Item(msgspec.Struct):
    """An item of the input; each type has some of these."""

    type: str | None = None
    role: str | None = None
    content: Raw = NULL
    id: str | None = None
    call_id: str | None = None
    name: str | None = None
    arguments: Raw = NULL
    input: str | None = None
    output: Raw = NULL
    summary: Raw = NULL
    encrypted_content: str | None = None
    tools: list[Tool] | None = None


class Part(msgspec.Struct):
    """A part of a message or of a tool's output."""

    type: str
    text: str | None = None
    refusal: str | None = None
    image_url: str | None = None
    detail: str | None = None
    file_id: str | None = None
    file_url: str | None = None
    file_data: str | None = None
    filename: str | None = None
    input_audio: Raw = NULL
    prompt_cache_breakpoint: Raw = NULL


class ResponsesFields(msgspec.Struct):
    """The fields of a request whose types we check. Null counts as absent."""

    model: Slug
    input: Raw = NULL
    instructions: str | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    store: bool | None = None
    background: bool | None = None
    max_output_tokens: Count | None = None
    max_tool_calls: Annotated[int, msgspec.Meta(ge=1, le=100)] | None = None
    tools: Annotated[list[Tool], msgspec.Meta(max_length=128)] | None = None
    tool_choice: Literal["auto", "none", "required"] | ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    text: TextConfig | None = None
    reasoning: Reasoning | None = None
    include: list[str] | None = None
    stop: Stop | Stops | None = None
    seed: Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)] | None = None
    frequency_penalty: Penalty | None = None
    presence_penalty: Penalty | None = None
    temperature: Annotated[float, msgspec.Meta(ge=0, le=2)] | None = None
    top_p: Share | None = None
    top_logprobs: Annotated[int, msgspec.Meta(ge=0, le=20)] | None = None
    truncation: Literal["auto", "disabled"] | None = None
    metadata: Annotated[dict[str, str], msgspec.Meta(max_length=16)] | None = None
    user: Annotated[str, msgspec.Meta(max_length=512)] | None = None
    safety_identifier: Annotated[str, msgspec.Meta(max_length=512)] | None = None
    service_tier: str | None = None
    provider: Preferences | None = None
    alltoken: Extension | None = None
