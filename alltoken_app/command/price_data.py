"""Reads prices from the `genai-prices` package, when a catalogue is published and never later."""

from collections.abc import Iterable, Iterator
from datetime import date
from decimal import Decimal
from importlib.metadata import version
from typing import Any

from alltoken_app.catalog.cards import Rates
from alltoken_app.catalog.curated import Lists, Prices, Spot, Step
from alltoken_app.clock import now_ms, to_datetime
from alltoken_app.command.says import Stopped
from alltoken_app.money import PICO_PER_USD

PACKAGE = "genai-prices"
MILLION, THOUSAND, MS_PER_HOUR = 10**6, 10**3, 3_600_000

# The package's units → ours, and how many of ours its price is for.
UNITS = {
    "input_mtok": ("input", MILLION),
    "output_mtok": ("output", MILLION),
    "cache_read_mtok": ("cached_input", MILLION),
    "cache_write_mtok": ("cache_write_5m", MILLION),
    "cache_write_5m_mtok": ("cache_write_5m", MILLION),
    "cache_write_1h_mtok": ("cache_write_1h", MILLION),
    "input_audio_mtok": ("audio_input", MILLION),
    "output_audio_mtok": ("audio_output", MILLION),
    "cache_audio_read_mtok": ("audio_cached", MILLION),
    "input_image_mtok": ("image_input", MILLION),
    "output_image_mtok": ("image_output", MILLION),
    "cache_image_read_mtok": ("image_cached", MILLION),
    "web_searches_kcount": ("search", THOUSAND),
    "requests_kcount": ("request", THOUSAND),
    "input_mchars": ("character", MILLION),
    "audio_hours": ("millisecond", MS_PER_HOUR),
    "input_audio_hours": ("millisecond", MS_PER_HOUR),
}
# Sold beside answers, by tools or kinds of input that no endpoint of ours offers.
NOT_OFFERED = frozenset({"storage_searches_kcount", "input_video_mtok"})


def read(lists: Lists) -> Prices:
    """The prices of every endpoint in the lists that the package knows.

    Raises:
        Stopped: The package is not installed.
    """
    known = models()
    today = to_datetime(now_ms()).date()
    named = sorted({name for name in _names(lists) if name in known})
    found = {name: list(_steps(known[name], today)) for name in named}
    return Prices(
        source=f"{PACKAGE} {version(PACKAGE)}",
        day=today.isoformat(),
        prices={name: steps for name, steps in found.items() if steps},
    )


def _names(lists: Lists) -> Iterator[str]:
    for model in lists.models:
        for spot in model.endpoints:
            yield price_name(lists, spot)


def price_name(lists: Lists, spot: Spot) -> str:
    """Which price of the data an endpoint asks for."""
    return spot.price or f"{lists.providers[spot.at.partition('/')[0]].prices}/{spot.upstream}"


def models() -> dict[str, Any]:
    """Every model of the package, by "provider/model"; a provider's fallbacks stand in for it."""
    try:
        from genai_prices.data import providers
    except ImportError as error:
        raise Stopped(f"Publishing reads prices from {PACKAGE}: pip install {PACKAGE}") from error
    own = {provider.id: {model.id: model for model in provider.models} for provider in providers}
    found: dict[str, Any] = {}
    for provider in providers:
        for source in (*reversed(provider.fallback_model_providers or ()), provider.id):
            found |= {f"{provider.id}/{id}": model for id, model in own.get(source, {}).items()}
    return found


def _steps(model: Any, today: date) -> Iterator[Step]:
    """What holds today, and each change that is announced. Nothing for what we cannot charge by."""
    prices = model.prices if isinstance(model.prices, list) else [_Always(model.prices)]
    windows = [one for one in prices if hasattr(one.constraint, "start_time")]
    dated = sorted((one for one in prices if one not in windows), key=_since)
    past = [one for one in dated if _since(one) <= today]
    coming = [one for one in dated if _since(one) > today]
    for one in (*past[-1:], *coming):
        rates = _rates(one.prices)
        if not rates:
            return
        if windows:
            rates["windows"] = [_window(window) for window in windows]
        since = _since(one)
        yield Step(rates, since.isoformat() if since > today else None)


class _Always:
    """Prices that were never other ones."""

    constraint = None

    def __init__(self, prices: Any) -> None:
        self.prices = prices


def _since(conditional: Any) -> date:
    return getattr(conditional.constraint, "start_date", date.min)


def _window(conditional: Any) -> Rates:
    start, end = conditional.constraint.start_time, conditional.constraint.end_time
    minutes = {"start": start.hour * 60 + start.minute, "end": end.hour * 60 + end.minute}
    return minutes | _rates(conditional.prices)


def _rates(prices: Any) -> Rates:
    given = {
        unit: price
        for unit, price in vars(prices).items()
        if price is not None and not unit.startswith("_") and unit not in NOT_OFFERED
    }
    if given.keys() - UNITS.keys():
        return {}
    rates: Rates = {UNITS[unit][0]: _pico(_base(price), unit) for unit, price in given.items()}
    tiers = [_tier(above, given) for above in _starts(given.values())]
    return rates | {"tiers": tiers} if tiers else rates


def _starts(prices: Iterable[Any]) -> list[int]:
    return sorted({tier.start for price in prices for tier in getattr(price, "tiers", ())})


def _tier(above: int, given: dict[str, Any]) -> Rates:
    rates: Rates = {"above": above}
    for unit, price in given.items():
        reached = [tier.price for tier in getattr(price, "tiers", ()) if tier.start <= above]
        rates[UNITS[unit][0]] = _pico(reached[-1] if reached else _base(price), unit)
    return rates


def _base(price: Any) -> Decimal:
    return Decimal(getattr(price, "base", price))


def _pico(dollars: Decimal, unit: str) -> int:
    """Pico-USD per unit, rounded to a whole one: from here on this is the price."""
    return round(dollars * PICO_PER_USD / UNITS[unit][1])
