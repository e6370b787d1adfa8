"""alltoken_app/providers/dialects/gemini_speech.py"""

import base64
import io
import json
import wave
from typing import Any

import msgspec
import pytest

from alltoken_app.providers.base import Call, StreamError, Usage
from alltoken_app.providers.dialects.gemini_speech import Speech
from tests.providers.dialects.gemini_case import answer, endpoint, feed, no_header, sse

SPEECH = Speech()
PLACE = endpoint("gemini-2.5-flash-preview-tts")
SOUND = bytes(range(48))
COUNTS = {
    "promptTokenCount": 5, "candidatesTokenCount": 9,
    "candidatesTokensDetails": [{"modality": "AUDIO", "tokenCount": 9}],
}  # fmt: skip


def asked(stream: bool = False, **fields: Any) -> Call:
    raw = {name: msgspec.Raw(json.dumps(value).encode()) for name, value in fields.items()}
    return Call("speech", "a/b", raw, stream=stream)


def spoken(sound: bytes = SOUND) -> dict[str, Any]:
    data = base64.b64encode(sound).decode()
    return {"inlineData": {"mimeType": "audio/L16;codec=pcm;rate=24000", "data": data}}


def test_a_text_is_asked_for_in_a_voice_and_a_manner() -> None:
    call = asked(input="Good morning.", voice="Kore", instructions="Say it warmly")
    sent = SPEECH.request(call, PLACE, 800)
    body = json.loads(sent.body)
    assert sent.path == "/models/gemini-2.5-flash-preview-tts:generateContent"
    assert body["contents"][0]["parts"] == [{"text": "Say it warmly: Good morning."}]
    config = body["generationConfig"]
    assert (config["responseModalities"], config["maxOutputTokens"]) == (["AUDIO"], 800)
    voice = config["speechConfig"]["voiceConfig"]["prebuiltVoiceConfig"]
    assert voice == {"voiceName": "Kore"}


def test_sound_comes_playable_or_raw() -> None:
    payload = json.dumps(answer(spoken(), usageMetadata=COUNTS)).encode()
    reply = SPEECH.read(asked(input="a"), no_header, payload)
    assert (reply.media_type, reply.usage) == ("audio/wav", Usage(5, 9, audio_output=9))
    with wave.open(io.BytesIO(reply.media)) as played:
        assert (played.getframerate(), played.getnchannels()) == (24_000, 1)
        assert played.readframes(100) == SOUND
    raw = SPEECH.read(asked(input="a", response_format="pcm"), no_header, payload)
    assert (raw.media_type, raw.media) == ("audio/pcm", SOUND)


def test_a_stream_brings_sound_in_openais_events() -> None:
    half = len(SOUND) // 2
    body = sse(
        answer(spoken(SOUND[:half]), finish=None),
        answer(spoken(SOUND[half:]), usageMetadata=COUNTS),
    )
    pieces = feed(SPEECH.reader(asked(stream=True, input="a")), body, 5)
    events = [json.loads(piece.native) for piece in pieces if piece.native]
    heard = b"".join(base64.b64decode(event.get("audio", "")) for event in events)
    assert heard == SOUND
    assert [event["type"] for event in events][-1] == "speech.audio.done"
    assert pieces[-1].usage == Usage(5, 9, audio_output=9)


@pytest.mark.parametrize(
    ("form", "stream", "names"),
    [(None, False, ()), ("wav", False, ()), ("pcm", True, ()), ("mp3", False, ("response_format",)),
     ("wav", True, ("response_format",))],
)  # fmt: skip
def test_sound_that_would_have_to_be_packed_is_named(
    form: str | None, stream: bool, names: tuple[str, ...]
) -> None:
    fields = {"response_format": form} if form else {}
    assert SPEECH.unable(asked(stream, input="a", **fields), PLACE) == names


def test_words_instead_of_sound_are_an_error_worth_another_try() -> None:
    with pytest.raises(StreamError):
        SPEECH.read(asked(input="a"), no_header, json.dumps(answer({"text": "no"})).encode())
