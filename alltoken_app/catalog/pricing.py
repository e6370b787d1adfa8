"""From usage to money: integer pico per line, one rounding per request."""

from collections.abc import Iterator

import msgspec

from alltoken_app.money import Nano, Pico, round_pico
from alltoken_app.providers.base import EndpointFacts, Price, Usage

Line = tuple[str, int, Pico, Pico]  # meter, quantity, rate, product

# What an operation is charged by. Each alternative is a set of rates a card must have together.
BASES: dict[str, tuple[tuple[str, ...], ...]] = {
    "chat": (("input", "output"),),
    "completions": (("input", "output"),),
    "embeddings": (("input",),),
    "moderation": (("input",),),
    "transcription": (("millisecond",), ("input", "audio_input", "output")),
    "translation": (("millisecond",), ("input", "audio_input", "output")),
    "speech": (("character",), ("input", "output")),
    "rerank": (("unit",), ("input",)),
}


class Extras(msgspec.Struct, frozen=True):
    """What one call may use beside text going in and text coming out.

    Attributes:
        known: Counts that are certain or bounded beforehand: searches, characters, milliseconds
            and units.
        hosted: A tool that the provider runs and charges for in units that no card prices.
    """

    cache_5m: bool = False
    cache_1h: bool = False
    audio_input: bool = False
    image_input: bool = False
    audio_output: bool = False
    known: Usage = Usage()
    hosted: bool = False


NONE = Extras()


def lines(price: Price, usage: Usage) -> list[Line]:
    """What is charged, as [meter, quantity, rate, quantity × rate] in pico-USD.

    Meters are disjoint. Tokens of a kind the card has no rate for count as ordinary tokens: never
    free.
    """
    card = _at(price, usage.input)
    metered = _metered(card, usage) if special(usage) else _plain(card, usage)
    return [(meter, n, rate, n * rate) for meter, n, rate in metered if n]


def cost(price: Price, usage: Usage) -> Nano:
    """What `usage` costs, rounded once, half to even."""
    if price.tiers or special(usage):
        return round_pico(sum(product for _, _, _, product in lines(price, usage)))
    base = price.input or 0
    cached = base if price.cached_input is None else price.cached_input
    return round_pico(
        price.request
        + (usage.input - usage.cached) * base
        + usage.cached * cached
        + usage.output * (price.output or 0)
    )


