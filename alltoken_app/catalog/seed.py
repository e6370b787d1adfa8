"""Puts the built-in catalogue, and what settings add, into the database. Safe to run at each start.

A price card never changes: other rates make a new card, and the newest one is charged.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session, col, select

from alltoken_app import revisions
from alltoken_app.catalog.kinds import KINDS
from alltoken_app.clock import now_ms
from alltoken_app.engines import models as engine_models
from alltoken_app.money import Pico, rate_of, rate_per_million
from alltoken_app.settings import ExtraModel, ExtraProvider, Settings
from alltoken_app.tables.catalog import SETTINGS, AiModel, Endpoint, PriceCard, Provider

MS_PER_MINUTE = 60_000
LOCAL_EVIDENCE = (
    "The model runs in a process of this installation: nothing leaves the machine, and nothing is "
    "written or logged. That process forgets a conversation after five idle minutes."
)


@dataclass(frozen=True)
class Offer:
    """One model at one provider, to be written as rows."""

    provider: str
    model: AiModel
    upstream: str
    rates: dict[str, Pico]
    parameters: tuple[str, ...]
    facts: dict[str, Any]


def seed(session: Session, settings: Settings) -> None:
    """Bring providers, models, endpoints and price cards up to date."""
    offers = [*_local(settings), *_fault(settings), *_extra(settings.extra_providers)]
    for provider in _providers(settings):
        session.merge(provider)
    known = {row.slug: row.created_at for row in session.exec(select(AiModel))}
    for offer in offers:
        offer.model.created_at = known.get(offer.model.slug, offer.model.created_at)
        session.merge(offer.model)
    session.flush()
    for offer in offers:
        _write_endpoint(session, offer)
    _disable_all_but(session, {_endpoint_id(offer) for offer in offers})
    revisions.bump(session, "catalog")


def _providers(settings: Settings) -> Iterable[Provider]:
    yield Provider(
        id="local",
        name="Local",
        description="Small open models that run on this machine's CPU, with no key and no network.",
        zdr="confirmed",
        evidence=LOCAL_EVIDENCE,
        trains=False,
        retention_days=0,
        checked_at=now_ms(),
    )
    if settings.fault_provider:
        yield Provider(
            id="fault",
            name="Fault",
            description="A scripted provider that fails on purpose, to test clients against.",
            checked_at=now_ms(),
        )
    for extra in settings.extra_providers:
        yield Provider(id=extra.name, name=extra.name, description="Added by settings.")


def _local(settings: Settings) -> Iterable[Offer]:
    if not settings.local_models:
        return
    facts = {
        "zdr": "confirmed", "zdr_evidence": LOCAL_EVIDENCE, "trains": False, "retention_days": 0,
        "region": "local", "checked_at": now_ms(),
    }  # fmt: skip
    yield from (_engine_offer("local", model, facts) for model in engine_models.local(settings))


def _fault(settings: Settings) -> Iterable[Offer]:
    if settings.fault_provider:
        facts: dict[str, Any] = {"zdr": "none", "trains": False, "region": "local"}
        yield from (_engine_offer("fault", model, facts) for model in engine_models.FAULT)


def _engine_offer(provider: str, model: engine_models.EngineModel, facts: dict[str, Any]) -> Offer:
    row = _model_row(model.slug, model.name, model.kind, model.context, model.max_output)
    row.description, row.notice = model.description, model.notice
    row.parameters_count, row.licence = model.parameters, model.licence
    return Offer(
        provider=provider,
        model=row,
        upstream=model.upstream,
        rates=_rates(model),
        parameters=model.honours or KINDS[model.kind].parameters,
        facts={"quantization": model.quantization, **facts},
    )


def _extra(providers: Iterable[ExtraProvider]) -> Iterable[Offer]:
    return (_extra_offer(provider, model) for provider in providers for model in provider.models)


def _extra_offer(provider: ExtraProvider, model: ExtraModel) -> Offer:
    name = model.name or model.slug
    row = _model_row(model.slug, name, model.kind, model.context, model.max_output)
    row.input_modalities = list(model.input_modalities) or row.input_modalities
    rates = _rates(model)
    for kind in {"image", "audio"}.intersection(row.input_modalities):
        rates.setdefault(f"{kind}_input", rates.get("input", 0))
    return Offer(
        provider=provider.name,
        model=row,
        upstream=model.upstream,
        rates=rates,
        parameters=KINDS[model.kind].parameters,
        facts={},
    )


def _model_row(slug: str, name: str, kind: str, context: int, max_output: int) -> AiModel:
    return AiModel(
        slug=slug,
        name=name,
        author=slug.partition("/")[0],
        kind=kind,
        context=context,
        max_output=max_output,
        input_modalities=list(KINDS[kind].takes),
        output_modalities=[KINDS[kind].gives],
    )


def _rates(model: engine_models.EngineModel | ExtraModel) -> dict[str, Pico]:
    given = {
        "input": model.input_price and rate_per_million(model.input_price),
        "output": model.output_price and rate_per_million(model.output_price),
        "character": model.characters_price and rate_per_million(model.characters_price),
        "millisecond": model.minute_price and rate_of(model.minute_price, MS_PER_MINUTE),
        "unit": model.unit_price and rate_of(model.unit_price, 1),
    }
    return {name: rate for name, rate in given.items() if isinstance(rate, int)}


def _endpoint_id(offer: Offer) -> str:
    return f"{offer.provider}:{offer.model.slug}"


def _write_endpoint(session: Session, offer: Offer) -> None:
    endpoint_id = _endpoint_id(offer)
    session.merge(
        Endpoint(
            id=endpoint_id,
            model_slug=offer.model.slug,
            provider_id=offer.provider,
            tag=offer.provider,
            upstream_model=offer.upstream,
            context=offer.model.context,
            max_output=offer.model.max_output,
            parameters=list(offer.parameters),
            enabled=True,
            **offer.facts,
        )
    )
    session.flush()
    newest = session.exec(
        select(PriceCard)
        .where(PriceCard.endpoint_id == endpoint_id)
        .order_by(col(PriceCard.effective_from).desc())
    ).first()
    if newest is None or newest.rates != offer.rates:
        session.add(_card(endpoint_id, offer.rates))


def _card(endpoint_id: str, rates: dict[str, Pico]) -> PriceCard:
    at = now_ms()
    text = json.dumps([endpoint_id, rates, at], sort_keys=True)
    version = f"price_{hashlib.sha256(text.encode()).hexdigest()[:20]}"
    return PriceCard(
        version=version, endpoint_id=endpoint_id, rates=rates, effective_from=at, source="seed"
    )


def _disable_all_but(session: Session, offered: set[str]) -> None:
    for row in session.exec(select(Endpoint).where(Endpoint.origin == SETTINGS)):
        if row.id not in offered and row.enabled:
            row.enabled = False
            session.add(row)
