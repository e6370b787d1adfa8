"""alltoken_app/providers/forward.py: what its clocks and its choice of the next endpoint promise"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import msgspec
import pytest

from alltoken_app.errors import AllTokenError, RateLimited, UpstreamFailed
from alltoken_app.providers import forward
from alltoken_app.providers.attempts import Attempt
from alltoken_app.providers.base import Call, EndpointFacts, Piece, Price, Reply
from alltoken_app.providers.dialects.openai_chat import OpenAIChat
from alltoken_app.providers.forward import Clocks
from alltoken_app.providers.table import Connection, fixed
from alltoken_app.providers.upstream import Upstream

Write = Callable[[asyncio.StreamWriter], Awaitable[None]]
CLOCKS = Clocks(first_token=0.4, inter_token=0.4, whole=0.4, total=20, reasoning=10)
MESSAGES = {"messages": msgspec.Raw(b"[]")}
OK = b'{"id":"x","choices":[{"message":{"content":"hi"},"finish_reason":"stop"}]}'


def endpoint(provider: str, *parameters: str) -> EndpointFacts:
    return EndpointFacts(
        f"{provider}:a/b", "a/b", "chat", provider, "b", 8192, 4096, frozenset(parameters),
        "none", True, None, Price("v", 1, 1, 1),
    )  # fmt: skip


@asynccontextmanager
async def answering(write: Write) -> AsyncIterator[str]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        with suppress(ConnectionError):
            await write(writer)
        writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    finally:
        listening.close()


async def ask(
    urls: dict[str, str], *parameters: str, stream: bool
) -> tuple[list[list[Piece] | Reply], list[Attempt]]:
    upstream, attempts = Upstream(1.0, frozenset()), list[Attempt]()
    connections = {name: Connection(name, OpenAIChat(), fixed(url)) for name, url in urls.items()}
    call = Call("chat", "a/b", MESSAGES, stream=stream)
    try:
        async with asyncio.timeout(15):
            answer = forward.first_healthy(
                call,
                [endpoint(name, *parameters) for name in urls],
                connections,
                8,
                upstream,
                CLOCKS,
                attempts,
            )
            return [arrived async for _, arrived in answer], attempts
    finally:
        await upstream.close()


async def whole(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(OK) + OK)
    await writer.drain()


async def stalled_refusal(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 500 No\r\ncontent-length: 100\r\n\r\nabc")
    await asyncio.sleep(10)


async def endless_comments(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n")
    for _ in range(100):
        writer.write(b": ping\n\n")
        await writer.drain()
        await asyncio.sleep(0.1)


def busy(retry_after: bytes) -> Write:
    async def write(writer: asyncio.StreamWriter) -> None:
        head = b"HTTP/1.1 429 Slow\r\ncontent-length: 2\r\nretry-after: " + retry_after
        writer.write(head + b"\r\n\r\n{}")
        await writer.drain()

    return write


async def test_a_refusal_that_stalls_is_left_for_the_next_endpoint() -> None:
    async with answering(stalled_refusal) as bad, answering(whole) as good:
        answer, attempts = await ask({"bad": bad, "good": good}, stream=False)
    assert isinstance(answer[0], Reply)
    assert [attempt.provider for attempt in attempts] == ["bad", "good"]
    assert attempts[0].code == "upstream_timeout"


async def test_comments_do_not_set_the_first_token_clock_back() -> None:
    async with answering(endless_comments) as url:
        with pytest.raises(UpstreamFailed) as caught:
            await ask({"chatty": url}, stream=True)
    assert caught.value.code == "upstream_timeout"


@pytest.mark.parametrize("said", [b"inf", b"nan", b"-1", b"1e9", b"99999", b"soon"])
async def test_an_odd_retry_after_delays_nobody(said: bytes) -> None:
    async with answering(busy(said)) as url:
        with pytest.raises(AllTokenError) as caught:
            await ask({"busy": url}, stream=False)
    assert isinstance(caught.value, RateLimited)


async def test_the_first_endpoint_is_tried_twice_and_then_the_next() -> None:
    async with answering(busy(b"0")) as bad, answering(whole) as good:
        _, attempts = await ask({"bad": bad, "good": good}, stream=False)
    assert [(a.provider, a.code) for a in attempts] == [
        ("bad", "upstream_rate_limited"), ("bad", "upstream_rate_limited"), ("good", None),
    ]  # fmt: skip


async def late(writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(0.9)
    await whole(writer)


async def test_a_model_that_thinks_first_is_given_more_time() -> None:
    async with answering(late) as url:
        answered, _ = await ask({"p": url}, "reasoning_effort", stream=False)
        assert isinstance(answered[0], Reply)
        with pytest.raises(UpstreamFailed) as refused:
            await ask({"p": url}, stream=False)
    assert refused.value.code == "upstream_timeout"
