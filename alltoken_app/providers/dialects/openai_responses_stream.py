"""Reads a stream of the Responses API: events with an output's items, to pieces of a message.

Whatever an item's end says that its deltas did not is delivered then, so that a stream says what
the whole answer would have said.
"""

from typing import Any

import msgspec

from alltoken_app.providers.base import Cut, Piece, StreamError, word
from alltoken_app.providers.dialects import openai_responses_reply as reply
from alltoken_app.providers.dialects.openai_reasoning import FORMAT
from alltoken_app.providers.dialects.openai_responses_reply import NULL, OutItem, ResponseIn
from alltoken_app.providers.sse import EventReader

Delta = dict[str, Any]

ENDS = frozenset({"response.completed", "response.incomplete"})
SUMMARY, TEXT, ENCRYPTED = "reasoning.summary", "reasoning.text", "reasoning.encrypted"


class Event(msgspec.Struct):
    """What we read of an event; each type has some of these."""

    type: str = ""
    output_index: int = 0
    content_index: int = 0
    summary_index: int = 0
    delta: msgspec.Raw = NULL
    item: msgspec.Raw = NULL
    item_id: str | None = None
    response: msgspec.Raw = NULL
    annotation: dict[str, Any] | None = None
    logprobs: list[msgspec.Raw] | None = None
    error: msgspec.Raw = NULL


_event = msgspec.json.Decoder(Event)
_response = msgspec.json.Decoder(ResponseIn)
_text = msgspec.json.Decoder(str)
_encode = msgspec.json.Encoder().encode


