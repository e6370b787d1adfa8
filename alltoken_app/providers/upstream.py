"""The one door to the network for requests: a pool of connections to providers.

Our own, and only what a gateway needs of HTTP: POST over HTTP/1.1, kept alive, no redirects, no
proxies, no decompression, no cookies. docs/decisions.md says what the general clients cost.
"""

import asyncio
import ssl
from collections import defaultdict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import urlsplit

from alltoken_app.providers.base import Outgoing
from alltoken_app.providers.credentials import Headers
from alltoken_app.providers.http1 import Broken as Broken
from alltoken_app.providers.http1 import Connection

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
IDLE_SECONDS = 45.0  # below what servers commonly keep a quiet connection for
IDLE_MOST = 256


class ConnectFailed(Exception):
    """Nothing was sent: the provider could not be reached."""


Incoming = Connection  # what an answer offers: `status`, `header(name)`, `chunk()`


class Address(NamedTuple):
    """Where a base URL points to."""

    tls: bool
    host: str
    port: int
    path: str
    authority: str


@lru_cache(maxsize=1024)
def address_of(base_url: str) -> Address:
    """Read a base URL."""
    parts = urlsplit(base_url)
    tls = parts.scheme == "https"
    host = parts.hostname or ""
    port = parts.port or (443 if tls else 80)
    return Address(tls, host, port, parts.path, parts.netloc.rpartition("@")[2])


class Upstream:
    """Open connections by address, the most recently used first."""

    def __init__(self, connect_timeout: float, insecure_hosts: frozenset[str]) -> None:
        self._connect_timeout = connect_timeout
        self._insecure = insecure_hosts | LOOPBACK
        self._idle: dict[tuple[bool, str, int], deque[tuple[float, Connection]]] = defaultdict(
            deque
        )
        self._tls = ssl.create_default_context()
        self._closed = False

    @asynccontextmanager
    async def open(
        self, base_url: str, outgoing: Outgoing, proof: Headers = (), by: float = 0.0
    ) -> AsyncIterator[Incoming]:
        """Send a POST and receive its answer; leaving the block drops what was not read.

        Args:
            proof: Headers with the credential.
            by: Until when (of time.monotonic) the status must have come; 0 waits on.

        Raises:
            TimeoutError: It had not come by then.
            ConnectFailed: Not reached, or plain http to a host that is not ours.
            Broken: Lost before the status arrived.
        """
        address = self._checked(base_url)
        place = (address.tls, address.host, address.port)
        request = _request(address, outgoing, proof)
        connection = self._rested(place)
        if connection is None or not await _taken(connection, request, by):
            connection = await self._connect(address)
            connection.expect_by(by)
            connection.send(request)
        try:
            await connection.head()
            yield connection
        finally:
            if connection.finished and connection.reusable and not self._closed:
                self._keep(place, connection)
            else:
                connection.close()

    def _checked(self, base_url: str) -> Address:
        address = address_of(base_url)
        if not address.tls and address.host not in self._insecure:
            raise ConnectFailed("plain http is allowed to loopback and INSECURE_UPSTREAMS only")
        return address

    def _rested(self, place: tuple[bool, str, int]) -> Connection | None:
        """A kept connection that is still open."""
        kept = self._idle[place]
        now = asyncio.get_running_loop().time()
        while kept:
            since, connection = kept.pop()
            if now - since < IDLE_SECONDS and not connection.closed:
                return connection
            connection.close()
        return None

    def _keep(self, place: tuple[bool, str, int], connection: Connection) -> None:
        kept = self._idle[place]
        kept.append((asyncio.get_running_loop().time(), connection))
        if len(kept) > IDLE_MOST:
            kept.popleft()[1].close()

    async def _connect(self, address: Address) -> Connection:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._connect_timeout):
                _, connection = await loop.create_connection(
                    Connection,
                    address.host,
                    address.port,
                    ssl=self._tls if address.tls else None,
                    server_hostname=address.host if address.tls else None,
                )
        except (OSError, TimeoutError, ssl.SSLError) as error:
            raise ConnectFailed from error
        return connection

    async def close(self) -> None:
        """Close every connection."""
        self._closed = True
        for kept in self._idle.values():
            for _, connection in kept:
                connection.close()
        self._idle.clear()


async def _taken(connection: Connection, request: bytes, by: float) -> bool:
    """Send on a kept connection; False when the provider had closed it, which looks like silence.

    Raises:
        Broken: It answered something and was lost then.
    """
    connection.expect_by(by)
    try:
        connection.send(request)
        await connection.head()
    except Broken:
        connection.close()
        if connection.heard:
            raise
        return False
    except BaseException:
        connection.close()
        raise
    return True


def _request(address: Address, outgoing: Outgoing, proof: Headers) -> bytes:
    lines = [
        f"POST {address.path}{outgoing.path} HTTP/1.1\r\nhost: {address.authority}\r\n"
        f"user-agent: AllToken/0.1\r\ncontent-length: {len(outgoing.body)}"
    ]
    for name, value in (*outgoing.headers, *proof):
        if "\r" in value or "\n" in value:
            raise ConnectFailed(f"the header {name} contains a line break")
        lines.append(f"{name}: {value}")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + outgoing.body
