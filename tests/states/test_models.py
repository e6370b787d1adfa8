"""alltoken_app/states/models.py, model.py and home.py"""

from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alltoken_app import db
from alltoken_app.services.models import PAGE, SORTS, ModelFilter
from alltoken_app.states.home import HomeState
from alltoken_app.states.model import ModelState
from alltoken_app.states.models import ModelsState, read, write
from alltoken_app.states.providers import ProvidersState, ProviderState
from tests.services import catalogue
from tests.states.tabs import Tab

WORD = st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=8)
NAMES = st.lists(WORD, unique=True, max_size=3).map(tuple)
FILTERS = st.builds(
    ModelFilter,
    text=st.text(max_size=20).map(str.strip),
    kinds=NAMES,
    providers=NAMES,
    zdr=NAMES,
    takes=NAMES,
    here=NAMES,
    page=st.integers(1, 900),
    sort=st.sampled_from(SORTS),
    descending=st.booleans(),
)
on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
opens = pytest.mark.usefixtures("database")


async def opened(path: str) -> Tab:
    await db.run(catalogue.fill)
    tab = Tab(path=path)
    await tab.send(ModelsState, "load")
    return tab


@on_sqlite
@opens
async def test_the_list_is_what_the_address_asks_for() -> None:
    tab = await opened("/models?kind=embeddings&sort=-input")
    state = tab.state(ModelsState)
    assert [model.slug for model in state.models] == ["acme/vectors"]
    assert (state.sort, state.descending, state.filters, state.total) == ("input", True, 1, 2)


@on_sqlite
@opens
async def test_a_filter_is_chosen_by_going_to_its_address() -> None:
    tab = await opened("/models?q=talk")
    (event,) = await tab.send(ModelsState, "choose", group="provider", value="near", on=True)
    assert "/models?q=talk&provider=near" in str(event.args)
    (event,) = await tab.send(ModelsState, "choose", group="provider", value="near", on=False)
    assert "/models?q=talk" in str(event.args)
    assert "near" not in str(event.args)


@on_sqlite
@opens
async def test_pressing_a_heading_twice_turns_the_order_round() -> None:
    tab = await opened("/models")
    for address in ("sort=input", "sort=-input", "sort=input"):
        (event,) = await tab.send(ModelsState, "order", key="input")
        assert f"/models?{address}" in str(event.args)


@on_sqlite
@opens
async def test_words_are_searched_without_filling_the_history() -> None:
    tab = await opened("/models")
    (event,) = await tab.send(ModelsState, "search", text="talk  ")
    assert "/models?q=talk" in str(event.args)
    assert "replace" in str(event.args)


@on_sqlite
@opens
async def test_a_model_that_does_not_exist_is_a_page_that_says_so() -> None:
    await db.run(catalogue.fill)
    tab = Tab(path="/models/acme/none")
    await tab.send(ModelState, "load")
    state = tab.state(ModelState)
    assert (state.missing, state.asked, state.loading) == (True, "acme/none", False)
    tab.connect(None, "/models/acme/vectors")
    await tab.send(ModelState, "load")
    assert (state.missing, state.title) == (False, "Vectors · AllToken")
    assert "/v1/embeddings" in state.calls[0].text


@on_sqlite
@opens
async def test_the_landing_page_shows_prices_even_without_the_model_of_its_example() -> None:
    await db.run(catalogue.fill)
    tab = Tab(path="/")
    await tab.send(HomeState, "load")
    state = tab.state(HomeState)
    assert [model.slug for model in state.models] == ["acme/talk"]
    assert (state.example.model, state.loading) == ("", False)


@on_sqlite
@opens
async def test_a_long_list_is_turned_page_by_page() -> None:
    await db.run(catalogue.fill_many, PAGE + 5)
    tab = await opened("/models?page=2&sort=input")
    state = tab.state(ModelsState)
    assert (state.range, state.has_before, state.has_after) == ("51–57 of 57", True, False)
    (event,) = await tab.send(ModelsState, "turn", pages=-1)
    assert "/models?sort=input" in str(event.args)
    (event,) = await tab.send(ModelsState, "search", text="talk")
    assert "page" not in str(event.args)


@on_sqlite
@opens
async def test_a_provider_has_a_page_with_its_models_at_its_own_prices() -> None:
    await db.run(catalogue.fill)
    tab = Tab(path="/providers")
    await tab.send(ProvidersState, "load")
    shown = tab.state(ProvidersState).providers
    assert [(one.id, one.models) for one in shown] == [("far", 2), ("near", 1)]
    tab.connect(None, "/providers/near")
    await tab.send(ProviderState, "load")
    state = tab.state(ProviderState)
    assert (state.title, state.missing) == ("Near · AllToken", False)
    assert [(model.slug, model.input_price) for model in state.page.models] == [
        ("acme/talk", "$3.00")
    ]
    tab.connect(None, "/providers/none")
    await tab.send(ProviderState, "load")
    assert (state.missing, state.asked) == (True, "none")


@given(FILTERS)
def test_an_address_says_a_filter_whole(wanted: ModelFilter) -> None:
    query = write(wanted).partition("?")[2]
    assert read(dict(parse_qsl(query))) == wanted
