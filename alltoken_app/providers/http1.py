"""One HTTP/1.1 connection to a provider: a request goes out, an answer comes in as it arrives."""

import asyncio
import time
from collections import deque
from typing import cast

import httptools

HIGH_WATER = 256 * 1024  # bytes waiting to be read at which we stop listening
MAX_HEADERS = 64 * 1024


class Broken(Exception):
    """The connection was lost, or what came over it is no HTTP."""


class Connection(asyncio.Protocol):
    """A connection that serves one exchange after another.

    Attributes:
        status: Of the current answer; 0 until its head has arrived.
        reusable: Whether another request may follow the current one.
        heard: Whether any byte has come since the current request was sent.
    """

    def __init__(self) -> None:
        self.status = 0
        self.reusable = False
        self.heard = False
        self._transport: asyncio.Transport | None = None
        self._parser: httptools.HttpResponseParser | None = None
        self._headers: dict[bytes, bytes] = {}
        self._head_size = 0
        self._head_done = False
        self._parts: deque[bytes] = deque()
        self._waiting = 0
        self._paused = False
        self._complete = False
        self._lost = False
        self._waiter: asyncio.Future[None] | None = None
        self._by = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0

    def expect_by(self, moment: float) -> None:
        """From now on whoever waits past `moment` (of time.monotonic) gets a TimeoutError.

        One timer, moved only when it fires or must fire earlier: a stream moves it at every chunk.
        """
        self._by = moment

    def send(self, request: bytes) -> None:
        """Begin an exchange: write the whole request.

        Raises:
            Broken: The connection has been closed meanwhile.
        """
        if self._transport is None or self.closed:
            raise Broken
        self.status, self.reusable, self.heard = 0, False, False
        self._complete, self._head_done = False, False
        self._headers, self._head_size, self._waiting = {}, 0, 0
        self._parts.clear()
        if self._paused:
            self._paused = False
            self._transport.resume_reading()
        self._parser = httptools.HttpResponseParser(self)
        self._transport.write(request)

    @property
    def closed(self) -> bool:
        """Whether nothing can be sent any more."""
        return self._lost or self._transport is None or self._transport.is_closing()

    def header(self, name: str) -> str:
        """A header of the answer; "" when absent."""
        return self._headers.get(name.encode(), b"").decode("latin-1")

    async def head(self) -> None:
        """Wait for the answer's status and headers. Raises Broken."""
        while not self._head_done:
            if self._lost:
                raise Broken
            await self._wait()

    async def chunk(self) -> bytes:
        """All bytes of the body that have arrived; b"" at its end. Raises Broken."""
        while not self._parts:
            if self._complete:
                return b""
            if self._lost:
                raise Broken
            await self._wait()
        received = self._parts.popleft() if len(self._parts) == 1 else b"".join(self._parts)
        self._parts.clear()
        self._waiting = 0
        if self._paused and self._transport is not None and not self.closed:
            self._paused = False
            self._transport.resume_reading()
        return received

    def close(self) -> None:
        """Drop the connection at once."""
        if self._transport is not None:
            self._transport.abort()

    @property
    def finished(self) -> bool:
        """Whether the whole answer has arrived."""
        return self._complete

    async def _wait(self) -> None:
        self._waiter = asyncio.get_running_loop().create_future()
        if self._by and (self._timer is None or self._timer_at > self._by):
            self._set_timer()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        delay = max(self._by - time.monotonic(), 0.0)
        self._timer = asyncio.get_running_loop().call_later(delay, self._is_late)
        self._timer_at = self._by

    def _is_late(self) -> None:
        self._timer = None
        if self._waiter is None or self._waiter.done():
            return
        if self._by > time.monotonic():
            self._set_timer()
        else:
            self._waiter.set_exception(TimeoutError())

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the loop."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's own is no subclass

    def data_received(self, data: bytes) -> None:
        """Called by the loop."""
        self.heard = True
        if self._parser is None or self._complete:
            self.close()  # nobody asked: an answer to nothing
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._lost = True
            self.close()
        too_much = self._waiting > HIGH_WATER and not self._complete
        if too_much and not self._paused and self._transport is not None:
            self._paused = True
            self._transport.pause_reading()
        self._wake()

    def eof_received(self) -> None:
        """Called by the loop: an answer without a length ends with the connection."""
        if self._head_done and not self._complete and self._until_eof():
            self._complete = True
            self._wake()

    def connection_lost(self, _error: Exception | None) -> None:
        """Called by the loop."""
        self._lost = True
        self._wake()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def on_header(self, name: bytes, value: bytes) -> None:
        """Called by the parser."""
        self._head_size += len(name) + len(value)
        if self._head_size > MAX_HEADERS:
            raise ValueError
        self._headers[name.lower()] = value

    def on_headers_complete(self) -> None:
        """Called by the parser."""
        assert self._parser is not None
        self.status = self._parser.get_status_code()
        self._head_done = self.status >= 200  # an interim answer is not the answer

    def on_body(self, body: bytes) -> None:
        """Called by the parser."""
        self._parts.append(body)
        self._waiting += len(body)

    def on_message_complete(self) -> None:
        """Called by the parser."""
        assert self._parser is not None
        if not self._head_done:
            return
        self._complete = True
        self.reusable = self._parser.should_keep_alive()

    def _until_eof(self) -> bool:
        return (
            b"content-length" not in self._headers
            and b"chunked" not in self._headers.get(b"transfer-encoding", b"").lower()
        )
