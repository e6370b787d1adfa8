"""From the providers' rows and the operator's settings to connections."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pydantic import SecretStr

from alltoken_app.providers import bedrock, vertex
from alltoken_app.providers.base import Call, Dialect, EndpointFacts
from alltoken_app.providers.credentials import ApiKey, Bearer, Credential
from alltoken_app.providers.dialects import cohere, mistral_audio, openai_audio
from alltoken_app.providers.dialects.anthropic_messages import AnthropicMessages
from alltoken_app.providers.dialects.gemini import Gemini
from alltoken_app.providers.dialects.gemini_speech import Speech
from alltoken_app.providers.dialects.openai_chat import OpenAIChat
from alltoken_app.providers.dialects.openai_completions import OpenAICompletions
from alltoken_app.providers.dialects.openai_responses import OpenAIResponses
from alltoken_app.providers.rows import ROWS, Row
from alltoken_app.providers.table import Connection, fixed
from alltoken_app.settings import Settings

Make = Callable[[Row], Mapping[str, Dialect]]

# What each dialect's name means: "" is what a provider speaks by default, other keys are callers'
# dialects or operations (`Connection.others`).
DIALECTS: dict[str, Make] = {
    "anthropic": lambda row: {"": AnthropicMessages()},
    "audio": lambda row: openai_audio.OPERATIONS,
    "cohere": lambda row: cohere.OPERATIONS,
    "gemini": lambda row: {"": Gemini(), "speech": Speech()},
    "completions": lambda row: {"completions": OpenAICompletions(row.quirks)},
    "mistral": lambda row: {"": OpenAIChat(row.quirks), **mistral_audio.OPERATIONS},
    "openai": lambda row: {"": OpenAIChat(row.quirks)},
    "responses": lambda row: {"responses": OpenAIResponses(row.quirks)},
}


@dataclass(frozen=True)
class Searching(Connection):
    """Its own web search is part of another dialect than its usual one."""

    searches_in: str = ""

    def speaks(self, call: Call, endpoint: EndpointFacts) -> Dialect:
        wanted = "web_search_options" in call.fields and call.operation == "chat"
        if wanted and "web_search_options" in endpoint.parameters:
            return self.others[self.searches_in]
        return super().speaks(call, endpoint)


def connections(settings: Settings) -> dict[str, Connection]:
    """Every provider that the settings give a key or an address.

    Raises:
        ValueError: A setting says something that cannot be.
    """
    found = {row.id: _connection(row, settings) for row in ROWS if _configured(row, settings)}
    for elsewhere in (vertex.connection(settings), bedrock.connection(settings)):
        if elsewhere is not None:
            found[elsewhere.provider] = elsewhere
    return found


def _configured(row: Row, settings: Settings) -> bool:
    if not (row.url or row.id in settings.provider_urls):
        return False
    return not (row.key and row.url) or bool(_key(row, settings))


def _key(row: Row, settings: Settings) -> str:
    if not row.key:
        return ""
    secret: SecretStr = getattr(settings, row.key)
    return secret.get_secret_value()


def _connection(row: Row, settings: Settings) -> Connection:
    spoken: dict[str, Dialect] = {}
    for name in row.dialects:
        for wanted, dialect in DIALECTS[name](row).items():
            spoken.setdefault(wanted, dialect)
    key = _key(row, settings)
    proof: Credential = ApiKey(row.header, key) if row.header and key else Bearer(key)
    url = settings.provider_urls.get(row.id, row.url).rstrip("/")
    if row.searches_in:
        return Searching(
            row.id, spoken.pop(""), fixed(url), proof, spoken, searches_in=row.searches_in
        )
    return Connection(row.id, spoken.pop(""), fixed(url), proof, spoken)
