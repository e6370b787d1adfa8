"""What the public pages say about models: the list with its filters, and one model whole."""

import math
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from sqlmodel import Session, col, select

from alltoken_app.catalog import cards
from alltoken_app.catalog.cards import Rates
from alltoken_app.clock import Millis, now_ms
from alltoken_app.errors import NotFound
from alltoken_app.money import Pico
from alltoken_app.services import data_policies, prices
from alltoken_app.services import plane as planes
from alltoken_app.services.data_policies import ZDR_LABELS, day
from alltoken_app.services.prices import PriceView
from alltoken_app.tables.catalog import AiModel, Endpoint, PriceCard, Provider

PAGE = 50  # models at a time
KINDS = {
    "chat": "Chat",
    "embeddings": "Embeddings",
    "transcription": "Transcription",
    "speech": "Speech",
    "moderation": "Moderation",
    "rerank": "Rerank",
}
TAKES = {"image": "Images", "file": "Documents", "audio": "Sound", "video": "Film"}
HERE = {"connected": "Connected here"}
ZDR_ORDER = tuple(ZDR_LABELS)
SORTS = ("name", "context", "input", "output")


@dataclass(frozen=True)
class ModelFilter:
    """Which models, and in which order. Empty means any.

    Attributes:
        text: Words that must all occur in slug, name or description.
        kinds, providers, zdr: Any of these; `zdr` holds states of `ZDR_LABELS`.
        takes: Kinds of input, all of which it takes.
        here: "connected": some provider of it is connected to this installation.
        sort: One of `SORTS`.
        page: From 1.
    """

    text: str = ""
    kinds: tuple[str, ...] = ()
    providers: tuple[str, ...] = ()
    zdr: tuple[str, ...] = ()
    takes: tuple[str, ...] = ()
    here: tuple[str, ...] = ()
    sort: str = "name"
    descending: bool = False
    page: int = 1


@dataclass(frozen=True)
class ModelView:
    """One model in the list; prices are those of its cheapest endpoint, per million tokens.

    Attributes:
        here: Whether some provider of it is connected to this installation.
    """

    slug: str = ""
    href: str = ""
    author: str = ""
    short: str = ""
    name: str = ""
    kind: str = ""
    context: str = ""
    input_price: str = ""
    output_price: str = ""
    endpoints: int = 0
    zdr: str = "unknown"
    here: bool = True


@dataclass(frozen=True)
class FacetView:
    """One answer of a filter and how many models have it."""

    value: str = ""
    label: str = ""
    count: int = 0


@dataclass(frozen=True)
class FacetsView:
    """What the list can be filtered by."""

    kinds: list[FacetView] = field(default_factory=list)
    providers: list[FacetView] = field(default_factory=list)
    zdr: list[FacetView] = field(default_factory=list)
    takes: list[FacetView] = field(default_factory=list)
    here: list[FacetView] = field(default_factory=list)


@dataclass(frozen=True)
class ModelList:
    """A page of the `fitting` models that fit the filter, out of `total`, as of `at`."""

    models: list[ModelView] = field(default_factory=list)
    facets: FacetsView = field(default_factory=FacetsView)
    fitting: int = 0
    total: int = 0
    endpoints: int = 0
    at: Millis = 0


@dataclass(frozen=True)
class EndpointView:
    """One provider's offer of a model, with the evidence of what it keeps."""

    id: str = ""
    provider: str = ""
    provider_href: str = ""
    here: bool = True
    place: str = ""
    context: str = ""
    max_output: str = ""
    input_price: str = ""
    output_price: str = ""
    other_prices: list[PriceView] = field(default_factory=list)
    others: int = 0
    quantization: str = ""
    zdr: str = "unknown"
    evidence: str = ""
    source_url: str = ""
    privacy_url: str = ""
    checked: str = ""
    trains: str = "Unknown"
    retention: str = "Unknown"


@dataclass(frozen=True)
class ModelPage:
    """One model whole."""

    model: ModelView = field(default_factory=ModelView)
    description: str = ""
    notice: str = ""
    max_output: str = ""
    modalities: str = ""
    size: str = ""
    licence: str = ""
    cutoff: str = ""
    released: str = ""
    ends: str = ""
    added: str = ""
    parameters: list[str] = field(default_factory=list)
    endpoints: list[EndpointView] = field(default_factory=list)
    at: Millis = 0


