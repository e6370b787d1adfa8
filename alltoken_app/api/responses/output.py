"""Builds the output of a response from pieces of a chat message, and tells each step as an event.

A whole answer is one big piece: the same code makes both, so they cannot say different things.
"""

from collections.abc import Callable
from typing import Any

import msgspec

from alltoken_app.providers.dialects import openai_reasoning as reasoning

Json = dict[str, Any]
Tell = Callable[[Json], None]

NULL = msgspec.Raw(b"null")


class Function(msgspec.Struct):
    name: str | None = None
    arguments: str | None = None


class Custom(msgspec.Struct):
    name: str | None = None
    input: str | None = None


class ToolCall(msgspec.Struct):
    index: int | None = None
    id: str | None = None
    function: Function | None = None
    custom: Custom | None = None


class Delta(msgspec.Struct):
    """A piece of a message, or all of it."""

    content: str | None = None
    refusal: str | None = None
    reasoning: str | None = None
    reasoning_content: str | None = None
    reasoning_details: list[Json] | None = None
    tool_calls: list[ToolCall] | None = None
    annotations: list[Json] | None = None
    images: list[Json] | None = None


class Logprobs(msgspec.Struct):
    content: list[Json] | None = None


class Choice(msgspec.Struct):
    """A choice of a chunk (`delta`) or of a whole answer (`message`)."""

    index: int = 0
    delta: Delta | None = None
    message: Delta | None = None
    finish_reason: str | None = None
    logprobs: Logprobs | None = None


_choices = msgspec.json.Decoder(list[Choice])
_loose = msgspec.json.Decoder(list[Json])


def choices(raw: bytes) -> list[Choice]:
    """The choices; of those in a shape of their own what is text and how it ended."""
    try:
        return _choices.decode(raw)
    except msgspec.ValidationError:
        return [_as_text(found) for found in _loose.decode(raw)]


def _as_text(found: Json) -> Choice:
    said, finish = found.get("delta") or found.get("message"), found.get("finish_reason")
    texts = said if isinstance(said, dict) else {}
    kept = {name: texts[name] for name in ("content", "refusal", "reasoning")
            if isinstance(texts.get(name), str)}  # fmt: skip
    finish = finish if isinstance(finish, str) else None
    return Choice(index=found.get("index") or 0, delta=Delta(**kept), finish_reason=finish)


class Output:
    """The output so far.

    Args:
        stem: What the ids of its items are made of.
        tell: Takes each event, without its number; it must not keep what it is given.
    """

    def __init__(self, stem: str, tell: Tell) -> None:
        self.items: list[Json] = []
        self.finish: str | None = None
        self._stem = stem
        self.tell = tell
        self._thought: _Thought | None = None
        self._message: _Message | None = None
        self._calls: dict[int, _Call] = {}
        self._calling: _Call | None = None

    def add(self, choice: Choice) -> None:
        """More of the message."""
        said = choice.delta or choice.message
        if said is not None:
            self._think(said)
            tokens = (choice.logprobs.content if choice.logprobs else None) or []
            self._say(said, tokens)
            for place, call in enumerate(said.tool_calls or ()):
                self._call(call, place if choice.message else None)
            for image in said.images or ():
                self._draw(image)
        self.finish = choice.finish_reason or self.finish

    def close(self) -> None:
        """The message is complete, or will be no more."""
        cut = self.finish in ("length", "content_filter", "error")
        self._settle("incomplete" if cut else "completed")

    def open(self, kind: str, prefix: str, **fields: Any) -> tuple[int, Json]:
        """A new item: its place and the item."""
        place = len(self.items)
        item = {"id": f"{prefix}_{self._stem}{place:02d}", "type": kind, **fields}
        self.items.append(item)
        return place, item

    def _settle(self, status: str = "completed") -> None:
        """Finish whatever is open."""
        for one in (self._thought, self._message, self._calling):
            if one is not None:
                one.close(status)
        self._thought = self._message = self._calling = None

    def _think(self, said: Delta) -> None:
        details = said.reasoning_details or []
        text = said.reasoning or said.reasoning_content
        readable = any(detail.get("text") or detail.get("summary") for detail in details)
        if text and not readable:
            details = [*details, {"type": "reasoning.text", "text": text}]
        for detail in details:
            if self._thought is None or not self._thought.takes(detail):
                self._settle()
                self._thought = _Thought(self, detail)
            self._thought.add(detail)

    def _say(self, said: Delta, tokens: list[Json]) -> None:
        for kind, text in (("output_text", said.content), ("refusal", said.refusal)):
            if text:
                self._speaker().add(kind, text, tokens)
        for note in said.annotations or ():
            if note.get("type") == "url_citation":
                self._speaker().note(note.get("url_citation") or {})

    def _speaker(self) -> "_Message":
        if self._message is None:
            self._settle()
            self._message = _Message(self)
        return self._message

    def _call(self, call: ToolCall, place: int | None) -> None:
        index = call.index if call.index is not None else place or 0
        known = self._calls.get(index)
        if known is None or (call.id and known.call_id and known.call_id != call.id):
            self._settle()
            known = self._calls[index] = self._calling = _Call(self, call)
        known.add(call)

    def _draw(self, image: Json) -> None:
        url = str((image.get("image_url") or {}).get("url") or "")
        self._settle()
        place, item = self.open("image_generation_call", "ig", status="in_progress", result=None)
        self.tell({"type": "response.output_item.added", "output_index": place, "item": item})
        item |= {"status": "completed", "result": url.partition("base64,")[2] or url}
        self.tell({"type": "response.output_item.done", "output_index": place, "item": item})


