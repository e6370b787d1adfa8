"""What providers do with prompts, in words for people."""

from alltoken_app.clock import Millis, to_datetime
from alltoken_app.tables.catalog import Endpoint, Provider

ZDR = {"confirmed": "confirmed", "offered": "available", "none": "none"}  # others: unknown
VISITORS = {"confirmed": "available"}  # nothing is confirmed for an account nobody has
ZDR_LABELS = {
    "confirmed": "ZDR confirmed",
    "available": "ZDR available",
    "none": "No ZDR",
    "unknown": "Unknown",
}
TRAINS = {True: "Yes", False: "No", None: "Unknown"}


def zdr(row: Endpoint | Provider, member: bool) -> str:
    """One of `ZDR_LABELS`: only to a member is it ever confirmed."""
    state = ZDR.get(row.zdr, "unknown")
    return state if member else VISITORS.get(state, state)


def retention(days: int | None) -> str:
    """How long prompts are kept."""
    if days is None:
        return "Unknown"
    return "No" if days == 0 else f"{days} day{'s' if days > 1 else ''}"


def day(at: Millis | None) -> str:
    """A date; "" when there is none."""
    if at is None:
        return ""
    found = to_datetime(at)
    return f"{found.day} {found:%b %Y}"
