"""Answers in OpenAI's shape: an answer's own bytes inside our envelope, with usage and cost."""

from collections.abc import Sequence
from typing import Any

import msgspec

from alltoken_app.api import errors
from alltoken_app.api.http import JSON, Header, encode
from alltoken_app.api.truth import also
from alltoken_app.catalog.snapshot import Catalog
from alltoken_app.errors import AllTokenError
from alltoken_app.money import Nano, usd
from alltoken_app.providers.base import Piece, Reply, Usage
from alltoken_app.services.generations import Run

DONE = b"data: [DONE]\n\n"
KEEP_ALIVE = b": keep-alive\n\n"


def exact(nano: Nano) -> msgspec.Raw:
    """A JSON number written exactly: no float ever holds money."""
    return msgspec.Raw(usd(nano).encode())


def usage(run: Run) -> dict[str, Any]:
    """OpenAI's usage object, with `cost` as OpenRouter has it (a number, USD)."""
    used = run.meter.usage if run.meter else Usage()
    cost: dict[str, Any] = {"cost": exact(run.cost), "is_byok": False}
    total = used.input + used.output
    if run.call.operation == "embeddings":
        return {"prompt_tokens": used.input, "total_tokens": total, **cost}
    return {
        "prompt_tokens": used.input,
        "completion_tokens": used.output,
        "total_tokens": total,
        "prompt_tokens_details": {"cached_tokens": used.cached, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": used.reasoning, "audio_tokens": 0},
        **cost,
    }


def served(run: Run) -> dict[str, Any]:
    """What was asked for, what served it and how it came to that; money as strings."""
    assert run.endpoint is not None
    assert run.meter is not None
    return {
        "generation_id": run.id,
        "request_id": run.request_id,
        "requested": run.call.model,
        "served": {
            "model": run.endpoint.model,
            "provider": run.endpoint.provider,
            "endpoint": run.endpoint.id,
            **run.truth,
        },
        "cost": usd(run.cost),
        "balance": usd(run.available),
        "price_version": run.endpoint.price.version,
        "estimated": run.meter.estimated and run.meter.content,
        "attempts": run.tries,
        "warnings": list(run.warnings),
    }


def whole(run: Run, reply: Reply, catalog: Catalog) -> bytes:
    """A whole chat completion or embeddings list."""
    assert run.endpoint is not None
    body: dict[str, Any] = {
        "id": run.id,
        "object": "list" if run.call.operation == "embeddings" else "chat.completion",
        "created": run.created_at // 1000,
        "model": run.endpoint.model,
        "provider": catalog.providers.get(run.endpoint.provider, run.endpoint.provider),
        **reply.body,
        "usage": usage(run),
        "alltoken": served(run),
        **also(run, catalog),
    }
    return encode(body)


class ChatFace:
    """OpenAI's chat completions and embeddings."""

    def whole(self, run: Run, reply: Reply, catalog: Catalog) -> tuple[Sequence[Header], bytes]:
        return (JSON,), whole(run, reply, catalog)

    def chunks(self, run: Run, catalog: Catalog) -> "Chunks":
        return Chunks(run, catalog)


class Chunks:
    """Pieces to server-sent events. The envelope is written once, the choices pass untouched."""

    keep_alive = KEEP_ALIVE

    def __init__(self, run: Run, catalog: Catalog) -> None:
        assert run.endpoint is not None
        self._run, self._catalog = run, catalog
        envelope = encode(
            {
                "id": run.id,
                "object": "chat.completion.chunk",
                "created": run.created_at // 1000,
                "model": run.endpoint.model,
                "provider": catalog.providers.get(run.endpoint.provider, run.endpoint.provider),
            }
        )
        self._head = b"data: " + envelope[:-1] + b',"choices":'

    def pieces(self, pieces: list[Piece]) -> bytes:
        """Events of pieces that say something."""
        said = [piece.choices for piece in pieces if piece.choices != b"[]"]
        return b"".join([self._head + choices + b"}\n\n" for choices in said])

    def end(self) -> bytes:
        """The last chunk, with usage and cost, and the end mark."""
        told = {"usage": usage(self._run), "alltoken": served(self._run)}
        told |= also(self._run, self._catalog)
        return self._head + b"[]," + encode(told)[1:] + b"\n\n" + DONE

    def broken(self, error: AllTokenError, charged: str) -> bytes:
        """An error inside the stream, with what was delivered charged. No end mark follows."""
        document = errors.envelope(
            error, self._run.request_id, dialect=self._run.error_dialect, charged=charged
        )
        tail = (
            b'[{"index":0,"delta":{},"finish_reason":"error","native_finish_reason":"error"}],'
            b'"error":'
            + encode(document["error"])
            + b',"usage":'
            + encode(usage(self._run))
            + b"}\n\n"
        )
        return self._head + tail