class _Open:
    """An item that is being made."""

    def __init__(self, output: Output, kind: str, prefix: str, **fields: Any) -> None:
        self._output = output
        self._place, self.item = output.open(kind, prefix, **fields)
        if "id" in fields:
            self.item["id"] = fields["id"]
        self._tell("response.output_item.added", item=self.item)

    def _tell(self, kind: str, **fields: Any) -> None:
        self._output.tell({"type": kind, "output_index": self._place, **fields})

    def _tell_part(self, kind: str, **fields: Any) -> None:
        self._tell(kind, item_id=self.item["id"], **fields)

    def _done(self, status: str) -> None:
        self.item["status"] = status
        self._tell("response.output_item.done", item=self.item)


class _Message(_Open):
    """What the assistant says: texts and refusals."""

    def __init__(self, output: Output) -> None:
        super().__init__(output, "message", "msg", status="in_progress", role="assistant",
                         content=[])  # fmt: skip
        self._part: Json | None = None
        self._texts: list[str] = []

    def add(self, kind: str, text: str, tokens: list[Json]) -> None:
        part = self._part_of(kind)
        self._texts.append(text)
        at = len(self.item["content"]) - 1
        if kind == "refusal":
            self._tell_part("response.refusal.delta", content_index=at, delta=text)
            return
        likely = [_token(token) for token in tokens]
        part["logprobs"] += likely
        self._tell_part("response.output_text.delta", content_index=at, delta=text, logprobs=likely)

    def note(self, cited: Json) -> None:
        """A citation."""
        part = self._part_of("output_text")
        note = {"type": "url_citation", "url": cited.get("url") or "",
                "title": cited.get("title") or "", "start_index": cited.get("start_index") or 0,
                "end_index": cited.get("end_index") or 0}  # fmt: skip
        self._tell_part(
            "response.output_text.annotation.added",
            content_index=len(self.item["content"]) - 1,
            annotation_index=len(part["annotations"]),
            annotation=note,
        )
        part["annotations"].append(note)

    def _part_of(self, kind: str) -> Json:
        if self._part is None or self._part["type"] != kind:
            self._close_part()
            self._part = {"type": kind, "refusal": ""}
            if kind == "output_text":
                self._part = {"type": kind, "text": "", "annotations": [], "logprobs": []}
            at = len(self.item["content"])
            self._tell_part("response.content_part.added", content_index=at, part=self._part)
            self.item["content"].append(self._part)
        return self._part

    def _close_part(self) -> None:
        part, text, at = self._part, "".join(self._texts), len(self.item["content"]) - 1
        self._part, self._texts = None, []
        if part is None:
            return
        if part["type"] == "refusal":
            part["refusal"] = text
            self._tell_part("response.refusal.done", content_index=at, refusal=text)
        else:
            part["text"] = text
            self._tell_part("response.output_text.done", content_index=at, text=text,
                            logprobs=part["logprobs"])  # fmt: skip
        self._tell_part("response.content_part.done", content_index=at, part=part)

    def close(self, status: str) -> None:
        self._close_part()
        self._done(status)


