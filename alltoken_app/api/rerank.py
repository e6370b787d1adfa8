"""POST /v1/rerank: documents in the order of how well they answer a query."""

from collections.abc import Sequence
from typing import Annotated, Any

import msgspec

from alltoken_app.api import answers, parse, render
from alltoken_app.api.auth import authenticate
from alltoken_app.api.http import JSON, Header, Request, encode
from alltoken_app.api.parse import Count, Extension, Parsed, Slug, Text
from alltoken_app.catalog.snapshot import Catalog
from alltoken_app.providers.base import Call, Reply, Usage
from alltoken_app.routing.preferences import Preferences
from alltoken_app.services.generations import Run

MAX_DOCUMENTS = 1_000
PER_UNIT = 100  # documents of one search unit
PER_DOCUMENT = 500  # tokens of query and document; a longer document counts as several
FORWARDED = frozenset({"query", "documents", "top_n", "max_tokens_per_doc"})
OURS = frozenset({
    "model", "return_documents", "provider", "alltoken", "user", "session_id", "trace",
})  # fmt: skip


class Document(msgspec.Struct):
    """A document given as an object."""

    text: Text


Documents = Annotated[list[Text | Document], msgspec.Meta(min_length=1, max_length=MAX_DOCUMENTS)]


class RerankFields(msgspec.Struct):
    """What a reranking takes. Null counts as absent."""

    model: Slug
    query: Annotated[str, msgspec.Meta(min_length=1, max_length=100_000)]
    documents: Documents
    top_n: Count | None = None
    max_tokens_per_doc: Count | None = None
    return_documents: bool | None = None
    user: Annotated[str, msgspec.Meta(max_length=512)] | None = None
    provider: Preferences | None = None
    alltoken: Extension | None = None


class Result(msgspec.Struct):
    """One document's place."""

    index: int
    relevance_score: float


_rerank = msgspec.json.Decoder(RerankFields, strict=True)
_results = msgspec.json.Decoder(list[Result])


async def create_rerank(request: Request) -> None:
    """The documents that answer a query best."""
    caller = await authenticate(request)
    body = await request.body()
    parsed, texts = rerank(body, request.header(b"content-type"), strict=request.strict)
    await answers.serve(request, answers.new_run(request, caller, parsed), RerankFace(texts))


def rerank(body: bytes, content_type: str, *, strict: bool) -> tuple[Parsed, list[str]]:
    """Parse a reranking; also the documents' texts, none when they are not wanted back.

    Raises:
        Invalid: `param` names the field; nothing was charged.
        NotFound: The model's name cannot be one.
    """
    found = parse.document(body, content_type)
    fields = parse.decode(_rerank, body)
    texts = [one.text if isinstance(one, Document) else one for one in fields.documents]
    strict = strict or bool(fields.alltoken and fields.alltoken.strict)
    warnings = parse.unknown(found, FORWARDED | OURS, strict=strict)
    call = Call(
        operation="rerank",
        model=parse.slug(fields.model),
        fields=parse.forwarded(found, FORWARDED) | {"documents": msgspec.Raw(encode(texts))},
        size=len(body) + len(texts) * len(fields.query.encode()),
        inputs=len(texts),
        known=Usage(units=units(fields.query, texts)),
    )
    wanted = texts if fields.return_documents is not False else []
    wishes = fields.provider or Preferences()
    return Parsed(call, wishes, strict, warnings, fields.user, fields.alltoken), wanted


def units(query: str, documents: list[str]) -> int:
    """The most search units that this can be: no token is shorter than a byte."""
    room = max(PER_DOCUMENT - len(query.encode()), 50)
    counted = sum(1 + len(text.encode()) // room for text in documents)
    return -(-counted // PER_UNIT)


class RerankFace:
    """OpenRouter's reranking.

    Args:
        documents: What was asked about: results come with their texts.
    """

    def __init__(self, documents: list[str]) -> None:
        self._documents = documents

    def whole(self, run: Run, reply: Reply, catalog: Catalog) -> tuple[Sequence[Header], bytes]:
        assert run.endpoint is not None
        provider = run.endpoint.provider
        body: dict[str, Any] = {
            "id": run.id,
            "object": "rerank",
            "model": run.endpoint.model,
            "provider": catalog.providers.get(provider, provider),
            "results": [self._result(one) for one in _results.decode(reply.body["results"])],
            "usage": usage(run),
            "alltoken": render.served(run),
        }
        return (JSON,), encode(body)

    def chunks(self, run: Run, catalog: Catalog) -> answers.Chunks:
        raise NotImplementedError  # these requests do not stream

    def _result(self, found: Result) -> dict[str, Any]:
        place = {"index": found.index, "relevance_score": found.relevance_score}
        if 0 <= found.index < len(self._documents):
            return place | {"document": {"text": self._documents[found.index]}}
        return place


def usage(run: Run) -> dict[str, Any]:
    """OpenRouter's usage of a reranking."""
    used = run.meter.usage if run.meter else Usage()
    return {
        "search_units": used.units,
        "total_tokens": used.input,
        "cost": render.exact(run.cost),
    }
