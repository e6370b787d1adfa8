"""Prices for people: every unit of a card with its name, exact."""

from dataclasses import dataclass

from alltoken_app.catalog.cards import Rates
from alltoken_app.money import Pico, usd_of_pico

THOUSAND, MILLION, MS_PER_HOUR = 1_000, 1_000_000, 3_600_000
NOTHING = "–"

# Rate → its name, how many units its price is quoted for, and the words for that.
UNITS = {
    "input": ("Input", MILLION, "/1M"),
    "cached_input": ("Cached input", MILLION, "/1M"),
    "cache_write_5m": ("Cache write, 5 min", MILLION, "/1M"),
    "cache_write_1h": ("Cache write, 1 hour", MILLION, "/1M"),
    "output": ("Output", MILLION, "/1M"),
    "image_input": ("Image input", MILLION, "/1M"),
    "image_cached": ("Cached image", MILLION, "/1M"),
    "image_output": ("Image output", MILLION, "/1M"),
    "audio_input": ("Sound input", MILLION, "/1M"),
    "audio_cached": ("Cached sound", MILLION, "/1M"),
    "audio_output": ("Sound output", MILLION, "/1M"),
    "request": ("Request", THOUSAND, "/1K"),
    "search": ("Web search", THOUSAND, "/1K"),
    "character": ("Text to speak", MILLION, "/1M characters"),
    "millisecond": ("Sound", MS_PER_HOUR, "/hour"),
    "unit": ("Search", THOUSAND, "/1K searches"),
}
IN_COLUMNS = ("input", "output")
INSTEAD = ("millisecond", "character", "unit")  # what else an endpoint may charge its input by


@dataclass(frozen=True)
class PriceView:
    """One unit's price, or (without an amount) the heading of those that follow."""

    label: str = ""
    amount: str = ""


def per_million(rate: Pico) -> str:
    """A rate per token, as its exact price per million: 150_000 -> "$0.15"."""
    return _dollars(rate * MILLION)


def taken(rates: Rates) -> str:
    """What goes in costs: per million tokens, or by what else it is charged."""
    if rates.get("input") is not None:
        return per_million(rates["input"])
    unit = next((unit for unit in INSTEAD if rates.get(unit) is not None), None)
    return _amount(unit, rates[unit]) if unit else NOTHING


def given(rates: Rates, kind: str) -> str:
    """What comes out costs, per million tokens."""
    output = rates.get("output")
    if output is None or (kind == "embeddings" and not output):
        return NOTHING
    return per_million(output)


def others(rates: Rates) -> list[PriceView]:
    """Every price but those of input and output, then those of long prompts and of hours."""
    shown = _listed({unit: rate for unit, rate in rates.items() if unit not in IN_COLUMNS})
    for tier in rates.get("tiers", ()):
        shown += [PriceView(f"Prompts over {tier['above']:,} tokens"), *_listed(tier)]
    for window in rates.get("windows", ()):
        hours = f"{_clock(window['start'])}–{_clock(window['end'])} UTC"
        shown += [PriceView(f"From {hours}"), *_listed(window)]
    return shown


def _listed(rates: Rates) -> list[PriceView]:
    return [
        PriceView(name, _amount(unit, rates[unit]))
        for unit, (name, _, _) in UNITS.items()
        if rates.get(unit) is not None and (rates[unit] or unit != "request")
    ]


def _amount(unit: str, rate: Pico) -> str:
    _, quantity, words = UNITS[unit]
    return f"{_dollars(rate * quantity)} {words}"


def _dollars(pico: Pico) -> str:
    dollars, _, fraction = usd_of_pico(pico).partition(".")
    return f"${dollars}.{fraction.ljust(2, '0')}"


def _clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"
