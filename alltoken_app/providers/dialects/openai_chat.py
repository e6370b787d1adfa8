"""OpenAI's chat completions and embeddings, and every server that imitates them.

Wire format: https://platform.openai.com/docs/api-reference/chat
"""

from typing import Any

import msgspec

from alltoken_app.providers import refusals
from alltoken_app.providers.base import (
    Call,
    Cut,
    EndpointFacts,
    HeaderOf,
    Outgoing,
    Piece,
    Reply,
    StreamError,
    Unfit,
    UpstreamError,
    Usage,
    sane,
    word,
)
from alltoken_app.providers.dialects import openai_effort, openai_odd, openai_plain, openai_usage
from alltoken_app.providers.quirks import PLAIN, Quirks
from alltoken_app.providers.sse import EventReader

JSON = ("content-type", "application/json")
PATHS = {
    "chat": "/chat/completions",
    "completions": "/chat/completions",  # a prompt as a message
    "embeddings": "/embeddings",
}
PASSED_ON = ("choices", "data", "system_fingerprint", "service_tier", "citations", "search_results")
STREAM_OPTIONS = msgspec.Raw(b'{"include_usage":true}')
TRUE = msgspec.Raw(b"true")
NULL = msgspec.Raw(b"null")
# Everything of the common form; which of it a server honours is a fact of the endpoint.
HONOURS = frozenset({
    "messages", "input", "temperature", "top_p", "top_k", "min_p", "top_a", "frequency_penalty",
    "presence_penalty", "repetition_penalty", "n", "stop", "seed", "logit_bias", "logprobs",
    "top_logprobs", "response_format", "tools", "tool_choice", "parallel_tool_calls", "user",
    "safety_identifier", "reasoning_effort", "verbosity", "prediction", "metadata",
    "encoding_format", "dimensions", "service_tier", "modalities", "audio", "web_search_options",
    "prompt_cache_key",
})  # fmt: skip


REASONING = frozenset({"reasoning", "include_reasoning"})
# Part of any call, or said in other words: no endpoint needs to list them.
ALWAYS = frozenset({
    "messages", "input", "user", "safety_identifier", "metadata", "n", "stop", "prompt_cache_key",
    "reasoning", "reasoning_effort",
})  # fmt: skip


class Timings(msgspec.Struct):
    """llama.cpp's running counts; `cache_n` of the prompt was not computed anew."""

    prompt_n: int = 0
    predicted_n: int = 0
    cache_n: int = 0


class FunctionPart(msgspec.Struct):
    name: str | None = None
    arguments: str | None = None


class ToolCallPart(msgspec.Struct):
    id: str | None = None
    type: str | None = None
    function: FunctionPart | None = None
    custom: msgspec.Raw = NULL


class Delta(msgspec.Struct):
    content: str | None = None
    reasoning: str | None = None
    reasoning_content: str | None = None
    refusal: str | None = None
    tool_calls: list[ToolCallPart] | None = None
    function_call: FunctionPart | None = None
    audio: msgspec.Raw = NULL


class ChunkChoice(msgspec.Struct):
    delta: Delta | None = None
    message: Delta | None = None
    finish_reason: str | None = None
    native_finish_reason: str | None = None


class GroqPart(msgspec.Struct):
    usage: msgspec.Raw = NULL


class Chunk(msgspec.Struct):
    choices: msgspec.Raw = msgspec.Raw(b"[]")
    id: str | None = None
    usage: msgspec.Raw = NULL
    timings: Timings | None = None
    error: msgspec.Raw = NULL
    service_tier: str | None = None
    x_groq: GroqPart | None = None


class ReplyIn(msgspec.Struct):
    """What a whole answer must have; everything else stays raw."""

    id: str | None = None
    usage: msgspec.Raw = NULL
    error: msgspec.Raw = NULL
    service_tier: str | None = None


class ErrorBody(msgspec.Struct):
    code: Any = None
    type: Any = None
    param: str | None = None
    message: str = ""
    status_code: int | None = None


class ErrorIn(msgspec.Struct):
    error: ErrorBody


_chunk = msgspec.json.Decoder(Chunk)
_choices = msgspec.json.Decoder(list[ChunkChoice])
_reply = msgspec.json.Decoder(ReplyIn)
_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])
_error = msgspec.json.Decoder(ErrorIn)
_error_body = msgspec.json.Decoder(ErrorBody)
_encode = msgspec.json.Encoder().encode


