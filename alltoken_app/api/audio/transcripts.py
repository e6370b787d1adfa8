"""Transcripts as their callers want them: JSON, plain text, subtitles, or events."""

from collections.abc import Sequence
from typing import Any

import msgspec

from alltoken_app.api import errors, render
from alltoken_app.api.http import JSON, Header, encode
from alltoken_app.catalog.snapshot import Catalog
from alltoken_app.errors import AllTokenError
from alltoken_app.providers.base import Piece, Reply, Usage
from alltoken_app.services.generations import Run

KEEP_ALIVE = b": keep-alive\n\n"
PLAIN: Header = (b"content-type", b"text/plain; charset=utf-8")
DONE = b'"transcript.text.done"'
TEXTS = ("text", "srt", "vtt")


class Segment(msgspec.Struct):
    """A piece of a transcript; times in seconds."""

    text: str = ""
    start: float = 0.0
    end: float = 0.0


class Said(msgspec.Struct):
    """What subtitles are made of."""

    text: str = ""
    duration: float | None = None
    segments: list[Segment] | None = None


_text = msgspec.json.Decoder(str)
_segments = msgspec.json.Decoder(list[Segment] | None)
_number = msgspec.json.Decoder(float | None)


class TranscriptFace:
    """OpenAI's transcriptions and translations.

    Args:
        wanted: The `response_format` that was asked for.
    """

    def __init__(self, wanted: str) -> None:
        self._wanted = wanted

    def whole(self, run: Run, reply: Reply, catalog: Catalog) -> tuple[Sequence[Header], bytes]:
        if self._wanted in TEXTS:
            return (PLAIN,), written(self._wanted, said(reply)).encode()
        body: dict[str, Any] = {**reply.body, "usage": usage(run), "alltoken": render.served(run)}
        return (JSON,), encode(body)

    def chunks(self, run: Run, catalog: Catalog) -> "TranscriptChunks":
        return TranscriptChunks(run)


class TranscriptChunks:
    """The provider's events as they are; the last waits, for it carries what was used."""

    keep_alive = KEEP_ALIVE

    def __init__(self, run: Run) -> None:
        self._run = run
        self._last = b'{"type":"transcript.text.done","text":""}'

    def pieces(self, pieces: list[Piece]) -> bytes:
        """The events of `pieces`."""
        events = [piece.native for piece in pieces if piece.native]
        last = [event for event in events if DONE in event and _kind(event) == DONE]
        self._last = last[-1] if last else self._last
        return b"".join(b"data: " + event + b"\n\n" for event in events if event not in last)

    def end(self) -> bytes:
        """The last event, with usage and cost, and the end mark."""
        fields = msgspec.json.decode(self._last, type=dict[str, msgspec.Raw])
        told = {**fields, "usage": usage(self._run), "alltoken": render.served(self._run)}
        return b"data: " + encode(told) + b"\n\n" + render.DONE

    def broken(self, error: AllTokenError, charged: str) -> bytes:
        """An error inside the stream. No end mark follows."""
        dialect = self._run.error_dialect
        document = errors.envelope(error, self._run.request_id, dialect=dialect, charged=charged)
        return b"data: " + encode({"type": "error", **document}) + b"\n\n"


def usage(run: Run) -> dict[str, Any]:
    """OpenAI's usage of a transcription (by tokens or by length), with `cost`."""
    used = run.meter.usage if run.meter else Usage()
    cost = {"cost": render.exact(run.cost)}
    if run.endpoint and run.endpoint.price.millisecond is not None:
        seconds = used.milliseconds / 1000
        return {"type": "duration", "seconds": seconds, **cost}
    return {
        "type": "tokens",
        "input_tokens": used.input,
        "output_tokens": used.output,
        "total_tokens": used.input + used.output,
        "input_token_details": {
            "audio_tokens": used.audio_input,
            "text_tokens": used.input - used.audio_input,
        },
        **cost,
    }


def said(reply: Reply) -> Said:
    """A reply's words and times; what is missing or odd is left out."""
    found = Said(text=_text.decode(reply.body["text"]))
    try:
        found.duration = _number.decode(reply.body.get("duration", b"null"))
        found.segments = _segments.decode(reply.body.get("segments", b"null"))
    except msgspec.DecodeError:
        found.segments = None
    return found


def written(wanted: str, said: Said) -> str:
    """A transcript as text or subtitles, laid out as OpenAI does."""
    if wanted == "text":
        return said.text + "\n"
    segments = said.segments or [Segment(said.text, 0.0, said.duration or 0.0)]
    mark = "," if wanted == "srt" else "."
    cues = [
        f"{_clock(one.start, mark)} --> {_clock(one.end, mark)}\n{one.text.strip()}\n\n"
        for one in segments
    ]
    if wanted == "vtt":
        return "WEBVTT\n\n" + "".join(cues)
    return "".join(f"{number}\n{cue}" for number, cue in enumerate(cues, 1))


def _clock(seconds: float, mark: str) -> str:
    whole, milliseconds = divmod(max(round(seconds * 1000), 0), 1000)
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{rest:02}{mark}{milliseconds:03}"


def _kind(event: bytes) -> bytes:
    return bytes(msgspec.json.decode(event, type=dict[str, msgspec.Raw]).get("type", b""))
