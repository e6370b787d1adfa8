"""alltoken_app/services/usage.py, periods.py, charts.py"""

from itertools import pairwise

import pytest
import time_machine
from sqlmodel import Session

from alltoken_app import db
from alltoken_app.errors import Invalid
from alltoken_app.services import activity, charts, periods
from alltoken_app.services.activity import ActivityFilter
from alltoken_app.services.periods import Period
from alltoken_app.services.usage import By, usage
from alltoken_app.tables.key import ApiKey
from tests.services.usage_rows import actor, at, organisations, request

WEEK = Period(at("2026-11-16 00:00"), at("2026-11-23 00:00"))


def fill(session: Session) -> None:
    """Two weeks of requests from eight models, with a stranger's in between."""
    organisations(session)
    for number in range(1, 57):
        session.add(
            request(
                number,
                f"2026-11-{9 + number // 4:02d} {number % 24:02d}:30",
                model=f"author/m{number % 8}",
                key_id="key_a" if number % 3 else None,
                status="failed" if number % 10 == 0 else "ok",
                first_token_ms=None if number % 2 else number,
            )
        )
    session.add(request(90, "2026-11-18 10:00", org_id="org_b", key_id="key_b"))


def dollars(text: str) -> float:
    return float(text.replace("$", "").replace(",", ""))


@pytest.mark.parametrize("by", ["model", "key", "provider"])
async def test_every_total_is_the_sum_of_the_rows(database: db.Database, by: By) -> None:
    await database.run(fill)
    view = await database.read(usage, actor(), WEEK, by)
    inside = [n for n in range(1, 57) if WEEK.start <= request(n, _when(n)).created_at < WEEK.end]
    assert view.spend_nano == sum(inside) * 1_000
    assert view.count == len(inside)
    assert sum(dollars(row.cells[-1]) for row in view.chart.rows) == pytest.approx(
        sum(inside) / 1e6
    )
    for shares in (view.models, view.keys):
        assert sum(dollars(share.spend) for share in shares) == pytest.approx(sum(inside) / 1e6)
        assert sum(int(share.requests) for share in shares) == len(inside)
    assert view.errors_note == f"{sum(n % 10 == 0 for n in inside)} of {len(inside)}"
    assert view.duration == f"{sorted(inside)[(len(inside) - 1) // 2]} ms"


def _when(number: int) -> str:
    return f"2026-11-{9 + number // 4:02d} {number % 24:02d}:30"


async def test_a_sixth_series_and_more_become_one(database: db.Database) -> None:
    await database.run(fill)
    view = await database.read(usage, actor(), WEEK, "model")
    assert [one.name for one in view.chart.series][-1] == "3 other"
    assert len(view.chart.series) == 6
    assert [share.css for share in view.models][-1] == charts.OTHER


async def test_many_models_are_listed_as_the_biggest_and_the_rest(database: db.Database) -> None:
    def add(session: Session) -> None:
        organisations(session)
        session.add_all(
            request(n, "2026-11-20 12:00", model=f"author/m{n:02d}") for n in range(1, 13)
        )

    await database.run(add)
    shares = (await database.read(usage, actor(), WEEK)).models
    assert [share.name for share in shares][-2:] == ["author/m05", "4 other"]
    assert (shares[-1].id, shares[-1].requests, shares[-1].spend) == ("", "4", "$0.00001")


async def test_another_organisation_sees_nothing(database: db.Database) -> None:
    await database.run(fill)
    assert (await database.read(usage, actor("org_b"), WEEK)).count == 1
    assert (await database.read(usage, actor("org_c"), WEEK)).count == 0


@pytest.mark.parametrize(
    ("zone", "first_day"),
    [("Pacific/Kiritimati", "Sun 22 Nov"), ("UTC", "Sat 21 Nov"), ("Etc/GMT+12", "Fri 20 Nov")],
)
async def test_buckets_follow_the_zone(database: db.Database, zone: str, first_day: str) -> None:
    def add(session: Session) -> None:
        organisations(session)
        session.add(request(7, "2026-11-21 11:00"))

    await database.run(add)
    with time_machine.travel("2026-11-22T09:00:00Z", tick=False):
        period = periods.read("7d", "", "", zone)
    view = await database.read(usage, actor(), period)
    assert [row.name for row in view.chart.rows if row.cells[-1] != "$0.00"] == [first_day]


def test_days_of_a_clock_change_have_23_and_25_hours() -> None:
    spring = periods.read("", "2026-03-28", "2026-03-30", "Europe/Lisbon").buckets()
    autumn = periods.read("", "2026-10-24", "2026-10-26", "Europe/Lisbon").buckets()
    hour = 3_600_000
    assert [
        (b.end - b.start) // hour
        for b in periods.Period(spring[0].start, spring[-1].end, "Europe/Lisbon").buckets()
    ] == [24, 23, 24]
    assert [(b.end - b.start) // hour for b in autumn] == [24, 25, 24]


@pytest.mark.parametrize(
    "zone", ["UTC", "Asia/Kathmandu", "Australia/Lord_Howe", "America/St_Johns"]
)
@pytest.mark.parametrize("preset", list(periods.PRESETS))
def test_buckets_cover_the_range_once(preset: str, zone: str) -> None:
    with time_machine.travel("2026-10-04T15:10:00Z", tick=False):
        period = periods.read(preset, "", "", zone)
    buckets = period.buckets()
    assert (buckets[0].start, buckets[-1].end) == (period.start, period.end)
    assert all(a.end == b.start < b.end for a, b in pairwise(buckets))


@pytest.mark.parametrize(
    ("start", "end", "zone"),
    [
        ("2026-11-22", "2026-11-21", "UTC"),
        ("2024-01-01", "2026-01-01", "UTC"),
        ("yesterday", "", "UTC"),
        ("2026-11-22T10:00+02:00", "", "UTC"),
        ("0001-01-01", "", "UTC"),
        ("", "", "Mars/Olympus"),
        ("", "", "../etc/passwd"),
    ],
)
def test_a_range_that_makes_no_sense_is_refused(start: str, end: str, zone: str) -> None:
    with pytest.raises(Invalid):
        periods.read("", start, end, zone)


def test_an_end_day_is_included() -> None:
    assert periods.read("", "2026-11-16", "2026-11-22", "UTC") == WEEK
    assert WEEK.shown == "16 – 22 Nov 2026"


@pytest.mark.parametrize("highest", [0, 1, 3, 9, 999, 41_200_000_000, 7])
def test_the_scale_is_round_and_holds_the_highest(highest: int) -> None:
    top = charts.nice_top(highest, 4)
    assert top >= max(highest, 4)
    assert top % 4 == 0
    assert top <= max(highest * 2.5, 4)


async def test_a_rotated_key_stays_one_key(database: db.Database) -> None:
    def add(session: Session) -> None:
        organisations(session)
        old = session.get_one(ApiKey, "key_a").model_dump(exclude={"id", "digest"})
        session.add(ApiKey(**(old | {"id": "key_old", "digest": "old", "replaced_by": "key_a"})))
        session.add(request(1, "2026-11-20 12:00", key_id="key_old"))
        session.add(request(2, "2026-11-20 13:00"))

    await database.run(add)
    view = await database.read(usage, actor(), WEEK)
    assert [(share.id, share.name, share.requests) for share in view.keys] == [
        ("key_a", "ci-a", "2")
    ]
    page = await database.read(activity.page, actor(), ActivityFilter(key="key_a"))
    assert page.total == 2
