"""What servers of OpenAI's shape offer beside chat: sound, moderation, reranking.

Wire format: https://platform.openai.com/docs/api-reference/audio and …/moderations; reranking as
Jina, Voyage and vLLM have it. A provider that speaks it has these as dialects by operation.
"""

import base64
import math

import msgspec

from alltoken_app.providers.base import (
    Call,
    Cut,
    Dialect,
    EndpointFacts,
    HeaderOf,
    Outgoing,
    Piece,
    Reply,
    StreamError,
    UpstreamError,
    Usage,
    sane,
    word,
)
from alltoken_app.providers.dialects import multipart
from alltoken_app.providers.dialects.openai_chat import JSON, OpenAIChat
from alltoken_app.providers.sse import EventReader

NULL = msgspec.Raw(b"null")
TRUE = msgspec.Raw(b"true")
PATHS = {
    "transcription": "/audio/transcriptions",
    "translation": "/audio/translations",
    "speech": "/audio/speech",
    "moderation": "/moderations",
    "rerank": "/rerank",
}
NOT_PASSED = frozenset({"usage", "model", "id", "object", "finish_reason"})
MAX_SECONDS = 2**21
SSE = "text/event-stream"
SOUND_BYTES = 200  # of a sound that cost about as much as one of text, where nobody counts tokens


class InputDetails(msgspec.Struct):
    audio_tokens: int | None = None
    cached_tokens: int | None = None


class Billed(msgspec.Struct):
    search_units: float | None = None


class Meta(msgspec.Struct):
    billed_units: Billed | None = None


class Said(msgspec.Struct):
    """A usage object, whichever of its variants a server writes."""

    seconds: float | None = None
    prompt_audio_seconds: float | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    total_tokens: int | None = None
    input_token_details: InputDetails | None = None
    prompt_tokens_details: InputDetails | None = None
    search_units: float | None = None


class Event(msgspec.Struct):
    """One event of a streamed transcript or speech."""

    type: str = ""
    delta: str = ""
    text: str = ""
    audio: str = ""
    usage: msgspec.Raw = NULL
    error: msgspec.Raw = NULL


class Spoken(msgspec.Struct):
    """A sound inside JSON, as Mistral answers."""

    audio_data: str
    usage: msgspec.Raw = NULL


_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])
_said = msgspec.json.Decoder(Said | None)
_seconds = msgspec.json.Decoder(float | None)
_text = msgspec.json.Decoder(str)
_meta = msgspec.json.Decoder(Meta | None)
_event = msgspec.json.Decoder(Event)
_spoken = msgspec.json.Decoder(Spoken)
_results = msgspec.json.Decoder(list[dict[str, msgspec.Raw]])
_encode = msgspec.json.Encoder().encode


class Operation:
    """What these dialects have in common: JSON to the operation's path, errors as in chat."""

    native = "chat"
    stream_type = SSE
    honours: frozenset[str] = frozenset()

    def unable(self, call: Call, endpoint: EndpointFacts) -> tuple[str, ...]:
        return ()

    def request(self, call: Call, endpoint: EndpointFacts, max_output: int) -> Outgoing:
        body = {**call.fields, "model": msgspec.Raw(_encode(endpoint.upstream_model))}
        return Outgoing(PATHS[call.operation], (JSON,), _encode(body))

    def reader(self, call: Call) -> "EventsReader":
        return EventsReader(call)

    def read_error(self, status: int, header: HeaderOf, payload: bytes) -> UpstreamError:
        return _CHAT.read_error(status, header, payload)


_CHAT = OpenAIChat()


