"""Which providers this process can reach, and how: dialects, base URL, credential."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from alltoken_app.providers.base import Call, Dialect, EndpointFacts
from alltoken_app.providers.credentials import Bearer, Credential

BaseUrl = Callable[[EndpointFacts], Awaitable[str]]


@dataclass(frozen=True)
class Connection:
    """How to reach a provider.

    Attributes:
        dialect: What it speaks, unless `others` knows better.
        base_url: Awaited before each attempt: the local engine starts at its first use, and some
            providers have an address for each region.
        others: More dialects of it, by the caller's dialect or by operation.
    """

    provider: str
    dialect: Dialect
    base_url: BaseUrl
    authorize: Credential = field(default=Bearer(), repr=False)
    others: Mapping[str, Dialect] = field(default_factory=dict)

    def speaks(self, call: Call) -> Dialect:
        """The dialect for this call: the caller's own where the provider has it."""
        if not self.others:
            return self.dialect
        own = self.others.get(call.dialect)
        return own or self.others.get(call.operation, self.dialect)


def fixed(url: str) -> BaseUrl:
    """A base URL that never changes."""

    async def base_url(endpoint: EndpointFacts) -> str:
        return url

    return base_url
