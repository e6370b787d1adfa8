"""GET /v1/credits, /v1/key and /v1/generation: what the caller has, may and did."""

from typing import Any

from alltoken_app.api.auth import authenticate
from alltoken_app.api.http import Request
from alltoken_app.api.render import exact
from alltoken_app.clock import iso
from alltoken_app.errors import Invalid
from alltoken_app.services import lookups

# OpenRouter's words for operations; everything else is "completions".
API_TYPES = {
    "embeddings": "embeddings", "rerank": "rerank", "speech": "tts", "transcription": "stt",
    "translation": "stt",
}  # fmt: skip


async def show_credits(request: Request) -> None:
    """Credit ever received and used, in USD."""
    caller = await authenticate(request)
    await request.plane.books.flushed()
    found = await request.plane.database.read(lookups.credits, caller.wallet_id)
    data = {
        "total_credits": exact(found.received),
        "total_usage": exact(found.used),
        "available": exact(found.available),
        "held": exact(found.held),
    }
    await request.json(200, {"data": data})


async def show_key(request: Request) -> None:
    """The calling key: its limit, what is left of it, and what it has used."""
    caller = await authenticate(request)
    await request.plane.books.flushed()
    found = await request.plane.database.read(
        lookups.key, caller.key_id, caller.budget_id, caller.label
    )
    limit = exact(found.limit) if found.limit is not None else None
    remaining = exact(found.remaining) if found.remaining is not None else None
    data: dict[str, Any] = {
        "label": found.label,
        "name": found.name,
        "limit": limit,
        "limit_remaining": remaining,
        "limit_reset": found.period,
        "usage": exact(found.used),
        "usage_daily": exact(found.used_day),
        "usage_weekly": exact(found.used_week),
        "usage_monthly": exact(found.used_month),
        "is_free_tier": False,
        "is_management_key": False,
        "expires_at": iso(found.expires_at) if found.expires_at else None,
        "models": list(found.models),
        "book": caller.book,
        "rate_limit": {
            "requests": request.plane.settings.requests_per_minute,
            "interval": "60s",
        },
    }
    await request.json(200, {"data": data})


async def show_generation(request: Request) -> None:
    """One generation of the caller's organisation, by id."""
    caller = await authenticate(request)
    generation_id = request.query.get("id", "")
    if not generation_id:
        raise Invalid("Name a generation: ?id=gen_…", param="id")
    await request.plane.books.settled(generation_id)
    row = await request.plane.database.read(lookups.generation, caller.org_id, generation_id)
    await request.json(200, {"data": _generation(row, request.plane.catalog.providers)})


def _generation(row: lookups.GenerationRecord, providers: dict[str, str]) -> dict[str, Any]:
    cost = exact(row.cost)
    return {
        "id": row.id,
        "request_id": row.request_id,
        "upstream_id": row.upstream_id,
        "api_type": API_TYPES.get(row.operation, "completions"),
        "model": row.model,
        "provider_name": providers.get(row.provider, row.provider),
        "router": None,
        "created_at": iso(row.created_at),
        "streamed": row.streamed,
        "cancelled": row.status == "cancelled",
        "finish_reason": row.finish_reason,
        "native_finish_reason": row.native_finish_reason,
        "latency": row.first_token_ms,
        "generation_time": row.duration_ms,
        "moderation_latency": None,
        "tokens_prompt": row.input_tokens,
        "tokens_completion": row.output_tokens,
        "native_tokens_prompt": row.input_tokens,
        "native_tokens_completion": row.output_tokens,
        "native_tokens_reasoning": row.reasoning_tokens,
        "native_tokens_cached": row.cached_tokens,
        "num_media_prompt": None,
        "num_media_completion": None,
        "num_search_results": None,
        "usage": cost,
        "total_cost": cost,
        "upstream_inference_cost": None,
        "cache_discount": None,
        "is_byok": False,
        "origin": "",
        "user_agent": None,
        "alltoken": {
            "status": row.status,
            "error_code": row.error_code,
            "requested": row.model_requested,
            "endpoint": row.endpoint_id,
            "served": {
                "model": row.model,
                "provider": row.provider,
                "endpoint": row.endpoint_id,
                **(row.served or {}),
            },
            "estimated": row.estimated,
            "price_version": row.price_version,
            "cost": row.cost_text,
            "held": row.held_text,
            "lines": row.lines,
            "attempts": row.attempts,
            "warnings": row.warnings,
            "gateway_us": row.gateway_us,
            "key_id": row.key_id,
        },
    }
