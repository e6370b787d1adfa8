"""Streams in Anthropic's events: message_start, blocks with their deltas, message_stop."""

import msgspec

from alltoken_app.api import errors, render
from alltoken_app.api.http import encode
from alltoken_app.api.messages import shapes
from alltoken_app.api.messages.blocks_out import Blocks, event
from alltoken_app.api.messages.shapes import Json
from alltoken_app.errors import AllTokenError
from alltoken_app.providers.base import Piece
from alltoken_app.services.generations import Run

PING = b'event: ping\ndata: {"type":"ping"}\n\n'

Raws = dict[str, msgspec.Raw]


class Kind(msgspec.Struct):
    type: str = ""
    index: int = 0


_kind = msgspec.json.Decoder(Kind)
_raws = msgspec.json.Decoder(Raws)


class Events:
    """Writes one answer: the upstream's own events where it speaks the dialect, else ours."""

    keep_alive = PING

    def __init__(self, run: Run) -> None:
        self._run = run
        self._writer: _Native | _Translated | None = None

    def pieces(self, pieces: list[Piece]) -> bytes:
        return b"".join([self._chosen(piece).piece(piece) for piece in pieces])

    def end(self) -> bytes:
        return (self._writer or _Translated(self._run)).end()

    def broken(self, error: AllTokenError, charged: str) -> bytes:
        document = errors.envelope(
            error, self._run.request_id, dialect="anthropic", charged=charged
        )
        return event("error", document)

    def _chosen(self, piece: Piece) -> "_Native | _Translated":
        if self._writer is None:
            self._writer = _Native(self._run) if piece.native else _Translated(self._run)
        return self._writer


class _Native:
    """Passes events on. The end waits until the cost is known."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._open: list[int] = []
        self._last: Raws | None = None
        self._cut = False

    def piece(self, piece: Piece) -> bytes:
        if not piece.native:
            self._cut = self._cut or piece.finish is not None
            return b""
        kind = _kind.decode(piece.native)
        if kind.type == "message_delta":
            self._last = _raws.decode(piece.native)
            return b""
        if kind.type == "message_stop" or not kind.type.isidentifier():
            return b""
        if kind.type == "content_block_start":
            self._open.append(kind.index)
        elif kind.type == "content_block_stop" and kind.index in self._open:
            self._open.remove(kind.index)
        said = self._started(piece.native) if kind.type == "message_start" else piece.native
        return b"event: " + kind.type.encode() + b"\ndata: " + said + b"\n\n"

    def _started(self, said: bytes) -> bytes:
        assert self._run.endpoint is not None
        document = _raws.decode(said)
        message = _raws.decode(document["message"])
        ours = {"id": self._run.id, "model": self._run.endpoint.model}
        return encode({**document, "message": {**message, **ours}})

    def end(self) -> bytes:
        """Whatever is still open is closed: we ended the stream, not the model."""
        closing = [
            event("content_block_stop", {"type": "content_block_stop", "index": index})
            for index in self._open
        ]
        last = self._last or {}
        used: Json = shapes.usage(self._run)
        if "usage" in last:
            used = {**_raws.decode(last["usage"])}
        document: Json = {
            "type": "message_delta",
            "delta": {"stop_reason": "max_tokens", "stop_sequence": None},
            **last,
            "usage": {**used, "cost": render.exact(self._run.cost)},
            "alltoken": render.served(self._run),
        }
        return b"".join(closing) + event("message_delta", document) + STOP


class _Translated:
    """Makes events of the common form's chunks."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._begun = False
        self._blocks = Blocks(wanted=shapes.asked_to_think(run))
        self._finish: str | None = None
        self._native_finish: str | None = None

    def piece(self, piece: Piece) -> bytes:
        said = [] if self._begun else [self._start()]
        self._native_finish = piece.native_finish or self._native_finish
        for choice in shapes.read(piece.choices):
            if choice.delta is not None:
                said.append(self._blocks.add(choice.delta))
                lost = set(choice.delta.unsaid) - set(self._run.warnings)
                self._run.warnings += tuple(sorted(lost))
            self._finish = choice.finish_reason or self._finish
            self._native_finish = choice.native_finish_reason or self._native_finish
        return b"".join(said)

    def _start(self) -> bytes:
        """What was read is not known yet: it stands in message_delta."""
        assert self._run.endpoint is not None
        self._begun = True
        message: Json = {
            "id": self._run.id,
            "type": "message",
            "role": "assistant",
            "model": self._run.endpoint.model,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": {"input_tokens": 0, "output_tokens": 0},
        }
        return event("message_start", {"type": "message_start", "message": message})

    def end(self) -> bytes:
        start = b"" if self._begun else self._start()
        blocks = self._blocks.end()
        stop = shapes.stop_reason(self._finish, self._native_finish, called=self._blocks.called)
        document = {
            "type": "message_delta",
            "delta": {"stop_reason": stop, "stop_sequence": None},
            "usage": shapes.usage(self._run),
            "alltoken": render.served(self._run),
        }
        return start + blocks + event("message_delta", document) + STOP


STOP = event("message_stop", {"type": "message_stop"})
