"""Models, endpoints and providers as JSON: in OpenAI's and OpenRouter's shape at once.

OpenRouter's client refuses an answer that lacks a key, so what is unknown is null.
"""

from typing import Any

from alltoken_app.catalog import pricing as rates
from alltoken_app.catalog.snapshot import ModelFacts, ProviderFacts
from alltoken_app.clock import to_datetime
from alltoken_app.money import Pico, usd_of_pico
from alltoken_app.providers.base import EndpointFacts, Price
from alltoken_app.routing.breaker import RESTING
from alltoken_app.routing.health import HealthView
from alltoken_app.services.plane import Plane

NO_PRICE = "-1"  # OpenRouter's word for "depends"; ours for "nobody knows, so it is not routed"
# OpenRouter's name of a price → ours. The first two are always there.
PRICES = {
    "prompt": "input",
    "completion": "output",
    "image_token": "image_input",
    "image_output": "image_output",
    "audio": "audio_input",
    "audio_output": "audio_output",
    "input_audio_cache": "audio_cached",
    "web_search": "search",
    "input_cache_read": "cached_input",
    "input_cache_write": "cache_write_5m",
    "input_cache_write_1h": "cache_write_1h",
    "character": "character",
    "millisecond": "millisecond",
    "search_unit": "unit",
}
TOKENS = ("prompt", "completion", "audio", "input_audio_cache", "input_cache_read",
          "input_cache_write", "input_cache_write_1h")  # fmt: skip


def model(found: ModelFacts, plane: Plane, mount: str) -> dict[str, Any]:
    """One model. Its price is that of its cheapest endpoint, of those we can reach if any."""
    best = cheapest(found, plane)
    return {
        "id": found.slug,
        "object": "model",
        "created": (found.released_at or found.created_at) // 1000,
        "owned_by": found.slug.partition("/")[0],
        "canonical_slug": found.canonical_slug or found.slug,
        "hugging_face_id": found.hugging_face_id,
        "name": found.name,
        "description": found.description,
        "notice": found.notice,
        "kind": found.kind,
        "available": any(reachable(one, plane) for one in found.endpoints),
        "context_length": found.context,
        "architecture": architecture(found),
        "pricing": pricing(best) if best else {"prompt": NO_PRICE, "completion": NO_PRICE},
        "top_provider": {
            "context_length": best.context if best else found.context,
            "max_completion_tokens": best.max_output if best else found.max_output,
            "is_moderated": best.moderated if best else False,
        },
        "per_request_limits": None,
        "supported_parameters": sorted(set().union(*(e.parameters for e in found.endpoints))),
        "default_parameters": None,
        "supported_voices": list(found.voices) or None,
        "knowledge_cutoff": found.knowledge_cutoff,
        "expiration_date": _day(found.expires_at),
        "links": {"details": f"{mount}/models/{found.slug}/endpoints"},
    }


def architecture(found: ModelFacts) -> dict[str, Any]:
    """What goes in and out."""
    taken, given = list(found.input_modalities), list(found.output_modalities)
    return {
        "modality": f"{'+'.join(taken)}->{'+'.join(given)}",
        "input_modalities": taken,
        "output_modalities": given,
        "tokenizer": found.tokenizer,
        "instruct_type": None,
    }


def pricing(one: EndpointFacts) -> dict[str, Any]:
    """Strings, USD per unit, exact. What is not sold is left out."""
    price = one.price
    found = {name: getattr(price, ours) for name, ours in PRICES.items()}
    shown: dict[str, Any] = {name: _shown(rate) for name, rate in found.items() if rate is not None}
    without = "0" if _sold(one) else NO_PRICE
    shown.setdefault("prompt", without)
    shown.setdefault("completion", without)
    shown |= {"request": _shown(price.request), "discount": 0, "price_version": price.version}
    if price.tiers:
        shown["overrides"] = [
            {"min_prompt_tokens": tier.above + 1} | _tokens(tier.price)
            for tier in reversed(price.tiers)
        ]
    return shown


