"""OpenAI's first completions: a prompt goes on, nobody takes turns.

Wire format: https://platform.openai.com/docs/api-reference/completions
"""

from typing import Any

import msgspec

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
    word,
)
from alltoken_app.providers.dialects import openai_odd, openai_usage
from alltoken_app.providers.dialects import openai_responses_reply as faults
from alltoken_app.providers.dialects.openai_chat import OpenAIChat
from alltoken_app.providers.quirks import PLAIN, Quirks
from alltoken_app.providers.sse import EventReader

JSON = ("content-type", "application/json")
NULL = msgspec.Raw(b"null")
TRUE = msgspec.Raw(b"true")
STREAM_OPTIONS = msgspec.Raw(b'{"include_usage":true}')
HONOURS = frozenset({
    "messages", "temperature", "top_p", "top_k", "min_p", "n", "stop", "seed", "logit_bias",
    "logprobs", "top_logprobs", "frequency_penalty", "presence_penalty", "repetition_penalty",
    "user",
})  # fmt: skip


class ChoiceIn(msgspec.Struct):
    index: int = 0
    text: str | None = None
    finish_reason: str | None = None


class CompletionIn(msgspec.Struct):
    """A completion, or a chunk of one: the shape is the same."""

    choices: list[msgspec.Raw] | None = None
    id: str | None = None
    usage: msgspec.Raw = NULL
    error: msgspec.Raw = NULL


_completion = msgspec.json.Decoder(CompletionIn)
_choice = msgspec.json.Decoder(ChoiceIn)
_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])
_encode = msgspec.json.Encoder().encode


class OpenAICompletions:
    """Speaks it, for callers who speak it: their prompt goes as it came."""

    native = "completions"
    stream_type = "text/event-stream"

    def __init__(self, quirks: Quirks = PLAIN) -> None:
        self._chat = OpenAIChat(quirks)
        self.honours = HONOURS - quirks.drops

    def unable(self, call: Call, endpoint: EndpointFacts) -> tuple[str, ...]:
        return () if call.dialect == self.native else ("messages",)

    def request(self, call: Call, endpoint: EndpointFacts, max_output: int) -> Outgoing:
        if call.dialect != self.native:
            text = "messages: this model goes on with a prompt; use /completions."
            raise Unfit(text, "messages")
        body: dict[str, Any] = dict(call.native)
        body |= {"model": endpoint.upstream_model, "max_tokens": max_output}
        if call.stream:
            body |= {"stream": TRUE, "stream_options": STREAM_OPTIONS}
        return Outgoing("/completions", (JSON,), _encode(body))

    def read(self, call: Call, header: HeaderOf, payload: bytes) -> Reply:
        found = _completion.decode(payload)
        if found.error != NULL:
            raise StreamError(faults.fault(found.error))
        if found.choices is None:
            raise ValueError("no answer in the reply")
        read = [_read(raw) for raw in found.choices]
        fields = _fields.decode(payload)
        fields["choices"] = msgspec.Raw(_encode([raw for raw, _ in read]))
        choices = [choice for _, choice in read]
        return Reply(
            body={
                "choices": msgspec.Raw(_encode([_common(choice, "message") for choice in choices]))
            },
            usage=openai_usage.read(found.usage),
            content=any(choice.text for choice in choices),
            size=sum(len((choice.text or "").encode()) for choice in choices),
            finish=choices[0].finish_reason if choices else None,
            upstream_id=word(found.id),
            native=fields if call.dialect == self.native else None,
        )

    def reader(self, call: Call) -> "CompletionsReader":
        return CompletionsReader(own=call.dialect == self.native)

    def read_error(self, status: int, header: HeaderOf, payload: bytes) -> UpstreamError:
        return self._chat.read_error(status, header, payload)


class CompletionsReader:
    """Reads a stream: chunks in the shape of the whole, the usage last.

    Args:
        own: The caller speaks this dialect: every choice travels on as it came.
    """

    def __init__(self, *, own: bool = False) -> None:
        self._own = own
        self._events = EventReader()
        self._finished = False
        self.done = False

    def feed(self, received: bytes) -> list[Piece]:
        if not received:
            if not self._finished:
                raise Cut
            self.done = True
            return []
        pieces: list[Piece] = []
        for data in self._events.feed(received):
            if data.strip() == b"[DONE]":
                self.done = True
                break
            pieces.append(self._read(data))
        return pieces

    def _read(self, data: bytes) -> Piece:
        chunk = _completion.decode(data)
        if chunk.error != NULL:
            raise StreamError(faults.fault(chunk.error))
        read = [_read(raw) for raw in chunk.choices or ()]
        piece = Piece(
            _encode([_common(choice, "delta") for _, choice in read]),
            content=any(choice.text for _, choice in read),
            size=sum(len((choice.text or "").encode()) for _, choice in read),
            usage=openai_usage.read(chunk.usage),
            upstream_id=word(chunk.id),
        )
        if self._own:
            piece.native = _encode([raw for raw, _ in read]).replace(b"\n", b" ")
        for _, choice in read:
            piece.finish = choice.finish_reason or piece.finish
        self._finished = self._finished or piece.finish is not None
        return piece


def _read(raw: msgspec.Raw) -> tuple[msgspec.Raw, ChoiceIn]:
    """A choice and its bytes, with the finish reason in OpenAI's words."""
    choice = _choice.decode(raw)
    known = openai_odd.finish_of(choice.finish_reason)
    if known == choice.finish_reason:
        return raw, choice
    choice.finish_reason = known
    return msgspec.Raw(_encode(_fields.decode(raw) | {"finish_reason": known})), choice


def _common(choice: ChoiceIn, name: str) -> dict[str, Any]:
    said: dict[str, Any] = {"content": choice.text or ""}
    if name == "message":
        said["role"] = "assistant"
    return {"index": choice.index, name: said, "finish_reason": choice.finish_reason}
