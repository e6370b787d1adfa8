"""alltoken_app/api/audio/transcriptions.py and transcripts.py, through the official clients"""

import base64
import json
from pathlib import Path
from typing import Any

import httpx
import openai
import openrouter
import pytest

from alltoken_app.money import usd
from tests.api.audio.conftest import Shop
from tests.api.upstream import TOKENS, WORDS

pytestmark = pytest.mark.asyncio(loop_scope="module")

SOUND = (Path(__file__).parent.parent.parent / "sounds/train.wav").read_bytes()
WHISPER, TOKENISED = "openai/whisper-1", "openai/gpt-4o-transcribe"
SECONDS = 3  # the provider rounds 2.15 up, and so do we
PER_SECOND = 100_000  # nano: $0.006 a minute


async def test_a_form_of_the_official_client_is_passed_on_with_every_field(shop: Shop) -> None:
    before = await shop.product.balance()
    raw = await shop.product.client().audio.transcriptions.with_raw_response.create(
        model=WHISPER, file=("../../etc/passwd", SOUND), language="en", prompt="Trains — Züge",
        temperature=0.2, response_format="verbose_json",
        timestamp_granularities=["word", "segment"],
    )  # fmt: skip
    made: Any = raw.parse()
    assert (made.text, made.language, made.segments[0].end) == (WORDS, "english", 1.5)
    [asked] = shop.upstream.asked
    form = asked.form
    assert form.pop("file") == [SOUND]
    assert b'filename="audio.wav"' in asked.body
    assert b"passwd" not in asked.body
    assert {name: [v.decode() for v in values] for name, values in form.items()} == {
        "model": ["whisper-1"], "language": ["en"], "prompt": ["Trains — Züge"],
        "temperature": ["0.2"], "response_format": ["verbose_json"],
        "timestamp_granularities[]": ["word", "segment"],
    }  # fmt: skip
    cost = SECONDS * PER_SECOND
    assert raw.headers["x-alltoken-cost"] == usd(cost)
    assert f'"cost":{usd(cost)}' in raw.text
    assert made.usage.seconds == SECONDS
    after = await shop.product.balance()
    assert before.available - after.available == cost


@pytest.mark.parametrize(
    ("wanted", "start"),
    [
        ("text", WORDS + "\n"),
        ("srt", "1\n00:00:00,000 --> 00:00:01,500\nThe morning train\n\n2\n00:00:01,500 --> 01:"),
        ("vtt", "WEBVTT\n\n00:00:00.000 --> 00:00:01.500\nThe morning train\n\n00:00:01.500 -"),
    ],
)
async def test_plain_text_and_subtitles_cost_what_the_provider_counted(
    shop: Shop, wanted: Any, start: str
) -> None:
    raw = await shop.product.client().audio.transcriptions.with_raw_response.create(
        model=WHISPER, file=SOUND, response_format=wanted
    )
    assert raw.text.startswith(start)
    assert raw.headers["content-type"] == "text/plain; charset=utf-8"
    assert raw.headers["x-alltoken-cost"] == usd(SECONDS * PER_SECOND)


async def test_tokens_of_sound_and_text_have_their_own_rates(shop: Shop) -> None:
    raw = await shop.product.client().audio.transcriptions.with_raw_response.create(
        model=TOKENISED, file=SOUND
    )
    made: Any = raw.parse()
    assert made.usage.input_token_details.audio_tokens == 24
    price = shop.product.plane.catalog.models[TOKENISED].endpoints[0].price
    assert price.audio_input
    pico = 24 * price.audio_input + 6 * (price.input or 0) + 8 * (price.output or 0)
    assert raw.headers["x-alltoken-cost"] == usd(round(pico / 1000))


async def test_a_provider_that_counts_nothing_is_paid_for_what_was_measured(shop: Shop) -> None:
    raw = await shop.product.client().audio.transcriptions.with_raw_response.create(
        model="acme/silent", file=SOUND
    )
    assert raw.headers["x-alltoken-cost"] == usd(SECONDS * PER_SECOND)


