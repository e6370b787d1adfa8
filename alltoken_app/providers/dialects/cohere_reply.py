"""Cohere's answers to a chat, whole and streamed, and what they say they used."""

import math

import msgspec

from alltoken_app.providers.base import (
    MAX_COUNT,
    Call,
    Cut,
    Piece,
    Reply,
    StreamError,
    UpstreamError,
    Usage,
    sane,
    word,
)
from alltoken_app.providers.dialects import chat_form
from alltoken_app.providers.dialects.chat_form import NULL, Answer, call_delta, last_piece, piece
from alltoken_app.providers.sse import EventReader

FINISH = {
    "COMPLETE": "stop",
    "STOP_SEQUENCE": "stop",
    "MAX_TOKENS": "length",
    "TOOL_CALL": "tool_calls",
    "ERROR_TOXIC": "content_filter",
}
FAILED = {"ERROR": "upstream_error", "TIMEOUT": "upstream_timeout", "ERROR_LIMIT": "upstream_error"}


class Counts(msgspec.Struct):
    input_tokens: float | None = None
    output_tokens: float | None = None
    reasoning_tokens: float | None = None
    image_tokens: float | None = None
    search_units: float | None = None


class Said(msgspec.Struct):
    """`tokens` count Cohere's own framing of the prompt, too, for which nobody is charged."""

    billed_units: Counts | None = None
    tokens: Counts | None = None


class Function(msgspec.Struct):
    name: str | None = None
    arguments: str | None = None


class ToolCall(msgspec.Struct):
    id: str | None = None
    function: Function = msgspec.field(default_factory=Function)


class Content(msgspec.Struct):
    type: str | None = None
    text: str | None = None
    thinking: str | None = None


class Message(msgspec.Struct):
    content: list[Content] | None = None
    tool_plan: str | None = None
    tool_calls: list[ToolCall] | None = None


class ReplyIn(msgspec.Struct):
    message: Message
    finish_reason: str
    id: str | None = None
    usage: msgspec.Raw = NULL


class Parts(msgspec.Struct):
    """What an event adds to the message: one thing where a whole answer has a list."""

    content: Content | list[Content] | None = None
    tool_plan: str | None = None
    tool_calls: ToolCall | list[ToolCall] | None = None


class Delta(msgspec.Struct):
    message: Parts = msgspec.field(default_factory=Parts)
    finish_reason: str | None = None
    error: str | None = None
    usage: msgspec.Raw = NULL


class Event(msgspec.Struct):
    type: str = ""
    id: str | None = None
    index: int = 0
    delta: Delta = msgspec.field(default_factory=Delta)


_reply = msgspec.json.Decoder(ReplyIn)
_event = msgspec.json.Decoder(Event)
_said = msgspec.json.Decoder(Said)


def read(call: Call, payload: bytes) -> Reply:
    """Read a whole answer. Raises ValueError, StreamError."""
    found = _reply.decode(payload)
    answer = Answer(show_reasoning=not chat_form.reasoning(call).exclude)
    for part in found.message.content or []:
        answer.text.append(part.text or "")
        if part.thinking:
            answer.thoughts.append(part.thinking)
    if found.message.tool_plan:
        answer.thoughts.append(found.message.tool_plan)  # why it calls a tool, told beside it
    for made in found.message.tool_calls or []:
        arguments = made.function.arguments or "{}"
        answer.call(made.id or "", made.function.name or "", arguments)
    finish = finish_of(found.finish_reason)
    reply = answer.reply(finish, found.finish_reason, usage(found.usage))
    reply.upstream_id = word(found.id)
    return reply


class ChatReader:
    """Reads a stream, from message-start to message-end."""

    def __init__(self, call: Call) -> None:
        self.done = False
        self._events = EventReader()
        self._show = not chat_form.reasoning(call).exclude
        self._finished = False
        self._empty: set[int] = set()  # tool calls without a word of arguments so far
        self._reads = {
            "message-start": self._begin,
            "content-start": self._content,
            "content-delta": self._content,
            "tool-plan-delta": self._plan,
            "tool-call-start": self._call,
            "tool-call-delta": self._call,
            "tool-call-end": self._called,
            "message-end": self._end,
        }

    def feed(self, received: bytes) -> list[Piece]:
        if not received:
            if not self._finished:
                raise Cut
            self.done = True
            return []
        pieces: list[Piece] = []
        for data in self._events.feed(received):
            if data == b"[DONE]":
                self.done = self._finished
                break
            found = self._read(_event.decode(data))
            if found is not None:
                pieces.append(found)
        return pieces

    def _read(self, event: Event) -> Piece | None:
        reads = self._reads.get(event.type)
        return reads(event) if reads and not self._finished else None

    def _begin(self, event: Event) -> Piece | None:
        begun = piece({"role": "assistant", "content": ""}, content=False)
        begun.upstream_id = word(event.id)
        return begun

    def _content(self, event: Event) -> Piece | None:
        part = event.delta.message.content
        if not isinstance(part, Content):
            return None
        if part.thinking:
            return self._think(part.thinking)
        return piece({"content": part.text}, _size(part.text)) if part.text else None

    def _plan(self, event: Event) -> Piece | None:
        plan = event.delta.message.tool_plan
        return self._think(plan) if plan else None

    def _think(self, text: str) -> Piece:
        if not self._show:
            return Piece(size=_size(text))  # thought, counted, not shown
        return piece({"reasoning": text}, _size(text))

    def _call(self, event: Event) -> Piece | None:
        made = event.delta.message.tool_calls
        if not isinstance(made, ToolCall):
            return None
        name, arguments = made.function.name or "", made.function.arguments or ""
        if made.id:
            self._empty.add(event.index)
        if arguments:
            self._empty.discard(event.index)
        elif not made.id:
            return None
        delta = call_delta(event.index, call_id=made.id or "", name=name, arguments=arguments)
        return piece(delta, _size(name + arguments))

    def _called(self, event: Event) -> Piece | None:
        if event.index not in self._empty:
            return None
        return piece(call_delta(event.index, arguments="{}"), 2)

    def _end(self, event: Event) -> Piece | None:
        reason = event.delta.finish_reason or "ERROR"
        self._finished = True
        return last_piece(finish_of(reason), reason, usage(event.delta.usage))


def finish_of(reason: str) -> str:
    """The finish reason in the common form. Raises StreamError when it is a failure."""
    code = FAILED.get(reason)
    if code is not None:
        raise StreamError(UpstreamError(code, "The provider could not finish.", retry=True))
    return FINISH.get(reason, "stop")


def usage(raw: msgspec.Raw) -> Usage | None:
    """What Cohere bills; its tokens where it does not say. None for nothing, or nonsense."""
    try:
        said = _said.decode(raw) if raw != NULL else Said()
    except ValueError:
        return None
    counts = said.billed_units or said.tokens
    if counts is None or counts.input_tokens is None:
        return None
    output = _count(counts.output_tokens)
    thought = _count(said.tokens.reasoning_tokens) if said.tokens else 0
    pictures = _count(counts.image_tokens)
    return sane(
        Usage(
            input=_count(counts.input_tokens) + pictures,
            output=output,
            reasoning=min(thought, output),
            image_input=pictures,
        )
    )


def _count(said: float | None) -> int:
    """A count; by Cohere's types it may be a fraction."""
    return math.ceil(min(said or 0, MAX_COUNT))


def _size(text: str | None) -> int:
    return len((text or "").encode())
