"""POST /v1/audio/transcriptions and /v1/audio/translations: sound in, words out.

A multipart form as OpenAI's clients send it, or JSON with the sound in base64 (`input_audio`).
"""

import asyncio
import base64
import binascii
from typing import Annotated, Any, Literal, TypeVar

import msgspec

from alltoken_app.api import answers, forms, parse
from alltoken_app.api.audio import sounds
from alltoken_app.api.audio.transcripts import TranscriptFace
from alltoken_app.api.auth import authenticate
from alltoken_app.api.http import Request, encode
from alltoken_app.api.parse import Extension, Parsed, Share, Slug, Text
from alltoken_app.egress.fetch import Guard
from alltoken_app.errors import Invalid
from alltoken_app.providers.base import Call, Media, Usage
from alltoken_app.routing.preferences import Preferences
from alltoken_app.services.plane import Plane

MAX_JSON = forms.MAX_FILE * 4 // 3 + forms.ROOM
TOKENS_PER_SECOND = 128  # of sound; more than any provider counts
# What is asked of the provider, so that length and times are known, by what the caller wants.
ASKED = {"text": "json", "srt": "verbose_json", "vtt": "verbose_json"}
OURS = frozenset({"model", "file", "input_audio", "stream", "provider", "alltoken"})
LISTS = frozenset({
    "timestamp_granularities", "include", "keywords", "languages", "known_speaker_names",
    "known_speaker_references",
})  # fmt: skip

Words = Annotated[list[Annotated[str, msgspec.Meta(max_length=512)]], msgspec.Meta(max_length=256)]
Format = Literal["json", "text", "srt", "verbose_json", "vtt", "diarized_json"]
Language = Annotated[str, msgspec.Meta(min_length=2, max_length=35)]


class InputAudio(msgspec.Struct, forbid_unknown_fields=True):
    """A sound inside JSON, or where it is."""

    data: str | None = None
    format: str = ""
    url: str | None = None


class TranslationFields(msgspec.Struct, kw_only=True):
    """What a translation takes. Null counts as absent."""

    model: Slug
    prompt: Text | None = None
    response_format: Format | None = None
    temperature: Share | None = None
    user: Annotated[str, msgspec.Meta(max_length=512)] | None = None
    input_audio: InputAudio | None = None
    provider: Preferences | None = None
    alltoken: Extension | None = None


class TranscriptionFields(TranslationFields, kw_only=True):
    """What a transcription takes."""

    language: Language | None = None
    timestamp_granularities: list[Literal["word", "segment"]] | None = None
    include: Words | None = None
    chunking_strategy: str | dict[str, Any] | None = None
    keywords: Words | None = None
    languages: Words | None = None
    known_speaker_names: Words | None = None
    known_speaker_references: Annotated[list[str], msgspec.Meta(max_length=4)] | None = None
    stream: bool | None = None


Fields = TypeVar("Fields", bound=TranslationFields)


async def create_transcription(request: Request) -> None:
    """The words of a sound, in its language."""
    await _serve(request, "transcription", TranscriptionFields)


async def create_translation(request: Request) -> None:
    """The words of a sound, in English."""
    await _serve(request, "translation", TranslationFields)


async def _serve(request: Request, operation: str, shape: type[Fields]) -> None:
    caller = await authenticate(request)
    found, sound = await _received(request)
    if "input_audio" in found and sound is None:
        sound = await _inside(found, request.plane.egress)
    fields = _fields(found, shape)
    wanted = fields.response_format or "json"
    if wanted == "diarized_json" and operation == "translation":
        raise Invalid("Translations name no speakers.", param="response_format")
    if not sound:
        text = f"{'file'!r} is missing or empty: send the sound. Nothing was charged."
        raise Invalid(text, param="file")
    looked = await asyncio.to_thread(sounds.look, sound)
    if looked is None:
        text = "The file is no sound that is understood: wav, mp3, m4a, flac, ogg, webm or aac."
        raise Invalid(f"{text} Nothing was charged.", code="unsupported_audio_type", param="file")
    parsed = parsed_call(operation, fields, found, sound, looked, strict=request.strict)
    parsed = _streamed(parsed, request.plane)
    await answers.serve(request, answers.new_run(request, caller, parsed), TranscriptFace(wanted))


