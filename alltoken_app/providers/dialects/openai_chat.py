"""OpenAI's chat completions and embeddings, and every server that imitates them.

Wire format: https://platform.openai.com/docs/api-reference/chat
"""

from typing import Any

import msgspec

from alltoken_app.providers.base import (
    Call,
    EndpointFacts,
    Outgoing,
    Piece,
    Reply,
    StreamError,
    UpstreamError,
    Usage,
)

JSON = ("content-type", "application/json")
PATHS = {"chat": "/chat/completions", "embeddings": "/embeddings"}
PASSED_ON = ("choices", "data", "system_fingerprint", "service_tier")
STREAM_OPTIONS = msgspec.Raw(b'{"include_usage":true}')
TRUE = msgspec.Raw(b"true")
NULL = msgspec.Raw(b"null")
NONE = (NULL, msgspec.Raw(b"[]"))
MAX_TOKENS = 2**31
MAX_WORD = 128


class InputDetails(msgspec.Struct):
    cached_tokens: int | None = None


class OutputDetails(msgspec.Struct):
    reasoning_tokens: int | None = None


class UsageIn(msgspec.Struct):
    prompt_tokens: int = 0
    completion_tokens: int | None = 0
    prompt_tokens_details: InputDetails | None = None
    completion_tokens_details: OutputDetails | None = None


class Timings(msgspec.Struct):
    """llama.cpp's running counts; `cache_n` of the prompt was not computed anew."""

    prompt_n: int = 0
    predicted_n: int = 0
    cache_n: int = 0


class FunctionPart(msgspec.Struct):
    name: str | None = None
    arguments: str | None = None


class ToolCallPart(msgspec.Struct):
    function: FunctionPart | None = None


class Delta(msgspec.Struct):
    content: str | None = None
    reasoning: str | None = None
    reasoning_content: str | None = None
    refusal: str | None = None
    tool_calls: msgspec.Raw = NULL
    audio: msgspec.Raw = NULL


class ChunkChoice(msgspec.Struct):
    delta: Delta = msgspec.field(default_factory=Delta)
    message: Delta | None = None
    finish_reason: str | None = None


class Chunk(msgspec.Struct):
    choices: msgspec.Raw = msgspec.Raw(b"[]")
    id: str | None = None
    usage: msgspec.Raw = NULL
    timings: Timings | None = None
    error: msgspec.Raw = NULL


class ReplyIn(msgspec.Struct):
    """What a whole answer must have; everything else stays raw."""

    id: str | None = None
    usage: msgspec.Raw = NULL
    choices: list[ChunkChoice] = []


class ErrorBody(msgspec.Struct):
    code: Any = None
    param: str | None = None


class ErrorIn(msgspec.Struct):
    error: ErrorBody


_chunk = msgspec.json.Decoder(Chunk)
_choices = msgspec.json.Decoder(list[ChunkChoice])
_reply = msgspec.json.Decoder(ReplyIn)
_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])
_tool_calls = msgspec.json.Decoder(list[ToolCallPart])
_usage_in = msgspec.json.Decoder(UsageIn)
_error = msgspec.json.Decoder(ErrorIn)
_encode = msgspec.json.Encoder().encode