class OpenAIChat:
    """Speaks OpenAI's dialect, with the quirks of one server.

    Args:
        scope_header: A header that takes `Call.cache_scope`, on servers of ours.
    """

    native = "chat"
    stream_type = "text/event-stream"

    def __init__(self, quirks: Quirks = PLAIN, scope_header: str = "") -> None:
        self._quirks = quirks
        self._scope_header = scope_header
        self._changes = bool(quirks.renames or quirks.drops)
        self.honours = (HONOURS | REASONING if quirks.reasoning else HONOURS) - quirks.drops

    def unable(self, call: Call, endpoint: EndpointFacts) -> tuple[str, ...]:
        said = bytes(call.fields.get("response_format", b""))
        if self._quirks.schemas or b'"json_schema"' not in said:
            return ()
        return ("response_format",)

    def request(self, call: Call, endpoint: EndpointFacts, max_output: int) -> Outgoing:
        body = self._honoured(call, endpoint)
        if self._changes:
            body = self._adapted(body)
        if "reasoning" in body or "reasoning_effort" in body:
            openai_effort.place(body, self._quirks.reasoning)
        body["model"] = msgspec.Raw(_encode(endpoint.upstream_model))
        if call.operation != "embeddings":
            body[self._quirks.output_limit] = msgspec.Raw(str(max_output).encode())
        if call.stream:
            body["stream"] = TRUE
            body["stream_options"] = STREAM_OPTIONS
        headers = (JSON, (self._scope_header, call.cache_scope)) if self._scope_header else (JSON,)
        return Outgoing(PATHS[call.operation], headers, _encode(body))

    def _honoured(self, call: Call, endpoint: EndpointFacts) -> dict[str, msgspec.Raw]:
        """What server and endpoint honour; the rest was reported when the call was planned."""
        known, fields = endpoint.parameters, call.fields
        if self._quirks.narrow or call.dialect != "chat":
            try:
                fields = openai_plain.plain(fields, self._quirks)
            except ValueError:
                raise Unfit("messages: their parts cannot be read.", "messages") from None
        return {
            name: value
            for name, value in fields.items()
            if name in ALWAYS or (name in self.honours and (name in known or not known))
        }

    def _adapted(self, fields: dict[str, msgspec.Raw]) -> dict[str, msgspec.Raw]:
        """The fields under this server's names, without those it refuses."""
        quirks = self._quirks
        return {
            quirks.renames.get(name, name): value
            for name, value in fields.items()
            if name not in quirks.drops
        }

    def read(self, call: Call, header: HeaderOf, payload: bytes) -> Reply:
        found = _reply.decode(payload)
        fields = _fields.decode(payload)
        embeddings = call.operation == "embeddings"
        if ("data" if embeddings else "choices") not in fields:
            raise _no_answer(found)
        raw, choices = (
            (b"", []) if embeddings else _read_choices(bytes(fields["choices"]), "message")
        )
        if raw:
            fields["choices"] = msgspec.Raw(raw)
        texts = [choice.message for choice in choices if choice.message]
        finish = word(choices[0].finish_reason) if choices else None
        return Reply(
            body={name: fields[name] for name in PASSED_ON if name in fields},
            usage=openai_usage.read(found.usage),
            content=embeddings or any(map(_has_content, texts)),
            size=sum(map(_size, texts)),
            finish=finish,
            native_finish=word(choices[0].native_finish_reason) if choices else None,
            upstream_id=word(found.id),
            tier=word(found.service_tier),
        )

    def reader(self, call: Call) -> "ChatReader":
        return ChatReader()

    def read_error(self, status: int, header: HeaderOf, payload: bytes) -> UpstreamError:
        try:
            body = _error.decode(payload).error
        except (msgspec.DecodeError, ValueError):
            body = ErrorBody()
        wait = refusals.seconds(header("retry-after"))
        known = KNOWN.get(body.code if isinstance(body.code, str) else "")
        if known is not None:
            param = body.param or ("messages" if known == "context_length_exceeded" else None)
            return refusals.refusal(known, said=body.message, param=param, retry_after=wait)
        return refusals.by_status(status, said=body.message, param=body.param, retry_after=wait)


# Codes that say more than the status they come with.
KNOWN = {
    "context_length_exceeded": "context_length_exceeded",
    "content_policy_violation": "content_policy_violation",
    "content_filter": "content_policy_violation",
    "insufficient_quota": "upstream_quota_exhausted",
    "model_not_found": "upstream_model_unavailable",
}


