"""alltoken_app/services/models.py"""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alltoken_app import db
from alltoken_app.clock import HOUR, now_ms
from alltoken_app.errors import NotFound
from alltoken_app.services import models, prices
from alltoken_app.services.models import ModelFilter, ModelView
from alltoken_app.services.prices import per_million
from tests.services import catalogue

shelved = pytest.mark.usefixtures("shelf")


@pytest.fixture
async def shelf(database: db.Database) -> None:
    await db.run(catalogue.fill)


async def listed(**wanted: object) -> list[str]:
    found = await db.read(models.list_models, ModelFilter(**wanted))  # type: ignore[arg-type]
    return [model.slug for model in found]


async def only(slug: str, *, member: bool = True) -> ModelView:
    found = await db.read(models.list_models, ModelFilter(), member=member)
    return next(model for model in found if model.slug == slug)


@shelved
async def test_a_model_is_listed_with_the_exact_price_of_its_cheapest_endpoint() -> None:
    talk = await only("acme/talk")
    assert (talk.input_price, talk.output_price, talk.endpoints) == ("$0.15", "$0.60", 2)
    assert (await only("acme/vectors")).input_price == "$0.000001"
    assert (await only("acme/vectors")).output_price == "–"
    assert (talk.author, talk.short, talk.href) == ("acme", "talk", "/models/acme/talk")


@shelved
async def test_the_price_in_force_is_shown_not_the_next_one() -> None:
    await db.run(catalogue.add_price, "far:acme/talk", "0.20", "0.80", now_ms() - 1)
    await db.run(catalogue.add_price, "far:acme/talk", "9", "9", now_ms() + HOUR)
    assert (await only("acme/talk")).input_price == "$0.20"


@shelved
async def test_what_is_retired_or_has_no_endpoint_is_not_listed() -> None:
    await db.run(catalogue.add_model, "acme/alone", context=1)
    assert await listed() == ["acme/talk", "acme/vectors"]
    with pytest.raises(NotFound):
        await db.read(models.model, "acme/old")


@shelved
@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({"text": "TALKS any"}, ["acme/talk"]),
        ({"text": "nothing like it"}, []),
        ({"kinds": ("embeddings",)}, ["acme/vectors"]),
        ({"providers": ("near",)}, ["acme/talk"]),
        ({"providers": ("near", "far")}, ["acme/talk", "acme/vectors"]),
        ({"zdr": ("none",)}, ["acme/vectors"]),
        ({"zdr": ("available",), "kinds": ("embeddings",)}, []),
        ({"sort": "input"}, ["acme/vectors", "acme/talk"]),
        ({"sort": "context", "descending": True}, ["acme/talk", "acme/vectors"]),
        ({"sort": "name", "descending": True}, ["acme/vectors", "acme/talk"]),
    ],
)
async def test_filters_narrow_and_sorting_orders(
    wanted: dict[str, object], found: list[str]
) -> None:
    assert await listed(**wanted) == found


@shelved
async def test_only_a_member_sees_zero_data_retention_confirmed() -> None:
    assert (await only("acme/talk", member=True)).zdr == "confirmed"
    assert (await only("acme/talk", member=False)).zdr == "available"
    page = await db.read(models.model, "acme/talk", member=True)
    assert [endpoint.zdr for endpoint in page.endpoints] == ["available", "confirmed"]


@shelved
async def test_a_model_page_has_every_endpoint_and_its_evidence() -> None:
    page = await db.read(models.model, "acme/talk", member=True)
    far, near = page.endpoints
    assert (near.provider, near.retention, near.trains) == ("Near", "No", "No")
    assert (near.evidence, near.input_price) == ("It runs here.", "$3.00")
    assert (far.retention, far.trains, far.evidence) == ("30 days", "Unknown", "")
    assert page.parameters == ["stop", "temperature"]


@shelved
async def test_the_filters_offered_are_those_that_find_something() -> None:
    facets = (await db.read(models.browse, ModelFilter(kinds=("chat",)), member=True)).facets
    assert [(facet.value, facet.count) for facet in facets.kinds] == [
        ("chat", 1),
        ("embeddings", 1),
    ]
    assert [(facet.label, facet.count) for facet in facets.providers] == [("Far", 2), ("Near", 1)]
    assert [facet.value for facet in facets.zdr] == ["confirmed", "none"]


def test_every_unit_has_its_price_and_its_words() -> None:
    rates = {
        "input": 3_000_000, "output": 15_000_000, "cached_input": 300_000, "search": 10**10,
        "request": 0, "tiers": [{"above": 200_000, "input": 6_000_000}],
        "windows": [{"start": 60, "end": 240, "input": 1_500_000}],
    }  # fmt: skip
    shown = [(price.label, price.amount) for price in prices.others(rates)]
    assert shown == [
        ("Cached input", "$0.30 /1M"), ("Web search", "$10.00 /1K"),
        ("Prompts over 200,000 tokens", ""), ("Input", "$6.00 /1M"),
        ("From 01:00–04:00 UTC", ""), ("Input", "$1.50 /1M"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("rates", "kind", "shown"),
    [
        ({"input": 20_000, "output": 0}, "embeddings", ("$0.02", "–")),
        ({"millisecond": 100_000}, "transcription", ("$0.36 /hour", "–")),
        ({"character": 15_000_000}, "speech", ("$15.00 /1M characters", "–")),
        ({"unit": 2 * 10**9}, "rerank", ("$2.00 /1K searches", "–")),
        ({"input": 0, "output": 0}, "moderation", ("$0.00", "$0.00")),
        ({}, "chat", ("–", "–")),
    ],
)
def test_what_is_not_charged_by_the_token_names_its_unit(
    rates: dict[str, int], kind: str, shown: tuple[str, str]
) -> None:
    assert (prices.taken(rates), prices.given(rates, kind)) == shown


@shelved
async def test_models_are_found_by_what_they_take_and_by_who_is_connected() -> None:
    wanted = ModelFilter(here=("connected",))
    found = await db.read(models.browse, wanted, connected=frozenset({"near"}))
    assert [(one.slug, one.here) for one in found.models] == [("acme/talk", True)]
    assert [(facet.value, facet.count) for facet in found.facets.here] == [("connected", 1)]
    assert await listed(takes=("image",)) == []
    assert await listed(takes=("text",)) == ["acme/talk", "acme/vectors"]


@given(st.integers(0, 10**12))
def test_a_price_per_million_loses_nothing(rate: int) -> None:
    shown = per_million(rate).removeprefix("$")
    assert Decimal(shown) == Decimal(rate) / 10**6
    assert len(shown.partition(".")[2]) >= 2
