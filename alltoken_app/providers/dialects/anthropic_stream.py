"""Streamed Messages answers in the common form."""

from collections.abc import Iterable
from typing import Any, Protocol

import msgspec

from alltoken_app.providers.base import Cut, Piece, StreamError, Usage, word
from alltoken_app.providers.dialects import anthropic_blocks, anthropic_errors, anthropic_usage
from alltoken_app.providers.dialects.anthropic_blocks import NULL, Block, Citation
from alltoken_app.providers.dialects.anthropic_usage import Said

BYTES_PER_TOKEN = 4
SERVERS = ("server_tool_use", "mcp_tool_use")  # calls that the provider answers itself


class Delta(msgspec.Struct):
    """What one event adds."""

    type: str = ""
    text: str | None = None
    thinking: str | None = None
    signature: str | None = None
    partial_json: str | None = None
    citation: Citation | None = None
    stop_reason: str | None = None


class Begun(msgspec.Struct):
    """The message as it is when a stream begins."""

    id: str | None = None
    usage: msgspec.Raw = NULL


class Event(msgspec.Struct):
    type: str = ""
    index: int = 0
    message: Begun | None = None
    content_block: Block | None = None
    delta: Delta | None = None
    usage: msgspec.Raw = NULL
    error: msgspec.Raw = NULL


class Framing(Protocol):
    """Cuts a stream into the JSON of its events."""

    def feed(self, received: bytes) -> Iterable[bytes]:
        """The events completed by `received`. Raises ValueError, StreamError."""


_event = msgspec.json.Decoder(Event)
_encode = msgspec.json.Encoder().encode


