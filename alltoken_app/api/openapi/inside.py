"""What lies in fields whose bytes are kept as they come, as types, by "Schema.field".

A tuple is several types, one of which it is.
"""

from typing import Any, Literal

import msgspec

from alltoken_app.api import moderations, parse
from alltoken_app.api.responses.fields import Item, Part

Json = dict[str, Any]
Cache = parse.CacheControl | None


class ImageUrl(msgspec.Struct):
    url: str
    detail: Literal["auto", "low", "high"] | None = None


class Sound(msgspec.Struct):
    data: str
    format: str


class File(msgspec.Struct):
    """One of `file_data` (a data URL, base64 or an https address) and `file_id`."""

    filename: str | None = None
    file_data: str | None = None
    file_id: str | None = None


class Address(msgspec.Struct):
    url: str


class TextPart(msgspec.Struct, tag="text"):
    text: str
    cache_control: Cache = None


class RefusalPart(msgspec.Struct, tag="refusal"):
    refusal: str


class ImagePart(msgspec.Struct, tag="image_url"):
    image_url: ImageUrl
    cache_control: Cache = None


class AudioPart(msgspec.Struct, tag="input_audio"):
    input_audio: Sound
    cache_control: Cache = None


class FilePart(msgspec.Struct, tag="file"):
    file: File
    cache_control: Cache = None


class VideoPart(msgspec.Struct, tag="video_url"):
    video_url: Address
    cache_control: Cache = None


class FunctionCall(msgspec.Struct):
    """`arguments` is JSON in a string."""

    name: str
    arguments: str


class ToolCall(msgspec.Struct):
    """A call that the model made."""

    id: str
    type: str
    function: FunctionCall | None = None


class ReasoningDetail(msgspec.Struct):
    """A piece of thought. Send it back unchanged: signatures and encrypted pieces are opaque."""

    type: Literal["reasoning.text", "reasoning.summary", "reasoning.encrypted"]
    text: str | None = None
    summary: str | None = None
    signature: str | None = None
    data: str | None = None
    id: str | None = None
    format: str | None = None
    index: int | None = None


ContentPart = TextPart | RefusalPart | ImagePart | AudioPart | FilePart | VideoPart

INSIDE: dict[str, Any] = {
    "ChatRequest.top_k": int | None,
    "ChatRequest.min_p": float | None,
    "ChatRequest.top_a": float | None,
    "ChatRequest.repetition_penalty": float | None,
    "ChatRequest.include_reasoning": bool | None,
    "ChatRequest.verbosity": Literal["low", "medium", "high"] | None,
    "ChatRequest.prediction": Json | None,
    "ChatRequest.web_search_options": Json | None,
    "ChatRequest.audio": Json | None,
    "ChatRequest.functions": list[Json] | None,
    "ChatRequest.function_call": str | Json | None,
    "ChatRequest.safety_identifier": str | None,
    "ChatRequest.prompt_cache_retention": str | None,
    "ChatRequest.prompt_cache_options": Json | None,
    "CompletionRequest.top_k": int | None,
    "CompletionRequest.min_p": float | None,
    "CompletionRequest.repetition_penalty": float | None,
    "ChatMessage.content": str | list[ContentPart] | None,
    "ChatMessage.name": str | None,
    "ChatMessage.tool_calls": list[ToolCall] | None,
    "ChatMessage.reasoning": str | None,
    "ChatMessage.reasoning_details": list[ReasoningDetail] | None,
    "EmbeddingsRequest.input": parse._texts.type,
    "ModerationRequest.input": (moderations._texts.type, moderations._parts.type),
    "ResponsesRequest.input": str | list[Item],
    "ResponseFormat.schema": Json | None,
    "ResponseTool.parameters": Json | None,
    "ResponseTool.filters": Json | None,
    "Item.content": str | list[Part] | None,
    "Item.output": str | list[Part] | None,
    "Item.arguments": str | None,
    "Item.summary": list[Json] | None,
    "Part.input_audio": Json | None,
    "Block.citations": (Json, list[Json], None),
    "Block.cache_control": Cache,
    "MessageTool.cache_control": Cache,
}
