"""What lies in catalog/data/, against the dialects that carry it and the cards that price it"""

from collections.abc import Mapping

import msgspec
import pytest

from alltoken_app.catalog import cards, pricing, release
from alltoken_app.catalog.pricing import Extras
from alltoken_app.clock import now_ms
from alltoken_app.providers import bedrock, connections, rows
from alltoken_app.providers.base import Call, EndpointFacts, Price, Usage
from alltoken_app.providers.dialects.gemini import Vertex
from alltoken_app.providers.table import Connection, fixed
from alltoken_app.providers.vertex import Publishers
from alltoken_app.settings import Settings
from alltoken_app.tables.catalog import Endpoint

OURS = {"max_tokens", "max_completion_tokens", "structured_outputs", "include_reasoning"}
ASKED = {
    "chat": {"messages": msgspec.Raw(b'[{"role":"user","content":"hi"}]')},
    "embeddings": {"input": msgspec.Raw(b'"hi"')},
}


@pytest.fixture(scope="module")
def built() -> release.Release:
    return release.built_in()


@pytest.fixture(scope="module")
def reached() -> Mapping[str, Connection]:
    """Connections to every provider."""
    keys: dict[str, object] = {row.key: "key" for row in rows.ROWS if row.key}
    keys |= {"provider_urls": {"azure": "https://azure.example"}, "aws_bearer_token_bedrock": "key"}
    given = Settings(_env_file=None, **keys)  # type: ignore[call-arg, arg-type]
    found = connections.connections(given)
    return {**found, "vertex": Publishers("vertex", Vertex(), fixed("https://vertex.example"))}


def facts(built: release.Release, row: Endpoint) -> EndpointFacts:
    kinds = {model.slug: model.kind for model in built.models}
    schedule = built.schedules.get(row.id, ())
    price = cards.price("v", schedule[0][1], now_ms()) if schedule else Price("")
    return EndpointFacts(
        row.id, row.model_slug, kinds[row.model_slug], row.provider_id, row.upstream_model,
        row.context, row.max_output, frozenset(row.parameters), row.zdr, True, row.region, price,
        wires=frozenset(row.wires), tag=row.tag,
    )  # fmt: skip


def test_every_endpoint_can_be_asked_and_honours_what_it_lists(
    built: release.Release, reached: Mapping[str, Connection]
) -> None:
    assert bedrock.ID in reached
    for row in built.endpoints:
        endpoint = facts(built, row)
        if endpoint.kind not in ASKED:
            continue
        call = Call(endpoint.kind, endpoint.model, ASKED[endpoint.kind], size=40)
        dialect = reached[endpoint.provider].speaks(call, endpoint)
        searching = set()
        if "web_search_options" in endpoint.parameters:
            fields = {**call.fields, "web_search_options": msgspec.Raw(b"{}")}
            searcher = msgspec.structs.replace(call, fields=fields)
            assert (
                "web_search_options"
                in reached[endpoint.provider].speaks(searcher, endpoint).honours
            ), row.id
            searching = {"web_search_options"}
        assert endpoint.parameters - OURS - searching <= dialect.honours, row.id
        assert dialect.unable(call, endpoint) == (), row.id
        assert dialect.request(call, endpoint, 100).path.startswith("/"), row.id


def test_what_endpoints_offer_beside_text_has_a_price(built: release.Release) -> None:
    inputs = {model.slug: set(model.input_modalities) for model in built.models}
    offered = {
        "cache_control": Extras(cache_5m=True, cache_1h=True),
        "web_search_options": Extras(known=Usage(searches=1)),
        "audio": Extras(audio_output=True),
    }
    for row in built.endpoints:
        endpoint = facts(built, row)
        if endpoint.kind != "chat" or row.id not in built.schedules:
            continue
        for name, extras in offered.items():
            if name in endpoint.parameters:
                assert pricing.unpriced(endpoint, "chat", extras) is None, (row.id, name)
        taken = inputs[row.model_slug]
        heard = Extras(audio_input="audio" in taken, image_input="image" in taken)
        missing = pricing.unpriced(endpoint, "chat", heard)
        assert missing is None or (missing, row.model_slug) == (
            "audio_input", "mistralai/voxtral-small-24b-2507",
        )  # fmt: skip


def test_openais_search_is_asked_for_where_it_exists(
    built: release.Release, reached: Mapping[str, Connection]
) -> None:
    row = next(row for row in built.endpoints if row.id == "openai:openai/gpt-5.1")
    endpoint = facts(built, row)
    plain = Call("chat", endpoint.model, ASKED["chat"], size=40)
    fields = {**plain.fields, "web_search_options": msgspec.Raw(b"{}")}
    searching = msgspec.structs.replace(plain, fields=fields)
    assert reached["openai"].speaks(plain, endpoint).native == "chat"
    assert reached["openai"].speaks(searching, endpoint).native == "responses"
