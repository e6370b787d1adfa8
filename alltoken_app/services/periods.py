"""Ranges of time in a person's own zone, and the buckets a chart cuts them into."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from alltoken_app.clock import DAY, HOUR, MINUTE, Millis, now_ms, to_datetime
from alltoken_app.errors import Invalid

PRESETS = {
    "1h": "Last hour",
    "24h": "Last 24 hours",
    "7d": "Last 7 days",
    "30d": "Last 30 days",
    "90d": "Last 90 days",
}
DEFAULT = "7d"
LONGEST = 366 * DAY
STEPS = (  # a range up to the first number is cut into buckets of the second
    (2 * HOUR, 5 * MINUTE),
    (8 * HOUR, 15 * MINUTE),
    (49 * HOUR, HOUR),
    (45 * DAY, DAY),
    (LONGEST + DAY, 7 * DAY),
)


@dataclass(frozen=True)
class Bucket:
    """From `start` until before `end`. `label` stands under a bar, `name` in a table."""

    start: Millis
    end: Millis
    label: str
    name: str


@dataclass(frozen=True)
class Period:
    """From `start` until before `end`, on the clock of `zone`; `preset` is "" for a custom one."""

    start: Millis
    end: Millis
    zone: str = "UTC"
    preset: str = ""

    @property
    def title(self) -> str:
        """ "Last 7 days", or the custom range itself."""
        return PRESETS.get(self.preset) or self.shown

    @property
    def days(self) -> tuple[str, str]:
        """Its first and last day: "2026-11-16"."""
        first, last = local(self.start, self.zone), local(self.end - 1, self.zone)
        return first.date().isoformat(), last.date().isoformat()

    @property
    def shown(self) -> str:
        """The range in words: "16 – 22 Nov 2026", with the clock unless it is whole days."""
        first, last = local(self.start, self.zone), local(self.end - 1, self.zone)
        end = local(self.end, self.zone)
        if (first.time(), end.time()) != (time.min, time.min):
            day = "" if first.date() == end.date() else f"{_day(end)} "
            return f"{_day(first)} {first:%H:%M} – {day}{end:%H:%M}"
        if first.date() == last.date():
            return f"{_day(last)} {last.year}"
        start = (
            str(first.day) if (first.year, first.month) == (last.year, last.month) else _day(first)
        )
        year = f" {first.year}" if first.year != last.year else ""
        return f"{start}{year} – {_day(last)} {last.year}"

    @property
    def edges(self) -> tuple[str, str]:
        """Where it begins and ends on the zone's clock, as `read` takes them."""
        first, end = local(self.start, self.zone), local(self.end, self.zone)
        return f"{first:%Y-%m-%dT%H:%M}", f"{end:%Y-%m-%dT%H:%M}"

    def buckets(self) -> list[Bucket]:
        """The whole range in equal steps of the wall clock; neighbours share their edge."""
        step = next(size for span, size in STEPS if self.end - self.start <= span)
        edges = _days(self, step // DAY) if step >= DAY else _clock(self, step)
        return [Bucket(a, b, *_labels(local(a, self.zone), step)) for a, b in pairwise(edges)]


def local(at: Millis, zone: str) -> datetime:
    """The wall clock of `zone` at `at`."""
    return to_datetime(at).astimezone(ZoneInfo(zone))


def known_zone(name: str) -> str:
    """`name` when it is an IANA time zone; "" means UTC.

    Raises:
        Invalid: There is no such zone.
    """
    try:
        return ZoneInfo(name or "UTC").key
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Invalid(f"There is no time zone {name[:64]!r}.", param="tz") from None


def read(preset: str, start: str, end: str, zone: str, default: str = DEFAULT) -> Period:
    """The range a query string asks for: a preset, or custom days or minutes of the zone.

    Args:
        start, end: "2026-11-16" or "2026-11-16T08:30" on the zone's clock; an end day is included.

    Raises:
        Invalid: No such zone, not a date, ends before it starts, or longer than 366 days.
    """
    zone = known_zone(zone)
    if not start and not end:
        return _preset(preset if preset in PRESETS else default, zone)
    first = _instant(start or end, zone, "from")
    last = _instant(end or start, zone, "to", whole_day=True)
    if not first < last <= first + LONGEST:
        raise Invalid("A range ends after it starts and spans at most 366 days.", param="to")
    return Period(first, last, zone)


def _preset(preset: str, zone: str) -> Period:
    now = now_ms()
    if preset.endswith("h"):
        step = 5 * MINUTE if preset == "1h" else HOUR
        end = now - now % step + step
        return Period(end - int(preset[:-1]) * HOUR, end, zone, preset)
    tomorrow = local(now, zone).date() + timedelta(days=1)
    first = tomorrow - timedelta(days=int(preset[:-1]))
    return Period(_midnight(first, zone), _midnight(tomorrow, zone), zone, preset)


def _instant(text: str, zone: str, param: str, whole_day: bool = False) -> Millis:
    try:
        wall = datetime.fromisoformat(text)
    except ValueError:
        raise Invalid(f"{text[:32]!r} is not a date such as 2026-11-22.", param=param) from None
    if wall.tzinfo is not None or not 1970 < wall.year < 9000:
        raise Invalid(f"{text[:32]!r} is not a date on the chosen time zone's clock.", param=param)
    if whole_day and len(text) == len("2026-11-22"):
        wall += timedelta(days=1)
    return _millis(wall.replace(tzinfo=ZoneInfo(zone)))


def _midnight(day: date, zone: str) -> Millis:
    return _millis(datetime.combine(day, time.min, ZoneInfo(zone)))


def _millis(at: datetime) -> Millis:
    return int(at.timestamp()) * 1000


def _days(period: Period, days: int) -> list[Millis]:
    edges, day = [period.start], local(period.start, period.zone).date()
    while edges[-1] < period.end:
        day += timedelta(days=days)
        edges.append(min(_midnight(day, period.zone), period.end))
    return edges


def _clock(period: Period, step: Millis) -> list[Millis]:
    offset = local(period.start, period.zone).utcoffset() or timedelta()
    shift = int(offset.total_seconds()) * 1000
    first = (period.start + shift) // step * step - shift
    inner = range(first + step, period.end, step)
    return [period.start, *inner, period.end]


def _labels(at: datetime, step: Millis) -> tuple[str, str]:
    if step < DAY:
        return f"{at:%H:%M}", f"{_day(at)} {at:%H:%M}"
    name = f"{at:%a} {_day(at)}" if step == DAY else f"Week of {_day(at)}"
    return (f"{at:%a}\n{at.day}" if step == DAY else _day(at)), name


def _day(at: datetime) -> str:
    return f"{at.day} {at:%b}"