class ChatReader:
    """Reads a stream of chunks: each is complete in itself, so only the end is remembered."""

    def __init__(self) -> None:
        self._events = EventReader()
        self._finished = False
        self._calls = False
        self.done = False

    def feed(self, received: bytes) -> list[Piece]:
        if not received:
            if not self._finished:
                raise Cut
            self.done = True
            return []
        pieces: list[Piece] = []
        for data in self._events.feed(received):
            if data == b"[DONE]":
                self.done = True
                if not self._finished:
                    pieces.append(self._end())
                break
            piece = read_chunk(data)
            self._finished = self._finished or piece.finish is not None
            self._calls = self._calls or b'"tool_calls":[' in piece.choices
            pieces.append(piece)
        return pieces

    def _end(self) -> Piece:
        """What a server owes that ends a stream without a finish reason."""
        reason = "tool_calls" if self._calls else "stop"
        choices = f'[{{"index":0,"delta":{{}},"finish_reason":"{reason}"}}]'
        return Piece(choices.encode(), finish=reason)


def read_chunk(data: bytes) -> Piece:
    """One chunk of a stream. Raises ValueError, StreamError."""
    chunk = _chunk.decode(data)
    if chunk.error != NULL:
        raise StreamError(_said_error(chunk.error))
    # A newline between JSON values is white space, and would end our own event.
    raw = bytes(chunk.choices).replace(b"\n", b" ") if chunk.choices != NULL else b"[]"
    raw, choices = _read_choices(raw, "delta")
    usage = chunk.usage if chunk.x_groq is None else chunk.x_groq.usage
    piece = Piece(raw, usage=openai_usage.read(usage), upstream_id=word(chunk.id))
    piece.tier = word(chunk.service_tier)
    for choice in choices:
        if choice.delta is not None:
            piece.content = piece.content or _has_content(choice.delta)
            piece.size += _size(choice.delta)
        piece.finish = word(choice.finish_reason) or piece.finish
        piece.native_finish = word(choice.native_finish_reason) or piece.native_finish
    if chunk.timings is not None:
        counted = chunk.timings
        piece.running = sane(
            Usage(counted.prompt_n + counted.cache_n, counted.predicted_n, counted.cache_n)
        )
    return piece


def _read_choices(raw: bytes, said_in: str) -> tuple[bytes, list[ChunkChoice]]:
    """The choices, and their bytes: as they came, unless this server writes them differently."""
    try:
        choices = _choices.decode(raw)
    except msgspec.ValidationError:
        pass
    else:
        if not any([_odd(choice, said_in) for choice in choices]):
            return raw, choices
    mended = openai_odd.mend(raw, said_in)
    return mended, _choices.decode(mended)


def _odd(choice: ChunkChoice, said_in: str) -> bool:
    said, other = choice.delta, choice.message
    if said_in == "message":
        said, other = other, said
    if said is None or other is not None or choice.finish_reason not in openai_odd.FINISHES:
        return True
    if said.reasoning_content is not None and said.reasoning is None:
        return True
    calls = said.tool_calls
    return calls is not None and any([c.id and not c.type and c.function for c in calls])


def _said_error(raw: msgspec.Raw) -> UpstreamError:
    """An error inside a stream or a 200: what its words and numbers mean."""
    try:
        body = _error_body.decode(raw)
    except ValueError:
        return refusals.by_status(500)
    known = KNOWN.get(body.code if isinstance(body.code, str) else "")
    if known is not None:
        return refusals.refusal(known, said=body.message, param=body.param)
    said = body.status_code or body.code
    status = said if isinstance(said, int) and 400 <= said < 600 else 500
    return refusals.by_status(status, said=body.message, param=body.param)


def _no_answer(found: ReplyIn) -> Exception:
    if found.error != NULL:
        return StreamError(_said_error(found.error))
    return ValueError("no answer in the reply")


def _has_content(delta: Delta) -> bool:
    return bool(
        delta.content
        or delta.reasoning
        or delta.reasoning_content
        or delta.refusal
        or delta.tool_calls
        or delta.function_call
        or delta.audio != NULL
    )


def _size(delta: Delta) -> int:
    texts = (delta.content, delta.reasoning or delta.reasoning_content, delta.refusal)
    size = sum(len(text.encode()) for text in texts if text)
    if delta.tool_calls or delta.function_call:
        size += _call_size(delta)
    return size


def _call_size(delta: Delta) -> int:
    """Bytes the model wrote of its calls, without the JSON they travel in."""
    parts = [call.function for call in delta.tool_calls or [] if call.function]
    if delta.function_call:
        parts.append(delta.function_call)
    return sum(
        len((part.name or "").encode()) + len((part.arguments or "").encode()) for part in parts
    )
