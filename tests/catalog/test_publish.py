"""alltoken_app/catalog/publish.py and snapshot.py, on both databases"""

from collections.abc import Iterator

import pytest
import time_machine
from sqlmodel import Session, select

from alltoken_app import db
from alltoken_app.catalog import publish, snapshot
from alltoken_app.catalog.cards import Rates
from alltoken_app.catalog.publish import Change
from alltoken_app.catalog.release import Release
from alltoken_app.clock import DAY, HOUR, now_ms
from alltoken_app.providers.base import Price
from alltoken_app.tables.catalog import PUBLISHED, AiModel, Endpoint, PriceCard, Provider

CHEAP: Rates = {"input": 100, "output": 200}
DEAR: Rates = {"input": 110, "output": 200}


@pytest.fixture(autouse=True)
def still() -> Iterator[time_machine.Traveller]:
    with time_machine.travel("2026-11-22T12:00:00Z", tick=False) as traveller:
        yield traveller


def made(*schedule: tuple[int, Rates], digest: str = "1", name: str = "B") -> Release:
    """One model at one provider, at these prices."""
    model = AiModel(
        slug="a/b", name=name, author="a", kind="chat", context=10, max_output=5,
        input_modalities=["text"], output_modalities=["text"],
    )  # fmt: skip
    endpoint = Endpoint(
        id="p:a/b", model_slug="a/b", provider_id="p", tag="p", upstream_model="b", context=10,
        max_output=5, parameters=["stop"], origin=PUBLISHED,
    )  # fmt: skip
    schedules = {"p:a/b": schedule} if schedule else {}
    return Release(digest, "test", 0, [Provider(id="p", name="P")], [model], [endpoint], schedules)


def empty(digest: str = "none") -> Release:
    return Release(digest, "test", 0, [Provider(id="p", name="P")], [], [], {})


async def put(release: Release) -> None:
    await db.run(publish.publish, release)


async def price() -> Price:
    catalog = await db.read(snapshot.load)
    return catalog.models["a/b"].endpoints[0].price


def cards_of(session: Session) -> list[Rates]:
    return [card.rates for card in session.exec(select(PriceCard))]


async def test_what_is_published_can_be_routed_and_differs_no_more(database: db.Database) -> None:
    release = made((0, CHEAP))
    shown = await db.read(publish.diff, release)
    assert [(change.what, change.table) for change in shown] == [
        ("added", "provider"), ("added", "model"), ("added", "endpoint"), ("added", "price"),
    ]  # fmt: skip
    await put(release)
    assert (await price()).input == 100
    assert await db.read(publish.diff, release) == []


async def test_the_same_rates_make_no_second_card_and_others_do(
    database: db.Database, still: time_machine.Traveller
) -> None:
    await put(made((0, CHEAP)))
    before = await price()
    still.shift(60)
    await put(made((0, CHEAP), digest="2"))
    assert await price() == before
    still.shift(60)
    await put(made((0, DEAR), digest="3"))
    assert (await price()).input == 110
    assert (await price()).version != before.version
    assert await db.read(cards_of) == [CHEAP, DEAR]


async def test_an_announced_price_begins_on_its_day(
    database: db.Database, still: time_machine.Traveller
) -> None:
    release = made((0, CHEAP), (now_ms() + DAY, DEAR))
    await put(release)
    assert (await price()).input == 100
    assert (await db.read(snapshot.load)).changes_at == now_ms() + DAY
    assert await db.read(publish.diff, release) == []
    still.shift(DAY / 1000)
    assert (await price()).input == 110
    assert (await db.read(snapshot.load)).changes_at is None


async def test_an_announced_price_can_be_taken_back(
    database: db.Database, still: time_machine.Traveller
) -> None:
    await put(made((0, CHEAP), (now_ms() + DAY, DEAR)))
    still.shift(HOUR / 1000)
    await put(made((0, CHEAP), digest="2"))
    still.shift(DAY / 1000)
    assert (await price()).input == 100


@pytest.mark.parametrize(
    ("rates", "details", "alarming"),
    [
        (DEAR, ("input: $0.0000000001 → $0.00000000011",), False),
        ({**CHEAP, "input": 121}, ("input: $0.0000000001 → $0.000000000121",), True),
        ({**CHEAP, "input": 0}, ("input: $0.0000000001 → $0",), True),
        ({"input": 100}, ("output: $0.0000000002 → none",), True),
        ({**CHEAP, "search": 5}, ("search: none → $0.000000000005",), False),
    ],
)
async def test_prices_that_jump_or_vanish_want_a_persons_eyes(
    database: db.Database, rates: Rates, details: tuple[str, ...], alarming: bool
) -> None:
    await put(made((0, CHEAP)))
    changes = await db.read(publish.diff, made((0, rates), digest="2"))
    assert changes == [Change("changed", "price", "p:a/b", details, alarming)]


async def test_an_endpoint_that_is_dropped_is_switched_off_and_can_come_back(
    database: db.Database,
) -> None:
    await put(made((0, CHEAP)))
    changes = await db.read(publish.diff, empty())
    assert [(c.what, c.table, c.alarming) for c in changes] == [
        ("removed", "endpoint", True), ("removed", "model", False),
    ]  # fmt: skip
    await put(empty())
    assert "a/b" not in (await db.read(snapshot.load)).models
    await put(made((0, CHEAP), digest="2"))
    assert (await price()).input == 100


async def test_without_a_price_there_are_no_rates(database: db.Database) -> None:
    await put(made())
    assert await price() == snapshot.UNPRICED
    await put(made((0, CHEAP), digest="2"))
    await put(made(digest="3"))
    assert (await price()).input is None


async def test_a_changed_fact_is_shown_and_written(database: db.Database) -> None:
    await put(made((0, CHEAP)))
    renamed = made((0, CHEAP), digest="2", name="Better")
    assert await db.read(publish.diff, renamed) == [
        Change("changed", "model", "a/b", ("name: B → Better",))
    ]
    await put(renamed)
    assert (await db.read(snapshot.load)).models["a/b"].name == "Better"


async def test_what_came_with_the_program_is_published_once(database: db.Database) -> None:
    assert await db.run(publish.publish_built_in) is True
    assert await db.run(publish.publish_built_in) is False
    assert len((await db.read(snapshot.load)).models) > 100


async def test_what_an_operator_published_later_is_not_turned_back(
    database: db.Database,
) -> None:
    await put(made((0, CHEAP)))
    assert await db.run(publish.publish_built_in) is False
