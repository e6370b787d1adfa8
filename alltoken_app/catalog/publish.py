"""Compares a release with what is in the database, and writes it there. Cards are only ever added.

Call inside one transaction: a release is published whole or not at all.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from sqlmodel import Session, SQLModel, col, select

from alltoken_app import revisions
from alltoken_app.catalog import cards, release
from alltoken_app.catalog.cards import Rates
from alltoken_app.catalog.release import Release, Schedule
from alltoken_app.clock import Millis, now_ms
from alltoken_app.money import usd_of_pico
from alltoken_app.tables.catalog import (
    PUBLISHED,
    AiModel,
    CatalogRelease,
    Endpoint,
    PriceCard,
    Provider,
)
from alltoken_app.tables.routing import ModelAlias

JUMP = 0.2  # a rate that moves by more than this share wants a person's eyes
OURS = frozenset({"created_at", "retired_at", "enabled"})  # columns that no release speaks of


@dataclass(frozen=True)
class Change:
    """One difference between a release and the database.

    Attributes:
        what: "added", "changed" or "removed".
        table: "provider", "model", "endpoint", "alias" or "price".
        alarming: A rate that jumps, vanishes or becomes nothing.
    """

    what: str
    table: str
    id: str
    details: tuple[str, ...] = ()
    alarming: bool = False


def diff(session: Session, wanted: Release) -> list[Change]:
    """What publishing this release would change."""
    found = [
        *_row_changes(session, "provider", Provider, wanted.providers),
        *_row_changes(session, "model", AiModel, wanted.models),
        *_row_changes(session, "endpoint", Endpoint, wanted.endpoints),
        *_removed(session, wanted),
        *_alias_changes(session, wanted),
    ]
    known = _cards(session)
    for endpoint in wanted.endpoints:
        have = known.get(endpoint.id, ())
        for since, rates in _new_cards(have, wanted.schedules.get(endpoint.id, ()), now_ms()):
            found.append(_price_change(endpoint.id, since, have, rates))
    return found


def publish(session: Session, wanted: Release) -> None:
    """Write the release: rows are brought up to date, other rates make new cards."""
    at = now_ms()
    for rows in (wanted.providers, wanted.models, wanted.endpoints):
        _write(session, rows)
    gone, orphans = _gone(session, wanted), _orphans(session, wanted)
    for endpoint in gone:
        endpoint.enabled = False
        session.add(endpoint)
    for model in orphans:
        model.retired_at = at
        session.add(model)
    known = _cards(session)
    for endpoint in wanted.endpoints:
        schedule = wanted.schedules.get(endpoint.id, ())
        for since, rates in _new_cards(known.get(endpoint.id, ()), schedule, at):
            session.add(_card(endpoint.id, since, rates, wanted.source, at))
    for alias, slug in wanted.aliases.items():
        session.merge(ModelAlias(alias=alias, model_slug=slug))
    session.merge(CatalogRelease(digest=wanted.digest, source=wanted.source, at=at))
    revisions.bump(session, "catalog")


def publish_built_in(session: Session) -> bool:
    """Publish what came with this program, unless it was or something newer is; whether it did."""
    digest = release.built_in_digest()
    if session.get(CatalogRelease, digest) is not None:
        return False
    wanted = release.built_in()
    newest = session.exec(select(CatalogRelease).order_by(col(CatalogRelease.at).desc())).first()
    if newest is not None and newest.at > wanted.day and newest.source != wanted.source:
        return False
    publish(session, wanted)
    return True


def _write(session: Session, rows: Sequence[SQLModel]) -> None:
    """Insert what is new, change what is another."""
    if not rows:
        return
    table = type(rows[0])
    key = _key_of(table)
    known = {getattr(row, key): row for row in session.exec(select(table))}
    for row in rows:
        have = known.get(getattr(row, key))
        if have is None:
            session.add(type(row)(**row.model_dump()))
            continue
        for name in _differences(have, row):
            setattr(have, name, getattr(row, name))
        if getattr(have, "retired_at", None) is not None:
            have.retired_at = None
        if getattr(have, "enabled", True) is False:
            have.enabled = True
        session.add(have)
    session.flush()


def _key_of(table: type[SQLModel]) -> str:
    return "slug" if table is AiModel else "id"


def _differences(have: SQLModel, row: SQLModel) -> list[str]:
    return [
        name
        for name in type(row).model_fields
        if name not in OURS and getattr(have, name) != getattr(row, name)
    ]


def _row_changes(
    session: Session, name: str, table: type[SQLModel], rows: Sequence[SQLModel]
) -> Iterator[Change]:
    key = _key_of(table)
    known = {getattr(row, key): row for row in session.exec(select(table))}
    for row in rows:
        id = getattr(row, key)
        have = known.get(id)
        if have is None:
            yield Change("added", name, id)
            continue
        different = _differences(have, row)
        if different:
            yield Change("changed", name, id, tuple(_said(have, row, one) for one in different))


def _said(have: SQLModel, row: SQLModel, name: str) -> str:
    return f"{name}: {getattr(have, name)} → {getattr(row, name)}"


def _removed(session: Session, wanted: Release) -> Iterator[Change]:
    for endpoint in _gone(session, wanted):
        yield Change("removed", "endpoint", endpoint.id, alarming=True)
    for model in _orphans(session, wanted):
        yield Change("removed", "model", model.slug)


def _alias_changes(session: Session, wanted: Release) -> Iterator[Change]:
    known = {row.alias: row.model_slug for row in session.exec(select(ModelAlias))}
    for alias, slug in wanted.aliases.items():
        before = known.get(alias)
        if before != slug:
            what = "added" if before is None else "changed"
            yield Change(what, "alias", alias, (f"{before or 'nothing'} → {slug}",))


def _gone(session: Session, wanted: Release) -> list[Endpoint]:
    kept = {endpoint.id for endpoint in wanted.endpoints}
    published = select(Endpoint).where(Endpoint.origin == PUBLISHED, col(Endpoint.enabled))
    return [row for row in session.exec(published) if row.id not in kept]


def _orphans(session: Session, wanted: Release) -> list[AiModel]:
    """Models that only endpoints which are gone served."""
    kept = {model.slug for model in wanted.models}
    left = {endpoint.model_slug for endpoint in _gone(session, wanted)} - kept
    others = session.exec(select(Endpoint).where(Endpoint.origin != PUBLISHED))
    left -= {endpoint.model_slug for endpoint in others}
    models = select(AiModel).where(col(AiModel.retired_at).is_(None))
    return [row for row in session.exec(models) if row.slug in left]


def _cards(session: Session) -> dict[str, list[PriceCard]]:
    """Every endpoint's cards, in the order in which they count."""
    found: dict[str, list[PriceCard]] = defaultdict(list)
    ordered = select(PriceCard).order_by(
        col(PriceCard.effective_from), col(PriceCard.created_at), col(PriceCard.version)
    )
    for card in session.exec(ordered):
        found[card.endpoint_id].append(card)
    return found