@dataclass(frozen=True)
class _Offer:
    row: Endpoint
    provider: Provider
    rates: Rates
    here: bool


@dataclass(frozen=True)
class _Model:
    row: AiModel
    offers: list[_Offer]
    member: bool

    @property
    def cheapest(self) -> _Offer | None:
        return min(self.offers, key=lambda offer: _blend(offer.rates), default=None)

    @property
    def zdr(self) -> str:
        states = {data_policies.zdr(offer.row, self.member) for offer in self.offers}
        return next((state for state in ZDR_ORDER if state in states), "unknown")

    @property
    def here(self) -> bool:
        return any(offer.here for offer in self.offers)


def list_models(session: Session, wanted: ModelFilter, *, member: bool = False) -> list[ModelView]:
    """The models that fit the filter, in its order. Only to a member is ZDR ever confirmed."""
    return browse(session, wanted, member=member).models


def every(
    session: Session, wanted: ModelFilter, member: bool, connected: frozenset[str]
) -> list[ModelView]:
    """All models that fit the filter, on one page, each at its price there."""
    within = set(wanted.providers)
    found = _fitting(_all(session, member, connected), wanted)
    for one in found:
        one.offers[:] = [offer for offer in one.offers if offer.provider.id in within]
    return [_view(one) for one in _sorted(found, wanted)]


def reach() -> frozenset[str]:
    """The providers that this process is connected to; none before it is open."""
    try:
        return frozenset(planes.current().connections)
    except RuntimeError:
        return frozenset()


def browse(
    session: Session,
    wanted: ModelFilter,
    *,
    member: bool = False,
    connected: frozenset[str] = frozenset(),
) -> ModelList:
    """`list_models`, with what else the page of all models shows."""
    everything = _all(session, member, connected)
    fitting = _sorted(_fitting(everything, wanted), wanted)
    start = (max(wanted.page, 1) - 1) * PAGE
    return ModelList(
        models=[_view(model) for model in fitting[start : start + PAGE]],
        facets=_facets(everything),
        fitting=len(fitting),
        total=len(everything),
        endpoints=sum(len(model.offers) for model in everything),
        at=now_ms(),
    )


def model(
    session: Session, slug: str, *, member: bool = False, connected: frozenset[str] = frozenset()
) -> ModelPage:
    """One model with its endpoints, the cheapest first.

    Raises:
        NotFound: `model_not_found`.
    """
    every = _all(session, member, connected)
    found = next((one for one in every if one.row.slug == slug), None)
    if found is None:
        raise NotFound(f"There is no model {slug}.", code="model_not_found", param="model")
    row = found.row
    offers = sorted(found.offers, key=lambda offer: _blend(offer.rates))
    honoured = sorted({name for offer in offers for name in offer.row.parameters})
    return ModelPage(
        model=_view(found),
        description=row.description,
        notice=row.notice,
        max_output=f"{row.max_output:,}" if row.kind == "chat" else "",
        modalities=f"{_words(row.input_modalities)} in, {_words(row.output_modalities)} out",
        size=row.parameters_count or "",
        licence=row.licence or "",
        cutoff=row.knowledge_cutoff or "",
        released=day(row.released_at),
        ends=day(row.expires_at),
        added=day(row.created_at),
        parameters=honoured,
        endpoints=[_endpoint(offer, row.kind, member) for offer in offers],
        at=now_ms(),
    )


def _all(session: Session, member: bool, connected: frozenset[str]) -> list[_Model]:
    providers = {row.id: row for row in session.exec(select(Provider))}
    rates = _effective_rates(session)
    offers: dict[str, list[_Offer]] = {}
    for row in session.exec(select(Endpoint).where(col(Endpoint.enabled)).order_by(Endpoint.id)):
        if row.id in rates:
            here = row.provider_id in connected
            offer = _Offer(row, providers[row.provider_id], rates[row.id], here)
            offers.setdefault(row.model_slug, []).append(offer)
    rows = session.exec(select(AiModel).where(col(AiModel.retired_at).is_(None)))
    return [_Model(row, offers[row.slug], member) for row in rows if row.slug in offers]


def _effective_rates(session: Session) -> dict[str, Rates]:
    past = select(PriceCard).where(col(PriceCard.effective_from) <= now_ms())
    order = (col(PriceCard.effective_from), col(PriceCard.created_at))
    return {card.endpoint_id: card.rates for card in session.exec(past.order_by(*order))}


