"""Cohere's API, version 2: chat, embeddings, reranking.

Wire format: https://docs.cohere.com/reference/chat
"""

import math

import msgspec

from alltoken_app.providers import refusals
from alltoken_app.providers.base import (
    MAX_COUNT,
    Call,
    Dialect,
    EndpointFacts,
    HeaderOf,
    Outgoing,
    Reply,
    StreamReader,
    Unfit,
    UpstreamError,
    Usage,
    sane,
    word,
)
from alltoken_app.providers.dialects import cohere_reply, cohere_request, embeddings_form
from alltoken_app.providers.dialects.cohere_reply import ChatReader, Counts
from alltoken_app.providers.dialects.embeddings_form import Vector

JSON = ("content-type", "application/json")
MOST_TEXTS = 96
# Words of a refusal that say more than its status. The first that is found counts.
WORDS = (
    ("too many tokens", "context_length_exceeded"),
    ("context length", "context_length_exceeded"),
    ("maximum context", "context_length_exceeded"),
    ("blocked", "content_policy_violation"),
)


class Meta(msgspec.Struct):
    billed_units: Counts | None = None


class ByType(msgspec.Struct):
    float: list[Vector] = []


class EmbeddingsIn(msgspec.Struct):
    embeddings: ByType
    id: str | None = None
    meta: Meta | None = None


class ResultsIn(msgspec.Struct):
    results: msgspec.Raw
    id: str | None = None
    meta: Meta | None = None


class ErrorIn(msgspec.Struct):
    message: str = ""


_embeddings = msgspec.json.Decoder(EmbeddingsIn)
_results = msgspec.json.Decoder(ResultsIn)
_error = msgspec.json.Decoder(ErrorIn)


class _Cohere:
    """What all of them have in common."""

    native = "cohere"
    stream_type = "text/event-stream"
    honours: frozenset[str] = frozenset()

    def reader(self, call: Call) -> StreamReader:
        raise NotImplementedError  # only a chat streams

    def read_error(self, status: int, header: HeaderOf, payload: bytes) -> UpstreamError:
        try:
            said = _error.decode(payload).message
        except ValueError:
            said = ""
        wait = refusals.seconds(header("retry-after"))
        if status in (400, 422, 498):
            lowered = said.lower()
            code = next((code for words, code in WORDS if words in lowered), "upstream_rejected")
            param = "messages" if code == "context_length_exceeded" else None
            return refusals.refusal(code, said=said, param=param, retry_after=wait)
        return refusals.by_status(status, said=said, retry_after=wait)


class Chat(_Cohere):
    """Chat completions."""

    honours = frozenset({
        "messages", "tools", "tool_choice", "parallel_tool_calls", "response_format",
        "temperature", "top_p", "top_k", "frequency_penalty", "presence_penalty", "seed", "stop",
        "n", "reasoning", "reasoning_effort", "include_reasoning",
    })  # fmt: skip

    def unable(self, call: Call, endpoint: EndpointFacts) -> tuple[str, ...]:
        return tuple(sorted(cohere_request.lost(call, endpoint)))

    def request(self, call: Call, endpoint: EndpointFacts, max_output: int) -> Outgoing:
        body = cohere_request.write(call, endpoint, max_output)
        return Outgoing("/chat", (JSON,), msgspec.json.encode(body))

    def read(self, call: Call, header: HeaderOf, payload: bytes) -> Reply:
        return cohere_reply.read(call, payload)

    def reader(self, call: Call) -> ChatReader:
        return ChatReader(call)


class Embeddings(_Cohere):
    """Embeddings of texts."""

    honours = frozenset({"input", "dimensions", "encoding_format", "input_type"})

    def unable(self, call: Call, endpoint: EndpointFacts) -> tuple[str, ...]:
        try:
            self.request(call, endpoint, 0)
        except Unfit as unfit:
            return (unfit.param or "input",)
        return ()

    def request(self, call: Call, endpoint: EndpointFacts, max_output: int) -> Outgoing:
        texts, size = embeddings_form.texts(call), embeddings_form.dimensions(call)
        if len(texts) > MOST_TEXTS:
            raise Unfit(f"input: this model takes {MOST_TEXTS} texts a request.", "input")
        body: dict[str, object] = {
            "model": endpoint.upstream_model,
            "texts": texts,
            "input_type": call.fields.get("input_type", "search_document"),
            "embedding_types": ["float"],
        }
        if size is not None:
            body["output_dimension"] = size
        return Outgoing("/embed", (JSON,), msgspec.json.encode(body))

    def read(self, call: Call, header: HeaderOf, payload: bytes) -> Reply:
        found = _embeddings.decode(payload)
        counted = found.meta.billed_units if found.meta else None
        tokens = counted.input_tokens if counted else None
        usage = None if tokens is None else sane(Usage(input=_whole(tokens)))
        reply = embeddings_form.reply(call, found.embeddings.float, usage)
        reply.upstream_id = word(found.id)
        return reply


class Rerank(_Cohere):
    """Documents in the order of how well they answer a query."""

    honours = frozenset({"query", "documents", "top_n", "max_tokens_per_doc"})

    def unable(self, call: Call, endpoint: EndpointFacts) -> tuple[str, ...]:
        return ()

    def request(self, call: Call, endpoint: EndpointFacts, max_output: int) -> Outgoing:
        asked = {name: raw for name, raw in call.fields.items() if name in self.honours}
        body = {"model": endpoint.upstream_model, **asked}
        return Outgoing("/rerank", (JSON,), msgspec.json.encode(body))

    def read(self, call: Call, header: HeaderOf, payload: bytes) -> Reply:
        found = _results.decode(payload)
        counted = found.meta.billed_units if found.meta else None
        units = counted.search_units if counted else None
        usage = None if units is None else sane(Usage(units=_whole(units)))
        body = {"results": found.results}
        return Reply(body, usage, content=True, upstream_id=word(found.id))


OPERATIONS: dict[str, Dialect] = {"": Chat(), "embeddings": Embeddings(), "rerank": Rerank()}


def _whole(count: float) -> int:
    return math.ceil(min(count, MAX_COUNT))
