"""From lists and prices to the rows of a catalogue. Pure: writes nothing."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

import msgspec

from alltoken_app.catalog import curated
from alltoken_app.catalog.cards import Rates
from alltoken_app.catalog.curated import Lists, Model, Prices, Source, Spot
from alltoken_app.clock import Millis
from alltoken_app.money import rate_per_million
from alltoken_app.tables.catalog import PUBLISHED, AiModel, Endpoint, Provider

Schedule = tuple[tuple[Millis, Rates], ...]  # since when which rates hold; the first: always
# Authors who serve their own models: the name at their own address is the model's name.
MAKERS = {
    "openai": "openai", "anthropic": "anthropic", "google": "google", "mistralai": "mistral",
    "deepseek": "deepseek", "x-ai": "xai", "cohere": "cohere", "perplexity": "perplexity",
}  # fmt: skip
PROMPTED = frozenset({"chat", "completions", "embeddings"})


@dataclass(frozen=True)
class Release:
    """One state of the catalogue. An endpoint without a schedule has no price.

    Attributes:
        digest: Changes whenever anything of it does.
        source: Where its prices come from.
        day: As of when, milliseconds UTC.
        unpriced: Endpoint id → why it has no price.
        aliases: Other names of models → their slugs.
    """

    digest: str
    source: str
    day: Millis
    providers: list[Provider]
    models: list[AiModel]
    endpoints: list[Endpoint]
    schedules: dict[str, Schedule]
    unpriced: dict[str, str] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)


def built_in() -> Release:
    """The catalogue that came with this program."""
    return build(curated.read(), curated.read_prices(), curated.digest())


def built_in_digest() -> str:
    """What `built_in().digest` is, without reading the rest."""
    return curated.digest()


def digest_of(lists: str, prices: Prices) -> str:
    """The digest of lists (by theirs) at other prices than their own."""
    return hashlib.sha256(lists.encode() + msgspec.json.encode(prices)).hexdigest()


def build(lists: Lists, prices: Prices, digest: str) -> Release:
    """The rows for these lists at these prices."""
    release = Release(
        digest=digest,
        source=prices.source,
        day=_millis(prices.day),
        providers=[_provider(id, source) for id, source in lists.providers.items()],
        models=[_model(model) for model in lists.models],
        endpoints=[],
        schedules={},
        aliases=_aliases(lists),
    )
    for model in lists.models:
        for spot in model.endpoints:
            source = lists.providers[spot.at.partition("/")[0]]
            parameters = lists.parameters[spot.parameters or model.parameters]
            endpoint = _endpoint(model, spot, source, parameters)
            release.endpoints.append(endpoint)
            schedule = _schedule(model, spot, source, prices)
            if schedule:
                release.schedules[endpoint.id] = schedule
            else:
                release.unpriced[endpoint.id] = f"no price for {_price_name(spot, source)}"
    return release


def _aliases(lists: Lists) -> dict[str, str]:
    """What models are called elsewhere; a name that could mean two models means neither."""
    slugs = {model.slug for model in lists.models}
    found: dict[str, set[str]] = defaultdict(set)
    for model in lists.models:
        for name in _other_names(model):
            found[name.lower()].add(model.slug)
    own = {name: min(meant) for name, meant in found.items() if len(meant) == 1}
    return {name: slug for name, slug in (own | lists.aliases).items() if name not in slugs}


def _other_names(model: Model) -> Iterator[str]:
    """Its versioned slug, and the name its maker gives it; each also without the author."""
    author, _, short = model.slug.partition("/")
    names = [short]
    if model.canonical is not None:
        names.append(model.canonical.partition("/")[2])
    first = model.endpoints[0]
    if first.at == MAKERS.get(author):
        names.append(first.upstream)
    for name in names:
        yield from (name, f"{author}/{name}")


def _millis(day: str) -> Millis:
    return int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp() * 1000)


def _day(day: str | None) -> Millis | None:
    return _millis(day) if day else None


def _provider(id: str, source: Source) -> Provider:
    return Provider(
        id=id,
        name=source.name,
        description=source.description,
        headquarters=source.headquarters,
        datacenters=source.datacenters,
        privacy_url=source.privacy_url,
        terms_url=source.terms_url,
        status_url=source.status_url,
        zdr=source.zdr,
        evidence=source.evidence,
        trains=source.trains,
        retention_days=source.retention_days,
        source_url=source.source_url,
        checked_at=_millis(source.checked),
    )


def _model(model: Model) -> AiModel:
    return AiModel(
        slug=model.slug,
        name=model.name,
        author=model.slug.partition("/")[0],
        kind=model.kind,
        description=model.description,
        context=model.context,
        max_output=model.max_output,
        input_modalities=model.inputs,
        output_modalities=model.outputs,
        canonical_slug=model.canonical,
        parameters_count=model.size,
        licence=model.licence,
        tokenizer=model.tokenizer,
        hugging_face_id=model.hugging_face,
        knowledge_cutoff=model.cutoff,
        voices=model.voices,
        released_at=_day(model.released),
        expires_at=_day(model.expires),
    )


def _endpoint(model: Model, spot: Spot, source: Source, parameters: list[str]) -> Endpoint:
    provider, _, variant = spot.at.partition("/")
    kept = source.retention_days if spot.retention_days is None else spot.retention_days
    return Endpoint(
        id=f"{spot.at}:{model.slug}",
        model_slug=model.slug,
        provider_id=provider,
        tag=spot.at,
        upstream_model=spot.upstream,
        context=spot.context or model.context,
        max_output=spot.max_output or model.max_output,
        quantization=spot.quantization,
        region=variant or source.region,
        parameters=parameters,
        wires=spot.wires,
        zdr=source.zdr,
        zdr_evidence=spot.evidence or source.evidence,
        trains=source.trains,
        retention_days=kept,
        source_url=source.source_url,
        checked_at=_millis(source.checked),
        implicit_caching=source.implicit_caching,
        moderated=source.moderated,
        origin=PUBLISHED,
    )


def _price_name(spot: Spot, source: Source) -> str:
    return spot.price or f"{source.prices}/{spot.upstream}"


def _schedule(model: Model, spot: Spot, source: Source, prices: Prices) -> Schedule:
    own = {name: rate_per_million(dollars) for name, dollars in spot.rates.items()}
    if spot.free:
        return ((0, {"input": 0, "output": 0, "image_input": 0, "audio_input": 0}),)
    steps = prices.prices.get(_price_name(spot, source), ())
    found = ((_day(step.since) or 0, {**step.rates, **own}) for step in steps)
    priced = tuple((since, _complete(model, rates)) for since, rates in found)
    return priced or (((0, own),) if own else ())


def _complete(model: Model, rates: Rates) -> Rates:
    """The rates, and what follows from them written out: a card says all that it charges."""
    whole = _filled(model, rates)
    for part in ("tiers", "windows"):
        if part in rates:
            whole[part] = [_filled(model, {**_inherited(rates), **one}) for one in rates[part]]
    if model.writes_unasked and "cache_write_5m" in whole:
        whole["writes_unasked"] = True
    return whole


def _inherited(rates: Rates) -> Rates:
    return {name: rate for name, rate in rates.items() if name not in ("tiers", "windows")}


def _filled(model: Model, rates: Rates) -> Rates:
    filled = dict(rates)
    if model.kind == "chat":
        filled.pop("millisecond", None)  # a chat's answer does not say how long its sounds were
    for unit in _as_text(model):
        if "input" in rates:
            filled.setdefault(unit, rates["input"])
    return filled


def _as_text(model: Model) -> Iterable[str]:
    if model.kind in PROMPTED:
        yield "cached_input"
    if "image" in model.inputs:
        yield "image_input"
    yield from model.priced_as_text
