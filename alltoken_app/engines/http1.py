"""As much of HTTP/1.1 as two programs on one machine need, with every byte in our hands."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus

import msgspec

HEAD_LIMIT = 64 * 1024
BODY_LIMIT = 64 * 2**20
LOOPBACK = "127.0.0.1"
Handler = Callable[["Request", "Reply"], Awaitable[None]]  # cancelled when its client hangs up


class Malformed(Exception):
    """What arrived is not HTTP as we speak it, or too much of it."""


@dataclass(frozen=True)
class Head:
    """A start line and headers, their names in lower case."""

    start: str
    headers: dict[str, str]


@dataclass(frozen=True)
class Request:
    """A request, received whole."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class Peer(asyncio.StreamReader):
    """A reader that knows when the other side has hung up, even while nobody reads."""

    def __init__(self, limit: int) -> None:
        super().__init__(limit=limit)
        self.gone = asyncio.Event()

    def feed_eof(self) -> None:
        super().feed_eof()
        self.gone.set()

    def set_exception(self, exc: Exception) -> None:
        super().set_exception(exc)
        self.gone.set()


class Reply:
    """The answer to one request; `raw` is the connection itself for answers that break rules."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self.raw = writer
        self.keep_alive = True
        self.status = 0

    async def json(self, body: bytes, status: int = 200, **headers: str) -> None:
        """Answer whole; underscores in header names become dashes."""
        await self.whole(body, "application/json", status, **headers)

    async def whole(
        self, body: bytes, content_type: str, status: int = 200, **headers: str
    ) -> None:
        """Answer with bytes of any type, as `json` does."""
        self.head(status, content_type, {**headers, "content-length": str(len(body))})
        self.raw.write(body)
        await self.raw.drain()

    async def start(self, content_type: str = "text/event-stream") -> None:
        """Begin an answer of unknown length."""
        self.head(200, content_type, {"transfer-encoding": "chunked", "cache-control": "no-store"})
        await self.raw.drain()

    async def send(self, data: bytes) -> None:
        """Send one piece of it at once; returns when the other side keeps up."""
        self.raw.write(b"%x\r\n%b\r\n" % (len(data), data))
        await self.raw.drain()

    async def end(self) -> None:
        """Close the answer, not the connection."""
        self.raw.write(b"0\r\n\r\n")
        await self.raw.drain()

    def head(self, status: int, content_type: str, headers: dict[str, str]) -> None:
        """Write the status line and headers."""
        self.status = status
        named = {"content-type": content_type, **headers}
        if not self.keep_alive:
            named["connection"] = "close"
        lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in named.items()]
        self.raw.write("\r\n".join([*lines, "", ""]).encode("latin-1"))


class Listener:
    """A listening server: its port, and how to end it."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self.port = 0

    async def start(self, port: int = 0) -> int:
        """Listen on loopback; 0 takes a free port. Returns the port."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._protocol, LOOPBACK, port, backlog=512)
        self.port = self._server.sockets[0].getsockname()[1]
        return self.port

    async def close(self) -> None:
        """Stop listening and drop every connection."""
        if self._server is None:
            return
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _protocol(self) -> asyncio.StreamReaderProtocol:
        return asyncio.StreamReaderProtocol(Peer(HEAD_LIMIT), self._connected)

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(_converse(reader, writer, self._handler))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _converse(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, handler: Handler
) -> None:
    """Serve one request after the other until either side has enough."""
    assert isinstance(reader, Peer)
    try:
        while True:
            request = await _receive(reader, writer)
            reply = Reply(writer)
            reply.keep_alive = request.headers.get("connection", "").lower() != "close"
            if not await _answered(handler, request, reply, reader.gone) or not reply.keep_alive:
                return
    except (asyncio.IncompleteReadError, ConnectionError, TimeoutError):
        return  # hung up
    except (Malformed, asyncio.LimitOverrunError):
        writer.write(b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n")
    finally:
        writer.close()


async def _answered(handler: Handler, request: Request, reply: Reply, gone: asyncio.Event) -> bool:
    """Run the handler unless the client leaves first."""
    work = asyncio.ensure_future(handler(request, reply))
    leaving = asyncio.ensure_future(gone.wait())
    try:
        await asyncio.wait((work, leaving), return_when=asyncio.FIRST_COMPLETED)
        finished = work.done()
    finally:
        leaving.cancel()
        work.cancel()
        with contextlib.suppress(asyncio.CancelledError, ConnectionError):
            await work
    return finished


async def _receive(reader: Peer, writer: asyncio.StreamWriter) -> Request:
    head = await read_head(reader)
    words = head.start.split(" ")
    if len(words) != 3 or not words[2].startswith("HTTP/1."):
        raise Malformed
    if head.headers.get("expect", "").lower() == "100-continue":
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    body = b"".join([piece async for piece in read_body(reader, head.headers)])
    return Request(words[0], words[1].partition("?")[0], head.headers, body)


async def read_head(reader: asyncio.StreamReader) -> Head:
    """Read up to the empty line.

    Raises:
        Malformed: It is not a head.
    """
    block = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    start, *lines = block[:-4].split("\r\n")
    pairs = [line.partition(":") for line in lines]
    if not all(colon for _, colon, _ in pairs):
        raise Malformed
    return Head(start, {name.lower(): value.strip() for name, _, value in pairs})


async def read_body(
    reader: asyncio.StreamReader, headers: dict[str, str], limit: int = BODY_LIMIT
) -> AsyncIterator[bytes]:
    """The body that the headers announce, piece by piece.

    Raises:
        Malformed: Wrong framing, or more than `limit` bytes.
    """
    if headers.get("transfer-encoding", "").lower() == "chunked":
        async for piece in _chunks(reader, limit):
            yield piece
        return
    length = headers.get("content-length", "0")
    if not length.isdecimal() or int(length) > limit:
        raise Malformed
    if int(length):
        yield await reader.readexactly(int(length))


async def _chunks(reader: asyncio.StreamReader, limit: int) -> AsyncIterator[bytes]:
    total = 0
    while True:
        line = (await reader.readuntil(b"\r\n")).partition(b";")[0].strip()
        try:
            size = int(line, 16)
        except ValueError as error:
            raise Malformed from error
        total += size
        if size < 0 or total > limit:
            raise Malformed
        piece = (await reader.readexactly(size + 2))[:-2]
        if not size:
            return
        yield piece


async def fetch(
    port: int, path: str, token: str, payload: object = None, timeout: float = 10.0
) -> tuple[int, bytes]:
    """Ask a server on this machine once: POST when there is a payload, else GET.

    Raises:
        OSError, TimeoutError: Not reached, or too slow.
        Malformed, asyncio.IncompleteReadError: It answered something else.
    """
    body = b"" if payload is None else msgspec.json.encode(payload)
    lines = (
        f"{'GET' if payload is None else 'POST'} {path} HTTP/1.1",
        f"host: {LOOPBACK}:{port}",
        f"authorization: Bearer {token}",
        f"content-length: {len(body)}",
        "content-type: application/json",
        "connection: close",
    )
    async with asyncio.timeout(timeout):
        reader, writer = await asyncio.open_connection(LOOPBACK, port)
        try:
            writer.write("\r\n".join([*lines, "", ""]).encode() + body)
            head = await read_head(reader)
            answer = b"".join([piece async for piece in read_body(reader, head.headers)])
            return int(head.start.split(" ")[1]), answer
        finally:
            writer.close()
