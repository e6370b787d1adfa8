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

    def speaks(self, call: Call, endpoint: EndpointFacts) -> Dialect:
        """The dialect for this call: the caller's own where provider and endpoint have it."""
        if not self.others:
            return self.dialect
        own = self.others.get(call.dialect)
        if own is not None and _offered(endpoint, call.dialect):
            return own
        if call.operation in ("chat", "completions"):
            return next(iter(self._instead(endpoint)), self.dialect)
        return self.others.get(call.operation, self.dialect)

    def _instead(self, endpoint: EndpointFacts) -> list[Dialect]:
        """What an endpoint speaks that is not offered in its provider's usual dialect."""
        if not endpoint.wires or self.dialect.native in endpoint.wires:
            return []
        return [self.others[wire] for wire in sorted(endpoint.wires) if wire in self.others]


def _offered(endpoint: EndpointFacts, wire: str) -> bool:
    return wire in endpoint.wires if endpoint.wires else wire != "completions"


def fixed(url: str) -> BaseUrl:
    """A base URL that never changes."""

    async def base_url(endpoint: EndpointFacts) -> str:
        return url

    return base_url