def ceiling(price: Price, input_tokens: int, output_tokens: int, extras: Extras = NONE) -> Nano:
    """The most a call can cost that uses no more than this: every token at its dearest rate."""
    worst = _worst(price, input_tokens, output_tokens, extras)
    for tier in price.tiers:
        if input_tokens > tier.above:
            worst = max(worst, _worst(tier.price, input_tokens, output_tokens, extras))
    return -(-worst // 1_000)


def dearest_output(price: Price, extras: Extras = NONE) -> Pico:
    """The most that one more token of output can cost."""
    dearest = _output_rate(price, extras)
    for tier in price.tiers:
        dearest = max(dearest, _output_rate(tier.price, extras))
    return dearest


def unpriced(endpoint: EndpointFacts, operation: str, extras: Extras = NONE) -> str | None:
    """The unit this call may use that the endpoint's card has no rate for; None when all do."""
    price = endpoint.price
    priced = price.input is not None and price.output is not None
    if extras is NONE and priced and operation == "chat":
        return None
    bases = BASES[operation]
    if not any(all(getattr(price, rate) is not None for rate in base) for base in bases):
        return next(rate for rate in bases[0] if getattr(price, rate) is None)
    if extras is NONE:
        return None
    if extras.hosted:
        return "hosted_tool"
    return next((unit for unit in _needed(endpoint, extras) if getattr(price, unit) is None), None)


def _needed(endpoint: EndpointFacts, extras: Extras) -> Iterator[str]:
    if extras.audio_input and endpoint.price.millisecond is None:
        yield "audio_input"
    if extras.image_input:
        yield "image_input"
    if extras.audio_output:
        yield "audio_output"
    price = endpoint.price
    on_request = price.cache_write_5m is not None and not price.writes_unasked
    if on_request or "cache_control" in endpoint.parameters:
        if extras.cache_5m:
            yield "cache_write_5m"
        if extras.cache_1h:
            yield "cache_write_1h"
    if extras.known.searches and "web_search_options" in endpoint.parameters:
        yield "search"


def _at(price: Price, input_tokens: int) -> Price:
    for tier in price.tiers:
        if input_tokens > tier.above:
            return tier.price
    return price


def special(usage: Usage) -> bool:
    """Whether it counts anything beside tokens of text."""
    return bool(
        usage.cache_write_5m
        or usage.cache_write_1h
        or usage.audio_input
        or usage.audio_output
        or usage.image_input
        or usage.image_output
        or usage.searches
        or usage.characters
        or usage.milliseconds
        or usage.units
    )


def _plain(price: Price, usage: Usage) -> tuple[tuple[str, int, Pico], ...]:
    base = price.input or 0
    return (
        ("request", 1 if price.request else 0, price.request),
        ("input", usage.input - usage.cached, base),
        ("cached_input", usage.cached, _or(price.cached_input, base)),
        ("output", usage.output, price.output or 0),
    )


def _metered(price: Price, usage: Usage) -> Iterator[tuple[str, int, Pico]]:
    """Every meter with its count and rate; the counts of tokens add up to input and output."""
    base, output = price.input or 0, price.output or 0
    cached = _or(price.cached_input, base)
    write = _or(price.cache_write_5m, base)
    writes = usage.cache_write_5m + usage.cache_write_1h
    rest = usage.input - usage.cached - writes
    audio = min(usage.audio_input - usage.audio_cached, rest)
    image = min(usage.image_input - usage.image_cached, rest - audio)
    spoken = min(usage.audio_output, usage.output)
    drawn = min(usage.image_output, usage.output - spoken)
    if price.request:
        yield "request", 1, price.request
    yield "input", rest - audio - image, base
    yield "cached_input", usage.cached - usage.audio_cached - usage.image_cached, cached
    yield "audio_cached", usage.audio_cached, _or(price.audio_cached, cached)
    yield "image_cached", usage.image_cached, _or(price.image_cached, cached)
    yield "cache_write_5m", usage.cache_write_5m, write
    yield "cache_write_1h", usage.cache_write_1h, _or(price.cache_write_1h, write)
    yield "audio_input", audio, _or(price.audio_input, base)
    yield "image_input", image, _or(price.image_input, base)
    yield "output", usage.output - spoken - drawn, output
    yield "audio_output", spoken, _or(price.audio_output, output)
    yield "image_output", drawn, _or(price.image_output, output)
    yield "search", usage.searches, price.search or 0
    yield "character", usage.characters, price.character or 0
    yield "millisecond", usage.milliseconds, price.millisecond or 0
    yield "unit", usage.units, price.unit or 0


def _or(rate: Pico | None, otherwise: Pico) -> Pico:
    return otherwise if rate is None else rate


def _worst(price: Price, input_tokens: int, output_tokens: int, extras: Extras) -> Pico:
    pico = price.request + output_tokens * _output_rate(price, extras)
    if extras is NONE and not price.writes_unasked:
        return pico + input_tokens * max(price.input or 0, price.cached_input or 0)
    known = extras.known
    return (
        pico
        + input_tokens * max(rate or 0 for rate in _input_rates(price, extras))
        + known.searches * (price.search or 0)
        + known.characters * (price.character or 0)
        + known.milliseconds * (price.millisecond or 0)
        + known.units * (price.unit or 0)
    )


def _input_rates(price: Price, extras: Extras) -> Iterator[Pico | None]:
    yield from (price.input, price.cached_input)
    if extras.audio_input:
        yield from (price.audio_input, price.audio_cached)
    if extras.image_input:
        yield from (price.image_input, price.image_cached)
    if extras.cache_5m or price.writes_unasked:
        yield price.cache_write_5m
    if extras.cache_1h:
        yield price.cache_write_1h


def _output_rate(price: Price, extras: Extras) -> Pico:
    """Images come unasked from models that draw; sound only when it is asked for."""
    dearest = max(price.output or 0, price.image_output or 0)
    return max(dearest, price.audio_output or 0) if extras.audio_output else dearest
