"""Which providers this process can reach, and how: dialect, base URL, credential."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from alltoken_app.providers.base import Dialect, EndpointFacts
from alltoken_app.providers.credentials import Bearer, Credential

BaseUrl = Callable[[EndpointFacts], Awaitable[str]]


@dataclass(frozen=True)
class Connection:
    """How to reach a provider.

    Attributes:
        base_url: Awaited before each attempt: the local engine starts at its first use, and some
            providers have an address for each region.
    """

    provider: str
    dialect: Dialect
    base_url: BaseUrl
    authorize: Credential = field(default=Bearer(), repr=False)


def fixed(url: str) -> BaseUrl:
    """A base URL that never changes."""

    async def base_url(endpoint: EndpointFacts) -> str:
        return url

    return base_url
