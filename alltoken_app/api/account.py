"""GET /v1/credits, /v1/key and /v1/generation: what the caller has, may and did."""

from typing import Any

from alltoken_app.api.auth import reader
from alltoken_app.api.http import Request
from alltoken_app.api.keys import RESETS
from alltoken_app.api.render import exact
from alltoken_app.clock import iso, now_ms
from alltoken_app.errors import Invalid
from alltoken_app.ledger.periods import resets_at
from alltoken_app.limits.allowances import UNLIMITED, Limits
from alltoken_app.services import lookups
from alltoken_app.settings import Settings

Json = dict[str, Any]

# What OpenRouter says of a generation and we neither have nor keep.
UNKNOWN = (
    "user_agent", "http_referer", "external_user", "app_id", "preset_id", "session_id",
    "workspace_id", "web_search_engine", "response_cache_source_id",
)  # fmt: skip

# OpenRouter's words for operations; everything else is "completions".
API_TYPES = {
    "embeddings": "embeddings", "rerank": "rerank", "speech": "tts", "transcription": "stt",
    "translation": "stt",
}  # fmt: skip


async def show_credits(request: Request) -> None:
    """Credit ever received and used, in USD."""
    who = await reader(request)
    await request.plane.books.flushed()
    found = await request.plane.database.read(lookups.credits, who.wallet_id)
    data = {
        "total_credits": exact(found.received),
        "total_usage": exact(found.used),
        "available": exact(found.available),
        "held": exact(found.held),
    }
    await request.json(200, {"data": data})


async def show_key(request: Request) -> None:
    """The calling key: its limit, what is left of it, and what it has used."""
    who = await reader(request)
    caller, read = who.caller, request.plane.database.read
    await request.plane.books.flushed()
    if who.manager is not None:
        found = await read(lookups.management_key, who.manager.session_id)
    else:
        assert caller is not None
        found = await read(lookups.key, caller.key_id, caller.budget_id, caller.label)
    rates = caller.rated.limits if caller is not None and caller.rated else UNLIMITED
    data = {
        **_key(found),
        "is_management_key": who.manager is not None,
        "is_provisioning_key": who.manager is not None,
        "organization_id": who.org_id,
        "book": who.book,
        "rate_limit": _rate_limit(rates, request.plane.settings),
    }
    await request.json(200, {"data": data})


def _key(found: lookups.KeyRecord) -> Json:
    budget = _budget(found)
    return {
        "label": found.label,
        "name": found.name,
        "limit": None if found.limit is None else exact(found.limit),
        "limit_remaining": None if found.remaining is None else exact(found.remaining),
        "limit_reset": RESETS.get(found.period or ""),
        "include_byok_in_limit": False,
        "usage": exact(found.used),
        "usage_daily": exact(found.used_day),
        "usage_weekly": exact(found.used_week),
        "usage_monthly": exact(found.used_month),
        **{f"byok_usage{span}": exact(0) for span in ("", "_daily", "_weekly", "_monthly")},
        "is_free_tier": False,
        "creator_user_id": found.created_by,
        "workspace_id": None,
        "expires_at": iso(found.expires_at) if found.expires_at else None,
        "allowed_data_regions": ["global"],
        "free_model_daily_requests": {"limit": -1, "used": 0, "remaining": -1},
        "budgets": [budget] if budget else [],
        "effective_budget": budget,
        "models": list(found.models),
    }


def _budget(found: lookups.KeyRecord) -> Json | None:
    """The key's own limit, as OpenRouter lists limits."""
    if found.limit is None or found.remaining is None:
        return None
    resets = resets_at(found.period, now_ms()) if found.period else None
    return {
        "scope": "key_limit",
        "limit_usd": exact(found.limit),
        "spend_usd": exact(found.limit - found.remaining),
        "remaining_usd": exact(found.remaining),
        "reset_interval": RESETS.get(found.period or ""),
        "resets_at": None if resets is None else iso(resets),
        "include_byok": False,
        "budget_id": None,
        "guardrail_id": None,
    }


def _rate_limit(own: Limits, settings: Settings) -> Json:
    """What holds for this key: the tighter of its own limits and the organisation's."""
    most = settings.requests_per_minute
    return {
        "requests": min(own.requests or most, most),
        "interval": "60s",
        "tokens": min(own.tokens or settings.tokens_per_minute, settings.tokens_per_minute),
        "concurrent": min(
            own.at_once or settings.concurrent_requests, settings.concurrent_requests
        ),
        "note": "Requests and tokens a minute, and requests at once.",
    }


async def show_generation(request: Request) -> None:
    """One generation of the caller's organisation, by id."""
    who = await reader(request)
    generation_id = request.query.get("id", "")
    if not generation_id:
        raise Invalid("Name a generation: ?id=gen_…", param="id")
    await request.plane.books.settled(generation_id)
    row = await request.plane.database.read(lookups.generation, who.org_id, generation_id)
    await request.json(200, {"data": _generation(row, request.plane.catalog.providers)})


def _region(region: str | None) -> str:
    """OpenRouter's three."""
    if region and region.startswith("eu"):
        return "europe"
    return "us" if region and region.startswith("us") else "global"


def _response(attempt: Json, row: lookups.GenerationRecord, providers: dict[str, str]) -> Json:
    return {
        "id": row.upstream_id if attempt["endpoint"] == row.endpoint_id else None,
        "endpoint_id": attempt["endpoint"],
        "is_byok": False,
        "latency": attempt["ms"],
        "model_permaslug": row.model,
        "provider_name": providers.get(attempt["provider"], attempt["provider"]),
        "routed_service_tier": None,
        "status": attempt["status"],
    }


def _generation(row: lookups.GenerationRecord, providers: dict[str, str]) -> Json:
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
        "native_tokens_completion_images": None,
        "num_media_prompt": None,
        "num_media_completion": None,
        "num_input_audio_prompt": None,
        "num_search_results": None,
        "num_fetches": None,
        "usage": cost,
        "total_cost": cost,
        "upstream_inference_cost": None,
        "cache_discount": None,
        "is_byok": False,
        "service_tier": (row.served or {}).get("service_tier"),
        "data_region": _region((row.served or {}).get("region")),
        "provider_responses": [_response(one, row, providers) for one in row.attempts],
        "origin": "",
        **dict.fromkeys(UNKNOWN),
        "alltoken": _truth(row),
    }


def _truth(row: lookups.GenerationRecord) -> Json:
    """What truly served it, how it came to that, and what was charged."""
    return {
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
    }