async def test_a_stream_passes_each_event_and_ends_with_usage_and_cost(shop: Shop) -> None:
    stream = await shop.product.client().audio.transcriptions.create(
        model=TOKENISED, file=SOUND, stream=True
    )
    events: list[Any] = [event async for event in stream]
    assert "".join(e.delta for e in events[:-1]) == WORDS
    assert (events[-1].type, events[-1].text) == ("transcript.text.done", WORDS)
    assert events[-1].usage.total_tokens == TOKENS["total_tokens"]
    assert events[-1].alltoken["served"]["provider"] == "openai"
    assert shop.upstream.asked[0].form["stream"] == [b"true"]


async def test_a_model_that_does_not_stream_answers_whole_and_says_so(shop: Shop) -> None:
    raw = await shop.product.client().audio.transcriptions.with_raw_response.create(
        model=WHISPER, file=SOUND, extra_body={"stream": True}
    )
    assert json.loads(raw.text)["text"] == WORDS
    assert raw.headers["x-alltoken-warnings"] == "unsupported_parameter:stream"
    with pytest.raises(openai.BadRequestError) as caught:
        await shop.product.client().audio.transcriptions.create(
            model=WHISPER, file=SOUND, extra_body={"stream": True},
            extra_headers={"x-alltoken-strict": "1"},
        )  # fmt: skip
    assert caught.value.body["param"] == "stream"  # type: ignore[index]


@pytest.mark.filterwarnings("ignore:deprecated:DeprecationWarning")
async def test_a_translation_is_asked_of_its_own_path(shop: Shop) -> None:
    made = await shop.product.client().audio.translations.create(model=WHISPER, file=SOUND)
    assert made.text == WORDS
    assert shop.upstream.asked[0].path == "/audio/translations"


async def test_openrouters_client_sends_sounds_in_json(shop: Shop) -> None:
    async with openrouter.OpenRouter(
        api_key=shop.product.key, server_url=f"{shop.product.url}/api/v1"
    ) as client:
        made = await client.stt.create_transcription_async(
            model=WHISPER,
            input_audio={"data": base64.b64encode(SOUND).decode(), "format_": "wav"},
            language="en",
        )
    assert made.text == WORDS
    assert made.usage is not None
    assert made.usage.cost == SECONDS * PER_SECOND / 1e9
    assert shop.upstream.asked[0].form["file"] == [SOUND]


async def test_a_sound_elsewhere_is_fetched_only_from_the_public_internet(shop: Shop) -> None:
    async with shop.product.http() as http:
        for url in ("http://127.0.0.1/a.wav", "https://169.254.169.254/a.wav", "https://x"):
            body = {"model": WHISPER, "input_audio": {"url": url, "format": "wav"}}
            answer = await http.post("/v1/audio/transcriptions", json=body)
            error = answer.json()["error"]
            assert (error["code"], error["param"]) == ("url_not_allowed", "input_audio.url")
    assert shop.upstream.asked == []


async def test_a_form_sent_again_with_its_key_is_the_same_request(shop: Shop) -> None:
    client = shop.product.client()
    key = {"idempotency-key": "once"}
    await client.audio.transcriptions.create(model=WHISPER, file=SOUND, extra_headers=key)
    await shop.product.quiet()
    for language, code in ((None, "idempotent_replay"), ("fr", "idempotency_key_reuse")):
        with pytest.raises(openai.APIStatusError) as caught:
            await client.audio.transcriptions.create(
                model=WHISPER, file=SOUND, language=language or openai.omit, extra_headers=key
            )
        assert caught.value.code == code
    assert len(shop.upstream.asked) == 1


async def test_wishes_travel_in_a_form_too(shop: Shop) -> None:
    client = shop.product.client()
    with pytest.raises(openai.NotFoundError) as caught:
        await client.audio.transcriptions.create(
            model=WHISPER, file=SOUND, extra_body={"provider": {"only": ["elsewhere"]}}
        )
    assert caught.value.code == "no_eligible_endpoint"


async def test_a_provider_that_fails_costs_nothing(shop: Shop) -> None:
    before = await shop.product.balance()
    for status, body, code in (
        (400, b'{"error": {"message": "Too short.", "param": "file"}}', "upstream_rejected"),
        (500, b"", "upstream_error"),
        (200, b"not json", "upstream_bad_response"),
        (200, b'{"words": []}', "upstream_bad_response"),
    ):
        shop.upstream.answers["/audio/transcriptions"] = (status, body, "application/json")
        with pytest.raises(openai.APIStatusError) as caught:
            await shop.product.client().audio.transcriptions.create(model=WHISPER, file=SOUND)
        assert caught.value.code == code
    assert await shop.product.balance() == before


