"""alltoken_app/serving.py, by raw bytes over real sockets."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvicorn

from alltoken_app import serving
from tests.postgres import free_port

GET = b"GET /%b HTTP/1.1\r\nHost: a\r\n\r\n"
seen: dict[str, Any] = {}


async def app(scope: Any, receive: Any, send: Any) -> None:
    """/echo gives the body back, /slow waits for the client to leave, /stream sends three parts."""
    if scope["type"] == "lifespan":
        while (message := await receive())["type"] != "lifespan.shutdown":
            await send({"type": message["type"] + ".complete"})
        await send({"type": "lifespan.shutdown.complete"})
        return
    await ROUTES[scope["path"]](scope, receive, send)


async def echo(scope: Any, receive: Any, send: Any) -> None:
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message["body"], message["more_body"]
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": 200, "headers": [length]})
    await send({"type": "http.response.body", "body": body})


async def slow(scope: Any, receive: Any, send: Any) -> None:
    left = asyncio.Event()
    await receive()
    scope["alltoken.gone"](left.set)
    seen["started"] = True
    await left.wait()
    seen["gone"] = (await receive())["type"]


async def stream(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    for part in (b"one", b"", b"two"):
        await send({"type": "http.response.body", "body": part, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def split(scope: Any, receive: Any, send: Any) -> None:
    header = (b"x-said", b"a\r\nset-cookie: b")
    await send({"type": "http.response.start", "status": 200, "headers": [header]})


ROUTES: dict[str, Callable[..., Awaitable[None]]] = {
    "/echo": echo, "/slow": slow, "/stream": stream, "/split": split,
}  # fmt: skip


def create() -> Any:
    return app


@asynccontextmanager
async def served() -> AsyncIterator[int]:
    port = free_port()
    how: uvicorn.Config = serving.config("tests.test_serving:create", "127.0.0.1", port, 5)
    server = serving.Serving(how)
    task = asyncio.create_task(server._serve())
    while not server.started:
        await asyncio.sleep(0.01)
    yield port
    server.should_exit = True
    await task


@pytest.fixture
async def port() -> AsyncIterator[int]:
    async with served() as port:
        yield port


async def say(port: int, *sent: bytes, pause: float = 0.0) -> bytes:
    """Everything the server answers until it closes or nothing more comes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for part in sent:
        writer.write(part)
        await asyncio.sleep(pause)
    said = b""
    try:
        async with asyncio.timeout(1 if not pause else 3):
            while part := await reader.read(65536):
                said += part
    except TimeoutError:
        said += b"<open>"
    writer.close()
    return said


def post(body: bytes, *headers: bytes) -> bytes:
    lines = [b"POST /echo HTTP/1.1", b"Host: a", b"Content-Length: %d" % len(body), *headers]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


async def test_answers_follow_each_other_on_one_connection(port: int) -> None:
    said = await say(port, post(b"one") + post(b"two"), post(b"three"))
    assert said.count(b"HTTP/1.1 200 OK") == 3
    assert said.index(b"one") < said.index(b"two") < said.index(b"three")
    assert said.endswith(b"three<open>")


async def test_a_large_body_comes_in_parts(port: int) -> None:
    body = bytes(range(256)) * 4096
    said = await say(port, post(body), pause=0.5)
    assert body in said


async def test_a_stream_is_chunked_and_its_head_comes_with_the_first_part(port: int) -> None:
    said = await say(port, GET % b"stream")
    assert b"transfer-encoding: chunked\r\n\r\n3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n" in said


async def test_a_head_has_no_body(port: int) -> None:
    said = await say(port, (GET % b"echo").replace(b"GET", b"HEAD"))
    assert said.endswith(b"\r\n\r\n<open>")


async def test_close_is_honoured(port: int) -> None:
    said = await say(port, post(b"x", b"Connection: close"))
    assert b"connection: close" in said
    assert not said.endswith(b"<open>")
    assert not (await say(port, (GET % b"echo").replace(b"1.1", b"1.0"))).endswith(b"<open>")


async def test_continue_is_said_when_the_body_is_wanted(port: int) -> None:
    head, body = post(b"hi", b"Expect: 100-continue").split(b"\r\n\r\n")
    said = await say(port, head + b"\r\n\r\n", body, pause=0.1)
    assert said.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK")


@pytest.mark.parametrize(
    "request_",
    [
        b"nonsense\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX y: z\r\n\r\n",
        b"POST /echo HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
        b"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, x\r\n\r\n",
        b"GET /echo HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
    ],
)
async def test_what_can_be_read_in_two_ways_is_refused(port: int, request_: bytes) -> None:
    said = await say(port, request_)
    assert b" 200 " not in said
    assert not said.endswith(b"<open>")


async def test_an_endless_head_is_refused(port: int) -> None:
    said = await say(port, b"GET / HTTP/1.1\r\nHost: a\r\n", *[b"X: " + b"y" * 9000 + b"\r\n"] * 8)
    assert not said.endswith(b"<open>")


async def test_a_slow_head_and_a_quiet_connection_are_closed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(serving, "HEAD_SECONDS", 0.2)
    async with served() as port:
        for sent in ([], [b"GET / HTTP/1.1\r\n"], [post(b"x")]):
            assert not (await say(port, *sent, pause=0.01)).endswith(b"<open>")


async def test_whoever_serves_hears_that_the_client_left(port: int) -> None:
    seen.clear()
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(GET % b"slow")
    while "started" not in seen:
        await asyncio.sleep(0.01)
    writer.close()
    async with asyncio.timeout(5):
        while "gone" not in seen:
            await asyncio.sleep(0.01)
    assert seen["gone"] == "http.disconnect"


async def test_a_header_cannot_be_split(port: int) -> None:
    assert b"cookie" not in await say(port, GET % b"split")


async def test_beyond_the_limit_connections_are_told_to_come_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with served() as port:
        monkeypatch.setattr(serving, "CONNECTIONS", 0)
        said = await say(port, post(b"x"))
    assert said.startswith(b"HTTP/1.1 503")
    assert b"retry-after: 1" in said