def _fitting(models: Iterable[_Model], wanted: ModelFilter) -> list[_Model]:
    return [one for one in models if _fits(one, wanted)]


def _fits(one: _Model, wanted: ModelFilter) -> bool:
    row = one.row
    text = f"{row.slug} {row.name} {row.description}".casefold()
    providers = {offer.provider.id for offer in one.offers}
    return (
        all(word in text for word in wanted.text.casefold().split())
        and (not wanted.kinds or row.kind in wanted.kinds)
        and (not wanted.providers or not providers.isdisjoint(wanted.providers))
        and (not wanted.zdr or one.zdr in wanted.zdr)
        and set(wanted.takes) <= set(row.input_modalities)
        and (not wanted.here or one.here)
    )


def _sorted(models: list[_Model], wanted: ModelFilter) -> list[_Model]:
    keys: dict[str, Callable[[_Model], float]] = {
        "context": lambda one: one.row.context,
        "input": lambda one: _rate(one, "input"),
        "output": lambda one: _rate(one, "output"),
    }
    named = sorted(models, key=lambda one: one.row.slug)
    if wanted.sort not in keys:
        return named[::-1] if wanted.descending else named
    key, turn = keys[wanted.sort], -1 if wanted.descending else 1
    return sorted(named, key=lambda one: (math.isinf(key(one)), turn * key(one)))


def _rate(one: _Model, meter: str) -> float:
    """What it is sorted by: what is not charged by the token stands at the end, both ways."""
    rates = one.cheapest.rates if one.cheapest else {}
    return float(rates[meter]) if rates.get(meter) is not None else math.inf


def _blend(rates: Rates) -> Pico:
    return cards.price("", rates, now_ms()).blend


def _facets(models: list[_Model]) -> FacetsView:
    kinds = Counter(one.row.kind for one in models)
    zdr = Counter(one.zdr for one in models)
    names = {offer.provider.id: offer.provider.name for one in models for offer in one.offers}
    serving = Counter(id for one in models for id in {offer.provider.id for offer in one.offers})
    taken = Counter(kind for one in models for kind in one.row.input_modalities)
    here = sum(one.here for one in models)
    return FacetsView(
        kinds=[FacetView(kind, KINDS.get(kind, kind), kinds[kind]) for kind in sorted(kinds)],
        takes=[FacetView(kind, name, taken[kind]) for kind, name in TAKES.items() if taken[kind]],
        here=[FacetView("connected", HERE["connected"], here)] if here else [],
        providers=[FacetView(id, names[id], serving[id]) for id in sorted(names)],
        zdr=[FacetView(one, ZDR_LABELS[one], zdr[one]) for one in ZDR_ORDER if zdr[one]],
    )


def _view(one: _Model) -> ModelView:
    row, offer = one.row, one.cheapest
    author, _, short = row.slug.partition("/")
    return ModelView(
        slug=row.slug,
        href=f"/models/{row.slug}",
        author=author,
        short=short,
        name=row.name,
        kind=KINDS.get(row.kind, row.kind),
        context=f"{row.context:,}",
        input_price=prices.taken(offer.rates) if offer else prices.NOTHING,
        output_price=prices.given(offer.rates, row.kind) if offer else prices.NOTHING,
        endpoints=len(one.offers),
        zdr=one.zdr,
        here=one.here,
    )


def _endpoint(offer: _Offer, kind: str, member: bool) -> EndpointView:
    row, provider, rates = offer.row, offer.provider, offer.rates
    others = prices.others(rates)
    return EndpointView(
        id=row.id,
        provider=provider.name,
        provider_href=f"/providers/{provider.id}",
        here=offer.here,
        place="this machine" if row.region == "local" else row.region or "",
        context=f"{row.context:,}",
        max_output=f"{row.max_output:,}" if kind == "chat" else "–",
        input_price=prices.taken(rates),
        output_price=prices.given(rates, kind),
        other_prices=others,
        others=sum(price.amount != "" for price in others),
        quantization=row.quantization or "",
        zdr=data_policies.zdr(row, member),
        evidence=row.zdr_evidence,
        source_url=row.source_url or "",
        privacy_url=provider.privacy_url or "",
        checked=day(row.checked_at),
        trains=data_policies.TRAINS[row.trains],
        retention=data_policies.retention(row.retention_days),
    )


def _words(modalities: list[str]) -> str:
    return ", ".join(modalities) or "text"
