"""alltoken_app/catalog/pricing.py"""

from fractions import Fraction

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alltoken_app.catalog import bounds, pricing
from alltoken_app.catalog.pricing import Extras
from alltoken_app.money import rate_per_million, round_pico
from alltoken_app.providers.base import EndpointFacts, Price, Tier, Usage, sane

RATE = st.none() | st.integers(0, 10**9)
COUNT = st.integers(0, 10**6)
RATES = tuple(
    name
    for name in Price.__struct_fields__[1:]
    if name not in ("request", "tiers", "writes_unasked")
)
NOTHING_BARRED = Extras(
    cache_5m=True, cache_1h=True, audio_input=True, image_input=True, audio_output=True
)  # fmt: skip


@st.composite
def rates(draw: st.DrawFn, tiers: tuple[Tier, ...] = ()) -> Price:
    drawn = {name: draw(RATE) for name in RATES}
    return Price("v", **drawn, request=draw(st.integers(0, 10**9)), tiers=tiers)


@st.composite
def prices(draw: st.DrawFn) -> Price:
    above = sorted(draw(st.sets(COUNT, max_size=2)), reverse=True)
    return draw(rates(tuple(Tier(count, draw(rates())) for count in above)))


@st.composite
def usages(draw: st.DrawFn) -> Usage:
    """Anything an honest meter can say."""
    audio, image, cached, brief, long, output = (draw(COUNT) for _ in range(6))
    total = max(audio + image, cached + brief + long) + draw(COUNT)
    heard = draw(st.integers(0, min(audio, cached)))
    return Usage(
        input=total,
        output=output,
        cached=cached,
        reasoning=draw(st.integers(0, output)),
        cache_write_5m=brief,
        cache_write_1h=long,
        audio_input=audio,
        audio_output=draw(COUNT),
        image_input=image,
        image_output=draw(COUNT),
        searches=draw(COUNT),
        characters=draw(COUNT),
        milliseconds=draw(COUNT),
        units=draw(COUNT),
        audio_cached=heard,
        image_cached=draw(st.integers(0, min(image, cached - heard))),
    )


def quantities(price: Price, usage: Usage) -> dict[str, int]:
    return {meter: count for meter, count, *_ in pricing.lines(price, usage)}


def exact(price: Price, usage: Usage) -> int:
    return sum(product for *_, product in pricing.lines(price, usage))


def extras_of(usage: Usage) -> Extras:
    return msgspec.structs.replace(NOTHING_BARRED, known=usage)


@given(prices(), usages())
def test_the_lines_round_to_the_cost(price: Price, usage: Usage) -> None:
    assert round_pico(exact(price, usage)) == pricing.cost(price, usage)
    assert abs(pricing.cost(price, usage) - Fraction(exact(price, usage), 1000)) <= Fraction(1, 2)


@given(prices(), usages())
def test_every_token_is_charged_once(price: Price, usage: Usage) -> None:
    assert sane(usage) == usage
    counts = quantities(price, usage)
    taken = ("input", "cached_input", "audio_cached", "image_cached", "cache_write_5m",
             "cache_write_1h", "audio_input", "image_input")  # fmt: skip
    given_out = ("output", "audio_output", "image_output")
    assert sum(counts.get(meter, 0) for meter in taken) == usage.input
    assert sum(counts.get(meter, 0) for meter in given_out) == usage.output
    assert all(count > 0 for count in counts.values())


@given(prices(), usages(), COUNT, COUNT)
def test_no_honest_meter_costs_more_than_the_ceiling(
    price: Price, usage: Usage, more_input: int, more_output: int
) -> None:
    bound = pricing.ceiling(
        price, usage.input + more_input, usage.output + more_output, extras_of(usage)
    )
    assert pricing.cost(price, usage) <= bound


