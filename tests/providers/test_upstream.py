"""The door to the network hands over what has arrived; it does not wait for more."""

import asyncio

from alltoken_app.providers.base import Outgoing
from alltoken_app.providers.upstream import Upstream

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


async def test_the_first_bytes_of_a_stream_do_not_wait_for_the_next() -> None:
    seen = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"{}")
        writer.write(HEAD + b"5\r\nfirst\r\n")
        await writer.drain()
        await seen.wait()
        writer.write(b"4\r\nlast\r\n0\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    upstream = Upstream(5.0, frozenset())
    outgoing = Outgoing("/stream", (), b"{}")
    async with asyncio.timeout(20), upstream.open(f"http://127.0.0.1:{port}", outgoing) as reply:
        assert await reply.chunk() == b"first"
        seen.set()
        assert await reply.chunk() == b"last"
        assert await reply.chunk() == b""
    await upstream.close()
    server.close()
