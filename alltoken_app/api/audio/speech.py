"""POST /v1/audio/speech: words in, sound out."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import msgspec

from alltoken_app.api import answers, errors, parse, render
from alltoken_app.api.auth import authenticate
from alltoken_app.api.http import Header, Request, encode
from alltoken_app.api.parse import Extension, Parsed, Slug
from alltoken_app.catalog.snapshot import Catalog
from alltoken_app.errors import AllTokenError, Invalid
from alltoken_app.providers.base import Call, Piece, Reply, Usage
from alltoken_app.routing.preferences import Preferences
from alltoken_app.services.generations import Run

TYPES = {
    "mp3": b"audio/mpeg", "opus": b"audio/ogg", "aac": b"audio/aac", "flac": b"audio/flac",
    "wav": b"audio/wav", "pcm": b"audio/pcm",
}  # fmt: skip
FORWARDED = frozenset({"input", "voice", "response_format", "speed", "instructions"})
OURS = frozenset({"model", "stream_format", "provider", "alltoken", "user"})
KEEP_ALIVE = b": keep-alive\n\n"
DONE = b'"speech.audio.done"'


class SpeechFields(msgspec.Struct):
    """What speech takes. Null counts as absent."""

    model: Slug
    input: Annotated[str, msgspec.Meta(min_length=1, max_length=4096)]
    voice: Annotated[str, msgspec.Meta(min_length=1, max_length=128)] | dict[str, str] | None = None
    response_format: Literal["mp3", "opus", "aac", "flac", "wav", "pcm"] | None = None
    speed: Annotated[float, msgspec.Meta(ge=0.25, le=4)] | None = None
    instructions: Annotated[str, msgspec.Meta(max_length=4096)] | None = None
    stream_format: Literal["sse", "audio"] | None = None
    user: Annotated[str, msgspec.Meta(max_length=512)] | None = None
    provider: Preferences | None = None
    alltoken: Extension | None = None


_speech = msgspec.json.Decoder(SpeechFields, strict=True)


async def create_speech(request: Request) -> None:
    """A text, spoken."""
    caller = await authenticate(request)
    body = await request.body()
    parsed, wanted = speech(body, request.header(b"content-type"), strict=request.strict)
    _check_events(parsed.call, request.plane.catalog)
    await answers.serve(request, answers.new_run(request, caller, parsed), SpeechFace(wanted))


def speech(body: bytes, content_type: str, *, strict: bool) -> tuple[Parsed, str]:
    """Parse a speech request; also the format that is wanted.

    Raises:
        Invalid: `param` names the field; nothing was charged.
        NotFound: The model's name cannot be one.
    """
    found = parse.document(body, content_type)
    fields = parse.decode(_speech, body)
    if not fields.input.strip():
        raise Invalid("input is empty. Nothing was charged.", param="input")
    strict = strict or bool(fields.alltoken and fields.alltoken.strict)
    warnings = parse.unknown(found, FORWARDED | OURS, strict=strict)
    call = Call(
        operation="speech",
        model=parse.slug(fields.model),
        fields=parse.forwarded(found, FORWARDED),
        stream=fields.stream_format == "sse",
        size=len(body),
        known=Usage(characters=len(fields.input)),
    )
    wishes = fields.provider or Preferences()
    return Parsed(
        call, wishes, strict, warnings, fields.user, fields.alltoken
    ), fields.response_format or "mp3"


def _check_events(call: Call, catalog: Catalog) -> None:
    """Whoever asks for events reads no bare sound: a model without them is refused."""
    model = catalog.models.get(call.model)
    if not call.stream or model is None:
        return
    if not any("stream_format" in endpoint.parameters for endpoint in model.endpoints):
        text = f"{model.slug} does not speak in events. Nothing was charged."
        raise Invalid(text, code="unsupported_parameter", param="stream_format")


class SpeechFace:
    """OpenAI's speech: the sound itself, or events with parts of it.

    Args:
        wanted: The `response_format` that was asked for.
    """

    def __init__(self, wanted: str) -> None:
        self._wanted = wanted

    def whole(self, run: Run, reply: Reply, catalog: Catalog) -> tuple[Sequence[Header], bytes]:
        kind = reply.media_type.encode("latin-1", "replace")
        return ((b"content-type", kind or TYPES[self._wanted]),), reply.media

    def chunks(self, run: Run, catalog: Catalog) -> "SpeechChunks":
        return SpeechChunks(run)


class SpeechChunks:
    """The provider's events as they are; the last waits, for it carries what was used."""

    keep_alive = KEEP_ALIVE

    def __init__(self, run: Run) -> None:
        self._run = run

    def pieces(self, pieces: list[Piece]) -> bytes:
        """The events of `pieces`."""
        events = [piece.native for piece in pieces if piece.native and piece.finish is None]
        return b"".join(b"data: " + event + b"\n\n" for event in events)

    def end(self) -> bytes:
        """The last event, with usage and cost."""
        told = {"type": "speech.audio.done", "usage": usage(self._run)}
        return b"data: " + encode(told | {"alltoken": render.served(self._run)}) + b"\n\n"

    def broken(self, error: AllTokenError, charged: str) -> bytes:
        """An error inside the stream. Nothing follows it."""
        dialect = self._run.error_dialect
        document = errors.envelope(error, self._run.request_id, dialect=dialect, charged=charged)
        return b"data: " + encode({"type": "error", **document}) + b"\n\n"


def usage(run: Run) -> dict[str, Any]:
    """OpenAI's usage of speech, with `cost`."""
    used = run.meter.usage if run.meter else Usage()
    return {
        "input_tokens": used.input,
        "output_tokens": used.output,
        "total_tokens": used.input + used.output,
        "characters": used.characters,
        "cost": render.exact(run.cost),
    }
