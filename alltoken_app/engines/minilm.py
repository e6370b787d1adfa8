"""Sentence embeddings inside this process: all-MiniLM-L6-v2 on ONNX Runtime, one thread.

Only the engine's child process imports this file.
"""

import asyncio
import base64
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias, TypeVar

import msgspec
import numpy as np
import numpy.typing as npt
import onnxruntime
from tokenizers import Encoding, Tokenizer

from alltoken_app.engines import weights
from alltoken_app.errors import Invalid

DIMENSIONS = 384
CONTEXT = 512
MAX_INPUTS = 2048
PER_UNIT = 100  # documents of one search unit
Vector: TypeAlias = npt.NDArray[np.float32]
Given = TypeVar("Given")
Result = TypeVar("Result")


class EmbeddingRequest(msgspec.Struct):
    """The fields of an embeddings request that mean something here."""

    input: str | list[str | int | list[int]]
    encoding_format: Literal["float", "base64"] | None = "float"
    dimensions: int | None = None


class Reranking(msgspec.Struct):
    """The fields of a reranking that mean something here."""

    query: Annotated[str, msgspec.Meta(min_length=1)]
    documents: Annotated[list[str], msgspec.Meta(min_length=1, max_length=MAX_INPUTS)]
    top_n: Annotated[int, msgspec.Meta(ge=1)] | None = None


class MiniLM:
    """The loaded model."""

    def __init__(self, path: Path, tokenizer: Path) -> None:
        """Load it; takes half a second."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.enable_cpu_mem_arena = False  # gives memory back after a long text
        self._session = onnxruntime.InferenceSession(
            str(path), options, providers=["CPUExecutionProvider"]
        )
        self._tokenizer: Tokenizer = Tokenizer.from_file(str(tokenizer))
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="minilm")

    async def answer(self, body: bytes) -> bytes:
        """An answer to POST /v1/embeddings.

        Raises:
            Invalid: The request cannot be served; `param` names the field.
        """
        texts, encoding = _read(body)
        tokens = [await self._call(self._tokenizer.encode, text) for text in texts]
        _check_length(max(len(encoded.ids) for encoded in tokens))
        vectors = [await self._call(self._run, encoded) for encoded in tokens]
        data = [
            {"object": "embedding", "index": index, "embedding": _written(vector, encoding)}
            for index, vector in enumerate(vectors)
        ]
        spent = sum(len(encoded.ids) for encoded in tokens)
        usage = {"prompt_tokens": spent, "total_tokens": spent}
        whole = {"object": "list", "data": data, "model": weights.EMBEDDINGS, "usage": usage}
        return json.dumps(whole).encode()

    async def rerank(self, body: bytes) -> bytes:
        """An answer to POST /v1/rerank: the documents nearest to the query first.

        Raises:
            Invalid: The request cannot be served.
        """
        try:
            asked = msgspec.json.decode(body, type=Reranking)
        except msgspec.DecodeError as error:
            raise Invalid("`query`, `documents` or `top_n` is wrong.", param="documents") from error
        near = await self.nearness(asked.query, asked.documents)
        order = sorted(range(len(near)), key=lambda at: -near[at])[: asked.top_n]
        results = [{"index": at, "relevance_score": round(near[at], 6)} for at in order]
        units = -(-len(near) // PER_UNIT)
        return json.dumps({"results": results, "usage": {"search_units": units}}).encode()

    async def nearness(self, text: str, others: list[str]) -> list[float]:
        """The cosine of a text with each of the others; long ones are cut."""
        cut = [(await self._call(self._tokenizer.encode, one)) for one in (text, *others)]
        for encoded in cut:
            encoded.truncate(CONTEXT)
        first, *rest = [await self._call(self._run, encoded) for encoded in cut]
        return [float(first @ other) for other in rest]

    async def tokens(self, text: str) -> list[int]:
        """The model's tokens of a text, its two marks included."""
        return list((await self._call(self._tokenizer.encode, text)).ids)

    async def _call(self, work: Callable[[Given], Result], given: Given) -> Result:
        """Work in the model's own thread; between two calls other requests get their turn."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, work, given)

    def _run(self, encoded: Encoding) -> Vector:
        """One text at a time: int8 scales depend on the whole batch, and so would the result."""
        ids = np.array([encoded.ids], dtype=np.int64)
        fed = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": ids * 0}
        [states] = self._session.run(None, fed)
        mean: Vector = states[0].mean(axis=0)
        unit: Vector = mean / np.linalg.norm(mean)
        return unit


def _read(body: bytes) -> tuple[list[str], str]:
    try:
        request = msgspec.json.decode(body, type=EmbeddingRequest)
    except msgspec.DecodeError as error:
        raise Invalid(
            "`input`, `encoding_format` or `dimensions` is wrong.", param="input"
        ) from error
    if request.dimensions not in (None, DIMENSIONS):
        raise Invalid(f"This model makes {DIMENSIONS} dimensions.", param="dimensions")
    texts = [request.input] if isinstance(request.input, str) else request.input
    if not 0 < len(texts) <= MAX_INPUTS:
        raise Invalid(f"`input` holds 1 to {MAX_INPUTS} texts.", param="input")
    words = [text for text in texts if isinstance(text, str) and text]
    if len(words) < len(texts):
        raise Invalid(
            "`input` takes texts that are not empty; token ids differ by model.", param="input"
        )
    return words, request.encoding_format or "float"


def _check_length(longest: int) -> None:
    if longest > CONTEXT:
        raise Invalid(
            f"This model's context is {CONTEXT} tokens; the longest input has {longest}.",
            code="context_length_exceeded",
            param="input",
        )


def _written(vector: Vector, encoding: str) -> Any:
    if encoding == "base64":
        return base64.b64encode(vector.astype("<f4").tobytes()).decode()
    return vector.tolist()
