"""What was asked and what it cost: the list of requests, one request whole, and their CSV."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, or_
from sqlmodel import Session, col, select

from alltoken_app.clock import Millis
from alltoken_app.errors import Invalid, NotFound
from alltoken_app.money import Nano, usd
from alltoken_app.services import charts
from alltoken_app.services.actors import Actor
from alltoken_app.services.charts import ChartView, SeriesView, Stack
from alltoken_app.services.periods import Bucket, Period, local
from alltoken_app.tables.catalog import Provider
from alltoken_app.tables.generation import Generation
from alltoken_app.tables.key import ApiKey

LIMIT = 50
WEB = "web"  # the key filter's word for requests of the web app, which have no key
TROUBLE = ("error", "failed", "interrupted")
STATUS = {  # word, and the colour class it is shown in
    "ok": ("Answered", "is-success"),
    "error": ("Broke off", "is-danger"),
    "failed": ("Failed", "is-danger"),
    "interrupted": ("Interrupted", "is-danger"),
    "cancelled": ("Cancelled", "faint"),
}


@dataclass(frozen=True)
class ActivityFilter:
    """Which requests. Empty means any.

    Attributes:
        start, end: From `start` until before `end`; not applied when `id` is given.
        key: A key's id, or "web" for the web app.
        status: A status, or "trouble" for those that failed, broke off or were interrupted.
        id: The beginning of a generation id or request id.
        zone: IANA time zone the times are told in.
        book: "live" or "sandbox".
    """

    start: Millis | None = None
    end: Millis | None = None
    key: str = ""
    model: str = ""
    provider: str = ""
    status: str = ""
    id: str = ""
    zone: str = "UTC"
    book: str = ""


@dataclass(frozen=True)
class ActivityRow:
    """One request in the list."""

    id: str
    time: str
    day: str
    full: str
    model: str
    provider: str
    tries: int
    tokens: str
    cost: str
    took: str
    status: str
    tone: str
    code: str
    key: str


@dataclass(frozen=True)
class ActivityPage:
    """Rows, newest first. A cursor is "" when there is nothing further that way."""

    rows: list[ActivityRow] = field(default_factory=list)
    next_cursor: str = ""
    previous_cursor: str = ""
    total: int = 0
    place: str = ""


@dataclass(frozen=True)
class ChoiceView:
    """An option of a filter."""

    value: str
    label: str


@dataclass(frozen=True)
class ChoicesView:
    """What the filters can be set to: only what the organisation has used."""

    of_key: list[ChoiceView] = field(default_factory=list)
    of_model: list[ChoiceView] = field(default_factory=list)
    of_provider: list[ChoiceView] = field(default_factory=list)


@dataclass(frozen=True)
class Names:
    """What ids are called: keys of one organisation, and providers.

    Attributes:
        current: The old secrets of rotated keys, and the key each belongs to.
    """

    keys: Mapping[str, str]
    current: Mapping[str, str]
    providers: Mapping[str, str]

    def key(self, key_id: str | None) -> str:
        """The name of a key, or what stands in its place."""
        if key_id is None or key_id == WEB:
            return "Web app"
        return self.keys.get(self.key_id(key_id), key_id)

    def key_id(self, key_id: str | None) -> str:
        """The key that a request counts for: a rotated key stays one key."""
        return WEB if key_id is None else self.current.get(key_id, key_id)

    def provider(self, provider_id: str) -> str:
        """The name of a provider; requests that never reached one say so."""
        return self.providers.get(provider_id, provider_id) or "Not routed"


def page(
    session: Session, actor: Actor, wanted: ActivityFilter, cursor: str = "", limit: int = LIMIT
) -> ActivityPage:
    """One page of the actor's organisation's requests, newest first.

    Args:
        cursor: "" for the newest page, else a cursor of an earlier answer.

    Raises:
        Invalid: The cursor is not one of ours.
    """
    where = conditions(actor, wanted)
    found = fetch(session, where, cursor, limit)
    total = session.exec(select(func.count()).select_from(Generation).where(*where)).one()
    if not found:
        return ActivityPage(total=total)
    newer = _count(session, [*where, _beyond(_cursor(found[0], ">"))])
    last = newer + len(found)
    names = find_names(session, actor)
    return ActivityPage(
        rows=[_row(generation, names, wanted.zone) for generation in found],
        next_cursor=cursor_after(found[-1]) if last < total else "",
        previous_cursor=_cursor(found[0], ">") if newer else "",
        total=total,
        place=f"{newer + 1:,}–{last:,} of {total:,}",
    )


def fetch(
    session: Session, where: Sequence[ColumnElement[bool]], cursor: str, limit: int
) -> list[Generation]:
    """At most `limit` rows next to the cursor, newest first.

    Raises:
        Invalid: The cursor is not one of ours.
    """
    created, id_ = col(Generation.created_at), col(Generation.id)
    up = cursor.startswith(">")
    order = (created.asc(), id_.asc()) if up else (created.desc(), id_.desc())
    beyond = [_beyond(cursor)] if cursor else []
    query = select(Generation).where(*where, *beyond).order_by(*order).limit(limit)
    rows = list(session.exec(query))
    return rows[::-1] if up else rows


def cursor_after(generation: Generation) -> str:
    """The cursor of what is older than this request."""
    return _cursor(generation, "<")


def conditions(actor: Actor, wanted: ActivityFilter) -> list[ColumnElement[bool]]:
    """The WHERE of a filter; the organisation is always part of it.

    Raises:
        Forbidden: The role may not see usage.
        Invalid: No such status.
    """
    actor.require("see_usage")
    where = [col(Generation.org_id) == actor.org_id]
    exact = {
        Generation.book: wanted.book,
        Generation.model: wanted.model,
        Generation.provider: wanted.provider,
    }
    where += [col(column) == value for column, value in exact.items() if value]
    if wanted.key:
        where.append(_of_key(wanted.key))
    if wanted.status:
        where.append(_has_status(wanted.status))
    if wanted.id:
        begins = (Generation.id, Generation.request_id)
        where.append(or_(*(col(c).startswith(wanted.id, autoescape=True) for c in begins)))
        return where
    created = col(Generation.created_at)
    where += [created >= wanted.start] if wanted.start is not None else []
    where += [created < wanted.end] if wanted.end is not None else []
    return where


def choices(session: Session, actor: Actor, book: str = "") -> ChoicesView:
    """What the organisation's requests can be filtered by."""
    where = conditions(actor, ActivityFilter(book=book))
    names = find_names(session, actor)
    used = session.exec(
        select(Generation.key_id, Generation.model, Generation.provider).where(*where).distinct()
    ).all()
    keys = {names.key_id(key): names.key(key) for key, _, _ in used}
    providers = {provider: names.provider(provider) for _, _, provider in used if provider}
    return ChoicesView(
        of_key=_options(keys),
        of_model=_options({model: model for _, model, _ in used if model}),
        of_provider=_options(providers),
    )


