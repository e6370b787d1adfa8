"""alltoken_app/providers/dialects/bedrock_invoke.py and embeddings_form.py"""

import json
import struct
from base64 import b64decode
from typing import Any

import msgspec
import pytest

from alltoken_app.providers.base import Call, EndpointFacts, Price, Unfit, Usage
from alltoken_app.providers.dialects.bedrock_invoke import Embeddings, Rerank

TITAN, NOVA = "amazon.titan-embed-text-v2:0", "amazon.nova-2-multimodal-embeddings-v1:0"
COHERE = "us.cohere.embed-v4:0"


def endpoint(model: str) -> EndpointFacts:
    return EndpointFacts(
        "bedrock:a/b", "a/b", "embeddings", "bedrock", model, 8192, 0, frozenset(), "none", False,
        None, Price("v1"),
    )  # fmt: skip


def call(operation: str = "embeddings", **fields: object) -> Call:
    raw = {name: msgspec.Raw(json.dumps(value).encode()) for name, value in fields.items()}
    return Call(operation, "a/b", raw, known=Usage(units=2))


def body(model: str, **fields: object) -> Any:
    sent = Embeddings().request(call(**fields), endpoint(model), 0)
    assert sent.path.endswith("/invoke")
    return json.loads(sent.body)


def vectors(answer: object, counted: str = "", **fields: object) -> Any:
    def header(name: str) -> str:
        return counted if name == "x-amzn-bedrock-input-token-count" else ""

    reply = Embeddings().read(call(**fields), header, json.dumps(answer).encode())
    return json.loads(bytes(reply.body["data"])), reply.usage


def test_each_author_is_asked_in_its_own_shape() -> None:
    assert body(TITAN, input="hi", dimensions=256) == {"inputText": "hi", "dimensions": 256}
    nova = body(NOVA, input=["hi"], dimensions=256)["singleEmbeddingParams"]
    assert (nova["text"]["value"], nova["embeddingDimension"]) == ("hi", 256)
    assert body(COHERE, input=["a", "b"], input_type="search_query") == {
        "texts": ["a", "b"], "input_type": "search_query", "embedding_types": ["float"],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("model", "fields", "name"),
    [
        (TITAN, {"input": ["a", "b"]}, "input"),
        (TITAN, {"input": [[1, 2]]}, "input"),
        ("amazon.titan-embed-text-v1", {"input": "a", "dimensions": 3}, "dimensions"),
        ("cohere.embed-english-v3", {"input": "a", "dimensions": 3}, "dimensions"),
    ],
)
def test_what_a_model_cannot_do_is_named(model: str, fields: Any, name: str) -> None:
    assert Embeddings().unable(call(**fields), endpoint(model)) == (name,)
    with pytest.raises(Unfit):
        body(model, **fields)
    assert Embeddings().unable(call(input="a"), endpoint(model)) == ()


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        ({"embedding": [0.5, 1.0], "inputTextTokenCount": 4}, [[0.5, 1.0]]),
        ({"embeddings": [{"embedding": [0.5], "embeddingType": "TEXT"}]}, [[0.5]]),
        ({"embeddings": [[0.5], [1.0]], "response_type": "embeddings_floats"}, [[0.5], [1.0]]),
        ({"embeddings": {"float": [[0.5], [1.0]]}, "texts": ["a", "b"]}, [[0.5], [1.0]]),
    ],
)
def test_every_author_answers_in_its_own_shape(answer: object, found: object) -> None:
    data, usage = vectors(answer, "7")
    assert [one["embedding"] for one in data] == found
    assert [one["index"] for one in data] == list(range(len(data)))
    assert usage == Usage(7)


def test_titan_counts_in_its_answer_too() -> None:
    answer = {"embedding": [0.5], "inputTextTokenCount": 4}
    assert vectors(answer)[1] == Usage(4)
    assert vectors({"embedding": [0.5]})[1] is None


def test_vectors_can_be_packed() -> None:
    data, _ = vectors({"embedding": [0.5, -1.0]}, encoding_format="base64")
    assert struct.unpack("<2f", b64decode(data[0]["embedding"])) == (0.5, -1.0)


@pytest.mark.parametrize("answer", [{}, {"embeddings": []}, {"embeddings": {"float": []}}, []])
def test_an_answer_without_vectors_is_none(answer: object) -> None:
    with pytest.raises(ValueError):
        vectors(answer)


def test_reranking_costs_what_was_estimated() -> None:
    asked = call("rerank", query="q", documents=["a", "b"], top_n=1)
    sent = json.loads(Rerank().request(asked, endpoint("cohere.rerank-v3-5:0"), 0).body)
    assert sent == {"query": "q", "documents": ["a", "b"], "top_n": 1, "api_version": 2}
    results = b'[{"index": 1, "relevance_score": 0.87}]'
    reply = Rerank().read(asked, lambda name: "", b'{"results": ' + results + b"}")
    assert (bytes(reply.body["results"]), reply.usage) == (results, Usage(units=2))
