"""InvokeModel: embeddings and reranking on Bedrock, where each author has a shape of its own.

Wire format: https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters.html
"""

from typing import Any

import msgspec

from alltoken_app.providers.base import (
    Call,
    EndpointFacts,
    HeaderOf,
    Outgoing,
    Reply,
    StreamReader,
    Unfit,
    UpstreamError,
    Usage,
    sane,
)
from alltoken_app.providers.dialects import bedrock_errors, embeddings_form
from alltoken_app.providers.dialects.bedrock_converse import escaped
from alltoken_app.providers.dialects.embeddings_form import Vector

JSON = ("content-type", "application/json")
RERANK_VERSION = 2
COUNT = "x-amzn-bedrock-input-token-count"

Body = dict[str, Any]


class NovaVector(msgspec.Struct):
    embedding: Vector


class ByType(msgspec.Struct):
    float: list[Vector] = []


class EmbeddingsIn(msgspec.Struct):
    """Titan's, Nova's and Cohere's answers."""

    embedding: Vector | None = None
    embeddings: msgspec.Raw = msgspec.Raw(b"[]")
    inputTextTokenCount: int | None = None


class ResultsIn(msgspec.Struct):
    results: msgspec.Raw


_embeddings = msgspec.json.Decoder(EmbeddingsIn)
_several = msgspec.json.Decoder(ByType | list[NovaVector | Vector])
_results = msgspec.json.Decoder(ResultsIn)


class _Invoke:
    """What all of them have in common."""

    native = "invoke"
    stream_type = "application/vnd.amazon.eventstream"
    honours: frozenset[str] = frozenset()

    def unable(self, call: Call, endpoint: EndpointFacts) -> tuple[str, ...]:
        try:
            self.request(call, endpoint, 0)
        except Unfit as unfit:
            return (unfit.param or "input",)
        return ()

    def request(self, call: Call, endpoint: EndpointFacts, max_output: int) -> Outgoing:
        path = f"/model/{escaped(endpoint.upstream_model)}/invoke"
        body = self._body(call, endpoint.upstream_model)
        return Outgoing(path, (JSON,), msgspec.json.encode(body))

    def reader(self, call: Call) -> StreamReader:
        raise NotImplementedError  # these requests do not stream

    def read_error(self, status: int, header: HeaderOf, payload: bytes) -> UpstreamError:
        return bedrock_errors.read(status, header, payload)

    def _body(self, call: Call, model: str) -> Body:
        raise NotImplementedError


class Embeddings(_Invoke):
    """Embeddings of Amazon (one text a request) and of Cohere."""

    honours = frozenset({"input", "dimensions", "encoding_format", "input_type"})

    def read(self, call: Call, header: HeaderOf, payload: bytes) -> Reply:
        found = _embeddings.decode(payload)
        counted = header(COUNT)
        tokens = int(counted) if counted.isdecimal() else found.inputTextTokenCount
        usage = None if tokens is None else sane(Usage(input=tokens))
        return embeddings_form.reply(call, _vectors(found), usage)

    def _body(self, call: Call, model: str) -> Body:
        texts, size = embeddings_form.texts(call), embeddings_form.dimensions(call)
        if "cohere." in model:
            return _cohere(call, texts, size, model)
        if len(texts) != 1:
            raise Unfit("input: this model takes one text a request.", "input")
        if "nova" in model:
            return _nova(texts[0], size)
        if size is not None and "v1" in model.partition(":")[0]:
            raise Unfit("dimensions: this model has one length.", "dimensions")
        return {"inputText": texts[0]} | ({"dimensions": size} if size else {})


def _cohere(call: Call, texts: list[str], size: int | None, model: str) -> Body:
    kind = msgspec.json.decode(call.fields.get("input_type", b'"search_document"'))
    body: Body = {"texts": texts, "input_type": kind, "embedding_types": ["float"]}
    if size is None:
        return body
    if "embed-v4" not in model:
        raise Unfit("dimensions: this model has one length.", "dimensions")
    return body | {"output_dimension": size}


def _nova(text: str, size: int | None) -> Body:
    wanted: Body = {
        "embeddingPurpose": "GENERIC_INDEX",
        "text": {"value": text, "truncationMode": "NONE"},
    }
    if size is not None:
        wanted["embeddingDimension"] = size
    return {"taskType": "SINGLE_EMBEDDING", "singleEmbeddingParams": wanted}


def _vectors(found: EmbeddingsIn) -> list[Vector]:
    if found.embedding is not None:
        return [found.embedding]
    several = _several.decode(found.embeddings)
    if isinstance(several, ByType):
        return several.float
    return [one.embedding if isinstance(one, NovaVector) else one for one in several]


class Rerank(_Invoke):
    """Cohere's reranking. Bedrock does not count: a request is what it was estimated to be."""

    honours = frozenset({"query", "documents", "top_n"})

    def read(self, call: Call, header: HeaderOf, payload: bytes) -> Reply:
        return Reply({"results": _results.decode(payload).results}, call.known, content=True)

    def _body(self, call: Call, model: str) -> Body:
        named = ("query", "documents", "top_n")
        asked = {name: call.fields[name] for name in named if name in call.fields}
        return {**asked, "api_version": RERANK_VERSION}