class Transcription(Operation):
    """Transcriptions and translations: a form with the sound goes out, words come in.

    Args:
        inline: The server takes JSON with the sound in base64 instead (OpenRouter, our engine).
    """

    honours = frozenset({
        "language", "prompt", "response_format", "temperature", "timestamp_granularities",
        "include", "chunking_strategy", "keywords", "languages", "known_speaker_names",
        "known_speaker_references", "stream",
    })  # fmt: skip

    def __init__(self, *, inline: bool = False) -> None:
        self._inline = inline

    def request(self, call: Call, endpoint: EndpointFacts, max_output: int) -> Outgoing:
        assert call.media is not None
        fields = {"model": msgspec.Raw(_encode(endpoint.upstream_model)), **call.fields}
        if call.stream:
            fields["stream"] = TRUE
        if self._inline:
            kind = call.media.name.rpartition(".")[2]
            sound = {"data": call.media.content, "format": kind}
            body = _encode({**fields, "input_audio": sound})
            return Outgoing(PATHS[call.operation], (JSON,), body)
        header, body = multipart.form(fields, call.media)
        return Outgoing(PATHS[call.operation], (header,), body)

    def read(self, call: Call, header: HeaderOf, payload: bytes) -> Reply:
        fields = _fields.decode(payload)
        text = _text.decode(fields.get("text", NULL))
        usage = _usage(call, fields.get("usage", NULL), fields.get("duration", NULL))
        return Reply(
            body={name: value for name, value in fields.items() if name not in NOT_PASSED},
            usage=usage,
            content=True,  # silence has no words, and was listened to
            size=len(text.encode()),
            finish="stop",
            upstream_id=word(header("x-request-id")),
        )


class Speech(Operation):
    """Speech: words go out, a sound comes in.

    Args:
        voices: Whether the server has several.
    """

    honours = frozenset({"input", "voice", "response_format", "speed", "instructions"})

    def __init__(self, *, voices: bool = True) -> None:
        self._voices = voices

    def unable(self, call: Call, endpoint: EndpointFacts) -> tuple[str, ...]:
        return () if self._voices or "voice" not in call.fields else ("voice",)

    def request(self, call: Call, endpoint: EndpointFacts, max_output: int) -> Outgoing:
        body = {**call.fields, "model": msgspec.Raw(_encode(endpoint.upstream_model))}
        if call.stream or "stream_format" in endpoint.parameters:
            body["stream_format"] = msgspec.Raw(b'"sse"')  # only events say what was used
        return Outgoing(PATHS[call.operation], (JSON,), _encode(body))

    def read(self, call: Call, header: HeaderOf, payload: bytes) -> Reply:
        kind = header("content-type").partition(";")[0].strip().lower()
        upstream_id = word(header("x-request-id"))
        if kind == SSE:
            return _joined(call, payload, upstream_id)
        if kind == "application/json":
            spoken = _spoken.decode(payload)
            media = base64.b64decode(spoken.audio_data, validate=True)
            return _sound(media, "", _usage(call, spoken.usage), upstream_id)
        if not payload or not kind.startswith(("audio/", "application/octet-stream")):
            raise ValueError("no sound")
        return _sound(payload, kind if kind.startswith("audio/") else "", None, upstream_id)


class Moderation(Operation):
    """Moderations."""

    honours = frozenset({"input"})

    def read(self, call: Call, header: HeaderOf, payload: bytes) -> Reply:
        fields = _fields.decode(payload)
        _results.decode(fields.get("results", NULL))
        return Reply(
            body={"results": fields["results"]},
            usage=_usage(call, fields.get("usage", NULL)),
            content=True,
            finish="stop",
            upstream_id=_word(fields),
        )


class Rerank(Operation):
    """Reranking."""

    honours = frozenset({"query", "documents", "top_n", "max_tokens_per_doc"})

    def read(self, call: Call, header: HeaderOf, payload: bytes) -> Reply:
        fields = _fields.decode(payload)
        results = fields.get("results", fields.get("data", NULL))
        if any("relevance_score" not in one for one in _results.decode(results)):
            raise ValueError("a result without a score")
        return Reply(
            body={"results": results},
            usage=_usage(call, fields.get("usage", NULL), meta=fields.get("meta", NULL)),
            content=True,
            finish="stop",
            upstream_id=_word(fields),
        )