def neighbours(
    session: Session, actor: Actor, wanted: ActivityFilter, generation_id: str
) -> tuple[str, str]:
    """The ids just newer and just older than a request within the filter; "" when there is none."""
    this = find(session, actor, generation_id)
    where = conditions(actor, wanted)
    newer = fetch(session, where, _cursor(this, ">"), 1)
    older = fetch(session, where, _cursor(this, "<"), 1)
    return newer[0].id if newer else "", older[0].id if older else ""


def find(session: Session, actor: Actor, generation_id: str) -> Generation:
    """The organisation's request with this id.

    Raises:
        NotFound: There is none, or it is another organisation's.
    """
    where = conditions(actor, ActivityFilter())
    found = session.exec(
        select(Generation).where(*where, col(Generation.id) == generation_id)
    ).first()
    if found is None:
        raise NotFound("There is no such request in this organisation.", param="id")
    return found


def histogram(
    session: Session,
    actor: Actor,
    wanted: ActivityFilter,
    period: Period,
    zoomed: Callable[[Period], str] = lambda _: "",
) -> ChartView:
    """How many requests were answered and how many were not, over the period.

    Args:
        zoomed: Gives the query string that shows a part of the period alone.
    """
    buckets = period.buckets()
    bad = case((col(Generation.status).in_(TROUBLE), 1), else_=0)
    numbered = (
        select(bucket_of(buckets).label("bucket"), bad.label("bad"))
        .where(*conditions(actor, wanted))
        .subquery()
    )
    query = select(numbered.c.bucket, func.count(), func.sum(numbered.c.bad))
    counted = {
        index: (int(total), int(failed))
        for index, total, failed in session.exec(query.group_by(numbered.c.bucket))
        if index is not None
    }
    stacks = [
        Stack(
            bucket.label.replace("\n", " "),
            bucket.name,
            (total - failed, failed),
            zoomed(Period(bucket.start, bucket.end, period.zone)),
        )
        for index, bucket in enumerate(buckets)
        for total, failed in [counted.get(index, (0, 0))]
    ]
    series = (SeriesView(charts.OTHER, "Answered"), SeriesView("series-bad", "Failed"))
    return charts.stacked(stacks, series, lambda count: f"{count:,}", steps=2)


