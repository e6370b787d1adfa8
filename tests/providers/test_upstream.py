"""alltoken_app/providers/upstream.py and alltoken_app/providers/http1.py"""

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
import trustme

from alltoken_app.providers.base import Outgoing
from alltoken_app.providers.upstream import Broken, ConnectFailed, Upstream

POST = Outgoing(
    "/chat", (("content-type", "application/json"), ("authorization", "Bearer s")), b"{}"
)
Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def server(script: Script, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    listening = await asyncio.start_server(script, "127.0.0.1", 0, ssl=tls)
    try:
        yield listening.sockets[0].getsockname()[1]
    finally:
        listening.close()


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    opened = Upstream(1.0, frozenset())
    yield opened
    await opened.close()


async def request_of(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    return head + await reader.readexactly(2)


async def body_of(upstream: Upstream, url: str) -> tuple[int, bytes]:
    async with upstream.open(url, POST) as incoming:
        parts = []
        while part := await incoming.chunk():
            parts.append(part)
        return incoming.status, b"".join(parts)


async def test_a_connection_serves_one_request_after_another(upstream: Upstream) -> None:
    peers: list[object] = []

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peers.append(writer)
        while not reader.at_eof():
            seen = await request_of(reader)
            assert b"authorization: Bearer s\r\n" in seen
            assert seen.startswith(b"POST /v1/chat HTTP/1.1\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi")

    async with server(script) as port:
        for _ in range(3):
            assert await body_of(upstream, f"http://127.0.0.1:{port}/v1") == (200, b"hi")
    assert len(peers) == 1


async def test_every_way_to_end_a_body(upstream: Upstream) -> None:
    answers = [
        b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\no\r\n1\r\nk\r\n0\r\n\r\n",
        b"HTTP/1.0 200 OK\r\n\r\nok",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok",
    ]

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request_of(reader)
        writer.write(answers.pop(0))
        await writer.drain()
        writer.close()

    async with server(script) as port:
        while answers:
            assert await body_of(upstream, f"http://127.0.0.1:{port}") == (200, b"ok")


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nshort",
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nab",
        b"HTTP/1.1 200 OK\r\nx: " + b"y" * 100_000 + b"\r\n\r\n",
    ],
)
async def test_what_breaks_off_is_broken(upstream: Upstream, answer: bytes) -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request_of(reader)
        writer.write(answer)
        writer.close()

    async with server(script) as port:
        with pytest.raises(Broken):
            await body_of(upstream, f"http://127.0.0.1:{port}")


async def test_leaving_early_closes_the_connection(upstream: Upstream) -> None:
    closed = asyncio.Event()

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request_of(reader)
        writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n")
        with suppress(ConnectionResetError):
            await reader.read()
        closed.set()
        writer.close()

    async with server(script) as port:
        async with upstream.open(f"http://127.0.0.1:{port}", POST) as incoming:
            assert await incoming.chunk() == b"hi"
        async with asyncio.timeout(5):
            await closed.wait()


async def test_a_slow_reader_holds_the_sender_back(upstream: Upstream) -> None:
    sent = 0

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await request_of(reader)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100000000\r\n\r\n")
        try:
            for _ in range(100):
                writer.write(b"x" * 1_000_000)
                await writer.drain()
                sent += 1
        except ConnectionError:
            pass
        writer.close()

    async with (
        server(script) as port,
        upstream.open(f"http://127.0.0.1:{port}", POST) as incoming,
    ):
        assert await incoming.chunk()
        await asyncio.sleep(0.3)
        assert sent < 50


async def test_a_connection_held_back_serves_the_next_request(upstream: Upstream) -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while not reader.at_eof():
            try:
                await request_of(reader)
            except asyncio.IncompleteReadError:
                break
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 300000\r\n\r\n" + b"x" * 300_000)
        writer.close()

    async with server(script) as port, asyncio.timeout(20):
        for _ in range(3):
            async with upstream.open(f"http://127.0.0.1:{port}", POST) as incoming:
                while not incoming.finished:
                    await asyncio.sleep(0.01)  # all of it arrives, and nobody reads
                    if not incoming.finished and incoming.heard:
                        await incoming.chunk()


async def test_nobody_there(upstream: Upstream) -> None:
    with pytest.raises(ConnectFailed):
        await body_of(upstream, "http://127.0.0.1:1")


@pytest.mark.parametrize("url", ["http://192.0.2.1/v1", "ftp://127.0.0.1.example/v1"])
async def test_plain_http_goes_to_loopback_only(upstream: Upstream, url: str) -> None:
    with pytest.raises(ConnectFailed, match="plain http"):
        await body_of(upstream, url)


async def test_a_secret_with_a_line_break_is_not_sent(upstream: Upstream) -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert await reader.read() == b""
        writer.close()

    async with server(script) as port:
        evil = Outgoing("/chat", (("authorization", "a\r\nx: y"),), b"{}")
        with pytest.raises(ConnectFailed, match="line break"):
            async with upstream.open(f"http://127.0.0.1:{port}", evil):
                pass


async def test_tls_is_checked_before_anything_is_sent(
    upstream: Upstream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    seen: list[bytes] = []

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await request_of(reader))
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi")
        await writer.drain()
        writer.close()

    async with server(script, context) as port:
        with pytest.raises(ConnectFailed):
            await body_of(upstream, f"https://127.0.0.1:{port}")
        assert seen == []
        root = tmp_path / "root.pem"
        authority.cert_pem.write_to_path(str(root))
        monkeypatch.setenv("SSL_CERT_FILE", str(root))
        trusting = Upstream(1.0, frozenset())
        assert await body_of(trusting, f"https://127.0.0.1:{port}") == (200, b"hi")
        await trusting.close()


async def test_a_deadline_moves_with_each_wait_and_costs_one_timer() -> None:
    """Each chunk in time moves the deadline; the one that is late is a TimeoutError."""

    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        for _ in range(4):
            await asyncio.sleep(0.1)
            writer.write(b"1\r\nx\r\n")
        await asyncio.sleep(5)
        writer.close()

    server = await asyncio.start_server(drip, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    upstream = Upstream(1, frozenset())
    url = f"http://127.0.0.1:{port}"
    async with upstream.open(url, POST, by=time.monotonic() + 1) as incoming:
        for _ in range(4):
            incoming.expect_by(time.monotonic() + 0.3)
            assert await incoming.chunk() == b"x"
        incoming.expect_by(time.monotonic() + 0.3)
        with pytest.raises(TimeoutError):
            await incoming.chunk()
    with pytest.raises(TimeoutError):
        async with upstream.open(url, POST, by=time.monotonic() - 1):
            pass
    await upstream.close()
    server.close()
