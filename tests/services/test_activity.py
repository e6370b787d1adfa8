"""alltoken_app/services/activity.py, activity_detail.py"""

from dataclasses import replace

import pytest
from sqlmodel import Session

from alltoken_app import db
from alltoken_app.errors import Invalid, NotFound
from alltoken_app.services import activity
from alltoken_app.services.activity import ActivityFilter, ActivityPage
from alltoken_app.services.activity_detail import detail
from alltoken_app.services.periods import Period
from tests.services.usage_rows import actor, at, organisations, request

ALL = ActivityFilter()


def fill(session: Session) -> None:
    """Nine requests of organisation A, three at the same instant, and one of organisation B."""
    organisations(session)
    times = ["12:00", "12:01", "12:02", "12:02", "12:02", "12:03", "12:04", "12:05", "12:06"]
    rows = [request(n, f"2026-11-22 {clock}") for n, clock in enumerate(times, 1)]
    rows[1].status, rows[1].error_code = "failed", "upstream_timeout"
    rows[2].status = "cancelled"
    rows[3].model = "author/big"
    rows[4].key_id, rows[4].person_id = None, "usr_a"
    session.add_all(rows)
    session.add(request(50, "2026-11-22 12:02", org_id="org_b", key_id="key_b"))


def ids(page: ActivityPage) -> list[int]:
    return [int(row.id.removeprefix("gen_")) for row in page.rows]


async def test_pages_meet_without_gap_or_overlap_and_lead_back(database: db.Database) -> None:
    await database.run(fill)
    first = await database.read(activity.page, actor(), ALL, limit=4)
    second = await database.read(activity.page, actor(), ALL, first.next_cursor, 4)
    third = await database.read(activity.page, actor(), ALL, second.next_cursor, 4)
    assert [ids(first), ids(second), ids(third)] == [[9, 8, 7, 6], [5, 4, 3, 2], [1]]
    assert (first.place, third.place) == ("1–4 of 9", "9–9 of 9")
    assert (first.previous_cursor, third.next_cursor) == ("", "")
    back = await database.read(activity.page, actor(), ALL, third.previous_cursor, 4)
    assert back == second


async def test_a_new_request_does_not_shift_the_next_page(database: db.Database) -> None:
    await database.run(fill)
    first = await database.read(activity.page, actor(), ALL, limit=4)
    await database.run(lambda session: session.add(request(10, "2026-11-22 12:07")))
    second = await database.read(activity.page, actor(), ALL, first.next_cursor, 4)
    assert ids(second) == [5, 4, 3, 2]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (ActivityFilter(start=at("2026-11-22 12:05")), [9, 8]),
        (ActivityFilter(end=at("2026-11-22 12:01")), [1]),
        (ActivityFilter(model="author/big"), [4]),
        (ActivityFilter(key="key_a", status="ok", end=at("2026-11-22 12:03")), [4, 1]),
        (ActivityFilter(key="web"), [5]),
        (ActivityFilter(status="trouble"), [2]),
        (ActivityFilter(status="cancelled"), [3]),
        (ActivityFilter(provider="other"), []),
        (ActivityFilter(id="req_007", start=at("2027-01-01 00:00")), [7]),
        (ActivityFilter(id="gen_00_"), []),
        (ActivityFilter(book="live"), []),
    ],
)
async def test_filters(database: db.Database, wanted: ActivityFilter, found: list[int]) -> None:
    await database.run(fill)
    page = await database.read(activity.page, actor(), wanted)
    assert ids(page) == found
    assert page.total == len(found)


async def test_another_organisation_sees_nothing(database: db.Database) -> None:
    await database.run(fill)
    stranger = actor("org_b")
    assert ids(await database.read(activity.page, stranger, ALL)) == [50]
    for wanted in (ActivityFilter(key="key_a"), ActivityFilter(id="gen_001")):
        assert (await database.read(activity.page, stranger, wanted)).total == 0
    with pytest.raises(NotFound):
        await database.read(detail, stranger, "gen_001")
    choices = await database.read(activity.choices, stranger)
    assert [choice.label for choice in choices.of_key] == ["ci-b"]


@pytest.mark.parametrize(
    "cursor", ["x", "<", "<12", "<x.gen_1", "<1e3.gen_1", f"<{'9' * 40}.gen_1"]
)
async def test_a_broken_cursor_is_refused(database: db.Database, cursor: str) -> None:
    with pytest.raises(Invalid):
        await database.read(activity.page, actor(), ALL, cursor)


async def test_rows_tell_time_in_the_chosen_zone(database: db.Database) -> None:
    await database.run(fill)
    wanted = ActivityFilter(zone="Pacific/Kiritimati", id="gen_009")
    (row,) = (await database.read(activity.page, actor(), wanted)).rows
    assert (row.day, row.time, row.full) == ("23 Nov", "02:06:00", "23 Nov 2026, 02:06:00.000 +14")


async def test_the_histogram_counts_what_the_list_counts(database: db.Database) -> None:
    await database.run(fill)
    period = Period(at("2026-11-22 12:00"), at("2026-11-22 12:30"))
    wanted = replace(ALL, start=period.start, end=period.end)
    chart = await database.read(activity.histogram, actor(), wanted, period)
    assert chart.total == ["8", "1", "9"]
    assert [row.cells for row in chart.rows[:2]] == [["6", "1", "7"], ["2", "0", "2"]]


async def test_cost_lines_multiply_and_name_what_was_not_charged(database: db.Database) -> None:
    def add(session: Session) -> None:
        organisations(session)
        lines = [["input", 6_204, 3_000_000, 18_612_000_000], ["output", 2, 15_500, 31_000]]
        session.add(request(1, "2026-11-22 12:00", cost=18_612_031, held=20_000_000, lines=lines))
        session.add(request(2, "2026-11-22 12:01", cost=18_000_000, lines=lines[:1]))

    await database.run(add)
    exact = await database.read(detail, actor(), "gen_001")
    assert [(line.label, line.amount) for line in exact.lines] == [
        ("Input, 6,204 tokens × $3 per million", "$0.018612"),
        ("Output, 2 tokens × $0.0155 per million", "$0.000000031"),
    ]
    assert exact.cost == "$0.018612031"
    assert "$0.02 was held, $0.001387969 of it released" in exact.cost_note
    capped = await database.read(detail, actor(), "gen_002")
    assert capped.lines[-1].label == "Above the hold, not charged"
    assert capped.lines[-1].amount == "−$0.000612"
    assert (exact.newer, exact.older, capped.older) == ("gen_002", "", "gen_001")


async def test_the_waterfall_starts_each_try_where_the_last_ended(database: db.Database) -> None:
    def add(session: Session) -> None:
        organisations(session)
        tries = [
            {
                "provider": "local",
                "endpoint": "a",
                "status": 429,
                "ms": 200,
                "code": "rate_limited",
            },
            {"provider": "local", "endpoint": "b", "status": 200, "ms": 500, "code": None},
        ]
        session.add(
            request(1, "2026-11-22 12:00", attempts=tries, duration_ms=1000, first_token_ms=400)
        )

    await database.run(add)
    first, second = (await database.read(detail, actor(), "gen_001")).attempts
    assert (first.start, first.wait, first.end) == ("0.0%", "20.0%", "20.0%")
    assert (second.start, second.wait, second.end) == ("20.0%", "40.0%", "100.0%")
    assert first.result == "429 rate_limited after 0.20 s"
    assert (second.provider, second.result, second.tone) == ("Local engine", "200", "is-success")
