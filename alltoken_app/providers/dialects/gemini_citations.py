"""Sources of an answer as OpenAI's annotations.

Wire format: https://ai.google.dev/api/generate-content#GroundingMetadata
"""

from typing import Any

import msgspec


class Web(msgspec.Struct):
    uri: str = ""
    title: str | None = None


class Chunk(msgspec.Struct, rename="camel"):
    web: Web | None = None
    retrieved_context: Web | None = None
    maps: Web | None = None

    @property
    def source(self) -> Web | None:
        found = self.web or self.maps or self.retrieved_context
        return found if found is not None and found.uri else None


class Segment(msgspec.Struct, rename="camel"):
    """A stretch of the answer; its numbers count bytes."""

    start_index: int = 0
    end_index: int = 0
    text: str = ""


class Support(msgspec.Struct, rename="camel"):
    segment: Segment = msgspec.field(default_factory=Segment)
    grounding_chunk_indices: list[int] = []


class Grounding(msgspec.Struct, rename="camel"):
    grounding_chunks: list[Chunk] = []
    grounding_supports: list[Support] = []
    web_search_queries: list[str] = []


class Citation(msgspec.Struct, rename="camel"):
    uri: str = ""
    title: str | None = None
    start_index: int = 0
    end_index: int = 0


class Citations(msgspec.Struct, rename="camel"):
    citations: list[Citation] = []


def annotations(
    content: str, grounding: Grounding | None, cited: Citations | None
) -> list[dict[str, Any]]:
    """Url citations of `content`; indices count characters."""
    found: list[dict[str, Any]] = []
    if grounding is not None:
        found += _grounded(content, grounding)
    for citation in cited.citations if cited else ():
        if citation.uri:
            start, end = _characters(content, citation.start_index, citation.end_index)
            found.append(_annotation(citation.uri, citation.title, start, end))
    return found


def _grounded(content: str, grounding: Grounding) -> list[dict[str, Any]]:
    chunks = grounding.grounding_chunks
    if not grounding.grounding_supports:
        sources = [chunk.source for chunk in chunks]
        return [_annotation(source.uri, source.title, 0, 0) for source in sources if source]
    found: list[dict[str, Any]] = []
    searched = 0
    for support in grounding.grounding_supports:
        start, end = _place(content, support.segment, searched)
        searched = start
        for index in support.grounding_chunk_indices:
            source = chunks[index].source if 0 <= index < len(chunks) else None
            if source is not None:
                found.append(_annotation(source.uri, source.title, start, end))
    return found


def _place(content: str, segment: Segment, searched: int) -> tuple[int, int]:
    """Where a segment stands: by its words, else by its bytes."""
    at = content.find(segment.text, searched) if segment.text else -1
    if at < 0:
        return _characters(content, segment.start_index, segment.end_index)
    return at, at + len(segment.text)


def _characters(content: str, start: int, end: int) -> tuple[int, int]:
    said = content.encode()
    before = len(said[: max(start, 0)].decode(errors="ignore"))
    return before, max(before, len(said[: max(end, 0)].decode(errors="ignore")))


def _annotation(uri: str, title: str | None, start: int, end: int) -> dict[str, Any]:
    source = {"url": uri, "title": title or uri, "start_index": start, "end_index": end}
    return {"type": "url_citation", "url_citation": source}
