"""Which providers this process can reach, and how: dialect, base URL, secret."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from alltoken_app.providers.base import Dialect

BaseUrl = Callable[[], Awaitable[str]]


@dataclass(frozen=True)
class Connection:
    """How to reach a provider.

    Attributes:
        base_url: Awaited before each attempt: the local engine starts at its first use.
    """

    provider: str
    dialect: Dialect
    base_url: BaseUrl
    secret: str = field(default="", repr=False)


def fixed(url: str) -> BaseUrl:
    """A base URL that never changes."""

    async def base_url() -> str:
        return url

    return base_url
