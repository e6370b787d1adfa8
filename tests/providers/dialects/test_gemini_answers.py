"""alltoken_app/providers/dialects/gemini*.py: what comes back"""

import base64
import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alltoken_app.providers.base import Call, Cut, Piece, Reply, StreamError, Usage
from alltoken_app.providers.dialects.gemini import Gemini
from tests.providers.dialects.gemini_case import (
    SIGNATURE,
    answer,
    call,
    endpoint,
    feed,
    no_header,
    sse,
    told,
)

GEMINI = Gemini()
COUNTS = {
    "promptTokenCount": 100, "toolUsePromptTokenCount": 20, "candidatesTokenCount": 7,
    "thoughtsTokenCount": 30, "cachedContentTokenCount": 60, "totalTokenCount": 157,
    "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 70},
                            {"modality": "AUDIO", "tokenCount": 30}],
    "cacheTokensDetails": [{"modality": "AUDIO", "tokenCount": 12}],
    "candidatesTokensDetails": [{"modality": "IMAGE", "tokenCount": 5}],
    "serviceTier": "standard",
}  # fmt: skip
USED = Usage(120, 37, 60, 30, audio_input=30, audio_cached=12, image_output=5)
CALL_PART = {"functionCall": {"name": "look_up", "args": {"city": "Bonn", "n": 1.50}}}


def read(document: Any) -> Reply:
    return GEMINI.read(call(), no_header, json.dumps(document, indent=2).encode())


