"""Spend and traffic over a period: four numbers, a chart, and shares by model and by key."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import Any, Literal

from sqlalchemy import ColumnElement, case, func
from sqlalchemy.orm import Mapped
from sqlmodel import Session, col, select

from alltoken_app.money import Nano, show_usd
from alltoken_app.services import activity, charts
from alltoken_app.services.activity import TROUBLE, ActivityFilter, Names
from alltoken_app.services.actors import Actor
from alltoken_app.services.charts import ChartView, SeriesView, Stack
from alltoken_app.services.periods import Period
from alltoken_app.tables.generation import Generation

By = Literal["model", "key", "provider"]
Sums = tuple[Nano, int, int]  # cost, requests, tokens
SHOWN = 5  # series with a colour of their own; the rest is "Other"
LISTED = 8  # lines of a table of shares


@dataclass(frozen=True)
class Cell:
    """What one model did through one key and provider within one bucket."""

    bucket: int
    model: str
    key: str
    provider: str
    requests: int
    cost: Nano
    tokens: int
    bad: int


@dataclass(frozen=True)
class ShareView:
    """A model's or key's part; without `id` it is all the smaller ones together.

    Attributes:
        css: Its colour in the chart, "" when it has none.
    """

    id: str
    name: str
    requests: str
    tokens: str
    spend: str
    css: str = ""


@dataclass(frozen=True)
class UsageView:
    """A period at a glance. `spend_nano` and `count` are the sums every other number adds up to."""

    title: str = ""
    shown: str = ""
    spend: str = "$0.00"
    spend_nano: Nano = 0
    spend_note: str = ""
    requests: str = "0"
    count: int = 0
    tokens: str = "0"
    errors: str = "0 %"
    errors_note: str = ""
    duration: str = "—"
    first_token: str = "—"
    chart: ChartView = field(default_factory=ChartView)
    models: list[ShareView] = field(default_factory=list)
    keys: list[ShareView] = field(default_factory=list)


def usage(
    session: Session, actor: Actor, period: Period, by: By = "model", book: str = ""
) -> UsageView:
    """Everything of the period; chart, tables and totals add up to the same rows.

    Raises:
        Forbidden: The role may not see usage.
    """
    where = activity.conditions(actor, _within(period, book))
    names = activity.find_names(session, actor)
    cells = _cells(session, where, period, names)
    spend, count = sum(cell.cost for cell in cells), sum(cell.requests for cell in cells)
    bad = sum(cell.bad for cell in cells)
    ranked = _ranked(cells, by)
    colours = {id_: f"series-{place}" for place, id_ in enumerate(ranked[:SHOWN], 1)}
    return UsageView(
        title=period.title,
        shown=period.shown,
        spend=show_usd(spend),
        spend_nano=spend,
        spend_note=_compared(session, actor, period, book, spend),
        requests=f"{count:,}",
        count=count,
        tokens=short(sum(cell.tokens for cell in cells)),
        errors=f"{bad * 100 / count:.1f} %" if count else "0 %",
        errors_note=f"{bad:,} of {count:,}" if bad else "",
        duration=activity.seconds(_median(session, where, col(Generation.duration_ms))),
        first_token=activity.seconds(_median(session, where, col(Generation.first_token_ms))),
        chart=_chart(cells, period, by, ranked, names),
        models=_shares(cells, "model", str, colours if by == "model" else {}),
        keys=_shares(cells, "key", names.key, colours if by == "key" else {}),
    )


def ever(session: Session, actor: Actor, book: str = "") -> bool:
    """Whether the organisation has ever sent a request."""
    where = activity.conditions(actor, ActivityFilter(book=book))
    return session.exec(select(Generation.id).where(*where).limit(1)).first() is not None


def short(count: int) -> str:
    """ "812", "18.9K", "31.2M"."""
    for size, letter in ((10**9, "B"), (10**6, "M"), (10**4, "K")):
        if count >= size:
            return f"{count / (1000 if letter == 'K' else size):.1f}{letter}"
    return f"{count:,}"


def _within(period: Period, book: str) -> ActivityFilter:
    return ActivityFilter(start=period.start, end=period.end, book=book)


def _cells(
    session: Session, where: Sequence[ColumnElement[bool]], period: Period, names: Names
) -> list[Cell]:
    bucket = activity.bucket_of(period.buckets()).label("bucket")
    bad = case((col(Generation.status).in_(TROUBLE), 1), else_=0).label("bad")
    tokens = (col(Generation.input_tokens) + col(Generation.output_tokens)).label("tokens")
    parts = (Generation.model, Generation.key_id, Generation.provider)
    columns: tuple[Any, ...] = (bucket, *map(col, parts), col(Generation.cost), tokens, bad)
    inner = select(*columns).where(*where).subquery().c
    groups: list[Any] = [inner.bucket, inner.model, inner.key_id, inner.provider]
    sums = [func.count(), *(func.sum(part) for part in (inner.cost, inner.tokens, inner.bad))]
    query: Any = select(*groups, *sums)
    return [
        Cell(number, model, names.key_id(key), provider, *map(int, numbers))
        for number, model, key, provider, *numbers in session.exec(query.group_by(*groups))
    ]


def _ranked(cells: Iterable[Cell], by: By) -> list[str]:
    """The ids of `by`, the most expensive first, then the busiest."""
    weight: dict[str, tuple[int, int]] = defaultdict(lambda: (0, 0))
    for cell in cells:
        cost, requests = weight[getattr(cell, by)]
        weight[getattr(cell, by)] = (cost + cell.cost, requests + cell.requests)
    return sorted(weight, key=lambda id_: (*weight[id_], id_), reverse=True)


def _chart(
    cells: Iterable[Cell], period: Period, by: By, ranked: Sequence[str], names: Names
) -> ChartView:
    shown, rest = ranked[:SHOWN], ranked[SHOWN:]
    place = {id_: index for index, id_ in enumerate(shown)} | dict.fromkeys(rest, len(shown))
    buckets = period.buckets()
    values = [[0] * (len(shown) + bool(rest)) for _ in buckets]
    for cell in cells:
        values[cell.bucket][place[getattr(cell, by)]] += cell.cost
    naming: dict[By, Callable[[str], str]] = {
        "model": str,
        "key": names.key,
        "provider": names.provider,
    }
    named = naming[by]
    series = [SeriesView(f"series-{at}", named(id_)) for at, id_ in enumerate(shown, 1)]
    if rest:
        series.append(SeriesView(charts.OTHER, f"{len(rest)} other"))
    stacks = [Stack(b.label, b.name, row) for b, row in zip(buckets, values, strict=True)]
    return charts.stacked(stacks, series, show_usd)


def _shares(
    cells: Iterable[Cell], by: By, named: Callable[[str], str], colours: dict[str, str]
) -> list[ShareView]:
    """The biggest parts, and what is left in one line: they add up to the whole."""
    sums: dict[str, Sums] = defaultdict(lambda: (0, 0, 0))
    for cell in cells:
        id_ = getattr(cell, by)
        sums[id_] = _add(sums[id_], (cell.cost, cell.requests, cell.tokens))
    ranked = sorted(sums, key=lambda id_: (*sums[id_], id_), reverse=True)
    shown = ranked if len(ranked) <= LISTED + 1 else ranked[:LISTED]
    rest = ranked[len(shown) :]
    other = charts.OTHER if colours else ""
    shares = [_share(id_, named(id_), sums[id_], colours.get(id_, other)) for id_ in shown]
    if rest:
        left = reduce(_add, (sums[id_] for id_ in rest))
        shares.append(_share("", f"{len(rest)} other", left, other))
    return shares


def _add(one: Sums, more: Sums) -> Sums:
    return one[0] + more[0], one[1] + more[1], one[2] + more[2]


def _share(id_: str, name: str, sums: Sums, css: str) -> ShareView:
    cost, requests, tokens = sums
    return ShareView(id_, name, f"{requests:,}", short(tokens), show_usd(cost), css)


def _median(
    session: Session, where: Sequence[ColumnElement[bool]], column: Mapped[Any]
) -> int | None:
    """The lower median of what was measured: the same on both databases."""
    measured = [*where, column.is_not(None)]
    count = session.exec(select(func.count()).select_from(Generation).where(*measured)).one()
    if not count:
        return None
    middle = select(column).where(*measured).order_by(column).offset((count - 1) // 2).limit(1)
    return int(session.exec(middle).one())


def _compared(session: Session, actor: Actor, period: Period, book: str, spend: Nano) -> str:
    """How the spend differs from the same length of time just before; "" when that was nothing."""
    before = Period(2 * period.start - period.end, period.start, period.zone)
    where = activity.conditions(actor, _within(before, book))
    earlier = int(
        session.exec(select(func.coalesce(func.sum(Generation.cost), 0)).where(*where)).one()
    )
    if not earlier:
        return ""
    percent = (spend - earlier) * 100 / earlier
    return f"{'+' if percent >= 0 else '−'}{abs(percent):.0f} % vs {before.shown}"
