"""Content blocks of a stream, one after the other, from chunks that may mix them."""

import msgspec

from alltoken_app.api.http import encode
from alltoken_app.api.messages import shapes
from alltoken_app.api.messages.shapes import Json, Said, ToolCall


def event(kind: str, document: Json) -> bytes:
    """One server-sent event."""
    return b"event: " + kind.encode() + b"\ndata: " + encode(document) + b"\n\n"


class Call(msgspec.Struct):
    """A call that waits for its turn: only one block is open at a time."""

    id: str = ""
    name: str = ""
    arguments: str = ""


class Blocks:
    """Writes blocks. Nothing that arrives is lost, however the chunks interleave.

    The call that came first is passed on as it arrives; what comes beside it (other calls, text,
    opaque reasoning) waits until the end.

    Args:
        wanted: Whether reasoning is shown.
    """

    def __init__(self, *, wanted: bool) -> None:
        self._wanted = wanted
        self._index = -1
        self._open = ""  # type of the open block
        self._open_call: int | str | None = None
        self._seal: Json = {}  # of the reasoning that is being told: all but its text
        self._latest: int | str = 0
        self._waiting: dict[int | str, Call] = {}
        self._late_text = ""
        self._late_thoughts: list[Json] = []
        self.called = False

    def add(self, said: Said) -> bytes:
        """The events of what a chunk adds."""
        out = self._think(said)
        text = (said.content or "") + (said.refusal or "")
        if text and self._open == "tool_use":
            self._late_text += text
        elif text:
            out += self._show("text", {"type": "text", "text": ""})
            out += self._delta({"type": "text_delta", "text": text})
        for note in said.annotations or ():
            out += self._cite(note)
        for call in said.tool_calls or ():
            out += self._call(call)
        return out

    def end(self) -> bytes:
        """Everything that waited, and the end of the open block."""
        out = self._close()
        if self._late_text:
            out += self._whole({"type": "text", "text": ""}, "text_delta", "text", self._late_text)
        for detail in self._late_thoughts:
            out += self._opaque(detail)
        for place, call in self._waiting.items():
            if not (call.name or call.arguments):
                continue
            block = _tool_use(call, place)
            out += self._whole(block, "input_json_delta", "partial_json", call.arguments)
        self._waiting.clear()
        return out

    def _whole(self, block: Json, kind: str, name: str, value: str) -> bytes:
        out = self._start(block)
        if value:
            out += self._delta({"type": kind, name: value})
        return out + self._close()

    def _think(self, said: Said) -> bytes:
        details = said.reasoning_details or []
        if not details and said.thought:
            details = [{"type": "reasoning.text", "text": said.thought}]
        return b"".join([self._detail(detail) for detail in details])

    def _detail(self, detail: Json) -> bytes:
        if detail.get("type") == "reasoning.encrypted":
            if self._open == "tool_use":
                self._late_thoughts.append(detail)
                return b""
            return self._opaque(detail)
        if not self._wanted or self._open == "tool_use":
            return b""
        same = self._open == "thinking" and self._seal.get("index") == detail.get("index")
        out = b"" if same else self._close()
        out += self._show("thinking", {"type": "thinking", "thinking": "", "signature": ""})
        for name, value in detail.items():
            if name not in ("text", "summary") and value is not None:
                self._seal[name] = value
        text = detail.get("text") or detail.get("summary")
        return out + (self._delta({"type": "thinking_delta", "thinking": text}) if text else b"")

    def _opaque(self, detail: Json) -> bytes:
        block = shapes.thinking(detail, wanted=True) or {}
        return self._close() + self._start(block) + self._close()

    def _cite(self, note: shapes.Annotation) -> bytes:
        found = shapes.citation(note)
        if found is None or self._open != "text":
            return b""
        return self._delta({"type": "citations_delta", "citation": found})

    def _call(self, part: ToolCall) -> bytes:
        """A call or a part of one; without index and id it goes on with the latest."""
        key = part.index if part.index is not None else part.id or self._latest
        self._latest = key
        self.called = self.called or not part.empty
        arguments = part.function.arguments or ""
        if key == self._open_call:
            return self._argue(arguments)
        call = self._waiting.setdefault(key, Call())
        call.id = call.id or part.id or ""
        call.name = call.name or part.function.name or ""
        call.arguments += arguments
        if self._open_call is not None or not call.name or len(self._waiting) > 1:
            return b""
        del self._waiting[key]
        out = self._close() + self._start(_tool_use(call, key))
        self._open_call = key
        return out + self._argue(call.arguments)

    def _argue(self, arguments: str) -> bytes:
        if not arguments:
            return b""
        return self._delta({"type": "input_json_delta", "partial_json": arguments})

    def _show(self, kind: str, block: Json) -> bytes:
        """Make `kind` the open block."""
        return b"" if self._open == kind else self._close() + self._start(block)

    def _start(self, block: Json) -> bytes:
        self._index += 1
        self._open = block["type"]
        document = {"type": "content_block_start", "index": self._index, "content_block": block}
        return event("content_block_start", document)

    def _delta(self, delta: Json) -> bytes:
        document = {"type": "content_block_delta", "index": self._index, "delta": delta}
        return event("content_block_delta", document)

    def _close(self) -> bytes:
        if not self._open:
            return b""
        sealed = shapes.signature(self._seal) if self._open == "thinking" else ""
        out = self._delta({"type": "signature_delta", "signature": sealed}) if sealed else b""
        self._open, self._seal = "", {}
        stop = {"type": "content_block_stop", "index": self._index}
        return out + event("content_block_stop", stop)


def _tool_use(call: Call, place: int | str) -> Json:
    return {
        "type": "tool_use",
        "id": call.id or f"toolu_{place}",
        "name": call.name,
        "input": {},
    }