class OpenAIChat:
    """Speaks OpenAI's dialect.

    Args:
        output_limit: The name this server gives to the bound on output.
        scope_header: A header that takes `Call.cache_scope`, on servers of ours.
    """

    def __init__(self, output_limit: str = "max_tokens", scope_header: str = "") -> None:
        self._output_limit = output_limit
        self._scope_header = scope_header

    def request(
        self, call: Call, endpoint: EndpointFacts, secret: str, max_output: int
    ) -> Outgoing:
        body = dict(call.fields)
        body["model"] = msgspec.Raw(_encode(endpoint.upstream_model))
        if call.operation == "chat":
            body[self._output_limit] = msgspec.Raw(str(max_output).encode())
        if call.stream:
            body["stream"] = TRUE
            body["stream_options"] = STREAM_OPTIONS
        headers = [JSON]
        if secret:
            headers.append(("authorization", f"Bearer {secret}"))
        if self._scope_header:
            headers.append((self._scope_header, call.cache_scope))
        return Outgoing(PATHS[call.operation], tuple(headers), _encode(body))

    def read(self, call: Call, payload: bytes) -> Reply:
        found = _reply.decode(payload)
        fields = _fields.decode(payload)
        if ("data" if call.operation == "embeddings" else "choices") not in fields:
            raise ValueError("no answer in the reply")
        texts = [choice.message for choice in found.choices if choice.message]
        return Reply(
            body={name: fields[name] for name in PASSED_ON if name in fields},
            usage=_usage(found.usage),
            content=call.operation == "embeddings" or any(map(_has_content, texts)),
            size=sum(map(_size, texts)),
            finish=_word(found.choices[0].finish_reason) if found.choices else None,
            upstream_id=_word(found.id),
        )

    def read_event(self, data: bytes) -> Piece | None:
        if data == b"[DONE]":
            return None
        chunk = _chunk.decode(data)
        if chunk.error != NULL:
            raise StreamError
        # A newline between JSON values is white space, and would end our own event.
        choices = bytes(chunk.choices).replace(b"\n", b" ") if chunk.choices != NULL else b"[]"
        piece = Piece(choices, usage=_usage(chunk.usage), upstream_id=_word(chunk.id))
        for choice in _choices.decode(piece.choices):
            piece.content = piece.content or _has_content(choice.delta)
            piece.size += _size(choice.delta)
            piece.finish = _word(choice.finish_reason) or piece.finish
        if chunk.timings is not None:
            counted = chunk.timings
            piece.running = _sane(
                Usage(counted.prompt_n + counted.cache_n, counted.predicted_n, counted.cache_n)
            )
        return piece

    def read_error(self, status: int, payload: bytes) -> UpstreamError:
        try:
            body = _error.decode(payload).error
        except (msgspec.DecodeError, ValueError):
            body = ErrorBody()
        return classify(status, body.code if isinstance(body.code, str) else None, body.param)


def classify(status: int, code: str | None, param: str | None) -> UpstreamError:
    """What a refusal means; statuses we may try elsewhere have `retry` set."""
    if code == "context_length_exceeded":
        text = "The input and the asked-for output do not fit the model's context."
        return UpstreamError(code, text, retry=False, client_fault=True, param="messages")
    if status == 429:
        return UpstreamError("upstream_rate_limited", "The provider is busy.", retry=True)
    if status in (401, 403):
        return UpstreamError("upstream_auth_error", "The provider refused our account.", retry=True)
    if status in (408, 409) or status >= 500:
        return UpstreamError("upstream_error", f"The provider failed ({status}).", retry=True)
    if status in (400, 413, 422):
        text = "The provider refused the request as invalid."
        return UpstreamError("upstream_rejected", text, retry=False, client_fault=True, param=param)
    return UpstreamError("upstream_error", f"The provider answered {status}.", retry=False)


def _usage(said: msgspec.Raw) -> Usage | None:
    """What the provider counted; None when it said nothing, or nothing that can be."""
    if said == NULL:
        return None
    try:
        found = _usage_in.decode(said)
    except ValueError:
        return None
    details, output = found.prompt_tokens_details, found.completion_tokens_details
    usage = Usage(
        input=found.prompt_tokens,
        output=found.completion_tokens or 0,
        cached=(details.cached_tokens or 0) if details else 0,
        reasoning=(output.reasoning_tokens or 0) if output else 0,
    )
    return _sane(usage)


def _sane(usage: Usage) -> Usage | None:
    """The usage, or None when no honest count can be like that."""
    sane = 0 <= usage.cached <= usage.input < MAX_TOKENS and 0 <= usage.output < MAX_TOKENS
    return usage if sane and 0 <= usage.reasoning <= usage.output else None


def _word(said: str | None) -> str | None:
    """A short printable word of the upstream's, fit for a record; None for anything else."""
    return said if said and len(said) <= MAX_WORD and said.isprintable() else None


def _has_content(delta: Delta) -> bool:
    return bool(
        delta.content
        or delta.reasoning
        or delta.reasoning_content
        or delta.refusal
        or delta.tool_calls not in NONE
        or delta.audio != NULL
    )


def _size(delta: Delta) -> int:
    texts = (delta.content, delta.reasoning or delta.reasoning_content, delta.refusal)
    size = sum(len(text.encode()) for text in texts if text)
    return size + (_call_size(delta.tool_calls) if delta.tool_calls not in NONE else 0)


def _call_size(tool_calls: msgspec.Raw) -> int:
    """Bytes the model wrote of its calls, without the JSON they travel in."""
    try:
        parts = [call.function for call in _tool_calls.decode(tool_calls) if call.function]
    except ValueError:
        return 0
    return sum(
        len((part.name or "").encode()) + len((part.arguments or "").encode()) for part in parts
    )
