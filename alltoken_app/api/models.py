"""GET /v1/models, one model, its endpoints, and who provides them."""

from typing import Any
from urllib.parse import unquote, urlencode

from alltoken_app.api import catalog_shapes, model_filters
from alltoken_app.api.auth import authenticate
from alltoken_app.api.http import Request
from alltoken_app.catalog.snapshot import ModelFacts
from alltoken_app.errors import NotFound
from alltoken_app.privacy import policy as privacy
from alltoken_app.providers.base import EndpointFacts
from alltoken_app.routing.targets import Asker

MAX_PAGE = 1_000


async def list_models(request: Request) -> None:
    """Every model; on OpenRouter's mount those that give text, unless the query says otherwise."""
    modality = "text" if request.mount == "/api/v1" else "all"
    await _page(request, model_filters.find(request.plane, request.query, modality=modality))


async def list_embedding_models(request: Request) -> None:
    """The models that give embeddings."""
    query = {**request.query, "output_modalities": "embeddings"}
    await _page(request, model_filters.find(request.plane, query))


async def list_own_models(request: Request) -> None:
    """The models that the calling key can reach and may use."""
    caller = await authenticate(request)
    found = model_filters.find(request.plane, request.query)
    await _page(request, [model for model in found if _may_use(model, caller.asker, request)])


async def count_models(request: Request) -> None:
    """How many models the same query would list."""
    modality = "text" if request.mount == "/api/v1" else "all"
    found = model_filters.find(request.plane, request.query, modality=modality)
    await request.json(200, {"data": {"count": len(found)}})


async def show_model(request: Request) -> None:
    """One model: OpenAI's bare object with its endpoints; below it, OpenRouter's endpoints."""
    path = unquote(request.path.removeprefix("/models/"))
    slug = path.removesuffix("/endpoints")
    model = _find(request, slug)
    shown = _endpoints(request, model)
    if slug != path:
        await request.json(200, {"data": _with_endpoints(model, shown)})
        return
    whole = catalog_shapes.model(model, request.plane, request.mount)
    await request.json(200, {**whole, "endpoints": shown, **_engine(request, model)})


async def show_model_data(request: Request) -> None:
    """One model, as OpenRouter wraps it."""
    model = _find(request, unquote(request.path.removeprefix("/model/")))
    shown = catalog_shapes.model(model, request.plane, request.mount)
    await request.json(200, {"data": shown})


async def list_zdr_endpoints(request: Request) -> None:
    """Every endpoint that a request with `zdr` can be sent to."""
    models = request.plane.catalog.models.values()
    found = [
        catalog_shapes.endpoint(one, model, request.plane)
        for model in models
        for one in model.endpoints
        if one.zdr == "confirmed"
    ]
    await request.json(200, {"data": found})


async def list_providers(request: Request) -> None:
    """Every provider of the catalogue, with its policies."""
    catalog = request.plane.catalog
    serving = {one.provider for model in catalog.models.values() for one in model.endpoints}
    found = [source for id, source in catalog.sources.items() if id in serving]
    found.sort(key=lambda source: source.name.casefold())
    shown = [catalog_shapes.provider(source, request.plane) for source in found]
    await request.json(200, {"data": shown})


async def _page(request: Request, models: list[ModelFacts]) -> None:
    query = request.query
    offset = model_filters.number(query, "offset", 0, 10**9)
    limit = max(model_filters.number(query, "limit", MAX_PAGE, MAX_PAGE), 1)
    shown = models[offset : offset + limit]
    following = None
    if offset + limit < len(models):
        more = {**query, "offset": str(offset + limit), "limit": str(limit)}
        following = f"{request.mount}{request.path}?{urlencode(more)}"
    await request.json(
        200,
        {
            "object": "list",
            "data": [catalog_shapes.model(one, request.plane, request.mount) for one in shown],
            "total_count": len(models),
            "links": {"next": following},
        },
    )


def _find(request: Request, slug: str) -> ModelFacts:
    catalog = request.plane.catalog
    model = catalog.models.get(catalog.aliases.get(slug, slug))
    if model is None:
        text = f"There is no model {slug[:64]!r}. GET /v1/models lists them."
        raise NotFound(text, code="model_not_found", param="model")
    return model


def _endpoints(request: Request, model: ModelFacts) -> list[dict[str, Any]]:
    return [catalog_shapes.endpoint(one, model, request.plane) for one in model.endpoints]


def _with_endpoints(model: ModelFacts, shown: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "id": model.slug,
        "name": model.name,
        "created": (model.released_at or model.created_at) // 1000,
        "description": model.description,
        "architecture": catalog_shapes.architecture(model),
        "endpoints": shown,
    }


def _engine(request: Request, model: ModelFacts) -> dict[str, Any]:
    """How the local engine is doing, of a model that it runs."""
    if not model.endpoints or model.endpoints[0].provider != "local":
        return {}
    status = request.plane.engines.status()
    shown = {"state": status.state, "detail": status.detail, "progress": status.progress}
    return {"engine": shown}


def _may_use(model: ModelFacts, asker: Asker, request: Request) -> bool:
    if asker.models and model.slug not in asker.models:
        return False

    def open_to(one: EndpointFacts) -> bool:
        within = asker.providers is None or one.provider in asker.providers
        allowed = privacy.excluded_by(asker.policy, one) is None
        return within and allowed and catalog_shapes.reachable(one, request.plane)

    return any(open_to(one) for one in model.endpoints)
