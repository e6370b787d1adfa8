"""Embeddings of the Gemini API and of Vertex, which has two ways to ask for them.

Wire formats: https://ai.google.dev/api/embeddings and
https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/text-embeddings-api
"""

import base64
import sys
from array import array
from typing import Any

import msgspec

from alltoken_app.providers.base import Call, Outgoing, Reply, Usage, sane
from alltoken_app.providers.dialects import gemini_usage

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


_input = msgspec.json.Decoder(str | list[str])
_number = msgspec.json.Decoder(int)
_format = msgspec.json.Decoder(str)
_answer = msgspec.json.Decoder(Answer)
_encode = msgspec.json.Encoder().encode


def readable(call: Call) -> bool:
    """Whether the input is text: token numbers mean nothing to another tokenizer."""
    try:
        _input.decode(call.fields.get("input", NULL))
    except ValueError:
        return False
    return True


def request(call: Call, model: str) -> Outgoing:
    """A batch, for the Gemini API. Raises ValueError."""
    wanted: dict[str, Any] = {"model": f"models/{model}"}
    if "dimensions" in call.fields:
        wanted["outputDimensionality"] = _number.decode(call.fields["dimensions"])
    requests = [{**wanted, "content": _content(text)} for text in _texts(call)]
    return Outgoing(f"/models/{model}:batchEmbedContents", (JSON,), _encode({"requests": requests}))


def vertex_request(call: Call, path: str, model: str) -> Outgoing:
    """One of Vertex's: by content for Gemini's models, by instance for the others.

    Raises:
        ValueError: The input is not text.
    """
    texts = _texts(call)
    config: dict[str, Any] = {}
    if "dimensions" in call.fields:
        config["outputDimensionality"] = _number.decode(call.fields["dimensions"])
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
    vectors = answer.vectors
    if not vectors:
        raise ValueError("no embedding in the reply")
    packed = _format.decode(call.fields.get("encoding_format", b'"float"')) == "base64"
    data = [
        {
            "object": "embedding",
            "index": index,
            "embedding": _packed(vector.values) if packed else vector.values,
        }
        for index, vector in enumerate(vectors)
    ]
    return Reply({"data": msgspec.Raw(_encode(data))}, _usage(answer), content=True)


def _usage(answer: Answer) -> Usage | None:
    counted = gemini_usage.read(answer.usage_metadata)
    said = [vector.statistics for vector in answer.vectors]
    if counted is not None or not all(said):
        return counted
    return sane(Usage(input=int(sum(one.token_count for one in said if one))))


def _texts(call: Call) -> list[str]:
    texts = _input.decode(call.fields["input"])
    return [texts] if isinstance(texts, str) else texts


def _content(text: str) -> dict[str, Any]:
    return {"parts": [{"text": text}]}


def _outgoing(path: str, body: dict[str, Any]) -> Outgoing:
    return Outgoing(path, (JSON,), _encode(body))


def _packed(values: list[float]) -> str:
    """As the official client asks for it: floats of four bytes, little end first."""
    floats = array("f", values)
    if sys.byteorder == "big":
        floats.byteswap()
    return base64.b64encode(floats.tobytes()).decode()
