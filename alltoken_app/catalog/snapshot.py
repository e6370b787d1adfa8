"""The catalogue in memory: what routing reads on every request. Replaced whole when it changes."""

from collections import defaultdict
from dataclasses import dataclass, field

from sqlmodel import Session, col, select

from alltoken_app.catalog import cards
from alltoken_app.clock import Millis, now_ms
from alltoken_app.providers.base import EndpointFacts, Price
from alltoken_app.tables.catalog import AiModel, Endpoint, PriceCard, Provider
from alltoken_app.tables.routing import ModelAlias

UNPRICED = Price("")  # of an endpoint without a card: nothing can be charged, so nothing is routed


@dataclass(frozen=True)
class ModelFacts:
    """A model and the endpoints that serve it; one without a price card has no rates."""

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
    canonical_slug: str | None = None
    tokenizer: str | None = None
    hugging_face_id: str | None = None
    knowledge_cutoff: str | None = None
    voices: tuple[str, ...] = ()
    released_at: Millis | None = None
    expires_at: Millis | None = None


@dataclass(frozen=True)
class ProviderFacts:
    """A provider, and what it says it does with what it is sent; None where nobody knows."""

    id: str
    name: str
    headquarters: str | None
    datacenters: tuple[str, ...]
    privacy_url: str | None
    terms_url: str | None
    status_url: str | None
    zdr: str
    trains: bool | None
    retention_days: int | None
    evidence: str
    source_url: str | None
    checked_at: Millis | None


@dataclass(frozen=True)
class Catalog:
    """Everything offered, by slug; provider names by id; slugs by their other names.

    Attributes:
        sources: What is known of each provider, by id.
        changes_at: When prices change next by themselves; then it must be read again.
    """

    models: dict[str, ModelFacts]
    providers: dict[str, str]
    aliases: dict[str, str] = field(default_factory=dict)
    sources: dict[str, ProviderFacts] = field(default_factory=dict)
    changes_at: Millis | None = None


def load(session: Session) -> Catalog:
    """Read the whole catalogue as of now."""
    at = now_ms()
    held, changes_at = _effective_cards(session, at)
    endpoints: dict[str, list[EndpointFacts]] = defaultdict(list)
    models = {row.slug: row for row in session.exec(select(AiModel)) if row.retired_at is None}
    for row in session.exec(select(Endpoint).order_by(col(Endpoint.id))):
        if row.enabled and row.model_slug in models:
            kind, card = models[row.model_slug].kind, held.get(row.id)
            price = cards.price(card.version, card.rates, at) if card else UNPRICED
            endpoints[row.model_slug].append(_facts(row, kind, price))
    providers = list(session.exec(select(Provider)))
    return Catalog(
        models={slug: _model(row, tuple(endpoints[slug])) for slug, row in models.items()},
        providers={row.id: row.name for row in providers},
        aliases={row.alias: row.model_slug for row in session.exec(select(ModelAlias))},
        sources={row.id: _provider(row) for row in providers},
        changes_at=changes_at,
    )


def _effective_cards(session: Session, at: Millis) -> tuple[dict[str, PriceCard], Millis | None]:
    """The card that holds now for each endpoint, and when one of them changes next."""
    held: dict[str, PriceCard] = {}
    changes: set[Millis] = set()
    ordered = select(PriceCard).order_by(col(PriceCard.effective_from), col(PriceCard.created_at))
    for card in session.exec(ordered):
        if card.effective_from <= at:
            held[card.endpoint_id] = card
        else:
            changes.add(card.effective_from)
    for card in held.values():
        by_hour = cards.next_change(card.rates, at)
        if by_hour is not None:
            changes.add(by_hour)
    return held, min(changes, default=None)


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
        tier=row.tier,
        wires=frozenset(row.wires),
        tag=row.tag or row.provider_id,
        implicit_caching=row.implicit_caching,
        moderated=row.moderated,
    )


def _provider(row: Provider) -> ProviderFacts:
    return ProviderFacts(
        id=row.id,
        name=row.name,
        headquarters=row.headquarters,
        datacenters=tuple(row.datacenters),
        privacy_url=row.privacy_url,
        terms_url=row.terms_url,
        status_url=row.status_url,
        zdr=row.zdr,
        trains=row.trains,
        retention_days=row.retention_days,
        evidence=row.evidence,
        source_url=row.source_url,
        checked_at=row.checked_at,
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
        canonical_slug=row.canonical_slug,
        tokenizer=row.tokenizer,
        hugging_face_id=row.hugging_face_id,
        knowledge_cutoff=row.knowledge_cutoff,
        voices=tuple(row.voices),
        released_at=row.released_at,
        expires_at=row.expires_at,
    )
