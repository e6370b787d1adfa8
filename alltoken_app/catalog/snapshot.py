"""The catalogue in memory: what routing reads on every request. Replaced whole when it changes."""

from collections import defaultdict
from dataclasses import dataclass, field

from sqlmodel import Session, col, select

from alltoken_app.clock import Millis, now_ms
from alltoken_app.providers.base import EndpointFacts, Price
from alltoken_app.tables.catalog import AiModel, Endpoint, PriceCard, Provider
from alltoken_app.tables.routing import ModelAlias

RATES = frozenset(Price.__struct_fields__) - {"version", "tiers"}


@dataclass(frozen=True)
class ModelFacts:
    """A model and the endpoints that serve it. An endpoint without a price is not among them."""

    slug: str
    name: str
    kind: str
    description: str
    notice: str
    context: int
    max_output: int
    input_modalities: tuple[str, ...]
    output_modalities: tuple[str, ...]
    created_at: Millis
    endpoints: tuple[EndpointFacts, ...]


@dataclass(frozen=True)
class Catalog:
    """Everything routable, by slug; provider names by id; slugs by their other names."""

    models: dict[str, ModelFacts]
    providers: dict[str, str]
    aliases: dict[str, str] = field(default_factory=dict)


def load(session: Session) -> Catalog:
    """Read the whole catalogue as of now."""
    prices = _effective_prices(session)
    endpoints: dict[str, list[EndpointFacts]] = defaultdict(list)
    models = {row.slug: row for row in session.exec(select(AiModel)) if row.retired_at is None}
    for row in session.exec(select(Endpoint).order_by(col(Endpoint.id))):
        if row.enabled and row.id in prices and row.model_slug in models:
            kind = models[row.model_slug].kind
            endpoints[row.model_slug].append(_facts(row, kind, prices[row.id]))
    return Catalog(
        models={slug: _model(row, tuple(endpoints[slug])) for slug, row in models.items()},
        providers={row.id: row.name for row in session.exec(select(Provider))},
        aliases={row.alias: row.model_slug for row in session.exec(select(ModelAlias))},
    )


def _effective_prices(session: Session) -> dict[str, Price]:
    cards = select(PriceCard).where(col(PriceCard.effective_from) <= now_ms())
    newest: dict[str, PriceCard] = {}
    for card in session.exec(cards.order_by(col(PriceCard.effective_from))):
        newest[card.endpoint_id] = card
    return {endpoint: _price(card) for endpoint, card in newest.items()}


def _price(card: PriceCard) -> Price:
    rates = {name: rate for name, rate in card.rates.items() if name in RATES}
    return Price(version=card.version, **rates)


def _facts(row: Endpoint, kind: str, price: Price) -> EndpointFacts:
    return EndpointFacts(
        id=row.id,
        model=row.model_slug,
        kind=kind,
        provider=row.provider_id,
        upstream_model=row.upstream_model,
        context=row.context,
        max_output=row.max_output,
        parameters=frozenset(row.parameters),
        zdr=row.zdr,
        trains=row.trains is not False,
        region=row.region,
        price=price,
        quantization=row.quantization,
    )


def _model(row: AiModel, endpoints: tuple[EndpointFacts, ...]) -> ModelFacts:
    return ModelFacts(
        slug=row.slug,
        name=row.name,
        kind=row.kind,
        description=row.description,
        notice=row.notice,
        context=row.context,
        max_output=row.max_output,
        input_modalities=tuple(row.input_modalities),
        output_modalities=tuple(row.output_modalities),
        created_at=row.created_at,
        endpoints=endpoints,
    )
