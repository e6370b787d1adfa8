"""GET /v1/models and one model: in OpenAI's and OpenRouter's shape at once."""

from typing import Any
from urllib.parse import unquote

from alltoken_app.api.http import Request
from alltoken_app.catalog.snapshot import ModelFacts
from alltoken_app.errors import Invalid, NotFound
from alltoken_app.money import usd_of_pico
from alltoken_app.providers.base import EndpointFacts

MAX_PAGE = 1_000


async def list_models(request: Request) -> None:
    """Models that can be called now; `q`, `kind`, `offset` and `limit` narrow them down."""
    query = request.query
    wanted, kind = query.get("q", "").lower(), query.get("kind", "")
    models = [
        model
        for model in request.plane.catalog.models.values()
        if model.endpoints
        and (not kind or model.kind == kind)
        and (wanted in model.slug or wanted in model.name.lower())
    ]
    models.sort(key=lambda model: model.slug)
    offset = _number(query, "offset", 0, 10**9)
    page = models[offset : offset + _number(query, "limit", MAX_PAGE, MAX_PAGE)]
    data = [_model(model) for model in page]
    await request.json(
        200, {"object": "list", "data": data, "total_count": len(models), "links": {"next": None}}
    )


async def show_model(request: Request) -> None:
    """One model: the bare object OpenAI's client expects, its endpoints among it."""
    slug = unquote(request.path.removeprefix("/models/"))
    model = request.plane.catalog.models.get(slug)
    if model is None:
        text = f"There is no model {slug[:64]!r}. GET /v1/models lists them."
        raise NotFound(text, code="model_not_found", param="model")
    names = request.plane.catalog.providers
    endpoints = [_endpoint(endpoint, model, names) for endpoint in model.endpoints]
    body: dict[str, Any] = {**_model(model), "endpoints": endpoints}
    if model.endpoints and model.endpoints[0].provider == "local":
        status = request.plane.engines.status()
        body["engine"] = {
            "state": status.state,
            "detail": status.detail,
            "progress": status.progress,
        }
    await request.json(200, body)


def _number(query: dict[str, str], name: str, default: int, most: int) -> int:
    text = query.get(name)
    if text is None:
        return default
    if not text.isascii() or not text.isdigit() or len(text) > 12 or not 0 <= int(text) <= most:
        raise Invalid(f"{name} must be a whole number from 0 to {most}.", param=name)
    return int(text)


def _model(model: ModelFacts) -> dict[str, Any]:
    cheapest = min(model.endpoints, key=lambda e: e.price.blend, default=None)
    parameters = sorted(set().union(*(e.parameters for e in model.endpoints)))
    modality = f"{'+'.join(model.input_modalities)}->{'+'.join(model.output_modalities)}"
    return {
        "id": model.slug,
        "object": "model",
        "created": model.created_at // 1000,
        "owned_by": model.slug.partition("/")[0],
        "canonical_slug": model.slug,
        "name": model.name,
        "description": model.description,
        "notice": model.notice,
        "kind": model.kind,
        "context_length": model.context,
        "architecture": {
            "modality": modality,
            "input_modalities": list(model.input_modalities),
            "output_modalities": list(model.output_modalities),
            "tokenizer": None,
            "instruct_type": None,
        },
        "pricing": _pricing(cheapest) if cheapest else None,
        "top_provider": {
            "context_length": model.context,
            "max_completion_tokens": model.max_output,
            "is_moderated": False,
        },
        "per_request_limits": None,
        "supported_parameters": parameters,
        "default_parameters": None,
        "supported_voices": None,
        "links": {"details": f"/v1/models/{model.slug}"},
    }


def _pricing(endpoint: EndpointFacts) -> dict[str, str]:
    """Strings, USD per token, exact."""
    price = endpoint.price
    return {
        "prompt": usd_of_pico(price.input or 0),
        "completion": usd_of_pico(price.output or 0),
        "request": usd_of_pico(price.request),
        "input_cache_read": usd_of_pico(price.cached_input or 0),
        "price_version": price.version,
    }


def _endpoint(endpoint: EndpointFacts, model: ModelFacts, names: dict[str, str]) -> dict[str, Any]:
    name = names.get(endpoint.provider, endpoint.provider)
    return {
        "name": f"{name} | {model.slug}",
        "id": endpoint.id,
        "model_id": model.slug,
        "model_name": model.name,
        "provider_name": name,
        "tag": endpoint.provider,
        "context_length": endpoint.context,
        "max_completion_tokens": endpoint.max_output,
        "pricing": _pricing(endpoint),
        "supported_parameters": sorted(endpoint.parameters),
        "region": endpoint.region,
        "zdr": endpoint.zdr,
        "may_train_on_data": endpoint.trains,
    }
