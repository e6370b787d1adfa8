"""Speech by Gemini's voices: the sound is an answer of one kind of output.

Wire format: https://ai.google.dev/gemini-api/docs/speech-generation
"""

import base64
import re
import struct
from typing import Any

import msgspec

from alltoken_app.providers.base import (
    Call,
    EndpointFacts,
    HeaderOf,
    Outgoing,
    Piece,
    Reply,
    StreamError,
    StreamReader,
)
from alltoken_app.providers.dialects import gemini_answers
from alltoken_app.providers.dialects.gemini import Gemini

RATE = re.compile(r"rate=(\d{4,6})")
USUAL_RATE = 24_000
RAW = msgspec.Raw(b'"pcm"')
PLAYABLE = msgspec.Raw(b'"wav"')


class Audio(msgspec.Struct):
    data: str
    mime_type: str = ""


class Said(msgspec.Struct):
    audio: Audio | None = None


class Choice(msgspec.Struct):
    message: Said = msgspec.field(default_factory=Said)
    delta: Said = msgspec.field(default_factory=Said)


class Voice(msgspec.Struct):
    id: str = ""
    name: str = ""


_choices = msgspec.json.Decoder(list[Choice])
_text = msgspec.json.Decoder(str)
_voice = msgspec.json.Decoder(str | Voice)
_encode = msgspec.json.Encoder().encode


class Speech(Gemini):
    """Speaks texts. Its sound is uncompressed: as it is, or with the head of a WAV file."""

    honours = frozenset({"input", "voice", "response_format", "instructions"})

    def unable(self, call: Call, endpoint: EndpointFacts) -> tuple[str, ...]:
        wanted = call.fields.get("response_format")
        given = (None, RAW) if call.stream else (None, RAW, PLAYABLE)
        return () if wanted in given else ("response_format",)

    def request(self, call: Call, endpoint: EndpointFacts, max_output: int) -> Outgoing:
        model = endpoint.upstream_model.removeprefix("models/")
        text = _text.decode(call.fields["input"])
        if "instructions" in call.fields:
            text = f"{_text.decode(call.fields['instructions'])}: {text}"
        config: dict[str, Any] = {"responseModalities": ["AUDIO"], "maxOutputTokens": max_output}
        if "voice" in call.fields:
            voice = _voice.decode(call.fields["voice"])
            name = voice if isinstance(voice, str) else voice.id or voice.name
            config["speechConfig"] = {"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": name}}}
        body = {
            "contents": [{"role": "user", "parts": [{"text": text}]}],
            "generationConfig": config,
            **self._extras({}),
        }
        return self._outgoing(call, model, body)

    def read(self, call: Call, header: HeaderOf, payload: bytes) -> Reply:
        reply = gemini_answers.read(payload)
        audio = _choices.decode(reply.body["choices"])[0].message.audio
        if audio is None:
            raise StreamError(gemini_answers.INVALID)
        sound = base64.b64decode(audio.data)
        raw = call.fields.get("response_format") == RAW
        reply.body = {}
        reply.media = sound if raw else _wav(sound, audio.mime_type)
        reply.media_type = "audio/pcm" if raw else "audio/wav"
        return reply

    def reader(self, call: Call) -> StreamReader:
        return Reader(super().reader(call))


class Reader:
    """Reads streamed speech as OpenAI's events."""

    def __init__(self, answer: StreamReader) -> None:
        self._answer = answer
        self.done = False

    def feed(self, received: bytes) -> list[Piece]:
        pieces = self._answer.feed(received)
        self.done = self._answer.done
        for piece in pieces:
            sounds = [choice.delta.audio for choice in _choices.decode(piece.choices)]
            data = "".join(sound.data for sound in sounds if sound)
            kind = "speech.audio.done" if piece.finish else "speech.audio.delta"
            event = {"type": kind} | ({"audio": data} if data else {})
            piece.native = _encode(event) if data or piece.finish else b""
            piece.choices = b"[]"
        return pieces


def _wav(sound: bytes, mime_type: str) -> bytes:
    """The sound (one channel of 16 bits) behind the head of a WAV file."""
    found = RATE.search(mime_type)
    rate = int(found[1]) if found else USUAL_RATE
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, rate, rate * 2, 2, 16)
    size = struct.pack("<4sI", b"data", len(sound))
    return struct.pack("<4sI4s", b"RIFF", 36 + len(sound), b"WAVE") + form + size + sound
