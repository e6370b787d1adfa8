"""alltoken_app/providers/vertex.py"""

import json
from typing import Any

import pytest
from pydantic import SecretStr

from alltoken_app.errors import UpstreamFailed
from alltoken_app.providers import connections, forward
from alltoken_app.providers.dialects.gemini import Vertex
from alltoken_app.providers.forward import Clocks
from alltoken_app.providers.table import Connection
from alltoken_app.providers.upstream import Upstream
from alltoken_app.providers.vertex import vertex_address
from alltoken_app.settings import Settings
from tests.api.scripted import EVENTS, Scripted, scripted
from tests.providers.dialects.gemini_case import answer, call, endpoint, sse
from tests.providers.test_google_token import TokenServer, account, token_server


@pytest.mark.parametrize(
    ("location", "host"),
    [
        ("global", "aiplatform.googleapis.com"),
        ("us", "aiplatform.us.rep.googleapis.com"),
        ("eu", "aiplatform.eu.rep.googleapis.com"),
        ("europe-west4", "europe-west4-aiplatform.googleapis.com"),
    ],
)
async def test_every_location_has_its_host(location: str, host: str) -> None:
    expected = f"https://{host}/v1beta1/projects/acme-1/locations/{location}"
    assert await vertex_address("acme-1", location)(endpoint()) == expected
    assert await vertex_address("acme-1", "global")(endpoint(region=location)) == expected
    assert await vertex_address("acme-1", location)(endpoint(region="global")) == expected


@pytest.mark.parametrize(
    ("project", "location"),
    [("acme-1", "evil.example/"), ("acme-1", ""), ("../x", "global"), ("", "us")],
)
def test_what_is_no_place_is_refused(project: str, location: str) -> None:
    with pytest.raises(ValueError, match="VERTEX_"):
        vertex_address(project, location)


def test_settings_connect_vertex() -> None:
    settings = Settings(
        _env_file=None, vertex_project="acme-1", vertex_credentials=SecretStr(json.dumps(account()))
    )
    found = connections.connections(settings)["vertex"]
    assert isinstance(found.speaks(call(), endpoint("gemini-2.5-pro")), Vertex)
    assert found.speaks(call(), endpoint("claude-opus-5")).native == "messages"
    assert "vertex" not in connections.connections(Settings(_env_file=None))


def test_credentials_that_are_none_are_named_by_their_setting() -> None:
    settings = Settings(
        _env_file=None, vertex_project="acme-1", vertex_credentials=SecretStr('{"type":"x"}')
    )
    with pytest.raises(ValueError, match="VERTEX_CREDENTIALS: not the key file") as caught:
        connections.connections(settings)
    assert '"x"' not in str(caught.value)


def at(google: Scripted, tokens: TokenServer) -> Settings:
    credentials = SecretStr(json.dumps(account(tokens.url)))
    return Settings(
        _env_file=None,
        vertex_project="acme-1",
        vertex_credentials=credentials,
        provider_urls={"vertex": f"{google.url}/projects/acme-1/locations/eu"},
    )


async def ask(found: Connection, *, stream: bool) -> list[Any]:
    """What one call to a model there brings."""
    upstream, place = Upstream(1.0, frozenset()), endpoint()
    clocks = Clocks(first_token=5, inter_token=5, whole=5, total=20)
    try:
        answered = forward.first_healthy(
            call(stream=stream), [place], {place.provider: found}, 8, upstream, clocks, []
        )
        return [arrived async for _, arrived in answered]
    finally:
        await upstream.close()


async def test_a_call_carries_the_accounts_token_to_the_projects_address() -> None:
    async with scripted() as google, token_server() as tokens:
        found = connections.connections(at(google, tokens))["vertex"]
        google.says(answer({"text": "Hallo"}))
        [reply] = await ask(found, stream=False)
        assert b"Hallo" in bytes(reply.body["choices"])
        google.answers = [(200, EVENTS, sse(answer({"text": "Hallo"})))]
        assert [piece for pieces in await ask(found, stream=True) for piece in pieces][-1].finish
    assert {one.headers["authorization"] for one in google.asked} == {"bearer token-1"}
    place = "/v1/projects/acme-1/locations/eu/publishers/google/models/gemini-3-flash-preview:"
    assert [one.path.removeprefix(place) for one in google.asked] == [
        "generateContent", "streamGenerateContent?alt=sse",
    ]  # fmt: skip


async def test_without_a_token_nothing_is_sent_and_the_reason_is_ours() -> None:
    async with scripted() as google, token_server() as tokens:
        tokens.answer = (403, "no")
        found = connections.connections(at(google, tokens))["vertex"]
        with pytest.raises(UpstreamFailed) as caught:
            await ask(found, stream=False)
        assert caught.value.code == "upstream_auth_error"
        assert google.asked == []
