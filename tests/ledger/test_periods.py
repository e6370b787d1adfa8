"""alltoken_app/ledger/periods.py"""

from datetime import datetime

import pytest

from alltoken_app.ledger.periods import period_start, resets_at


def ms(text: str) -> int:
    return int(datetime.fromisoformat(f"{text}+00:00").timestamp() * 1000)


@pytest.mark.parametrize(
    ("period", "start", "end"),
    [
        ("day", "2028-02-29T00:00", "2028-03-01T00:00"),
        ("week", "2028-02-28T00:00", "2028-03-06T00:00"),
        ("month", "2028-02-01T00:00", "2028-03-01T00:00"),
    ],
)
def test_a_period_is_a_calendar_period_in_utc(period: str, start: str, end: str) -> None:
    for at in (ms("2028-02-29T00:00"), ms("2028-02-29T23:59:59.999")):
        assert (period_start(period, at), resets_at(period, at)) == (ms(start), ms(end))


def test_a_week_begins_on_monday() -> None:
    assert period_start("week", ms("2026-11-22T23:59")) == ms("2026-11-16T00:00")
    assert period_start("week", ms("2026-11-23T00:00")) == ms("2026-11-23T00:00")


def test_a_total_never_starts_over() -> None:
    assert (period_start("total", ms("2026-11-22T12:00")), resets_at("total", 5)) == (0, None)


def test_december_ends_in_january() -> None:
    assert resets_at("month", ms("2026-12-31T23:00")) == ms("2027-01-01T00:00")


def test_an_unknown_period_is_refused() -> None:
    with pytest.raises(ValueError, match="fortnight"):
        resets_at("fortnight", 0)
