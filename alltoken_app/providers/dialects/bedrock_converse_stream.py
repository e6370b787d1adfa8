"""A streamed answer of ConverseStream."""

from base64 import b64decode, b64encode
from typing import Any

import msgspec

from alltoken_app.providers.base import Call, Cut, Piece, StreamError, word
from alltoken_app.providers.dialects import bedrock_converse_reply as whole
from alltoken_app.providers.dialects import bedrock_errors, chat_form
from alltoken_app.providers.dialects.bedrock_converse_request import JSON_TOOL
from alltoken_app.providers.dialects.chat_form import NULL, call_delta, last_piece, piece
from alltoken_app.providers.eventstream import EventStreamReader


class ImageStart(msgspec.Struct):
    format: str = "png"


class Start(msgspec.Struct):
    toolUse: whole.ToolUse | None = None
    toolResult: msgspec.Raw = NULL
    image: ImageStart | None = None


class ToolInput(msgspec.Struct):
    input: str = ""


class Thought(msgspec.Struct):
    text: str | None = None
    signature: str | None = None
    redactedContent: str | None = None


class ImagePart(msgspec.Struct):
    source: whole.Source = msgspec.field(default_factory=whole.Source)


class Delta(msgspec.Struct):
    text: str | None = None
    toolUse: ToolInput | None = None
    reasoningContent: Thought | None = None
    citation: whole.Citation | None = None
    image: ImagePart | None = None


class Event(msgspec.Struct):
    """Any event; which fields are there depends on its type."""

    contentBlockIndex: int = 0
    start: Start | None = None
    delta: Delta = msgspec.field(default_factory=Delta)
    stopReason: str = ""
    usage: msgspec.Raw = NULL
    serviceTier: whole.Tier | None = None


class Open(msgspec.Struct):
    """A content block that is arriving.

    Attributes:
        kind: "text", "tool", "json" (a forced tool's arguments, which are the answer), "image",
            or "hidden" (tools that AWS runs).
        number: Of the tool call among the caller's.
        began: Characters of text before it.
    """

    kind: str = "text"
    number: int = 0
    began: int = 0
    arguments: bool = False
    form: str = ""
    image: bytes = b""


_event = msgspec.json.Decoder(Event)


class ConverseReader:
    """Reads a stream of Converse. The finish waits for the usage, which comes after it."""

    def __init__(self, call: Call) -> None:
        self.done = False
        self._frames = EventStreamReader()
        self._signed = whole.format_of(call)
        self._doubled = all(name.startswith("openai/") for name in (call.model, *call.models))
        self._show = not chat_form.reasoning(call).exclude
        self._blocks: dict[int, Open] = {}
        self._calls = 0
        self._position = 0
        self._stopped = ""
        self._metadata: Event | None = None
        self._reads = {
            "messageStart": self._begin,
            "contentBlockStart": self._open,
            "contentBlockDelta": self._more,
            "contentBlockStop": self._close,
            "messageStop": self._stop,
            "metadata": self._count,
        }

    def feed(self, received: bytes) -> list[Piece]:
        if not received:
            return self._end()
        pieces: list[Piece] = []
        for headers, payload in self._frames.feed(received):
            if self.done:
                break
            found = self._read(headers, payload)
            if found is not None:
                pieces.append(found)
        return pieces

    def _end(self) -> list[Piece]:
        if self.done:
            return []
        if not self._stopped:
            raise Cut
        return [self._last()]

    def _read(self, headers: dict[str, str], payload: bytes) -> Piece | None:
        kind = headers.get(":message-type", "event")
        if kind != "event":
            name = headers.get(":exception-type") or headers.get(":error-code") or ""
            raise StreamError(bedrock_errors.in_stream(name, payload))
        reads = self._reads.get(headers.get(":event-type", ""))
        return reads(_event.decode(payload)) if reads else None

    def _begin(self, event: Event) -> Piece | None:
        return piece({"role": "assistant", "content": ""}, content=False)

    def _open(self, event: Event) -> Piece | None:
        start = event.start or Start()
        block = self._blocks[event.contentBlockIndex] = Open(began=self._position)
        use = start.toolUse
        if start.image is not None:
            block.kind, block.form = "image", start.image.format
        elif start.toolResult != NULL or (use is not None and use.type == whole.SERVER_TOOL):
            block.kind = "hidden"
        elif use is not None and use.name == JSON_TOOL:
            block.kind = "json"
        elif use is not None:
            block.kind, block.number = "tool", self._calls
            self._calls += 1
            opened = call_delta(block.number, call_id=use.toolUseId, name=use.name)
            return piece(opened, _size(use.name))
        return None

    def _more(self, event: Event) -> Piece | None:
        block = self._block(event)
        delta = event.delta
        if block.kind == "hidden":
            return None
        if delta.text is not None:
            return self._text(delta.text)
        if delta.toolUse is not None:
            return self._arguments(block, delta.toolUse.input)
        if delta.reasoningContent is not None:
            return self._think(delta.reasoningContent, event.contentBlockIndex)
        if delta.citation is not None:
            found = whole.annotation(delta.citation, block.began, self._position)
            return piece({"annotations": [found]}) if found else None
        if delta.image is not None:
            block.image += b64decode(delta.image.source.bytes)
        return None

    def _block(self, event: Event) -> Open:
        """The block of an event; one of text is not announced."""
        index = event.contentBlockIndex
        return self._blocks.setdefault(index, Open(began=self._position))

    def _text(self, text: str) -> Piece | None:
        self._position += len(text)
        return piece({"content": text}, _size(text)) if text else None

    def _arguments(self, block: Open, part: str) -> Piece | None:
        if not part:
            return None
        block.arguments = True
        if block.kind == "json":
            return self._text(part)
        return piece(call_delta(block.number, arguments=part), _size(part))

    def _think(self, said: Thought, index: int) -> Piece | None:
        size = _size(said.text or "")
        if not self._show:
            return Piece(size=size)  # thought, counted, not shown
        delta: dict[str, Any] = {"reasoning": said.text} if said.text else {}
        if said.redactedContent is not None:
            delta["reasoning_details"] = [whole.hidden(index, self._signed, said.redactedContent)]
        else:
            detail = whole.thought(index, self._signed, said.text, said.signature)
            delta["reasoning_details"] = [detail]
        return piece(delta, size)

    def _close(self, event: Event) -> Piece | None:
        block = self._block(event)
        if block.image:
            data = b64encode(block.image).decode()
            return piece({"images": [whole.image(block.form, data)]})
        if block.kind == "tool" and not block.arguments:
            return piece(call_delta(block.number, arguments="{}"), 2)
        return None

    def _stop(self, event: Event) -> Piece | None:
        self._stopped = event.stopReason or "end_turn"
        return self._last() if self._metadata else None

    def _count(self, event: Event) -> Piece | None:
        self._metadata = event
        return self._last() if self._stopped else None

    def _last(self) -> Piece:
        self.done = True
        said = self._metadata or Event()
        finish = whole.finish_of(self._stopped, calls=self._calls > 0)
        used = whole.usage(said.usage, doubled=self._doubled)
        found = last_piece(finish, self._stopped, used)
        found.tier = word(said.serviceTier.type) if said.serviceTier else None
        return found


def _size(text: str) -> int:
    return len(text.encode())