def part(name: str, value: bytes, file: bool = False) -> bytes:
    name = f'form-data; name="{name}"' + ('; filename="a"' if file else "")
    return b"--B\r\ncontent-disposition: " + name.encode() + b"\r\n\r\n" + value + b"\r\n"


FILE, MODEL, END = part("file", SOUND, file=True), part("model", WHISPER.encode()), b"--B--\r\n"
BAD_FORMS: dict[str, tuple[bytes, int, str, str | None]] = {
    "no file": (MODEL + END, 400, "invalid_value", "file"),
    "empty file": (MODEL + part("file", b"", file=True) + END, 400, "invalid_value", "file"),
    "file as text": (MODEL + part("file", b"x") + END, 400, "invalid_value", "file"),
    "not a sound": (
        MODEL + part("file", b"%PDF-1.7", file=True) + END, 400, "unsupported_audio_type", "file",
    ),
    "a second file": (MODEL + FILE + FILE + END, 400, "invalid_multipart", None),
    "another file": (MODEL + FILE + part("x", b"x", file=True) + END, 400, "invalid_value", "x"),
    "no model": (FILE + END, 400, "invalid_value", "model"),
    "model twice": (MODEL + MODEL + FILE + END, 400, "duplicate_field", "model"),
    "hot": (MODEL + part("temperature", b"hot") + FILE + END, 400, "invalid_type", "temperature"),
    "too hot": (MODEL + part("temperature", b"7") + END, 400, "invalid_value", "temperature"),
    "odd format": (
        MODEL + part("response_format", b"docx") + FILE + END, 400, "invalid_value",
        "response_format",
    ),
    "not utf-8": (MODEL + part("prompt", b"\xff\xfe") + FILE + END, 400, "invalid_multipart", None),
    "no name": (b"--B\r\nx: y\r\n\r\nv\r\n" + END, 400, "invalid_multipart", None),
    "no end": (MODEL + FILE, 400, "invalid_multipart", None),
    "too many parts": (part("a[]", b"1") * 65 + END, 400, "invalid_multipart", None),
    "a long field": (MODEL + part("prompt", b"x" * 65_537) + END, 400, "invalid_value", "prompt"),
    "a long header": (b"--B\r\nx: " + b"y" * 5000 + END, 400, "invalid_multipart", None),
    "a long preamble": (b"x" * 100_000 + MODEL + END, 400, "invalid_multipart", None),
    "deep": (part("a[b][c][d]", b"1") + END, 400, "invalid_value", "a[b][c][d]"),
    "steering": (MODEL + FILE + part("base_url", b"x") + END, 400, "unknown_parameter", "base_url"),
    "unknown model": (part("model", b"a/none") + FILE + END, 404, "model_not_found", "model"),
    "a chat model": (part("model", b"fault/ok") + FILE + END, 400, "wrong_endpoint", "model"),
}  # fmt: skip


async def test_a_wrong_form_is_refused_by_name_and_nothing_is_sent(shop: Shop) -> None:
    before = await shop.product.balance()
    async with shop.product.http() as http:
        for name, (body, status, code, param) in BAD_FORMS.items():
            kind = {"content-type": "multipart/form-data; boundary=B"}
            answer = await http.post("/v1/audio/transcriptions", content=body, headers=kind)
            error = answer.json()["error"]
            found = (answer.status_code, error["code"], error["param"])
            assert found == (status, code, param), (name, error["message"])
            assert error["charged"] == "0"
    assert shop.upstream.asked == []
    assert await shop.product.balance() == before


async def test_a_large_file_is_refused_before_all_of_it_has_come(shop: Shop) -> None:
    sent = 0

    async def endless() -> Any:
        nonlocal sent
        yield MODEL + FILE[: FILE.index(b"RIFF")]
        for _ in range(200):
            sent += 1
            yield b"\0" * 2**20

    kind = {"content-type": "multipart/form-data; boundary=B"}
    async with shop.product.http() as http:
        try:
            answer = await http.post("/v1/audio/transcriptions", content=endless(), headers=kind)
        except httpx.TransportError:
            return  # the server hung up while we were still sending
    assert answer.status_code == 413
    assert answer.json()["error"]["param"] == "file"
    assert shop.upstream.asked == []
