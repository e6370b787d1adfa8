"""Embeddings of the Gemini API and of Vertex, which has two ways to ask for them.

Wire formats: https://ai.google.dev/api/embeddings and
https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/text-embeddings-api
"""

from typing import Any

import msgspec

from alltoken_app.providers.base import Call, Outgoing, Reply, Unfit, Usage, sane
from alltoken_app.providers.dialects import embeddings_form, gemini_usage

JSON = ("content-type", "application/json")
NULL = msgspec.Raw(b"null")


class Statistics(msgspec.Struct):
    token_count: int | float = 0


class Vector(msgspec.Struct):
    values: list[float]
    statistics: Statistics | None = None


class Prediction(msgspec.Struct):
    embeddings: Vector


class Answer(msgspec.Struct, rename="camel"):
    """All three shapes: a batch, one alone, predictions."""

    embeddings: list[Vector] | None = None
    embedding: Vector | None = None
    predictions: list[Prediction] | None = None
    usage_metadata: msgspec.Raw = NULL

    @property
    def vectors(self) -> list[Vector]:
        if self.predictions is not None:
            return [prediction.embeddings for prediction in self.predictions]
        if self.embeddings is not None:
            return self.embeddings
        return [self.embedding] if self.embedding else []


_answer = msgspec.json.Decoder(Answer)
_encode = msgspec.json.Encoder().encode


def readable(call: Call) -> bool:
    """Whether the input is text: token numbers mean nothing to another tokenizer."""
    try:
        embeddings_form.texts(call)
    except Unfit:
        return False
    return True


def request(call: Call, path: str, model: str) -> Outgoing:
    """A batch, for the Gemini API. Raises Unfit."""
    wanted = {"model": f"models/{model}", **_config(call)}
    requests = [{**wanted, "content": _content(text)} for text in embeddings_form.texts(call)]
    return _outgoing(f"{path}:batchEmbedContents", {"requests": requests})


def vertex_request(call: Call, path: str, model: str) -> Outgoing:
    """One of Vertex's: by content for Gemini's models, by instance for the others.

    Raises:
        Unfit: The input is not text.
    """
    texts, config = embeddings_form.texts(call), _config(call)
    if "gemini" not in model:
        body: dict[str, Any] = {"instances": [{"content": text} for text in texts]}
        return _outgoing(f"{path}:predict", body | ({"parameters": config} if config else {}))
    wanted = {"embedContentConfig": config} if config else {}
    if len(texts) == 1:
        return _outgoing(f"{path}:embedContent", {"content": _content(texts[0]), **wanted})
    requests = [{"content": _content(text), **wanted} for text in texts]
    return _outgoing(f"{path}:batchEmbedContents", {"requests": requests})


def read(call: Call, payload: bytes) -> Reply:
    """Read any of the answers. Raises ValueError."""
    answer = _answer.decode(payload)
    vectors = [vector.values for vector in answer.vectors]
    return embeddings_form.reply(call, vectors, _usage(answer))


def _usage(answer: Answer) -> Usage | None:
    counted = gemini_usage.read(answer.usage_metadata)
    said = [vector.statistics for vector in answer.vectors]
    if counted is not None or not all(said):
        return counted
    return sane(Usage(input=int(sum(one.token_count for one in said if one))))


def _config(call: Call) -> dict[str, Any]:
    wanted = embeddings_form.dimensions(call)
    return {} if wanted is None else {"outputDimensionality": wanted}


def _content(text: str) -> dict[str, Any]:
    return {"parts": [{"text": text}]}


def _outgoing(path: str, body: dict[str, Any]) -> Outgoing:
    return Outgoing(path, (JSON,), _encode(body))
