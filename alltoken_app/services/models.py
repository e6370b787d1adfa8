"""What the public pages say about models: the list with its filters, and one model whole."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from sqlmodel import Session, col, select

from alltoken_app.clock import Millis, now_ms, to_datetime
from alltoken_app.errors import NotFound
from alltoken_app.money import Pico, usd_of_pico
from alltoken_app.tables.catalog import AiModel, Endpoint, PriceCard, Provider

MILLION = 1_000_000
KINDS = {"chat": "Chat", "embeddings": "Embeddings"}
ZDR = {"confirmed": "confirmed", "offered": "available", "none": "none"}  # others: unknown
VISITORS = {"confirmed": "available"}  # nothing is confirmed for an account nobody has
ZDR_LABELS = {
    "confirmed": "ZDR confirmed",
    "available": "ZDR available",
    "none": "No ZDR",
    "unknown": "Unknown",
}
ZDR_ORDER = tuple(ZDR_LABELS)
SORTS = ("name", "context", "input", "output")
TRAINS = {True: "Yes", False: "No", None: "Unknown"}


@dataclass(frozen=True)
class ModelFilter:
    """Which models, and in which order. Empty means any.

    Attributes:
        text: Words that must all occur in slug, name or description.
        kinds, providers, zdr: Any of these; `zdr` holds states of `ZDR_LABELS`.
        sort: One of `SORTS`.
    """

    text: str = ""
    kinds: tuple[str, ...] = ()
    providers: tuple[str, ...] = ()
    zdr: tuple[str, ...] = ()
    sort: str = "name"
    descending: bool = False


@dataclass(frozen=True)
class ModelView:
    """One model in the list; prices are those of its cheapest endpoint, per million tokens."""

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


@dataclass(frozen=True)
class ModelList:
    """The models that fit the filter, out of `total`, as of `at` (milliseconds UTC)."""

    models: list[ModelView] = field(default_factory=list)
    facets: FacetsView = field(default_factory=FacetsView)
    total: int = 0
    endpoints: int = 0
    at: Millis = 0


@dataclass(frozen=True)
class EndpointView:
    """One provider's offer of a model, with the evidence of what it keeps."""

    id: str = ""
    provider: str = ""
    place: str = ""
    context: str = ""
    max_output: str = ""
    input_price: str = ""
    cached_price: str = ""  # only where it differs
    output_price: str = ""
    request_price: str = ""
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
    added: str = ""
    parameters: list[str] = field(default_factory=list)
    endpoints: list[EndpointView] = field(default_factory=list)
    at: Millis = 0


@dataclass(frozen=True)
class _Offer:
    row: Endpoint
    provider: Provider
    rates: dict[str, Pico]


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
        states = {_zdr(offer.row, self.member) for offer in self.offers}
        return next((state for state in ZDR_ORDER if state in states), "unknown")


def list_models(session: Session, wanted: ModelFilter, *, member: bool = False) -> list[ModelView]:
    """The models that fit the filter, in its order. Only to a member is ZDR ever confirmed."""
    return browse(session, wanted, member=member).models


def browse(session: Session, wanted: ModelFilter, *, member: bool = False) -> ModelList:
    """`list_models`, with what else the page of all models shows."""
    everything = _all(session, member)
    fitting = _sorted(_fitting(everything, wanted), wanted)
    return ModelList(
        models=[_view(model) for model in fitting],
        facets=_facets(everything),
        total=len(everything),
        endpoints=sum(len(model.offers) for model in everything),
        at=now_ms(),
    )


def model(session: Session, slug: str, *, member: bool = False) -> ModelPage:
    """One model with its endpoints, the cheapest first.

    Raises:
        NotFound: `model_not_found`.
    """
    found = next((one for one in _all(session, member) if one.row.slug == slug), None)
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
        added=_day(row.created_at),
        parameters=honoured,
        endpoints=[_endpoint(offer, row.kind, member) for offer in offers],
        at=now_ms(),
    )


def per_million(rate: Pico) -> str:
    """A rate per token, as its exact price per million: 150_000 -> "$0.15"."""
    dollars, _, fraction = usd_of_pico(rate * MILLION).partition(".")
    return f"${dollars}.{fraction.ljust(2, '0')}"