def choice(document: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(bytes(read(document).body["choices"]))[0]
    return found


def pieces(*chunks: dict[str, Any], step: int = 1) -> list[Piece]:
    return feed(GEMINI.reader(call(stream=True)), sse(*chunks), step)


def test_thoughts_and_tool_prompts_are_added_to_what_was_used() -> None:
    reply = read(answer({"text": "hi"}, usageMetadata=COUNTS))
    assert (reply.usage, reply.tier) == (USED, "default")


@pytest.mark.parametrize(
    "counts",
    [
        {},
        {"trafficType": "ON_DEMAND"},
        {"promptTokenCount": -1},
        {"promptTokenCount": 0.5},
        {"promptTokenCount": 1, "cachedContentTokenCount": 2},
    ],
)
def test_usage_that_cannot_be_is_no_usage(counts: dict[str, Any]) -> None:
    assert read(answer({"text": "hi"}, usageMetadata=counts)).usage is None


@pytest.mark.parametrize(
    ("said", "finish"),
    [("STOP", "stop"), ("MAX_TOKENS", "length"), ("CONTINUATION", "length"), (1, "stop"),
     ("NEW_WORD", "stop"), *((word, "content_filter") for word in (
         "SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "LANGUAGE",
         "MODEL_ARMOR", "ESCALATION", "IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT",
         "IMAGE_RECITATION"))],
)  # fmt: skip
def test_every_reason_to_end_has_openais_word(said: Any, finish: str) -> None:
    document = answer({"text": "hi"}, finish=said)
    assert choice(document)["finish_reason"] == finish
    assert pieces(document)[-1].finish == finish
    assert read(document).native_finish == ("STOP" if said == 1 else said)


@pytest.mark.parametrize(
    "said",
    ["MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS", "OTHER", "NO_IMAGE",
     "MISSING_THOUGHT_SIGNATURE", "MALFORMED_RESPONSE", "IMAGE_OTHER"],
)  # fmt: skip
def test_an_answer_the_model_failed_to_write_is_an_error_worth_another_try(said: str) -> None:
    for fails in (read, pieces):
        with pytest.raises(StreamError) as caught:
            fails(answer(finish=said))
        assert caught.value.error is not None
        assert (caught.value.error.code, caught.value.error.retry) == (
            "upstream_invalid_output", True,
        )  # fmt: skip


def test_a_refused_prompt_is_filtered_content() -> None:
    document = {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}, "usageMetadata": COUNTS}
    reply = read(document)
    assert (reply.finish, reply.content) == ("content_filter", False)
    assert reply.native_finish == "PROHIBITED_CONTENT"
    assert told(pieces(document))[0]["finish_reason"] == "content_filter"


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b"{}", b'{"candidates": 3}', b"<html>"])
def test_what_is_no_answer_is_not_read_as_one(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        GEMINI.read(call(), no_header, body)


def test_calls_end_with_tool_calls_and_have_an_id_that_stays() -> None:
    document = answer(CALL_PART, CALL_PART)
    found = choice(document)
    calls = found["message"]["tool_calls"]
    assert found["finish_reason"] == "tool_calls"
    assert calls[0]["function"] == {"name": "look_up", "arguments": '{"city":"Bonn","n":1.5}'}
    assert calls[0]["id"] != calls[1]["id"]
    assert told(pieces(document))[0]["tool_calls"] == calls


def test_numbers_in_arguments_keep_their_digits() -> None:
    payload = json.dumps(answer(CALL_PART), indent=1).replace("1.5", "1.50e2").encode()
    reply = GEMINI.read(call(), no_header, payload)
    assert b'\\"n\\":1.50e2' in bytes(reply.body["choices"])


def test_googles_own_ids_are_kept() -> None:
    part = {"functionCall": {"name": "a", "args": None, "id": "g1"}}
    made = choice(answer(part))["message"]["tool_calls"][0]
    assert (made["id"], made["function"]["arguments"]) == ("g1", "{}")


def test_what_a_model_signed_goes_back_to_it_unchanged() -> None:
    parts = [
        {"text": "hm", "thought": True, "thoughtSignature": "VGhvdWdodA=="},
        {"text": "so", "thoughtSignature": "VGV4dA=="},
        {"inlineData": {"mimeType": "image/png", "data": "QUJD"}, "thoughtSignature": "SW1n"},
        CALL_PART | {"thoughtSignature": SIGNATURE},
        CALL_PART,
    ]
    messages = [{"role": "user", "content": "q"}, choice(answer(*parts))["message"]]
    body = json.loads(GEMINI.request(call(messages=messages), endpoint(), 9).body)
    back = body["contents"][1]["parts"]
    for part in back:
        part.get("functionCall", {}).pop("id", None)
    assert back == parts


def test_a_search_of_googles_goes_back_whole_and_nothing_else_can() -> None:
    part = {"toolCall": {"id": "s", "toolType": "GOOGLE_SEARCH_WEB"}, "thoughtSignature": SIGNATURE}
    message = choice(answer(part, {"text": "so"}))["message"]
    body = json.loads(GEMINI.request(call(messages=[message]), endpoint(), 9).body)
    assert body["contents"][0]["parts"] == [part, {"text": "so"}]
    smuggled = base64.b64encode(b'{"fileData":{"fileUri":"gs://x"},"toolCall":{}}').decode()
    message["reasoning_details"][0]["data"] = smuggled
    body = json.loads(GEMINI.request(call(messages=[message]), endpoint(), 9).body)
    assert body["contents"][0]["parts"] == [{"toolCall": {}}, {"text": "so"}]


def test_images_come_as_data_urls_and_sound_as_sound() -> None:
    drawn = {"inlineData": {"mimeType": "image/png", "data": "QUJD"}}
    image = choice(answer(drawn))["message"]["images"][0]
    assert image["image_url"] == {"url": "data:image/png;base64,QUJD"}
    spoken = {"inlineData": {"mimeType": "audio/L16;rate=24000", "data": "QUJD"}}
    assert choice(answer(spoken))["message"]["audio"]["data"] == "QUJD"


def test_sources_point_into_the_answer_by_character() -> None:
    text = "Köln liegt am Rhein. Bonn auch."
    grounding = {
        "webSearchQueries": ["a", "b"],
        "groundingChunks": [{"web": {"uri": "https://a.example", "title": "A"}}, {"odd": {}}],
        "groundingSupports": [
            {"segment": {"endIndex": 21, "text": "Köln liegt am Rhein."},
             "groundingChunkIndices": [0, 1, 7]},
            {"segment": {"startIndex": 22, "endIndex": 32}, "groundingChunkIndices": [0]},
        ],
    }  # fmt: skip
    document = answer({"text": text}, usageMetadata=COUNTS,
                      candidate={"groundingMetadata": grounding})  # fmt: skip
    found = [note["url_citation"] for note in choice(document)["message"]["annotations"]]
    assert [text[one["start_index"] : one["end_index"]] for one in found] == [
        "Köln liegt am Rhein.", "Bonn auch.",
    ]  # fmt: skip
    assert found[0]["title"] == "A"
    assert read(document).usage == msgspec.structs.replace(USED, searches=2)
    older = read(document | {"modelVersion": "gemini-2.5-flash"})
    assert older.usage == msgspec.structs.replace(USED, searches=1)


def test_what_is_quoted_is_cited() -> None:
    quoted = {"citations": [{"startIndex": 3, "endIndex": 9, "uri": "https://a.example"}, {}]}
    document = answer({"text": "Ü Rhein"}, candidate={"citationMetadata": quoted})
    [found] = choice(document)["message"]["annotations"]
    assert found["url_citation"] == {
        "url": "https://a.example", "title": "https://a.example", "start_index": 2, "end_index": 7,
    }  # fmt: skip


def test_log_probabilities_have_openais_shape() -> None:
    token = {"token": "hé", "logProbability": -0.5, "tokenId": 3}
    result = {"chosenCandidates": [token], "topCandidates": [{"candidates": [token]}]}
    document = answer({"text": "hé"}, candidate={"logprobsResult": result})
    said = {"token": "hé", "logprob": -0.5, "bytes": [104, 195, 169]}
    assert choice(document)["logprobs"]["content"] == [said | {"top_logprobs": [said]}]
    assert b'"logprob":-0.5' in pieces(document)[0].choices


def test_nonsense_beside_an_answer_does_not_spoil_it() -> None:
    odd = {"groundingMetadata": 3, "citationMetadata": [], "logprobsResult": "x"}
    assert choice(answer({"text": "hi"}, candidate=odd))["message"]["content"] == "hi"


def test_counts_run_and_the_end_is_told_once_the_stream_has_ended() -> None:
    counts = [{"promptTokenCount": 3, "candidatesTokenCount": given} for given in (1, 2)]
    first = answer({"text": "a"}, finish=None, usageMetadata=counts[0])
    last = answer({"text": "b"}, usageMetadata=counts[1])
    one, two, end = pieces(first, last)
    assert (one.running, one.usage, one.finish) == (Usage(3, 1), None, None)
    assert (two.running, two.finish, two.content) == (Usage(3, 2), None, True)
    assert (end.usage, end.finish, end.upstream_id) == (Usage(3, 2), "stop", "resp-1")


def test_a_stream_that_stops_in_the_middle_was_cut() -> None:
    with pytest.raises(Cut):
        pieces(answer({"text": "a"}, finish=None))
    with pytest.raises(Cut):
        pieces()


def test_an_error_inside_the_stream_is_read_like_any_other() -> None:
    with pytest.raises(StreamError) as caught:
        pieces({"error": {"code": 503, "message": "busy", "status": "UNAVAILABLE"}})
    assert caught.value.error is not None
    assert caught.value.error.code == "upstream_overloaded"


def test_several_answers_are_told_apart() -> None:
    document = answer({"text": "one"})
    document["candidates"].append(document["candidates"][0] | {"index": 1})
    assert {n: one["content"] for n, one in told(pieces(document)).items()} == {0: "one", 1: "one"}
    assert [c["index"] for c in json.loads(bytes(read(document).body["choices"]))] == [0, 1]


PART = st.one_of(
    st.builds(lambda text: {"text": text}, st.text(max_size=8)),
    st.builds(lambda text: {"text": text, "thought": True}, st.text(min_size=1, max_size=8)),
    st.builds(lambda n: {"functionCall": {"name": "f", "args": {"n": n}}}, st.integers(0, 99)),
    st.just({"text": "", "thoughtSignature": SIGNATURE}),
    st.just({"inlineData": {"mimeType": "image/png", "data": "QUJD"}}),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.lists(PART, max_size=3), min_size=1, max_size=4), st.integers(1, 97))
