"""alltoken_app/api/messages/blocks_out.py"""

import json
from collections.abc import Iterator
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from alltoken_app.api.messages.blocks_out import Blocks
from alltoken_app.api.messages.shapes import Function, Said, ToolCall

WORDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=5)
CHUNKS = st.lists(
    st.one_of(
        WORDS.map(lambda text: ("text", text)),
        WORDS.map(lambda text: ("thought", text)),
        st.tuples(st.integers(0, 2), WORDS),
        WORDS.map(lambda data: ("sealed", data)),
    ),
    max_size=25,
)


def events(raw: bytes) -> Iterator[dict[str, Any]]:
    for block in raw.decode().split("\n\n"):
        if block:
            yield json.loads(block.partition("data: ")[2])


def said(chunk: tuple[Any, str], begun: set[int]) -> Said:
    kind, text = chunk
    if kind == "text":
        return Said(content=text)
    if kind == "thought":
        return Said(reasoning=text)
    if kind == "sealed":
        return Said(reasoning_details=[{"type": "reasoning.encrypted", "data": text, "id": "c"}])
    new = kind not in begun
    begun.add(kind)
    function = Function(f"tool{kind}" if new else None, text)
    return Said(tool_calls=[ToolCall(function, f"call_{kind}" if new else None, kind)])


@settings(max_examples=300, deadline=None)
@given(CHUNKS)
def test_nothing_is_lost_however_the_chunks_interleave(chunks: list[tuple[Any, str]]) -> None:
    blocks, begun = Blocks(wanted=True), set[int]()
    raw = b"".join([blocks.add(said(chunk, begun)) for chunk in chunks]) + blocks.end()
    found: dict[str, str] = {}
    sealed, opened = 0, -1
    for event in events(raw):
        if event["type"] == "content_block_start":
            opened += 1
            assert event["index"] == opened  # one after the other
            block = event["content_block"]
            key = block.get("id", block["type"])
            sealed += block["type"] == "redacted_thinking"
        elif event["type"] == "content_block_delta":
            assert event["index"] == opened
            delta = event["delta"]
            text = delta.get("text") or delta.get("partial_json") or delta.get("thinking")
            found[key] = found.get(key, "") + (text or "")
    assert sealed == sum(kind == "sealed" for kind, _ in chunks)
    assert found.get("text", "") == "".join(text for kind, text in chunks if kind == "text")
    for index in begun:
        wanted = "".join(text for kind, text in chunks if kind == index)
        assert found[f"call_{index}"] == wanted
    assert blocks.called == bool(begun)


def test_a_call_without_index_goes_on_with_the_latest() -> None:
    blocks = Blocks(wanted=False)
    parts = [("go", "call_1", ""), (None, None, '{"x"'), (None, None, ":1}")]
    raw = b"".join(
        blocks.add(Said(tool_calls=[ToolCall(Function(name, arguments), call_id)]))
        for name, call_id, arguments in parts
    )
    deltas = [e["delta"]["partial_json"] for e in events(raw + blocks.end()) if "delta" in e]
    assert "".join(deltas) == '{"x":1}'


def test_a_signature_closes_the_thinking_it_belongs_to() -> None:
    blocks = Blocks(wanted=True)
    form = "anthropic-claude-v1"
    details = [
        {"type": "reasoning.text", "text": "a", "format": form, "index": 0},
        {"type": "reasoning.text", "signature": "S1", "format": form, "index": 0},
        {"type": "reasoning.text", "text": "b", "format": form, "index": 1},
    ]
    raw = b"".join(blocks.add(Said(reasoning_details=[detail])) for detail in details)
    kinds = [
        (
            event["index"],
            event.get("delta", {}).get("type"),
            event.get("delta", {}).get("signature"),
        )
        for event in events(raw + blocks.end())
        if event["type"] == "content_block_delta"
    ]
    assert kinds == [
        (0, "thinking_delta", None), (0, "signature_delta", "S1"), (1, "thinking_delta", None),
    ]  # fmt: skip