@given(prices(), COUNT, COUNT, COUNT, COUNT)
def test_plain_text_never_costs_more_than_the_plain_ceiling(
    price: Price, input_tokens: int, output: int, more_input: int, more_output: int
) -> None:
    bound = pricing.ceiling(price, input_tokens + more_input, output + more_output)
    for cached in (0, input_tokens // 2, input_tokens):
        usage = Usage(input=input_tokens, output=output, cached=cached)
        assert pricing.cost(price, usage) <= bound


@given(prices(), usages(), st.integers(1, 10**6))
def test_one_more_token_of_output_costs_no_more_than_the_dearest(
    price: Price, usage: Usage, more: int
) -> None:
    longer = msgspec.structs.replace(usage, output=usage.output + more)
    grown = exact(price, longer) - exact(price, usage)
    assert 0 <= grown <= more * pricing.dearest_output(price, NOTHING_BARRED)


@given(prices(), usages(), COUNT, COUNT)
def test_clamped_usage_is_sane_and_within_the_bounds(
    price: Price, usage: Usage, input_bound: int, output_bound: int
) -> None:
    kept = bounds.clamp(usage, input_bound, output_bound)
    assert sane(kept) == kept
    assert kept.input <= input_bound
    assert kept.output <= output_bound
    ceiling = pricing.ceiling(price, input_bound, output_bound, NOTHING_BARRED)
    assert pricing.cost(price, kept) <= ceiling


def card(**dollars: str) -> Price:
    return Price("v", **{name: rate_per_million(rate) for name, rate in dollars.items()})


def test_cache_writes_of_five_minutes_and_an_hour_have_prices_of_their_own() -> None:
    price = card(
        input="3", output="15", cached_input="0.3", cache_write_5m="3.75", cache_write_1h="6"
    )
    usage = Usage(input=1_000, output=10, cached=200, cache_write_5m=300, cache_write_1h=400)
    assert pricing.lines(price, usage) == [
        ("input", 100, 3_000_000, 300_000_000),
        ("cached_input", 200, 300_000, 60_000_000),
        ("cache_write_5m", 300, 3_750_000, 1_125_000_000),
        ("cache_write_1h", 400, 6_000_000, 2_400_000_000),
        ("output", 10, 15_000_000, 150_000_000),
    ]


def test_reasoning_is_output_and_is_not_charged_twice() -> None:
    price = card(input="1", output="10")
    assert pricing.cost(price, Usage(output=100, reasoning=90)) == 1_000_000


def test_sound_and_pictures_are_charged_apart_from_text() -> None:
    price = card(input="1", output="2", audio_input="10", audio_output="20", image_output="30")
    usage = Usage(input=100, output=90, audio_input=40, audio_output=30, image_output=20)
    assert quantities(price, usage) == {
        "input": 60, "audio_input": 40, "output": 40, "audio_output": 30, "image_output": 20,
    }  # fmt: skip


def test_a_long_prompt_pays_the_higher_rates_for_all_of_it() -> None:
    long = card(input="10", output="45", cached_input="1")
    price = msgspec.structs.replace(
        card(input="5", output="30", cached_input="0.5"), tiers=(Tier(272_000, long),)
    )
    assert pricing.cost(price, Usage(input=272_000)) == 272_000 * 5_000
    assert pricing.cost(price, Usage(input=272_001, cached=1)) == 272_000 * 10_000 + 1_000
    assert pricing.ceiling(price, 272_000, 1) == 272_000 * 5_000 + 30_000
    assert pricing.ceiling(price, 272_001, 1) == 272_001 * 10_000 + 45_000


def test_a_cache_that_is_filled_unasked_is_in_the_ceiling() -> None:
    price = card(input="4", output="1", cache_write_5m="5")
    assert pricing.ceiling(price, 1_000, 0) == 4_000_000
    unasked = msgspec.structs.replace(price, writes_unasked=True)
    assert pricing.ceiling(unasked, 1_000, 0) == 5_000_000


def endpoint(price: Price, *parameters: str) -> EndpointFacts:
    return EndpointFacts(
        "p:a/b", "a/b", "chat", "p", "b", 1000, 100, frozenset(parameters), "unknown", True, None,
        price,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("operation", "dollars", "extras", "missing"),
    [
        ("chat", {"input": "1", "output": "1"}, pricing.NONE, None),
        ("chat", {"input": "1"}, pricing.NONE, "output"),
        ("chat", {"output": "1"}, pricing.NONE, "input"),
        ("chat", {"input": "1", "output": "1"}, Extras(audio_input=True), "audio_input"),
        ("chat", {"input": "1", "output": "1"}, Extras(image_input=True), "image_input"),
        ("chat", {"input": "1", "output": "1"}, Extras(audio_output=True), "audio_output"),
        ("chat", {"input": "1", "output": "1"}, Extras(cache_5m=True), "cache_write_5m"),
        ("chat", {"input": "1", "output": "1"}, Extras(known=Usage(searches=1)), "search"),
        ("chat", {"input": "1", "output": "1"}, Extras(hosted=True), "hosted_tool"),
        ("embeddings", {"input": "1"}, pricing.NONE, None),
        ("embeddings", {"output": "1"}, pricing.NONE, "input"),
        ("speech", {"character": "15"}, pricing.NONE, None),
        ("speech", {"input": "1", "output": "12"}, pricing.NONE, None),
        ("speech", {"input": "1"}, pricing.NONE, "character"),
        ("transcription", {"millisecond": "0.1"}, Extras(audio_input=True), None),
        ("transcription", {"input": "1", "output": "1"}, Extras(audio_input=True), "millisecond"),
        ("rerank", {"unit": "2000"}, pricing.NONE, None),
    ],
)
def test_what_a_call_may_use_and_no_rate_prices_is_named(
    operation: str, dollars: dict[str, str], extras: Extras, missing: str | None
) -> None:
    facts = endpoint(card(**dollars), "cache_control", "web_search_options")
    assert pricing.unpriced(facts, operation, extras) == missing


def test_who_sells_cache_writes_must_price_the_long_ones_too() -> None:
    facts = endpoint(card(input="1", output="1", cache_write_5m="2"))
    assert pricing.unpriced(facts, "chat", Extras(cache_5m=True)) is None
    assert pricing.unpriced(facts, "chat", Extras(cache_5m=True, cache_1h=True)) == "cache_write_1h"


def test_a_cache_that_an_endpoint_does_not_sell_needs_no_price() -> None:
    facts = endpoint(card(input="1", output="1"))
    assert pricing.unpriced(facts, "chat", Extras(cache_5m=True, cache_1h=True)) is None