def _new_cards(
    have: Sequence[PriceCard], schedule: Schedule, at: Millis
) -> Iterator[tuple[Millis, Rates]]:
    """The cards that make the future look like the schedule: now, and at each change to come."""
    if not schedule:
        if have and have[-1].rates:
            yield at, {}  # a card without rates: the endpoint has no price any more
        return
    coming = {since for since, _ in schedule} | {card.effective_from for card in have}
    for moment in (at, *sorted(since for since in coming if since > at)):
        want = _at(((since, rates) for since, rates in schedule), moment)
        if want != _at(((card.effective_from, card.rates) for card in have), moment):
            yield moment, want or {}


def _at(steps: Iterable[tuple[Millis, Rates]], moment: Millis) -> Rates | None:
    held: Rates | None = None
    for since, rates in steps:
        if since <= moment:
            held = rates
    return held


def _card(endpoint_id: str, since: Millis, rates: Rates, source: str, at: Millis) -> PriceCard:
    text = json.dumps([endpoint_id, rates, since, at], sort_keys=True)
    version = f"price_{hashlib.sha256(text.encode()).hexdigest()[:20]}"
    return PriceCard(
        version=version,
        endpoint_id=endpoint_id,
        rates=rates,
        effective_from=since,
        created_at=at,
        source=source,
    )


def _price_change(id: str, since: Millis, have: Sequence[PriceCard], rates: Rates) -> Change:
    before = cards.plain(_at(((c.effective_from, c.rates) for c in have), since) or {})
    after = cards.plain(rates)
    details = tuple(
        f"{unit}: {_shown(before.get(unit))} → {_shown(after.get(unit))}"
        for unit in sorted(before.keys() | after.keys())
        if before.get(unit) != after.get(unit)
    )
    alarming = any(_jumps(before[unit], after.get(unit)) for unit in before)
    return Change("changed" if have else "added", "price", id, details, alarming)


def _jumps(before: int, after: int | None) -> bool:
    if not before or not after:
        return before != after
    return abs(after - before) > JUMP * before


def _shown(rate: int | None) -> str:
    return "none" if rate is None else f"${usd_of_pico(rate)}"