async def _received(request: Request) -> tuple[dict[str, Any], bytes | None]:
    """The fields as sent and the uploaded file, where there is one."""
    kind = request.header(b"content-type")
    if not kind.lower().startswith("multipart/form-data"):
        return dict(parse.document(await request.body(MAX_JSON), kind)), None
    limit = forms.MAX_FILE + forms.ROOM
    form = await forms.read(kind, request.received(limit), "file")
    if request.header(b"idempotency-key"):
        request.body_hash = form.hash()
    for name in form.fields.keys() & LISTS:
        if not isinstance(form.fields[name], list):
            form.fields[name] = [form.fields[name]]
    return form.fields, form.file


async def _inside(found: dict[str, Any], egress: Guard) -> bytes:
    """The sound that JSON carries in base64 or points to."""
    given = parse.decode(_input_audio, bytes(found["input_audio"]), "input_audio")
    if given.url is not None and given.data is None:
        try:
            return (await egress.fetch(given.url, forms.MAX_FILE)).content
        except Invalid as error:
            raise Invalid(str(error), code=error.code, param="input_audio.url") from None
    try:
        return base64.b64decode(given.data or "", validate=True)
    except binascii.Error:
        text = "input_audio.data is not base64. Nothing was charged."
        raise Invalid(text, param="input_audio.data") from None


def _fields(found: dict[str, Any], shape: type[Fields]) -> Fields:
    """The fields with their types: all of a form's are text, those of JSON are what they are."""
    typed = {
        name: msgspec.json.decode(value) if isinstance(value, msgspec.Raw) else value
        for name, value in found.items()
    }
    strict = any(isinstance(value, msgspec.Raw) for value in found.values())
    try:
        return msgspec.convert(typed, shape, strict=strict)
    except msgspec.ValidationError as error:
        raise parse.wrong(error) from None


def parsed_call(
    operation: str,
    fields: TranslationFields,
    found: dict[str, Any],
    sound: bytes,
    looked: sounds.Sound,
    *,
    strict: bool,
) -> Parsed:
    """The call that a request means.

    Raises:
        Invalid: It has a field that must not be there.
        NotFound: The model's name cannot be one.
    """
    strict = strict or bool(fields.alltoken and fields.alltoken.strict)
    names = frozenset(fields.__struct_fields__)
    warnings = parse.unknown(found, names | OURS, strict=strict)
    sent = {name: getattr(fields, name) for name in names - OURS}
    wanted = fields.response_format
    if wanted:
        sent["response_format"] = ASKED.get(wanted, wanted)
    forwarded = {
        name: msgspec.Raw(encode(value)) for name, value in sent.items() if value is not None
    }
    seconds = -(-looked.milliseconds // 1000)
    call = Call(
        operation=operation,
        model=parse.slug(fields.model),
        fields=forwarded,
        stream=bool(getattr(fields, "stream", None)),
        size=sum(len(bytes(value)) for value in forwarded.values()) + seconds * TOKENS_PER_SECOND,
        modalities=frozenset({"audio"}),
        known=Usage(milliseconds=seconds * 1000),
        media=Media(
            sound, f"audio.{looked.kind}", sounds.TYPES[looked.kind], measured=looked.measured
        ),
    )
    wishes = fields.provider or Preferences()
    return Parsed(call, wishes, strict, warnings, fields.user, fields.alltoken)


def _streamed(parsed: Parsed, plane: Plane) -> Parsed:
    """Models that answer whole ignore `stream`, as OpenAI says; we say so too."""
    model = plane.catalog.models.get(parsed.call.model)
    if not parsed.call.stream or model is None:
        return parsed
    if any("stream" in endpoint.parameters for endpoint in model.endpoints):
        return parsed
    if parsed.strict:
        text = f"{model.slug} does not stream. Nothing was charged."
        raise Invalid(text, code="unsupported_parameter", param="stream")
    return msgspec.structs.replace(
        parsed,
        call=msgspec.structs.replace(parsed.call, stream=False),
        warnings=(*parsed.warnings, "unsupported_parameter:stream"),
    )


_input_audio = msgspec.json.Decoder(InputAudio, strict=True)
