"""The response object around an output: what was asked for, what served it, usage and cost."""

from typing import Any

import msgspec

from alltoken_app.api.render import exact, served
from alltoken_app.api.truth import also
from alltoken_app.catalog.snapshot import Catalog
from alltoken_app.clock import now_ms
from alltoken_app.providers.base import Usage
from alltoken_app.services.generations import Run

Json = dict[str, Any]

# Fields of the request that an answer repeats, with what holds when they were left out.
REPEATED: Json = {
    "instructions": None,
    "max_tool_calls": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "prompt_cache_key": None,
    "reasoning": {"effort": None, "summary": None},
    "safety_identifier": None,
    "service_tier": "default",
    "temperature": None,
    "text": {"format": {"type": "text"}},
    "tool_choice": "auto",
    "tools": [],
    "top_logprobs": 0,
    "top_p": None,
    "truncation": "disabled",
    "user": None,
}
# OpenRouter's additions that an answer repeats.
REPEATED_ADDED = ("frequency_penalty", "presence_penalty")
# What a provider says that concerns its account with us, or that we say ourselves.
HIDDEN = frozenset({"billing", "conversation", "organization", "project", "usage"})

FINISHES = {"length": "max_output_tokens", "content_filter": "content_filter"}


def envelope(run: Run, catalog: Catalog, status: str) -> Json:
    """A response object with an empty output."""
    assert run.endpoint is not None
    asked = run.call.native
    return {
        "id": run.id,
        "object": "response",
        "created_at": run.created_at // 1000,
        "status": status,
        "background": False,
        "completed_at": None,
        "error": None,
        "incomplete_details": None,
        "max_output_tokens": run.call.max_output,
        "model": run.endpoint.model,
        "provider": catalog.providers.get(run.endpoint.provider, run.endpoint.provider),
        "output": [],
        "previous_response_id": None,
        "store": False,
        **{name: asked.get(name, default) for name, default in REPEATED.items()},
        **{name: run.call.fields.get(name, 0) for name in REPEATED_ADDED},
        "usage": None,
    }


def ended(run: Run, catalog: Catalog, finish: str | None) -> Json:
    """What a response says once it has ended well or early."""
    reason = FINISHES.get(finish or "")
    if reason:
        status: Json = {"status": "incomplete", "incomplete_details": {"reason": reason}}
    else:
        status = {"status": "completed", "completed_at": now_ms() // 1000}
    return {**status, **accounts(run, catalog)}


def accounts(run: Run, catalog: Catalog) -> Json:
    """Usage, cost and the served truth."""
    return {"usage": usage(run), "alltoken": served(run), **also(run, catalog)}


def usage(run: Run) -> Json:
    """The Responses API's usage object, with `cost` as OpenRouter has it (a number, USD)."""
    used = run.meter.usage if run.meter else Usage()
    return {
        "input_tokens": used.input,
        "input_tokens_details": {
            "cached_tokens": used.cached,
            "cache_write_tokens": used.cache_write_5m + used.cache_write_1h,
        },
        "output_tokens": used.output,
        "output_tokens_details": {"reasoning_tokens": used.reasoning},
        "total_tokens": used.input + used.output,
        "cost": exact(run.cost),
        "is_byok": False,
    }


def native(run: Run, catalog: Catalog, fields: dict[str, msgspec.Raw]) -> Json:
    """An upstream's own response object under our name: its output and echoes as they came."""
    assert run.endpoint is not None
    kept = {name: value for name, value in fields.items() if name not in HIDDEN}
    return {
        **envelope(run, catalog, "in_progress"),
        **kept,
        "id": run.id,
        "model": run.endpoint.model,
        "provider": catalog.providers.get(run.endpoint.provider, run.endpoint.provider),
        "store": False,
        "usage": None,
    }


def stem(run: Run) -> str:
    """What ids of items are made of."""
    return run.id.rpartition("_")[2]
