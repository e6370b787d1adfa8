"""alltoken_app/catalog/bounds.py"""

from typing import Any

import msgspec
import pytest

from alltoken_app.api.messages.parse import messages
from alltoken_app.api.responses.parse import responses
from alltoken_app.catalog import bounds, pricing
from alltoken_app.providers.base import Call, Usage

PNG = "data:image/png;base64," + "A" * 400_000


def call(body: dict[str, Any], *kinds: str, **more: Any) -> Call:
    raw = msgspec.json.encode(body)
    fields = msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
    return Call("chat", "a/b", fields, size=len(raw), modalities=frozenset(kinds), **more)


def said(*parts: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": list(parts)}], **fields}


def picture(url: str) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": url}}


def test_text_is_bounded_by_its_bytes_and_by_the_context() -> None:
    asked = call(said({"type": "text", "text": "a" * 1_000}), "text")
    assert bounds.input_tokens(asked) == asked.size + bounds.PER_CALL + bounds.PER_INPUT
    assert bounds.input_tokens(asked, 500) == 500


@pytest.mark.parametrize("url", [PNG, "https://example.com/large.png"])
def test_a_picture_counts_by_what_it_shows_not_by_its_bytes(url: str) -> None:
    asked = call(said(picture(url), picture(url)), "image")
    bound = bounds.input_tokens(asked, 1_000_000)
    assert 2 * bounds.PER_IMAGE < bound < 2 * bounds.PER_IMAGE + 1_000


def test_a_picture_written_into_text_counts_as_text() -> None:
    asked = call(said(picture("https://x"), {"type": "text", "text": PNG}), "image", "text")
    assert bounds.input_tokens(asked, 10_000_000) > len(PNG)


@pytest.mark.parametrize("kind", ["file", "video"])
def test_documents_and_films_may_fill_the_context(kind: str) -> None:
    asked = call(said({"type": kind}), kind)
    assert bounds.input_tokens(asked, 128_000) == 128_000


def test_plain_text_has_no_extras() -> None:
    assert bounds.extras(call(said({"type": "text", "text": "hi"}), "text")) is pricing.NONE


@pytest.mark.parametrize(
    ("body", "kinds", "expected"),
    [
        (said(cache_control={"type": "ephemeral"}), "text", pricing.Extras(cache_5m=True)),
        (
            said(
                {"type": "text", "text": "x", "cache_control": {"type": "ephemeral", "ttl": "1h"}}
            ),
            "text",
            pricing.Extras(cache_5m=True, cache_1h=True),
        ),
        (said(), "audio", pricing.Extras(audio_input=True)),
        (said(), "image", pricing.Extras(image_input=True)),
        (said(modalities=["text", "audio"]), "text", pricing.Extras(audio_output=True)),
        (
            said(web_search_options={}),
            "text",
            pricing.Extras(known=Usage(searches=bounds.SEARCHES)),
        ),
        (said(tools=[{"type": "code_interpreter"}]), "text", pricing.Extras(hosted=True)),
        (said(tools=[{"type": "browser_search"}]), "text", pricing.Extras(hosted=True)),
        (said(tools=[{"type": "web_search"}]), "text", pricing.Extras(hosted=True)),
        (said(tools=[{"type": "function", "function": {}}]), "text", pricing.NONE),
    ],
)
def test_what_a_call_may_use_is_read_from_what_it_asks_for(
    body: dict[str, Any], kinds: str, expected: pricing.Extras
) -> None:
    assert bounds.extras(call(body, kinds)) == expected


def test_a_key_spelled_with_escapes_is_still_the_key() -> None:
    part = b'{"type":"text","text":"x","\\u0063ache_control":{"ttl":"1h"}}'
    raw = b'[{"role":"user","content":[%b]}]' % part
    asked = Call("chat", "a/b", {"messages": msgspec.Raw(raw)}, size=len(raw))
    assert bounds.extras(asked) == pricing.Extras(cache_5m=True, cache_1h=True)
    umlauts = msgspec.Raw(b'[{"role":"user","content":"\\u00fc\\u003c\\u0026"}]')
    assert bounds.extras(Call("chat", "a/b", {"messages": umlauts})) is pricing.NONE


def test_the_callers_own_dialect_is_read_too() -> None:
    native = {
        "system": msgspec.Raw(b'[{"type":"text","text":"x","cache_control":{"type":"ephemeral"}}]')
    }
    asked = Call("chat", "a/b", {}, dialect="messages", native=native)
    assert bounds.extras(asked) == pricing.Extras(cache_5m=True)


@pytest.mark.parametrize(
    ("name", "spelled", "expected"),
    [
        ("modalities", rb'["text","\u0061udio"]', pricing.Extras(audio_output=True)),
        ("tools", rb'[{"type":"code\u005finterpreter"}]', pricing.Extras(hosted=True)),
        (
            "cache_control",
            rb'{"type":"ephemeral","ttl":"\u0031h"}',
            pricing.Extras(cache_5m=True, cache_1h=True),
        ),
    ],
)
def test_a_word_spelled_with_escapes_is_still_the_word(
    name: str, spelled: bytes, expected: pricing.Extras
) -> None:
    found = bounds.extras(Call("chat", "a/b", {name: msgspec.Raw(spelled)}))
    assert (found.audio_output, found.hosted) == (expected.audio_output, expected.hosted)
    assert found.cache_1h >= expected.cache_1h


@pytest.mark.parametrize("tool", ["web_fetch_20250910", "mcp_toolset"])
def test_what_a_model_reads_by_itself_may_fill_the_context(tool: str) -> None:
    body = {
        "model": "a/b", "max_tokens": 1, "messages": [{"role": "user", "content": "hi"}],
        "tools": [{"type": tool, "name": "x"}],
    }  # fmt: skip
    asked = messages(msgspec.json.encode(body), "application/json", {}, strict=False).call
    assert bounds.input_tokens(asked, 200_000) == 200_000


def test_a_search_spelled_with_escapes_is_bounded_too() -> None:
    tool = rb'{"type":"web\u005fsearch_20250305","name":"\u0077eb_search"}'
    body = (
        b'{"model":"a/b","max_tokens":1,"messages":[{"role":"user","content":"hi"}],"tools":[%b]}'
    )
    asked = messages(body % tool, "application/json", {}, strict=False).call
    assert bounds.input_tokens(asked, 200_000) == 200_000
    assert bounds.extras(asked).known.searches == bounds.SEARCHES
    assert b'"max_uses":10' in bytes(asked.native["tools"])


def test_a_cache_mark_of_one_dialect_counts_where_another_serves() -> None:
    part = {"type": "input_text", "text": "x", "prompt_cache_breakpoint": {"mode": "explicit"}}
    body = {"model": "a/b", "input": [{"role": "user", "content": [part]}]}
    asked = responses(msgspec.json.encode(body), "application/json", strict=False).call
    assert bounds.extras(asked).cache_5m