class ResponsesReader:
    """Reads one streamed answer.

    Args:
        own: The caller speaks this dialect: every event travels on as it came.
    """

    def __init__(self, *, own: bool = False) -> None:
        self._events = EventReader()
        self._own = own
        self._calls: dict[int, int] = {}  # an item's place in the output → its call's index
        self._said: dict[tuple[int, str, int], int] = {}  # letters of each part so far
        self._details: dict[tuple[int, str, int], int] = {}  # a part → its detail's index
        self._ids: dict[int, str] = {}  # a place → its item's id
        self._closed: set[int | str] = set()  # places and ids
        self._notes: set[int] = set()  # items whose citations came one by one
        self._thinking = False
        self._id: str | None = None
        self.done = False

    def feed(self, received: bytes) -> list[Piece]:
        if not received:
            if not self.done:
                raise Cut
            return []
        pieces: list[Piece] = []
        for data in self._events.feed(received):
            if self.done:
                break
            if data.strip() == b"[DONE]":
                continue
            piece = self._read(data)
            if self._own:
                piece.native = data.replace(b"\n", b" ")
            if self._own or piece.choices != b"[]" or piece.usage or piece.finish:
                pieces.append(piece)
        return pieces

    def _read(self, data: bytes) -> Piece:
        event = _event.decode(data)
        if event.type in ENDS:
            return self._end(_response.decode(event.response))
        if event.type == "error":
            raise StreamError(reply.fault(data if event.error == NULL else event.error))
        if event.type == "response.failed":
            raise StreamError(reply.fault(_response.decode(event.response).error))
        if event.type == "response.created":
            self._id = _response.decode(event.response).id
        if event.item_id:
            self._ids[event.output_index] = event.item_id
        tokens = event.logprobs if event.type == "response.output_text.delta" else None
        return self._piece(self._delta(event), tokens or [])

    def _delta(self, event: Event) -> Delta:
        place = event.output_index
        if event.type == "response.output_text.delta":
            return self._add(place, "content", event.content_index, _text.decode(event.delta))
        if event.type == "response.refusal.delta":
            return self._add(place, "refusal", event.content_index, _text.decode(event.delta))
        if event.type == "response.reasoning_summary_text.delta":
            return self._add(place, SUMMARY, event.summary_index, _text.decode(event.delta))
        if event.type == "response.reasoning_text.delta":
            return self._add(place, TEXT, event.content_index, _text.decode(event.delta))
        if event.type == "response.function_call_arguments.delta":
            return self._add(place, "arguments", 0, _text.decode(event.delta))
        if event.type == "response.custom_tool_call_input.delta":
            return self._add(place, "input", 0, _text.decode(event.delta))
        return self._other(event)

    def _other(self, event: Event) -> Delta:
        if event.type == "response.output_text.annotation.added" and event.annotation:
            note = reply.annotation(event.annotation)
            self._notes.add(event.output_index)
            return {"annotations": [note]} if note else {}
        if event.type == "response.output_item.added" and event.item != NULL:
            item = reply.item(event.item)
            return self._open(event.output_index, item) if item.type in reply.CALLS else {}
        if event.type == "response.output_item.done" and event.item != NULL:
            return self._close(event.output_index, reply.item(event.item))
        return {}

    def _open(self, place: int, item: OutItem) -> Delta:
        """A call begins."""
        if place in self._calls:
            return {}
        self._calls[place] = len(self._calls)
        call = reply.tool_call(item)
        call[call["type"]][_body(item)] = ""  # it comes in deltas, and at the end
        return {"tool_calls": [{"index": self._calls[place], **call}]}

    def _add(self, place: int, kind: str, part: int, text: str) -> Delta:
        """More text of one part of an item."""
        if not text:
            return {}
        at = (place, kind, part)
        new = at not in self._said
        self._said[at] = self._said.get(at, 0) + len(text)
        if kind in (SUMMARY, TEXT):
            return self._think(at, text, new=new)
        if kind in ("arguments", "input"):
            name = "function" if kind == "arguments" else "custom"
            index = self._calls.setdefault(place, len(self._calls))
            return {"tool_calls": [{"index": index, name: {kind: text}}]}
        return {kind: text}

    def _think(self, at: tuple[int, str, int], text: str, *, new: bool) -> Delta:
        place, kind, _ = at
        index = self._details.setdefault(at, len(self._details))
        detail = self._detail(place, kind, "summary" if kind == SUMMARY else "text", text, index)
        apart = "\n\n" if new and self._thinking else ""
        self._thinking = True
        return {"reasoning": apart + text, "reasoning_details": [detail]}

    def _close(self, place: int, item: OutItem) -> Delta:
        """An item is complete: what it says beyond its deltas."""
        if place in self._closed or (item.id and item.id in self._closed):
            return {}
        self._closed |= {place, item.id or place}
        if item.type == "message":
            return self._close_message(place, item)
        if item.type == "reasoning":
            return self._close_reasoning(place, item)
        if item.type not in reply.CALLS:
            return {}
        opened = self._open(place, item)
        kind = _body(item)
        whole = reply.arguments(item) if kind == "arguments" else item.input or ""
        return _joined([opened, self._rest(place, kind, 0, whole)])

    def _close_message(self, place: int, item: OutItem) -> Delta:
        deltas: list[Delta] = []
        for part, said in enumerate(item.content or ()):
            kind = "refusal" if said.type == "refusal" else "content"
            deltas.append(self._rest(place, kind, part, said.refusal or said.text or ""))
        if place not in self._notes:
            parts = item.content or ()
            notes = [reply.annotation(note) for part in parts for note in part.annotations or ()]
            deltas += [{"annotations": [note]} for note in notes if note]
        return _joined(deltas)

    def _close_reasoning(self, place: int, item: OutItem) -> Delta:
        deltas: list[Delta] = []
        if item.id:
            self._ids[place] = item.id
        for part, said in enumerate(item.summary or ()):
            deltas.append(self._rest(place, SUMMARY, part, said.text))
        for part, text in enumerate(item.content or ()):
            deltas.append(self._rest(place, TEXT, part, text.text or ""))
        if item.encrypted_content:
            index = self._details.setdefault((place, ENCRYPTED, 0), len(self._details))
            detail = self._detail(place, ENCRYPTED, "data", item.encrypted_content, index)
            deltas.append({"reasoning_details": [detail]})
        return _joined(deltas)

    def _detail(self, place: int, kind: str, name: str, text: str, index: int) -> Delta:
        named = {"id": self._ids[place]} if place in self._ids else {}
        return {"type": kind, name: text, **named, "format": FORMAT, "index": index}

    def _rest(self, place: int, kind: str, part: int, whole: str) -> Delta:
        return self._add(place, kind, part, whole[self._said.get((place, kind, part), 0) :])

    def _end(self, response: ResponseIn) -> Piece:
        output = reply.items(response)
        delta = _joined([self._close(place, item) for place, item in enumerate(output)])
        finish, native_finish = reply.finish(response, output)
        if self._calls and finish == "stop":
            finish = "tool_calls"
        self.done = True
        piece = self._piece(delta, [], finish, native_finish)
        piece.usage = reply.usage(response, output)
        piece.finish, piece.native_finish = finish, word(native_finish)
        piece.upstream_id, piece.tier = word(response.id), word(response.service_tier)
        return piece

    def _piece(
        self,
        delta: Delta,
        tokens: list[msgspec.Raw],
        finish: str | None = None,
        native_finish: str | None = None,
    ) -> Piece:
        if not (delta or finish):
            return Piece(upstream_id=word(self._id))
        choice: Delta = {"index": 0, "delta": delta, "finish_reason": finish}
        if native_finish:
            choice["native_finish_reason"] = native_finish
        if tokens:
            choice["logprobs"] = {"content": tokens, "refusal": None}
        return Piece(
            _encode([choice]),
            content=bool(delta),
            size=_size(delta),
            upstream_id=word(self._id),
        )


def _body(item: OutItem) -> str:
    """The name of what a call is given."""
    return "arguments" if item.type == "function_call" else "input"


def _joined(deltas: list[Delta]) -> Delta:
    """Several deltas as one: texts and lists one after the other."""
    made: Delta = {}
    for delta in deltas:
        for name, value in delta.items():
            made[name] = made[name] + value if name in made else value
    return made


def _size(delta: Delta) -> int:
    texts = [delta.get("content"), delta.get("refusal"), delta.get("reasoning")]
    for call in delta.get("tool_calls", ()):
        tool = call.get("function") or call.get("custom") or {}
        texts += tool.values()
    return sum(len(text.encode()) for text in texts if text)