class MessageReader:
    """Reads the events of one answer.

    Args:
        native: Whether the caller wants the events themselves.
        quiet: Whether the reasoning is left out.
    """

    def __init__(self, framing: Framing, *, native: bool, quiet: bool) -> None:
        self._framing = framing
        self._native = native
        self._quiet = quiet
        self._finished = False
        self._failed: Exception | None = None
        self._start: Said | None = None
        self._taken: Usage | None = None  # the input, as counted upstream
        self._open: dict[int, _Open] = {}
        self._calls = 0
        self._details = 0
        self._written = 0  # characters of text
        self._size = 0
        self.done = False

    def feed(self, received: bytes) -> list[Piece]:
        if self._failed is not None:
            raise self._failed
        if not received:
            if not self._finished:
                raise Cut
            self.done = True
            return []
        pieces: list[Piece] = []
        try:
            self._read(received, pieces)
        except (StreamError, ValueError) as failed:
            if not pieces:
                raise
            self._failed = failed  # what came before it is delivered first
        return pieces

    def _read(self, received: bytes, pieces: list[Piece]) -> None:
        for data in self._framing.feed(received):
            piece = self._piece(data)
            if piece is not None:
                pieces.append(piece)
            if self.done:
                return

    def _piece(self, data: bytes) -> Piece | None:
        event = _event.decode(data)
        if event.type == "ping":
            return None
        if event.type == "error":
            raise StreamError(anthropic_errors.in_stream(event.error))
        piece = Piece()
        read = READERS.get(event.type)
        if read is not None:
            read(self, event, piece)
        if self._native:
            piece.choices = b"[]"
            # A newline between JSON values is white space, and would end our own event.
            piece.native = data.replace(b"\n", b" ")
        return piece if piece.native or piece != Piece() else None

    def _begun(self, event: Event, piece: Piece) -> None:
        message = event.message or Begun()
        self._start = anthropic_usage.read(message.usage)
        piece.upstream_id = word(message.id)
        piece.tier = word(self._start.service_tier) if self._start else None
        piece.running = self._taken = anthropic_usage.counted(self._start)
        _say(piece, {"role": "assistant", "content": ""})

    def _block_begun(self, event: Event, piece: Piece) -> None:
        block = event.content_block or Block()
        opened = self._open[event.index] = _Open(block, self._written)
        delta: dict[str, Any] = {}
        if block.type == "tool_use":
            opened.place = self._calls
            self._calls += 1
            delta["tool_calls"] = [anthropic_blocks.call(block, opened.place, "")]
            self._count(piece, block.name)
        elif block.type in ("thinking", "redacted_thinking"):
            opened.place = self._details
            self._details += 1
            if block.type == "redacted_thinking":
                delta["reasoning_details"] = [anthropic_blocks.redacted(block.data, opened.place)]
            elif block.thinking:
                delta = self._thinks(opened, block.thinking, piece)
        elif block.text:
            delta = self._writes(block.text, piece)
        elif block.type in SERVERS:
            piece.content = self._native
        self._deliver(piece, delta)

    def _block_grew(self, event: Event, piece: Piece) -> None:
        opened = self._open.get(event.index)
        grown = event.delta
        if opened is None or grown is None:
            return
        delta: dict[str, Any] = {}
        if grown.text:
            delta = self._writes(grown.text, piece)
        elif grown.thinking:
            delta = self._thinks(opened, grown.thinking, piece)
        elif grown.signature:
            detail = anthropic_blocks.thought(None, grown.signature, opened.place)
            delta = {"reasoning_details": [detail]}
        elif grown.partial_json:
            delta = self._argues(opened, grown.partial_json, piece)
        elif grown.citation:
            opened.citations.append(grown.citation)
        self._deliver(piece, delta)

    def _block_ended(self, event: Event, piece: Piece) -> None:
        opened = self._open.pop(event.index, None)
        if opened is None:
            return
        delta: dict[str, Any] = {}
        if opened.block.type == "tool_use" and not opened.argued:
            delta = self._argues(opened, anthropic_blocks.given(opened.block.input) or "{}", piece)
        if opened.citations:
            notes = [
                anthropic_blocks.note(c, opened.begin, self._written) for c in opened.citations
            ]
            delta["annotations"] = notes
        self._deliver(piece, delta)

    def _ended(self, event: Event, piece: Piece) -> None:
        said = anthropic_usage.merged(self._start, anthropic_usage.read(event.usage))
        reason = event.delta.stop_reason if event.delta else None
        piece.usage = anthropic_usage.counted(said)
        piece.tier = word(said.service_tier) if said else None
        if reason is None:
            return
        self._finished = True
        piece.finish, piece.native_finish = anthropic_blocks.finish_of(reason), word(reason)
        choice = {"index": 0, "delta": {}, "finish_reason": piece.finish}
        piece.choices = _encode([choice | {"native_finish_reason": piece.native_finish}])

    def _stopped(self, event: Event, piece: Piece) -> None:
        self.done = True

    def _writes(self, text: str, piece: Piece) -> dict[str, Any]:
        self._written += len(text)
        self._count(piece, text)
        return {"content": text}

    def _thinks(self, opened: "_Open", text: str, piece: Piece) -> dict[str, Any]:
        self._count(piece, text)
        return {
            "reasoning": text,
            "reasoning_details": [anthropic_blocks.thought(text, None, opened.place)],
        }

    def _argues(self, opened: "_Open", part: str, piece: Piece) -> dict[str, Any]:
        opened.argued = True
        self._count(piece, part)
        if opened.block.type != "tool_use":
            piece.content = self._native
            return {}
        return {"tool_calls": [{"index": opened.place, "function": {"arguments": part}}]}

    def _count(self, piece: Piece, text: str | None) -> None:
        piece.size += len((text or "").encode())
        self._size += piece.size

    def _deliver(self, piece: Piece, delta: dict[str, Any]) -> None:
        """Say it, and what it costs so far: the input as counted upstream, the output guessed."""
        if not delta:
            return
        if self._quiet and not self._native:
            delta.pop("reasoning", None)
            delta.pop("reasoning_details", None)
        if delta:
            piece.content = True
            _say(piece, delta)
        if self._taken is not None:
            output = -(-self._size // BYTES_PER_TOKEN)
            piece.running = msgspec.structs.replace(self._taken, output=output)


class _Open:
    """A block that is still arriving."""

    def __init__(self, block: Block, begin: int) -> None:
        self.block = block
        self.begin = begin
        self.place = 0  # among the calls, or among the reasoning details
        self.argued = False
        self.citations: list[Citation] = list(block.citations or ())


READERS = {
    "message_start": MessageReader._begun,
    "content_block_start": MessageReader._block_begun,
    "content_block_delta": MessageReader._block_grew,
    "content_block_stop": MessageReader._block_ended,
    "message_delta": MessageReader._ended,
    "message_stop": MessageReader._stopped,
}


def _say(piece: Piece, delta: dict[str, Any]) -> None:
    piece.choices = _encode([{"index": 0, "delta": delta, "finish_reason": None}])