def endpoint(one: EndpointFacts, of: ModelFacts, plane: Plane) -> dict[str, Any]:
    """One endpoint, with how it is doing in this process."""
    name = plane.catalog.providers.get(one.provider, one.provider)
    tools = "tool_choice" in one.parameters
    return {
        "id": one.id,
        "name": f"{name} | {of.slug}",
        "model_id": of.slug,
        "model_name": of.name,
        "provider_name": name,
        "provider": one.provider,
        "tag": one.tag or one.provider,
        "context_length": one.context,
        "max_prompt_tokens": None,
        "max_completion_tokens": one.max_output,
        "quantization": one.quantization,
        "pricing": pricing(one),
        "supported_parameters": sorted(one.parameters),
        "supports_implicit_caching": one.implicit_caching,
        "supports_voice_cloning": False,
        "supports_diarization": False,
        "supports_tool_choice": {
            "auto": "tools" in one.parameters,
            "none": tools,
            "required": tools,
            "function": tools,
        },
        "native_tools": {},
        "service_tier": one.tier,
        "region": one.region,
        "zdr": one.zdr,
        "may_train_on_data": one.trains,
        "available": reachable(one, plane),
        **_health(one, plane),
    }


def provider(found: ProviderFacts, plane: Plane) -> dict[str, Any]:
    """One provider, with what it says it does with what it is sent."""
    days = found.retention_days
    return {
        "name": found.name,
        "slug": found.id,
        "privacy_policy_url": found.privacy_url,
        "terms_of_service_url": found.terms_url,
        "status_page_url": found.status_url,
        "headquarters": found.headquarters,
        "datacenters": list(found.datacenters) or None,
        "configured": found.id in plane.connections,
        "data_policy": {
            "training": found.trains,
            "retains_prompts": None if days is None else days > 0,
            "retention_days": days,
            "zdr_status": found.zdr,
            "evidence": found.evidence,
            "evidence_url": found.source_url,
            "checked_at": _day(found.checked_at),
        },
    }


def cheapest(found: ModelFacts, plane: Plane) -> EndpointFacts | None:
    """The endpoint whose price is shown for the model."""
    priced = [one for one in found.endpoints if _sold(one)]
    here = [one for one in priced if reachable(one, plane)]
    return min(here or priced, key=lambda one: (one.price.blend, one.id), default=None)


def reachable(one: EndpointFacts, plane: Plane) -> bool:
    """Whether this installation can send anything to it."""
    return one.provider in plane.connections and _sold(one)


def _sold(one: EndpointFacts) -> bool:
    """Whether a plain request to it has a price."""
    return rates.unpriced(one, one.kind) is None


def _tokens(price: Price) -> dict[str, str]:
    found = {name: getattr(price, PRICES[name]) for name in TOKENS}
    return {name: _shown(rate) for name, rate in found.items() if rate is not None}


def _shown(rate: Pico) -> str:
    return usd_of_pico(rate)


def _day(at: int | None) -> str | None:
    return to_datetime(at).date().isoformat() if at is not None else None


def _health(one: EndpointFacts, plane: Plane) -> dict[str, Any]:
    seen = plane.network.health.view(one)
    return {
        "status": _status(one, plane, seen),
        "uptime_last_5m": seen.uptime_5m,
        "uptime_last_30m": seen.uptime_30m,
        "uptime_last_1d": seen.uptime_1d,
        "latency_last_30m": _percentiles(seen.latency, 1_000),
        "throughput_last_30m": _percentiles(seen.throughput, 1),
    }


def _status(one: EndpointFacts, plane: Plane, seen: HealthView) -> int:
    """0 serves, -1 is resting after failures, -5 is not connected or has no price."""
    if not reachable(one, plane):
        return -5
    return -1 if seen.standing in RESTING else 0


def _percentiles(found: dict[int, float], scale: int) -> dict[str, float] | None:
    """Latency in milliseconds, throughput in tokens per second."""
    wanted = (50, 75, 90, 99)
    if any(percent not in found for percent in wanted):
        return None
    return {f"p{percent}": round(found[percent] * scale, 1) for percent in wanted}