def _all(session: Session, member: bool) -> list[_Model]:
    providers = {row.id: row for row in session.exec(select(Provider))}
    rates = _effective_rates(session)
    offers: dict[str, list[_Offer]] = {}
    for row in session.exec(select(Endpoint).where(col(Endpoint.enabled)).order_by(Endpoint.id)):
        if row.id in rates:
            offer = _Offer(row, providers[row.provider_id], rates[row.id])
            offers.setdefault(row.model_slug, []).append(offer)
    rows = session.exec(select(AiModel).where(col(AiModel.retired_at).is_(None)))
    return [_Model(row, offers[row.slug], member) for row in rows if row.slug in offers]


def _effective_rates(session: Session) -> dict[str, dict[str, Pico]]:
    cards = select(PriceCard).where(col(PriceCard.effective_from) <= now_ms())
    ordered = session.exec(cards.order_by(col(PriceCard.effective_from)))
    return {card.endpoint_id: card.rates for card in ordered}


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
    )


def _sorted(models: list[_Model], wanted: ModelFilter) -> list[_Model]:
    keys: dict[str, Callable[[_Model], int]] = {
        "context": lambda one: one.row.context,
        "input": lambda one: _rate(one, "input"),
        "output": lambda one: _rate(one, "output"),
    }
    named = sorted(models, key=lambda one: one.row.slug)
    if wanted.sort not in keys:
        return named[::-1] if wanted.descending else named
    return sorted(named, key=keys[wanted.sort], reverse=wanted.descending)


def _rate(one: _Model, meter: str) -> Pico:
    return one.cheapest.rates.get(meter, 0) if one.cheapest else 0


def _blend(rates: dict[str, Pico]) -> Pico:
    return rates["input"] + rates["output"]


def _facets(models: list[_Model]) -> FacetsView:
    kinds = Counter(one.row.kind for one in models)
    zdr = Counter(one.zdr for one in models)
    names = {offer.provider.id: offer.provider.name for one in models for offer in one.offers}
    serving = Counter(id for one in models for id in {offer.provider.id for offer in one.offers})
    return FacetsView(
        kinds=[FacetView(kind, KINDS.get(kind, kind), kinds[kind]) for kind in sorted(kinds)],
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
        input_price=per_million(offer.rates["input"]) if offer else "–",
        output_price=_output_price(offer.rates, row.kind) if offer else "–",
        endpoints=len(one.offers),
        zdr=one.zdr,
    )


def _endpoint(offer: _Offer, kind: str, member: bool) -> EndpointView:
    row, provider, rates = offer.row, offer.provider, offer.rates
    request = rates.get("request", 0)
    cached = rates.get("cached_input", rates["input"])
    return EndpointView(
        id=row.id,
        provider=provider.name,
        place="this machine" if row.region == "local" else row.region or "",
        context=f"{row.context:,}",
        max_output=f"{row.max_output:,}" if kind == "chat" else "–",
        input_price=per_million(rates["input"]),
        cached_price=per_million(cached) if cached != rates["input"] else "",
        output_price=_output_price(rates, kind),
        request_price=f"${usd_of_pico(request)}" if request else "",
        quantization=row.quantization or "",
        zdr=_zdr(row, member),
        evidence=row.zdr_evidence,
        source_url=row.source_url or "",
        privacy_url=provider.privacy_url or "",
        checked=_day(row.checked_at) if row.checked_at else "",
        trains=TRAINS[row.trains],
        retention=_retention(row.retention_days),
    )


def _output_price(rates: dict[str, Pico], kind: str) -> str:
    return "–" if kind == "embeddings" and not rates["output"] else per_million(rates["output"])


def _zdr(row: Endpoint, member: bool) -> str:
    state = ZDR.get(row.zdr, "unknown")
    return state if member else VISITORS.get(state, state)


def _retention(days: int | None) -> str:
    if days is None:
        return "Unknown"
    return "No" if days == 0 else f"{days} day{'s' if days > 1 else ''}"


def _words(modalities: list[str]) -> str:
    return ", ".join(modalities) or "text"


def _day(at: Millis) -> str:
    day = to_datetime(at)
    return f"{day.day} {day:%b %Y}"
