"""Content blocks of Anthropic's answers, and what they are in the common form."""

from typing import Any

import msgspec

NULL = msgspec.Raw(b"null")
FORMAT = "anthropic-claude-v1"
FINISHES = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "pause_turn": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
}


class Citation(msgspec.Struct):
    """Where a statement is from: a page on the web, or a place in a document."""

    type: str = ""
    cited_text: str | None = None
    url: str | None = None
    title: str | None = None
    source: str | None = None
    document_title: str | None = None
    document_index: int | None = None


class Block(msgspec.Struct):
    """One content block; what the common form has no room for is not read."""

    type: str = ""
    id: str | None = None
    name: str | None = None
    input: msgspec.Raw = NULL
    text: str | None = None
    thinking: str | None = None
    signature: str | None = None
    data: str | None = None
    citations: list[Citation] | None = None


_input = msgspec.json.Decoder(dict[str, msgspec.Raw])


def finish_of(stop_reason: str | None) -> str | None:
    """OpenAI's word for why it stopped; one that we do not know is an ordinary stop."""
    return FINISHES.get(stop_reason, "stop") if stop_reason else None


def given(raw: msgspec.Raw) -> str:
    """A call's input as it was written; "" for none."""
    try:
        return bytes(raw).decode() if _input.decode(raw) else ""
    except ValueError:
        return ""


def call(block: Block, index: int, arguments: str) -> dict[str, Any]:
    """A call in OpenAI's form."""
    function = {"name": block.name or "", "arguments": arguments}
    return {"index": index, "id": block.id or "", "type": "function", "function": function}


def thought(text: str | None, signature: str | None, index: int) -> dict[str, Any]:
    """A reasoning detail with what there is of text and signature."""
    found: dict[str, Any] = {"type": "reasoning.text"}
    if text is not None:
        found["text"] = text
    if signature is not None:
        found["signature"] = signature
    return found | {"format": FORMAT, "index": index}


def redacted(data: str | None, index: int) -> dict[str, Any]:
    """A reasoning detail that only its maker can read."""
    return {"type": "reasoning.encrypted", "data": data or "", "format": FORMAT, "index": index}


def note(citation: Citation, begin: int, end: int) -> dict[str, Any]:
    """A citation as an annotation; a place in a document is named by the document's number."""
    url = citation.url or citation.source or f"document:{citation.document_index or 0}"
    about = {
        "url": url,
        "title": citation.title or citation.document_title or "",
        "start_index": begin,
        "end_index": end,
    }
    if citation.cited_text:
        about["content"] = citation.cited_text
    return {"type": "url_citation", "url_citation": about}
