"""alltoken_app/providers/vertex.py"""

import json

import pytest
from pydantic import SecretStr

from alltoken_app.providers import connections
from alltoken_app.providers.dialects.gemini import Vertex
from alltoken_app.providers.vertex import vertex_address
from alltoken_app.settings import Settings
from tests.providers.dialects.gemini_case import call, endpoint
from tests.providers.test_google_token import account


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
