"""The one door to the network for requests: open a request, read its status, headers and bytes.

pyreqwest does the work (TLS, pooling, HTTP/2); nothing above this file knows it.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from urllib.parse import urlsplit

from pyreqwest.client import Client, ClientBuilder
from pyreqwest.exceptions import ConnectError as PyreqwestConnectError
from pyreqwest.exceptions import PyreqwestError

from alltoken_app.providers.base import Outgoing

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
READ_BUFFER = 0  # what pyreqwest waits for before it hands out the status: a stream must not wait


class ConnectFailed(Exception):
    """Nothing was sent: the provider could not be reached."""


class Broken(Exception):
    """The connection broke after the request had been sent."""


class Incoming:
    """An answer being received: `status`, `header(name)`, and its bytes, chunk by chunk."""

    def __init__(self, response: "object") -> None:
        self._response = response
        self.status: int = response.status  # type: ignore[attr-defined]
        self._reader = response.body_reader  # type: ignore[attr-defined]

    def header(self, name: str) -> str:
        """The first value of a header, lower-cased names; "" when absent."""
        return self._response.get_header(name) or ""  # type: ignore[attr-defined]

    async def chunk(self) -> bytes:
        """The next bytes, b"" at the end.

        Raises:
            Broken: The connection was lost.
        """
        try:
            received = await self._reader.read_chunk()
        except PyreqwestError as error:
            raise Broken from error
        return bytes(received) if received is not None else b""


class Upstream:
    """A pool of connections to providers."""

    def __init__(self, connect_timeout: float, insecure_hosts: frozenset[str]) -> None:
        self._insecure = insecure_hosts | LOOPBACK
        self._client: Client = (
            ClientBuilder()
            .connect_timeout(timedelta(seconds=connect_timeout))
            .pool_idle_timeout(timedelta(seconds=60))
            .tcp_nodelay(True)
            .no_proxy()
            .follow_redirects(False)  # a secret goes to the host it belongs to and no other
            .gzip(False)
            .brotli(False)
            .zstd(False)
            .deflate(False)
            .user_agent("AllToken/0.1")
            .build()
        )

    @asynccontextmanager
    async def open(self, base_url: str, outgoing: Outgoing) -> AsyncIterator[Incoming]:
        """Send a POST and receive its answer; leaving the block drops what was not read.

        Raises:
            ConnectFailed: Not reached, or plain http to a host that is not ours.
            Broken: Lost before the status arrived.
        """
        self.check(base_url)
        builder = self._client.post(base_url + outgoing.path).body_bytes(outgoing.body)
        for name, value in outgoing.headers:
            builder = builder.header(name, value, is_sensitive=name != "content-type")
        request = builder.streamed_read_buffer_limit(READ_BUFFER).build_streamed()
        try:
            response = await request.__aenter__()
        except PyreqwestConnectError as error:
            raise ConnectFailed from error
        except PyreqwestError as error:
            raise Broken from error
        try:
            yield Incoming(response)
        finally:
            await request.__aexit__(None, None, None)

    def check(self, base_url: str) -> None:
        """Refuse plain http except to loopback and the hosts named in INSECURE_UPSTREAMS."""
        parts = urlsplit(base_url)
        if parts.scheme != "https" and parts.hostname not in self._insecure:
            raise ConnectFailed("plain http is allowed to loopback and INSECURE_UPSTREAMS only")

    async def close(self) -> None:
        """Close every connection."""
        await self._client.close()
