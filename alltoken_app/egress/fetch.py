"""Fetches what URLs inside requests point to: a few times, a little, and only from outside.

Each name is looked up once and what it resolves to is what is connected to, so that a second
answer of the name server changes nothing. Nothing of a URL or a body is logged.
"""

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from urllib.parse import urljoin

from alltoken_app.egress import policy
from alltoken_app.egress.policy import Place
from alltoken_app.errors import Invalid
from alltoken_app.providers.http1 import Broken, Connection

REDIRECTS = frozenset({301, 302, 303, 307, 308})
MAX_REDIRECTS = 3
MAX_TRIES = 2  # addresses of one name
LOOKUPS = 2  # at a time: a name server that never answers must not keep all of a process's threads
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]


async def look_up(host: str, port: int) -> Sequence[str]:
    """The addresses of a name, by this machine's own resolver. Raises OSError."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


@dataclass(frozen=True)
class Fetched:
    """What a URL led to; `type` is what the server calls it."""

    content: bytes
    type: str


@dataclass(frozen=True)
class Guard:
    """The only way to fetch a URL of a caller's.

    Attributes:
        allowed: "host:port" of what may be fetched although it is inside.
        seconds: For one URL, redirects included.
    """

    allowed: frozenset[str] = frozenset()
    seconds: float = 10.0
    resolve: Resolve = look_up
    tls: ssl.SSLContext = field(default_factory=ssl.create_default_context, repr=False)
    lookups: asyncio.Semaphore = field(
        default_factory=lambda: asyncio.Semaphore(LOOKUPS), repr=False
    )

    async def fetch(self, url: str, largest: int) -> Fetched:
        """What `url` leads to, of at most `largest` bytes.

        Raises:
            Invalid: `invalid_url`, `url_not_allowed`, or `url_fetch_failed`.
        """
        try:
            async with asyncio.timeout(self.seconds):
                for _ in range(MAX_REDIRECTS + 1):
                    found = await self._once(url, largest)
                    if isinstance(found, Fetched):
                        return found
                    url = found
        except TimeoutError:
            raise failed("it took too long") from None
        except (OSError, Broken):
            raise failed("its server cannot be reached") from None
        raise failed(f"it redirects more than {MAX_REDIRECTS} times")

    async def _once(self, url: str, largest: int) -> Fetched | str:
        """What is there, or where it redirects to."""
        place = policy.read(url, self.allowed)
        connection = await self._connect(place)
        try:
            connection.send(_request(place))
            await connection.head()
            if connection.status in REDIRECTS and connection.header("location"):
                return urljoin(url, connection.header("location"))
            return await _received(connection, largest)
        finally:
            connection.close()

    async def _connect(self, place: Place) -> Connection:
        loop = asyncio.get_running_loop()
        failure = OSError()
        for address in await self._addresses(place):
            try:
                _, connection = await loop.create_connection(
                    Connection,
                    address,
                    place.port,
                    ssl=self.tls if place.tls else None,
                    server_hostname=place.host if place.tls else None,
                )
            except OSError as error:
                failure = error
            else:
                return connection
        raise failure

    async def _addresses(self, place: Place) -> Sequence[str]:
        """Where to connect to: all that the name resolves to must be outside."""
        found = await self._resolved(place)
        outside = all(policy.permitted(ipaddress.ip_address(address)) for address in found)
        if not outside and place.name not in self.allowed:
            raise policy.refused("its name leads to an address that is not a public one")
        return found[:MAX_TRIES]

    async def _resolved(self, place: Place) -> Sequence[str]:
        """Look a name up; given up, a lookup still counts until it has really ended."""

        def ended(looking: "asyncio.Future[Sequence[str]]") -> None:
            self.lookups.release()
            if not looking.cancelled():
                looking.exception()  # seen, even if nobody waits any more

        await self.lookups.acquire()
        looking = asyncio.ensure_future(self.resolve(place.host, place.port))
        looking.add_done_callback(ended)
        return await asyncio.shield(looking)


def failed(why: str) -> Invalid:
    """A refusal because there was nothing, or nothing usable, at a URL."""
    text = f"A URL in the request could not be fetched: {why}. Nothing was charged."
    return Invalid(text, code="url_fetch_failed")


def _request(place: Place) -> bytes:
    lines = (
        f"GET {place.target} HTTP/1.1",
        f"host: {place.authority}",
        "user-agent: AllToken/0.1",
        "accept: */*",
        "accept-encoding: identity",
        "connection: close",
    )
    return "\r\n".join([*lines, "", ""]).encode("ascii")


async def _received(connection: Connection, largest: int) -> Fetched:
    if connection.status != 200:
        raise failed(f"its server answered {connection.status}")
    if connection.header("content-encoding") not in ("", "identity"):
        raise failed("its server sends it compressed")
    told = connection.header("content-length")
    parts: list[bytes] = []
    size = int(told) if told.isascii() and told.isdigit() and len(told) < 20 else 0
    if size <= largest:
        size = 0
        while size <= largest and (part := await connection.chunk()):
            parts.append(part)
            size += len(part)
    if size > largest:
        raise failed(f"it is larger than {largest} bytes")
    kind = connection.header("content-type").partition(";")[0].strip().lower()
    return Fetched(b"".join(parts), kind)
