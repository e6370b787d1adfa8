"""How a request was routed, in OpenRouter's words."""

from typing import Any

from alltoken_app.catalog.snapshot import Catalog
from alltoken_app.services.generations import Run

Json = dict[str, Any]


def also(run: Run, catalog: Catalog) -> Json:
    """`openrouter_metadata`, for callers who send `X-OpenRouter-Metadata: enabled`."""
    if not run.show_metadata or run.plan is None or run.endpoint is None:
        return {}

    def name(provider: str) -> str:
        return catalog.providers.get(provider, provider)

    tried = {attempt.endpoint for attempt in run.attempts}
    models = {endpoint.id: endpoint.model for endpoint in run.plan.endpoints}
    chosen = name(run.endpoint.provider)
    available = [
        {"provider": name(e.provider), "model": e.model, "selected": e.id == run.endpoint.id}
        for e in run.plan.endpoints
    ]
    return {
        "openrouter_metadata": {
            "requested": run.call.model,
            "strategy": run.plan.strategy,
            "region": run.endpoint.region,
            "summary": f"available={len(available)}, tried={len(tried)}, selected={chosen}",
            "attempt": len(run.attempts),
            "is_byok": False,
            "endpoints": {"total": len(available) + len(run.plan.excluded), "available": available},
            "attempts": [
                {"provider": name(a.provider), "model": models.get(a.endpoint), "status": a.status}
                for a in run.attempts
            ],
            "pipeline": [],
        }
    }