class EventsReader:
    """Reads a streamed transcript or speech; an event named `….done` ends it."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self._events = EventReader()
        self.done = False

    def feed(self, received: bytes) -> list[Piece]:
        if not received:
            raise Cut
        pieces: list[Piece] = []
        for data in self._events.feed(received):
            if data == b"[DONE]":
                continue
            pieces.append(self._piece(data.replace(b"\n", b" ")))
            if self.done:
                break
        return pieces

    def _piece(self, data: bytes) -> Piece:
        event = _event.decode(data)
        if event.error != NULL:
            raise StreamError
        piece = Piece(native=data, content=bool(event.delta or event.text or event.audio))
        if event.type.endswith(".delta"):
            piece.size = len(event.delta.encode()) + len(event.audio) * 3 // 4 // SOUND_BYTES
        if event.type.endswith(".done"):
            self.done = True
            piece.finish, piece.content = "stop", True
            piece.usage = _usage(self._call, event.usage)
        return piece


def _joined(call: Call, payload: bytes, upstream_id: str | None) -> Reply:
    """The sound that the events of a whole answer bring."""
    events = EventReader().feed(payload)
    found = [_event.decode(data) for data in events if data != b"[DONE]"]
    if any(event.error != NULL for event in found):
        raise StreamError
    if not found or not found[-1].type.endswith(".done"):
        raise ValueError("the sound ends in the middle")
    media = b"".join(base64.b64decode(event.audio, validate=True) for event in found)
    return _sound(media, "", _usage(call, found[-1].usage), upstream_id)


def _sound(media: bytes, kind: str, usage: Usage | None, upstream_id: str | None) -> Reply:
    return Reply(
        body={},
        usage=usage,
        content=bool(media),
        size=len(media) // SOUND_BYTES,
        finish="stop",
        upstream_id=upstream_id,
        media=media,
        media_type=kind,
    )


def _usage(
    call: Call,
    raw: msgspec.Raw,
    duration: msgspec.Raw = NULL,
    *,
    meta: msgspec.Raw = NULL,
) -> Usage | None:
    """What the provider counted, and what is known without it; None when it said nothing."""
    try:
        said, about, length = _said.decode(raw), _meta.decode(meta), _seconds.decode(duration)
    except ValueError:
        return None
    billed = about.billed_units if about else None
    if said is None and billed is None and length is None:
        return None
    said = said or Said()
    spent = said.seconds or said.prompt_audio_seconds or length
    units = said.search_units or (billed.search_units if billed else None)
    details = said.input_token_details or said.prompt_tokens_details or InputDetails()
    known = call.known
    return sane(
        Usage(
            input=_input(said, details.audio_tokens or 0),
            output=said.output_tokens or said.completion_tokens or 0,
            cached=details.cached_tokens or 0,
            audio_input=details.audio_tokens or 0,
            characters=known.characters,
            milliseconds=known.milliseconds if spent is None else _milliseconds(spent),
            units=known.units if units is None else math.ceil(max(min(units, MAX_SECONDS), 0)),
        )
    )


def _input(said: Said, audio: int) -> int:
    """Input with sound in it: Mistral counts that in the total alone."""
    count = said.input_tokens or said.prompt_tokens or 0
    output = said.output_tokens or said.completion_tokens or 0
    if said.total_tokens is None:
        return count
    if not count and not output:
        return said.total_tokens
    return count + audio if said.total_tokens == count + audio + output else count


def _milliseconds(seconds: float) -> int:
    return math.ceil(min(max(seconds, 0.0), MAX_SECONDS) * 1000)


def _word(fields: dict[str, msgspec.Raw]) -> str | None:
    found = msgspec.json.decode(fields.get("id", NULL))
    return word(found) if isinstance(found, str) else None


OPERATIONS: dict[str, Dialect] = {
    "transcription": Transcription(),
    "translation": Transcription(),
    "speech": Speech(),
    "moderation": Moderation(),
    "rerank": Rerank(),
}
# What our own engine has of them: it takes sounds in JSON, and its operator's one voice speaks.
LOCAL: dict[str, Dialect] = {
    "transcription": Transcription(inline=True),
    "translation": Transcription(inline=True),
    "speech": Speech(voices=False),
    "rerank": Rerank(),
}