def bucket_of(buckets: Sequence[Bucket]) -> ColumnElement[int]:
    """SQL for the number of the bucket a row lies in; NULL outside all of them."""
    created = col(Generation.created_at)
    inside = [(created < bucket.end, index) for index, bucket in enumerate(buckets)]
    return case((created < buckets[0].start, None), *inside, else_=None)


def find_names(session: Session, actor: Actor) -> Names:
    """The names of the organisation's keys and of all providers."""
    ours = select(ApiKey.id, ApiKey.name, ApiKey.replaced_by).where(ApiKey.org_id == actor.org_id)
    keys = session.exec(ours).all()
    providers = select(Provider.id, Provider.name)
    return Names(
        keys={id_: name for id_, name, _ in keys},
        current={id_: current for id_, _, current in keys if current},
        providers=dict(session.exec(providers).all()),
    )


def exact_usd(nano: Nano) -> str:
    """For people, but exact: at least two decimals ("$0.032021", "$1.50")."""
    dollars, _, fraction = usd(abs(nano)).partition(".")
    return f"{'−' if nano < 0 else ''}${int(dollars):,}.{fraction.ljust(2, '0')}"


def seconds(ms: int | None) -> str:
    """ "0.61 s", below 0.1 s in milliseconds, "—" when nothing was measured."""
    if ms is None:
        return "—"
    return f"{ms} ms" if ms < 100 else f"{ms / 1000:,.2f} s"


def clock_of(at: Millis, zone: str) -> str:
    """ "22 Nov 2026, 12:04:31.208 UTC"."""
    wall = local(at, zone)
    return f"{wall.day} {wall:%b %Y, %H:%M:%S}.{at % 1000:03d} {wall:%Z}"


def _row(generation: Generation, names: Names, zone: str) -> ActivityRow:
    wall = local(generation.created_at, zone)
    word, tone = STATUS.get(generation.status, (generation.status, ""))
    tokens = generation.input_tokens + generation.output_tokens
    return ActivityRow(
        id=generation.id,
        time=f"{wall:%H:%M:%S}",
        day=f"{wall.day} {wall:%b}",
        full=clock_of(generation.created_at, zone),
        model=generation.model,
        provider=names.provider(generation.provider),
        tries=len(generation.attempts),
        tokens=f"{tokens:,}" if tokens else "—",
        cost=exact_usd(generation.cost),
        took=seconds(generation.duration_ms),
        status=word,
        tone=tone,
        code=generation.error_code or "",
        key=names.key(generation.key_id),
    )


def _has_status(status: str) -> ColumnElement[bool]:
    if status == "trouble":
        return col(Generation.status).in_(TROUBLE)
    if status not in STATUS:
        raise Invalid(f"There is no status {status[:32]!r}.", param="status")
    return col(Generation.status) == status


def _of_key(key_id: str) -> ColumnElement[bool]:
    """Requests of a key, those of its rotated secrets too."""
    if key_id == WEB:
        return col(Generation.key_id).is_(None)
    of_it = or_(col(ApiKey.id) == key_id, col(ApiKey.replaced_by) == key_id)
    return col(Generation.key_id).in_(select(ApiKey.id).where(of_it))


def _cursor(generation: Generation, side: str) -> str:
    return f"{side}{generation.created_at}.{generation.id}"


def _beyond(cursor: str) -> ColumnElement[bool]:
    at, _, id_ = cursor[1:].partition(".")
    if cursor[:1] not in ("<", ">") or not at.isdecimal() or len(at) > 15 or not id_:
        raise Invalid("This page link is broken. Start again from the newest.", param="cursor")
    created, own = col(Generation.created_at), col(Generation.id)
    if cursor[0] == "<":
        return or_(created < int(at), and_(created == int(at), own < id_))
    return or_(created > int(at), and_(created == int(at), own > id_))


def _count(session: Session, where: Sequence[ColumnElement[bool]]) -> int:
    return session.exec(select(func.count()).select_from(Generation).where(*where)).one()


def _options(found: Mapping[str, Any]) -> list[ChoiceView]:
    return [
        ChoiceView(value, str(label)) for value, label in sorted(found.items(), key=lambda i: i[1])
    ]
