"""Answers in OpenAI's shape: an answer's own bytes inside our envelope, with usage and cost."""

from typing import Any

import msgspec

from alltoken_app.api.http import Header, encode
from alltoken_app.catalog.snapshot import Catalog
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
    """The `alltoken` object: what was asked for and what truly served it; money as strings."""
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
            "region": run.endpoint.region,
            "zdr": run.endpoint.zdr,
        },
        "cost": usd(run.cost),
        "balance": usd(run.available),
        "price_version": run.endpoint.price.version,
        "estimated": run.meter.estimated and run.meter.content,
        "attempts": len(run.attempts),
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
    }
    return encode(body)


class Chunks:
    """Pieces to server-sent events. The envelope is written once, the choices pass untouched."""

    def __init__(self, run: Run, catalog: Catalog) -> None:
        assert run.endpoint is not None
        self._run = run
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
        used, truth = encode(usage(self._run)), encode(served(self._run))
        tail = b'[],"usage":' + used + b',"alltoken":' + truth + b"}\n\n"
        return self._head + tail + DONE

    def broken(self, error: dict[str, Any]) -> bytes:
        """An error inside the stream, with what was delivered charged. No end mark follows."""
        tail = (
            b'[{"index":0,"delta":{},"finish_reason":"error","native_finish_reason":"error"}],'
            b'"error":'
            + encode(error["error"])
            + b',"usage":'
            + encode(usage(self._run))
            + b"}\n\n"
        )
        return self._head + tail


def headers(run: Run, *, finished: bool) -> list[Header]:
    """What every answer says about itself; the cost only once it is known."""
    pairs = [
        ("x-generation-id", run.id),
        ("server-timing", _timing(run.marks)),
        ("x-alltoken-balance", usd(run.available)),
    ]
    if run.endpoint is not None:
        pairs += [
            ("x-alltoken-provider", run.endpoint.provider),
            ("x-alltoken-endpoint", run.endpoint.id),
            ("x-alltoken-model", run.endpoint.model),
            ("x-alltoken-zdr", run.endpoint.zdr),
        ]
    if run.allowance is not None:
        pairs += [
            ("x-ratelimit-limit-requests", str(run.allowance.limit)),
            ("x-ratelimit-remaining-requests", str(run.allowance.remaining)),
            ("x-ratelimit-reset-requests", f"{run.allowance.reset_seconds:.3f}s"),
        ]
    if run.placed is not None and run.placed.budget_remaining is not None:
        left = run.placed.budget_remaining + run.placed.granted - run.cost
        pairs.append(("x-alltoken-key-remaining", usd(left)))
    if run.warnings:
        pairs.append(
            ("x-alltoken-warnings", ", ".join(run.warnings).encode("ascii", "replace").decode())
        )
    if finished:
        pairs.append(("x-alltoken-cost", usd(run.cost)))
    return [(name.encode(), value.encode("latin-1", "replace")) for name, value in pairs]


def _timing(marks: dict[str, float]) -> str:
    return ", ".join(f"{phase};dur={seconds * 1000:.2f}" for phase, seconds in marks.items())
