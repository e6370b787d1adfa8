"""Calendar periods of budgets, in UTC: day, week (from Monday), month, total."""

from datetime import timedelta

from alltoken_app.clock import DAY, Millis, to_datetime

PERIODS = ("day", "week", "month", "total")

_MONDAY = 3  # the epoch was a Thursday


def period_start(period: str, at: Millis) -> Millis:
    """When the period that contains `at` began; 0 for "total".

    Raises:
        ValueError: Not one of PERIODS.
    """
    today = at - at % DAY
    match period:
        case "day":
            return today
        case "week":
            return today - (today // DAY + _MONDAY) % 7 * DAY
        case "month":
            return today - (to_datetime(at).day - 1) * DAY
        case "total":
            return 0
    raise ValueError(f"{period!r} is not a period; one of {', '.join(PERIODS)} is")


def resets_at(period: str, at: Millis) -> Millis | None:
    """When the period that contains `at` ends and spending starts over; None for "total".

    Raises:
        ValueError: Not one of PERIODS.
    """
    start = period_start(period, at)
    match period:
        case "day":
            return start + DAY
        case "week":
            return start + 7 * DAY
        case "month":
            later = to_datetime(start) + timedelta(days=32)
            return period_start("month", int(later.timestamp()) * 1000)
    return None
