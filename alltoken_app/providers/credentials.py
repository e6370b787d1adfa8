"""What opens a provider's door. A credential adds headers to a request that is ready to go."""

from dataclasses import dataclass, field
from typing import Protocol

from alltoken_app.providers.base import Outgoing

Headers = tuple[tuple[str, str], ...]


class CredentialFailed(Exception):
    """Nothing could be sent: there is no proof of who we are. The text holds no secret."""


class Credential(Protocol):
    """Adds what proves who we are. Anything slow (a token, a signature's key) is kept."""

    async def __call__(self, url: str, outgoing: Outgoing) -> Headers:
        """Headers for a request to `url` (base URL and path). Raises CredentialFailed."""


@dataclass(frozen=True)
class Bearer:
    """`Authorization: Bearer …`; no header without a secret."""

    secret: str = field(default="", repr=False)

    async def __call__(self, url: str, outgoing: Outgoing) -> Headers:
        return (("authorization", f"Bearer {self.secret}"),) if self.secret else ()


@dataclass(frozen=True)
class ApiKey:
    """The secret alone, in a header of the provider's choice."""

    header: str
    secret: str = field(repr=False)

    async def __call__(self, url: str, outgoing: Outgoing) -> Headers:
        return ((self.header, self.secret),)
