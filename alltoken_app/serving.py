"""HTTP/1.1 for the API alone: uvicorn's server with a leaner way to answer and our own limits.

What it adds to uvicorn: a limit on how long and how large a request's head may be, one write for an
answer's head and first bytes, one look a second at every quiet connection instead of a timer for
each request, and a word to the application when a client leaves (`scope["alltoken.gone"]`).
"""

import asyncio
from typing import Any, cast
from urllib.parse import unquote

import httptools
from uvicorn import Config, Server
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT, FlowControl
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

HEAD_SECONDS = 10.0  # until a request's head is complete, and between requests
HEAD_BYTES = 64 * 1024
CONNECTIONS = 4096  # at once; more are answered 503
BUSY = b'{"error":{"message":"Too many connections. Try again.","type":"unavailable_error",\
"param":null,"code":"overloaded","charged":"0"}}'


class Cycle:
    """One request and its answer, as ASGI wants it."""

    def __init__(self, protocol: "Protocol", scope: dict[str, Any], *, keep_alive: bool) -> None:
        self.scope = scope
        self.keep_alive = keep_alive
        self.disconnected = False
        self.response_complete = False
        self.body = b""
        self.more_body = True
        self.continues = protocol.expect_100_continue
        self._protocol = protocol
        self._transport: asyncio.Transport = protocol.transport
        self._flow: FlowControl = protocol.flow
        self._waiter: asyncio.Future[None] | None = None
        self._on_gone: Any = None
        self._head = b""
        self._started = False
        self._delivered = False  # the last part of the body
        self._chunked = False
        self._left = 0  # of the length that was announced
        self._silent = scope["method"] == "HEAD"
        scope["alltoken.gone"] = self.tell_when_gone

    def tell_when_gone(self, listener: Any) -> None:
        """Call `listener` once should the client leave before its answer; None forgets it."""
        if listener is not None and self.disconnected:
            listener()
            return
        self._on_gone = listener
        if listener is not None:
            self._flow.resume_reading()  # or nobody would hear of it

    def gone(self) -> None:
        """The connection was lost."""
        if self.response_complete:
            return
        self.disconnected = True
        self.wake()
        if self._on_gone is not None:
            listener, self._on_gone = self._on_gone, None
            listener()

    def wake(self) -> None:
        """There is something to receive."""
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def run(self, app: Any) -> None:
        """Serve. A failure of the application costs its connection."""
        try:
            await app(self.scope, self.receive, self.send)
        finally:
            self._on_gone = None
            if not self.response_complete and not self.disconnected:
                self._transport.close()

    async def receive(self) -> dict[str, Any]:
        """The next part of the body, then the client's leaving."""
        if self.continues and not self._transport.is_closing():
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            self.continues = False
        while not (self.disconnected or self.response_complete):
            if self.body or not (self.more_body or self._delivered):
                break
            self._flow.resume_reading()
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        if self.disconnected or self.response_complete:
            return {"type": "http.disconnect"}
        body, self.body = self.body, b""
        self._delivered = not self.more_body
        return {"type": "http.request", "body": body, "more_body": self.more_body}

    async def send(self, message: dict[str, Any]) -> None:
        """Write the answer; its head goes out with its first bytes."""
        if self._flow.write_paused and not self.disconnected:
            await self._flow.drain()
        if self.disconnected:
            return
        if message["type"] == "http.response.start":
            self._head = self._make_head(message["status"], message["headers"])
            return
        body, more = message.get("body", b""), message.get("more_body", False)
        self._transport.write(self._framed(body, more))
        if not more:
            self._complete()

    def _make_head(self, status: int, headers: Any) -> bytes:
        if self._started:
            raise RuntimeError("an answer begins once")
        self._started = True
        self.continues = False
        self._chunked = status >= 200 and status not in (204, 304) and not self._silent
        lines = [STATUS_LINE[status][:-2]]
        lines += [b"%b: %b" % pair for pair in self._protocol.server_state.default_headers]
        for name, value in headers:
            if name == b"content-length":
                self._left, self._chunked = 0 if self._silent else int(value), False
            if name == b"connection":
                self.keep_alive = False
                continue
            lines.append(b"%b: %b" % (name, value))
        if not self.keep_alive:
            lines.append(b"connection: close")
        if self._chunked:
            lines.append(b"transfer-encoding: chunked")
        head = b"\r\n".join(lines)
        breaks = len(lines) - 1
        if head.count(b"\n") != breaks or head.count(b"\r") != breaks or b"\0" in head:
            raise RuntimeError("a header contains a line break")
        return head + b"\r\n\r\n"

    def _framed(self, body: bytes, more: bool) -> bytes:
        head, self._head = self._head, b""
        if self._silent:
            return head
        if not self._chunked:
            self._left -= len(body)
            if self._left < 0 or (self._left and not more):
                raise RuntimeError("the body is not as long as announced")
            return head + body if head else body
        end = b"" if more else b"0\r\n\r\n"
        return b"%b%x\r\n%b\r\n%b" % (head, len(body), body, end) if body else head + end

    def _complete(self) -> None:
        self.response_complete = True
        self.wake()
        if not self.keep_alive:
            self._transport.close()
        self._protocol.on_response_complete()