def test_a_stream_says_what_the_whole_answer_says(
    chunks: list[list[dict[str, Any]]], step: int
) -> None:
    streamed = [answer(*parts, finish=None) for parts in chunks[:-1]]
    streamed.append(answer(*chunks[-1], usageMetadata=COUNTS))
    got = pieces(*streamed, step=step)
    document = answer(*[part for parts in chunks for part in parts], usageMetadata=COUNTS)
    expected = choice(document)
    message = expected["message"]
    [told_message] = told(got).values()
    for name in ("content", "reasoning"):
        assert told_message.get(name) == message.get(name)
    for name in ("tool_calls", "reasoning_details", "images"):
        kept = [{k: v for k, v in one.items() if name == "reasoning_details" or k != "index"}
                for one in message.get(name, [])]  # fmt: skip
        assert told_message.get(name, []) == kept
    assert told_message["finish_reason"] == expected["finish_reason"]
    assert got[-1].usage == read(document).usage
    assert sum(piece.size for piece in got) == read(document).size


def test_vectors_come_from_all_three_shapes() -> None:
    one = {"values": [0.5, -0.25]}
    counted = {"values": [0.5, -0.25], "statistics": {"token_count": 4, "truncated": False}}
    shapes: list[tuple[dict[str, Any], Usage | None]] = [
        ({"embeddings": [one], "usageMetadata": {"promptTokenCount": 3}}, Usage(3)),
        ({"embedding": one}, None),
        ({"predictions": [{"embeddings": counted}]}, Usage(4)),
    ]
    for document, usage in shapes:
        for form, expected in (("float", [0.5, -0.25]), ("base64", "AAAAPwAAgL4=")):
            asked = Call(
                "embeddings", "a/b", {"encoding_format": msgspec.Raw(f'"{form}"'.encode())}
            )
            reply = GEMINI.read(asked, no_header, json.dumps(document).encode())
            data = json.loads(bytes(reply.body["data"]))
            assert data == [{"object": "embedding", "index": 0, "embedding": expected}]
            assert reply.usage == usage
