"""alltoken_app/api/audio/speech.py, through the official clients"""

import base64
import json
from pathlib import Path
from typing import Any

import openai
import openrouter
import pytest

from alltoken_app.money import usd
from tests.api.audio.conftest import Shop
from tests.api.upstream import SOUND

pytestmark = pytest.mark.asyncio(loop_scope="module")

TEXT = "Grüße from the harbour."


async def test_speech_is_the_providers_bytes_and_costs_its_characters(
    shop: Shop, tmp_path: Path
) -> None:
    before = await shop.product.balance()
    client = shop.product.client()
    async with client.audio.speech.with_streaming_response.create(
        model="openai/tts-1", voice="alloy", input=TEXT, response_format="mp3", speed=1.25
    ) as answer:
        await answer.stream_to_file(tmp_path / "a.mp3")
        headers = answer.headers
    assert (tmp_path / "a.mp3").read_bytes() == SOUND
    assert headers["content-type"] == "audio/mpeg"
    cost = len(TEXT) * 15_000  # $15 per million
    assert headers["x-alltoken-cost"] == usd(cost)
    assert before.available - (await shop.product.balance()).available == cost
    assert shop.upstream.asked[0].json == {
        "model": "tts-1", "input": TEXT, "voice": "alloy", "response_format": "mp3", "speed": 1.25,
    }  # fmt: skip


async def test_a_model_sold_by_tokens_is_asked_for_events_that_count_them(shop: Shop) -> None:
    answer = await shop.product.client().audio.speech.create(
        model="openai/gpt-4o-mini-tts", voice="alloy", input=TEXT, instructions="Calmly."
    )
    assert answer.content == SOUND
    assert answer.response.headers["content-type"] == "audio/mpeg"
    assert shop.upstream.asked[0].json["stream_format"] == "sse"
    price = shop.product.plane.catalog.models["openai/gpt-4o-mini-tts"].endpoints[0].price
    pico = 9 * (price.input or 0) + 40 * (price.output or 0)
    assert answer.response.headers["x-alltoken-cost"] == usd(round(pico / 1000))


async def test_events_carry_the_sound_then_usage_and_cost(shop: Shop) -> None:
    body = {"model": "openai/gpt-4o-mini-tts", "voice": "alloy", "input": TEXT,
            "stream_format": "sse"}  # fmt: skip
    async with shop.product.http() as http:
        answer = await http.post("/v1/audio/speech", json=body)
    events = [json.loads(line[6:]) for line in answer.text.splitlines() if line]
    assert b"".join(base64.b64decode(e["audio"]) for e in events[:-1]) == SOUND
    assert events[-1]["type"] == "speech.audio.done"
    assert events[-1]["usage"]["output_tokens"] == 40
    assert float(events[-1]["usage"]["cost"]) > 0


async def test_events_of_a_model_without_them_are_refused(shop: Shop) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        await shop.product.client().audio.speech.create(
            model="openai/tts-1", voice="alloy", input=TEXT, stream_format="sse"
        )
    assert caught.value.body["param"] == "stream_format"  # type: ignore[index]
    assert shop.upstream.asked == []


async def test_openrouters_client_gets_the_sound(shop: Shop) -> None:
    async with openrouter.OpenRouter(
        api_key=shop.product.key, server_url=f"{shop.product.url}/api/v1"
    ) as client:
        made = await client.tts.create_speech_async(
            model="openai/tts-1", input=TEXT, voice="alloy", response_format="mp3"
        )
        assert await made.aread() == SOUND


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "no text": ({"input": " "}, "input"),
    "too long": ({"input": "x" * 4097}, "input"),
    "not a text": ({"input": 5}, "input"),
    "odd format": ({"response_format": "midi"}, "response_format"),
    "too fast": ({"speed": 9}, "speed"),
    "odd voice": ({"voice": 7}, "voice"),
}


async def test_a_wrong_field_is_named(shop: Shop) -> None:
    async with shop.product.http() as http:
        for name, (wrong, param) in BAD.items():
            body = {"model": "openai/tts-1", "voice": "alloy", "input": TEXT, **wrong}
            answer = await http.post("/v1/audio/speech", json=body)
            error = answer.json()["error"]
            assert (answer.status_code, error["param"]) == (400, param), (name, error)
    assert shop.upstream.asked == []


async def test_what_is_no_sound_is_not_delivered_and_not_charged(shop: Shop) -> None:
    before = await shop.product.balance()
    for body, kind in ((b"<html>", "text/html"), (b"{}", "application/json"), (b"", "audio/wav")):
        shop.upstream.answers["/audio/speech"] = (200, body, kind)
        with pytest.raises(openai.APIStatusError) as caught:
            await shop.product.client().audio.speech.create(
                model="openai/tts-1", voice="alloy", input=TEXT
            )
        assert caught.value.code == "upstream_bad_response"
    assert await shop.product.balance() == before