def _token(said: Json) -> Json:
    """A token with its likelihood; every field of it is a must here."""
    text = said.get("token") or ""
    others = [_token(other) for other in said.get("top_logprobs") or ()]
    return {"token": text, "bytes": said.get("bytes") or list(text.encode()),
            "logprob": said.get("logprob") or 0.0, "top_logprobs": others}  # fmt: skip


class _Call(_Open):
    """A call of a tool."""

    def __init__(self, output: Output, call: ToolCall) -> None:
        self._free = call.custom is not None
        self._body = "input" if self._free else "arguments"
        kind, prefix = ("custom_tool_call", "ctc") if self._free else ("function_call", "fc")
        named = call.custom or call.function
        self.call_id = call.id or ""
        self._texts: list[str] = []
        self._closed = False
        fields = {"call_id": self.call_id, "name": (named.name if named else None) or "",
                  self._body: ""}  # fmt: skip
        super().__init__(output, kind, prefix, status="in_progress", **fields)

    def add(self, call: ToolCall) -> None:
        text = (call.custom.input if call.custom else None) or (
            call.function.arguments if call.function else None
        )
        if not text:
            return
        self._texts.append(text)
        kind = "custom_tool_call_input" if self._free else "function_call_arguments"
        self._tell_part(f"response.{kind}.delta", delta=text)
        if self._closed:  # another call has begun since: at least the output is right
            self.item[self._body] = "".join(self._texts)

    def close(self, status: str) -> None:
        self._closed = True
        whole = self.item[self._body] = "".join(self._texts)
        kind = "custom_tool_call_input" if self._free else "function_call_arguments"
        self._tell_part(f"response.{kind}.done", **{self._body: whole})
        self._done(status)


class _Thought(_Open):
    """Reasoning: summaries or texts one by one, and what only its provider can read."""

    def __init__(self, output: Output, detail: Json) -> None:
        self._native = detail.get("format") == reasoning.FORMAT
        self._source = detail.get("id") if self._native else None
        named = {"id": self._source} if self._source else {}
        self._details: list[Json] = []
        self._part: tuple[str, object] | None = None
        self._texts: list[str] = []
        super().__init__(output, "reasoning", "rs", **named, summary=[])

    def takes(self, detail: Json) -> bool:
        """Whether the detail belongs to the same item."""
        native = detail.get("format") == reasoning.FORMAT
        return native == self._native and (not native or detail.get("id") == self._source)

    def add(self, detail: Json) -> None:
        self._details.append(detail)
        text = detail.get("summary") or detail.get("text")
        if not text:
            return
        kind = "summary" if detail.get("type") == "reasoning.summary" else "content"
        at = self._part_of(kind, detail.get("index"))
        self._texts.append(text)
        if kind == "summary":
            self._tell_part("response.reasoning_summary_text.delta", summary_index=at, delta=text)
        else:
            self._tell_part("response.reasoning_text.delta", content_index=at, delta=text)

    def _part_of(self, kind: str, index: object) -> int:
        parts: list[Json] = self.item.setdefault(kind, [])
        if self._part != (kind, index):
            self._close_part()
            self._part = (kind, index)
            if kind == "summary":
                part = {"type": "summary_text", "text": ""}
                self._tell_part("response.reasoning_summary_part.added",
                                summary_index=len(parts), part=part)  # fmt: skip
            else:
                part = {"type": "reasoning_text", "text": ""}
                self._tell_part("response.content_part.added", content_index=len(parts), part=part)
            parts.append(part)
        return len(parts) - 1

    def _close_part(self) -> None:
        if self._part is None:
            return
        kind, text = self._part[0], "".join(self._texts)
        self._part, self._texts = None, []
        at, part = len(self.item[kind]) - 1, self.item[kind][-1]
        part["text"] = text
        if kind == "summary":
            self._tell_part("response.reasoning_summary_text.done", summary_index=at, text=text)
            self._tell_part("response.reasoning_summary_part.done", summary_index=at, part=part)
        else:
            self._tell_part("response.reasoning_text.done", content_index=at, text=text)
            self._tell_part("response.content_part.done", content_index=at, part=part)

    def close(self, status: str) -> None:
        self._close_part()
        whole = reasoning.merged(self._details)
        if self._native:
            secrets = [d["data"] for d in whole if d.get("data")]
            if secrets:
                self.item["encrypted_content"] = secrets[-1]
        elif reasoning.foreign(whole):
            self.item["encrypted_content"] = reasoning.sealed(whole)
        self._done(status)
