"""Reads the rates of a price card: which hold at a moment, and when others will."""

from typing import Any, TypeAlias

from alltoken_app.clock import DAY, MINUTE, Millis
from alltoken_app.providers.base import Price, Tier

Rates: TypeAlias = dict[str, Any]  # pico-USD by name; "tiers", "windows" and "writes_unasked"

PLAIN = tuple(
    name
    for name in Price.__struct_fields__
    if name not in ("version", "tiers", "writes_unasked")
)  # fmt: skip


def price(version: str, rates: Rates, at: Millis) -> Price:
    """The rates of a card as they are at a moment (some change with the hour, in UTC)."""
    for window in rates.get("windows", ()):
        if _within(window, at):
            return _price(version, {**rates, "tiers": (), **window})
    return _price(version, rates)


def next_change(rates: Rates, at: Millis) -> Millis | None:
    """The next moment at which the hour changes these rates; None when it never does."""
    edges = {window[edge] for window in rates.get("windows", ()) for edge in ("start", "end")}
    day = at - at % DAY
    coming = [day + edge * MINUTE + more for edge in edges for more in (0, DAY)]
    return min((moment for moment in coming if moment > at), default=None)


def plain(rates: Rates) -> Rates:
    """The rates themselves, by the names of `Price`."""
    return {name: rates[name] for name in PLAIN if rates.get(name) is not None}


def _price(version: str, rates: Rates) -> Price:
    tiers = sorted(rates.get("tiers", ()), key=lambda tier: -int(tier["above"]))
    unasked = bool(rates.get("writes_unasked"))
    own: Rates = plain(rates)
    return Price(
        version,
        **own,
        writes_unasked=unasked,
        tiers=tuple(
            Tier(tier["above"], Price(version, **plain(tier), writes_unasked=unasked))
            for tier in tiers
        ),
    )


def _within(window: Rates, at: Millis) -> bool:
    minute = at % DAY // MINUTE
    start, end = int(window["start"]), int(window["end"])
    return start <= minute < end if start < end else minute >= start or minute < end
