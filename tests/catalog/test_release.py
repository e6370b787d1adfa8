"""alltoken_app/catalog/release.py, alltoken_app/catalog/curated.py and what lies in data/"""

from collections import Counter

import pytest
from genai_prices import Usage as TheirUsage

from alltoken_app.catalog import cards, curated, pricing, release
from alltoken_app.catalog.curated import Lists, Model, Prices, Source, Spot, Step
from alltoken_app.clock import now_ms, to_datetime
from alltoken_app.command import price_data
from alltoken_app.money import NANO_PER_USD
from alltoken_app.providers import rows
from alltoken_app.providers.base import Usage

MISSION = frozenset({
    "openai", "anthropic", "google", "vertex", "bedrock", "azure", "mistral", "deepseek", "meta",
    "cohere", "groq", "together", "fireworks", "xai", "openrouter", "cerebras", "perplexity",
})  # fmt: skip


@pytest.fixture(scope="module")
def built() -> release.Release:
    return release.built_in()


def test_every_provider_of_the_mission_serves_models(built: release.Release) -> None:
    serving = Counter(endpoint.provider_id for endpoint in built.endpoints)
    assert serving.keys() == MISSION == {provider.id for provider in built.providers}
    known = {row.id: row.name for row in rows.ROWS}
    named = {provider.id: provider.name for provider in built.providers}
    assert all(named[id] == name for id, name in known.items() if id in named)


def test_names_are_given_once(built: release.Release) -> None:
    for ids in ([row.slug for row in built.models], [row.id for row in built.endpoints]):
        assert [id for id, count in Counter(ids).items() if count > 1] == []


def test_models_answer_to_their_makers_names_and_families_to_their_newest(
    built: release.Release,
) -> None:
    slugs = {model.slug for model in built.models}
    assert slugs.issuperset(built.aliases.values())
    assert slugs.isdisjoint(built.aliases)
    assert built.aliases["claude-sonnet-4-5-20250929"] == "anthropic/claude-sonnet-4.5"
    assert built.aliases["gpt-4o"] == built.aliases["openai/gpt-4o-2024-08-06"] == "openai/gpt-4o"
    assert built.aliases["~x-ai/grok-latest"] == "x-ai/grok-4.7"


def test_only_what_the_price_data_lacks_is_unpriced(built: release.Release) -> None:
    unpriced = {endpoint.partition(":")[0] for endpoint in built.unpriced}
    assert unpriced <= {"meta", "cohere"}
    assert len(built.unpriced) < 10


def test_every_priced_endpoint_can_be_charged_for_what_its_model_does(
    built: release.Release,
) -> None:
    kinds = {model.slug: model.kind for model in built.models}
    for endpoint in built.endpoints:
        for _, rates in built.schedules.get(endpoint.id, ()):
            price = cards.price("v", rates, now_ms())
            bases = pricing.BASES[kinds[endpoint.model_slug]]
            assert any(all(getattr(price, unit) is not None for unit in b) for b in bases)


def test_the_committed_prices_are_those_of_the_package() -> None:
    """Until a day on which announced prices begin: then `catalog publish --prices` is due."""
    kept = curated.read_prices()
    read = price_data.read(curated.read())
    assert kept.source == read.source
    changed = {
        name for name in kept.prices if kept.prices[name][0].rates != read.prices[name][0].rates
    }
    assert {name for name in changed if len(kept.prices[name]) == 1} == set()


@pytest.mark.parametrize("size", [1_000, 250_000, 300_000])
def test_our_arithmetic_is_the_packages(size: int) -> None:
    known = price_data.models()
    used = Usage(input=size, output=700, cached=size // 3)
    theirs = TheirUsage(input_tokens=size, output_tokens=700, cache_read_tokens=size // 3)
    moment = now_ms()
    for name, steps in curated.read_prices().prices.items():
        if {"input", "output"} <= steps[0].rates.keys() and steps[0].since is None:
            price = cards.price(
                "v", {"cached_input": steps[0].rates["input"]} | steps[0].rates, moment
            )
            said = known[name].get_prices(to_datetime(moment)).calc_price(theirs)
            ours = pricing.cost(price, used)
            assert ours == pytest.approx(said["total_price"] * NANO_PER_USD, abs=1), name


def lists(**model: object) -> Lists:
    facts = {"slug": "a/b", "name": "B", "kind": "chat", "description": "", "context": 1000,
             "max_output": 100, "inputs": ["text", "image"], "outputs": ["text"],
             "parameters": "few", "endpoints": [Spot("p", "b")]}  # fmt: skip
    return Lists({"p": Source("P", "", "pp", "2026-11-22")}, [Model(**{**facts, **model})],
                 {"few": ["stop"]})  # fmt: skip


def schedule(rates: cards.Rates, **model: object) -> release.Schedule:
    prices = Prices("test", "2026-11-22", {"pp/b": [Step(rates)]})
    return release.build(lists(**model), prices, "x").schedules.get("p:a/b", ())


def test_a_card_says_all_that_it_charges() -> None:
    tiered = {"input": 5, "output": 9, "tiers": [{"above": 10, "input": 7}]}
    assert schedule(tiered) == ((0, {
        "input": 5, "output": 9, "cached_input": 5, "image_input": 5,
        "tiers": [{"above": 10, "input": 7, "output": 9, "cached_input": 7, "image_input": 7}],
    }),)  # fmt: skip


def test_sound_costs_what_text_does_only_where_the_list_says_so() -> None:
    rates = {"input": 5, "output": 9}
    assert "audio_input" not in schedule(rates)[0][1]
    assert schedule(rates, priced_as_text=["audio_input"])[0][1]["audio_input"] == 5


def test_a_chat_is_never_charged_by_the_length_of_a_sound() -> None:
    assert "millisecond" not in schedule({"input": 5, "output": 9, "millisecond": 3})[0][1]


def test_an_endpoint_without_a_price_is_named_with_the_reason() -> None:
    made = release.build(lists(), Prices("test", "2026-11-22", {}), "x")
    assert made.unpriced == {"p:a/b": "no price for pp/b"}
    assert made.schedules == {}
