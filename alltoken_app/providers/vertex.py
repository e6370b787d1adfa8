"""Vertex: one project's door to Google's models and Anthropic's.

It has an address for each region, two for groups of regions, one for the world.

Addresses: https://cloud.google.com/vertex-ai/generative-ai/docs/learn/locations
"""

import re
from dataclasses import dataclass

from alltoken_app.providers.base import Call, Dialect, EndpointFacts
from alltoken_app.providers.dialects import anthropic_messages
from alltoken_app.providers.dialects.anthropic_messages import AnthropicMessages
from alltoken_app.providers.dialects.gemini import Vertex
from alltoken_app.providers.table import BaseUrl, Connection, fixed
from alltoken_app.settings import Settings

ID = "vertex"
GROUPS = ("us", "eu")
PROJECT = re.compile(r"[a-z][a-z0-9.:-]{4,62}[a-z0-9]|\d{6,20}")
LOCATION = re.compile(r"[a-z]+(?:-[a-z]+\d+)?")


CLAUDE = AnthropicMessages(anthropic_messages.VERTEX)


@dataclass(frozen=True)
class Publishers(Connection):
    """Each maker's models in the maker's own dialect."""

    def speaks(self, call: Call, endpoint: EndpointFacts) -> Dialect:
        return CLAUDE if endpoint.upstream_model.startswith("claude") else self.dialect


def connection(settings: Settings) -> Connection | None:
    """Vertex as the settings describe it; None when they do not.

    Raises:
        ValueError: They describe it wrongly; the text begins with the setting's name.
    """
    credentials = settings.vertex_credentials.get_secret_value()
    if not (settings.vertex_project and credentials):
        return None
    from alltoken_app.providers import google_token  # only they pay for it who sign

    try:
        proof = google_token.GoogleToken(google_token.account_of(credentials))
    except ValueError as error:
        raise ValueError(f"VERTEX_CREDENTIALS: {error}") from None
    own = settings.provider_urls.get(ID)
    address = vertex_address(settings.vertex_project, settings.vertex_location)
    return Publishers(ID, Vertex(), fixed(own.rstrip("/")) if own else address, proof)


def host(location: str) -> str:
    """The host that serves a location: a region, a group of regions, or "global"."""
    if location == "global":
        return "aiplatform.googleapis.com"
    if location in GROUPS:
        return f"aiplatform.{location}.rep.googleapis.com"
    return f"{location}-aiplatform.googleapis.com"


def vertex_address(project: str, location: str, version: str = "v1beta1") -> BaseUrl:
    """Base URLs that end with project and location.

    An endpoint's region goes before `location`, unless it is the whole world.

    Raises:
        ValueError: A project or location that cannot be one.
    """
    if not PROJECT.fullmatch(project):
        raise ValueError("VERTEX_PROJECT: not a project's id")

    def at(place: str) -> str:
        if not LOCATION.fullmatch(place):
            raise ValueError(f"VERTEX_LOCATION: there is no {place[:64]!r}")
        return f"https://{host(place)}/{version}/projects/{project}/locations/{place}"

    usual = at(location)

    async def base_url(endpoint: EndpointFacts) -> str:
        return at(endpoint.region) if endpoint.region not in (None, "global") else usual

    return base_url
