"""Answers in the shape of the Responses API, whole or as its events."""

from collections.abc import Sequence
from typing import Any

import msgspec

from alltoken_app.api import errors
from alltoken_app.api.http import JSON, Header, encode
from alltoken_app.api.render import KEEP_ALIVE
from alltoken_app.api.responses import envelope
from alltoken_app.api.responses.output import Output, choices
from alltoken_app.catalog.snapshot import Catalog
from alltoken_app.errors import AllTokenError, Kind
from alltoken_app.providers.base import Piece, Reply
from alltoken_app.services.generations import Run

Json = dict[str, Any]

NULL = msgspec.Raw(b"null")
ENDS = frozenset({"response.completed", "response.incomplete"})
# The API's own few words for an error inside an answer.
CODES = {Kind.RATE_LIMITED: "rate_limit_exceeded", Kind.INVALID: "invalid_prompt"}

_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])


class ResponsesFace:
    """OpenAI's Responses API. An upstream's own answer passes with our name, usage and cost."""

    def whole(self, run: Run, reply: Reply, catalog: Catalog) -> tuple[Sequence[Header], bytes]:
        if reply.native is not None:
            body = envelope.native(run, catalog, reply.native) | envelope.accounts(run, catalog)
            return (JSON,), encode(body)
        output = Output(envelope.stem(run), _nothing)
        for choice in choices(bytes(reply.body["choices"]))[:1]:
            output.add(choice)
        output.close()
        body = envelope.envelope(run, catalog, "completed")
        body |= {"output": output.items, **envelope.ended(run, catalog, output.finish)}
        if reply.tier:
            body["service_tier"] = reply.tier
        return (JSON,), encode(body)

    def chunks(self, run: Run, catalog: Catalog) -> "Events":
        return Events(run, catalog)


def _nothing(event: Json) -> None:
    pass


class Event(msgspec.Struct):
    """What we read of an upstream's own event."""

    type: str = ""
    sequence_number: int | None = None
    response: msgspec.Raw = NULL
    output_index: int = 0
    item: msgspec.Raw = NULL


_event = msgspec.json.Decoder(Event)


class Events:
    """Writes one streamed answer: an upstream's own events where it has them, else made ones."""

    keep_alive = KEEP_ALIVE

    def __init__(self, run: Run, catalog: Catalog) -> None:
        self._run = run
        self._catalog = catalog
        self._number = 0
        self._lines: list[bytes] = []
        self._output = Output(envelope.stem(run), self._tell)
        self._begun = False
        self._own: Json | None = None  # the upstream's response object
        self._own_items: dict[int, msgspec.Raw] = {}
        self._own_end: Event | None = None

    def pieces(self, pieces: list[Piece]) -> bytes:
        """The events of these pieces."""
        for piece in pieces:
            if piece.native:
                self._pass_on(piece.native)
            elif self._own is not None:
                self._output.finish = piece.finish or self._output.finish  # we cut it
            else:
                self._begin()
                for choice in choices(piece.choices):
                    if choice.index == 0:
                        self._output.add(choice)
        return self._written()

    def end(self) -> bytes:
        """The response with its usage and cost; nothing follows it."""
        run = self._run
        if self._own is None:
            self._begin()
            self._output.close()
            ended = envelope.ended(run, self._catalog, self._output.finish)
        elif self._own_end is not None:
            ended = envelope.accounts(run, self._catalog)
        else:
            ended = envelope.ended(run, self._catalog, self._output.finish or "length")
        response = self._response("completed") | ended
        whole = response["status"] == "completed"
        kind = self._own_end.type if self._own_end else f"response.{WHOLE[whole]}"
        self._tell({"type": kind, "response": response})
        return self._written()

    def broken(self, error: AllTokenError, charged: str) -> bytes:
        """A failed response, with what was delivered and charged."""
        self._begin()
        self._output.tell = _nothing
        self._output.finish = "error"
        self._output.close()
        said = errors.envelope(error, self._run.request_id, dialect="openai", charged=charged)
        fault = {
            **said["error"],
            "code": CODES.get(error.kind, "server_error"),
            "type": error.code,
        }
        response = self._response("failed") | envelope.accounts(self._run, self._catalog)
        response |= {"status": "failed", "error": fault, "incomplete_details": None}
        self._tell({"type": "response.failed", "response": response})
        return self._written()

    def _response(self, status: str) -> Json:
        if self._own is None:
            response = envelope.envelope(self._run, self._catalog, status)
            return response | {"output": self._output.items}
        items = [self._own_items[place] for place in sorted(self._own_items)]
        return self._own if self._own_end is not None else self._own | {"output": items}

    def _begin(self) -> None:
        if self._begun or self._own is not None:
            return
        self._begun = True
        response = envelope.envelope(self._run, self._catalog, "in_progress")
        self._tell({"type": "response.created", "response": response})
        self._tell({"type": "response.in_progress", "response": response})

    def _pass_on(self, data: bytes) -> None:
        """An event of the upstream's: its bytes, but for the response object it may hold."""
        event = _event.decode(data)
        if event.sequence_number is not None:
            self._number = event.sequence_number
        elif event.response == NULL:
            data = b'{"sequence_number":%d,' % self._number + data.lstrip()[1:]
        if event.type == "response.output_item.done":
            self._own_items[event.output_index] = event.item
        if event.response == NULL:
            line = b"event: %b\ndata: %b\n\n" % (event.type.encode(), data)
            self._lines.append(line)
            self._number += 1
            return
        self._own = envelope.native(self._run, self._catalog, _fields.decode(event.response))
        if event.type in ENDS:
            self._own_end = event  # told at the end, when the cost is known
            return
        self._tell({"type": event.type, "response": self._own})

    def _tell(self, event: Json) -> None:
        numbered = {"type": event["type"], "sequence_number": self._number, **event}
        line = b"event: %b\ndata: %b\n\n" % (event["type"].encode(), encode(numbered))
        self._lines.append(line)
        self._number += 1

    def _written(self) -> bytes:
        written = b"".join(self._lines)
        self._lines.clear()
        return written


WHOLE = {True: "completed", False: "incomplete"}