class Protocol(HttpToolsProtocol):
    """A connection. Parsing and pipelining are uvicorn's, over llhttp."""

    cycle: Any
    head_bytes = 0
    quiet_since: float | None = None  # since when a head, or the next request, is awaited

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Called by the loop."""
        super().connection_made(transport)
        self.quiet_since = self.loop.time()

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by the loop."""
        self.connections.discard(self)
        if self.cycle is not None:
            self.cycle.gone()
        for cycle, _ in self.pipeline:
            cast(Any, cycle).gone()
        self.flow.resume_writing()
        self.parser = cast(Any, None)

    def data_received(self, data: bytes) -> None:
        """Called by the loop."""
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserError:
            self._refuse(400)
            return
        except httptools.HttpParserUpgrade:
            self._refuse(501)
            return
        if self.quiet_since is not None:
            self.head_bytes += len(data)
            if self.head_bytes > HEAD_BYTES:
                self._refuse(431)

    def on_message_begin(self) -> None:
        """Called by the parser."""
        super().on_message_begin()
        self.quiet_since = self.loop.time()
        self.head_bytes = 0

    def on_headers_complete(self) -> None:
        """Called by the parser: the request begins, or waits for the one before it."""
        self.quiet_since = None
        parser, scope = self.parser, cast(dict[str, Any], self.scope)
        version = parser.get_http_version()
        url = httptools.parse_url(self.url)
        path = url.path.decode("ascii")
        scope["method"] = parser.get_method().decode("ascii")
        scope["http_version"] = version
        scope["path"] = unquote(path) if "%" in path else path
        scope["raw_path"] = url.path
        scope["query_string"] = url.query or b""
        before = self.cycle
        app: Any = self.app if len(self.connections) <= CONNECTIONS else _busy
        keep_alive = version != "1.0" and parser.should_keep_alive()
        self.cycle = Cycle(self, scope, keep_alive=keep_alive)
        if before is None or before.response_complete:
            self._begin(self.cycle, app)
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((self.cycle, app))

    def _begin(self, cycle: Cycle, app: Any) -> None:
        task = self.loop.create_task(cycle.run(app))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    def on_body(self, body: bytes) -> None:
        """Called by the parser."""
        cycle = self.cycle
        if cycle.response_complete:
            return
        cycle.body = cycle.body + body if cycle.body else body
        if len(cycle.body) > HIGH_WATER_LIMIT:
            self.flow.pause_reading()
        cycle.wake()

    def on_message_complete(self) -> None:
        """Called by the parser."""
        self.cycle.more_body = False
        self.cycle.wake()

    def on_response_complete(self) -> None:
        """The next request of this connection may begin."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            cycle, app = self.pipeline.pop()
            self._begin(cast(Any, cycle), app)
        else:
            self.quiet_since = self.loop.time()

    def timed_out(self, now: float) -> bool:
        """Whether its client has been silent, or slow with a head, for too long."""
        return self.quiet_since is not None and now - self.quiet_since > HEAD_SECONDS

    def _refuse(self, status: int) -> None:
        head = STATUS_LINE[status] + b"connection: close\r\ncontent-length: 0\r\n\r\n"
        if self.cycle is None or self.cycle.response_complete:
            self.transport.write(head)
        self.transport.close()


class Serving(Server):
    """uvicorn's server, which closes quiet connections as it ticks."""

    async def on_tick(self, counter: int) -> bool:
        """Called every 0.1 s."""
        if counter % 10 == 0:
            now = asyncio.get_running_loop().time()
            for connection in list(self.server_state.connections):
                if cast(Protocol, connection).timed_out(now):
                    connection.transport.close()
        return await super().on_tick(counter)


def config(target: str, host: str, port: int, drain: int) -> Config:
    """How `target`, an ASGI factory, is served. `drain`: seconds running answers get to end."""
    return Config(
        target,
        factory=True,
        host=host,
        port=port,
        http=Protocol,
        ws="none",
        loop="auto",
        lifespan="on",
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        backlog=CONNECTIONS,
        timeout_graceful_shutdown=drain,
    )


async def _busy(scope: dict[str, Any], receive: Any, send: Any) -> None:
    length = str(len(BUSY)).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", length),
               (b"retry-after", b"1"), (b"connection", b"close")]  # fmt: skip
    await send({"type": "http.response.start", "status": 503, "headers": headers})
    await send({"type": "http.response.body", "body": BUSY, "more_body": False})
