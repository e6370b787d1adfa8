"""alltoken_app/providers/attempts.py: whose turn it is, and what health learns of it"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager, suppress
from typing import Any

import msgspec
import pytest

from alltoken_app.errors import Invalid, UpstreamFailed
from alltoken_app.providers import forward
from alltoken_app.providers.attempts import Attempt, Interrupted, Turns
from alltoken_app.providers.base import Call, UpstreamError
from alltoken_app.providers.dialects.openai_chat import OpenAIChat
from alltoken_app.providers.table import Connection, fixed
from alltoken_app.providers.upstream import Upstream
from alltoken_app.routing.breaker import FEWEST, Standing
from alltoken_app.routing.health import Health
from tests.providers.test_forward import (
    CLOCKS,
    MESSAGES,
    answering,
    busy,
    endpoint,
    stalled_refusal,
    whole,
)

A, B = endpoint("a"), endpoint("b")
STREAM = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n"
    b'data: {"choices":[{"delta":{"content":"hi"}}]}\n\n'
)


@asynccontextmanager
async def upstreams(**writes: Any) -> AsyncIterator[dict[str, Connection]]:
    names = list(writes)
    async with answering(writes[names[0]]) as first, answering(writes[names[-1]]) as second:
        urls = dict(zip(names, (first, second), strict=False))
        yield {name: Connection(name, OpenAIChat(), fixed(url)) for name, url in urls.items()}


async def ask(
    health: Health, connections: dict[str, Connection], *, stream: bool = False, parts: int = 9
) -> list[str]:
    """Providers in the order they were tried."""
    upstream, attempts = Upstream(1.0, frozenset()), list[Attempt]()
    call = Call("chat", "a/b", MESSAGES, stream=stream)
    targets = [endpoint(name) for name in connections]
    answer = forward.first_healthy(
        call, targets, connections, 8, upstream, CLOCKS, attempts, health
    )
    try:
        async with aclosing(answer):
            async for _ in answer:
                parts -= 1
                if not parts:
                    break
    except (UpstreamFailed, Interrupted):
        pass
    finally:
        await upstream.close()
    return [attempt.provider for attempt in attempts]


def trip(health: Health, *targets: Any) -> None:
    for one in targets:
        for _ in range(FEWEST):
            health.failed(one, UpstreamError("upstream_error", "", retry=True), 500)


async def refused(writer: Any) -> None:
    writer.write(b"HTTP/1.1 400 No\r\ncontent-length: 2\r\n\r\n{}")
    await writer.drain()


async def broken_stream(writer: Any) -> None:
    writer.write(STREAM)
    await writer.drain()


async def test_what_answers_is_noted_with_the_time_of_its_first_content() -> None:
    health = Health()
    async with upstreams(a=broken_stream, b=whole) as connections:
        assert await ask(health, connections, stream=True, parts=1) == ["a"]
    assert health.latency(A) is not None
    assert health.view(A).uptime_5m == 100.0


async def test_an_answer_that_breaks_off_is_its_providers_fault() -> None:
    health = Health()
    async with upstreams(a=broken_stream, b=whole) as connections:
        await ask(health, connections, stream=True)
    assert health.view(A).uptime_5m == 50.0


async def test_a_callers_fault_is_not_tried_elsewhere_and_not_held_against_anybody() -> None:
    health = Health()
    async with upstreams(a=refused, b=whole) as connections:
        with pytest.raises(Invalid):
            await ask(health, connections)
    assert health.view(A).uptime_5m is None
    assert health.standing(A) is Standing.CLOSED


async def test_who_is_busy_is_left_at_once_for_the_next_and_rests() -> None:
    health = Health()
    async with upstreams(a=busy(b"3"), b=whole) as connections:
        assert await ask(health, connections) == ["a", "b"]
    assert health.standing(A) is Standing.COOLING


async def test_an_open_circuit_is_not_asked_while_another_answers() -> None:
    health = Health()
    trip(health, A)
    async with upstreams(a=whole, b=whole) as connections:
        assert await ask(health, connections) == ["b"]


async def test_when_everything_rests_it_is_tried_all_the_same() -> None:
    health = Health()
    trip(health, A, B)
    async with upstreams(a=stalled_refusal, b=whole) as connections:
        assert await ask(health, connections) == ["a", "b"]


async def test_a_single_endpoint_that_rests_is_tried() -> None:
    health = Health()
    trip(health, A)
    async with upstreams(a=whole) as connections:
        assert await ask(health, connections) == ["a"]


async def test_a_client_that_leaves_gives_the_probe_free() -> None:
    health = Health()
    trip(health, A)
    health.now = lambda: 10.0**9
    async with upstreams(a=stalled_refusal) as connections:
        answer = forward.first_healthy(
            Call("chat", "a/b", MESSAGES), [A], connections, 8,
            Upstream(1.0, frozenset()), CLOCKS, [], health,
        )  # fmt: skip
        assert health.standing(A) is Standing.HALF_OPEN
        asking = asyncio.ensure_future(anext(answer))
        await asyncio.sleep(0.1)
        assert health.standing(A) is Standing.PROBING
        asking.cancel()
        await asyncio.wait((asking,))
    assert health.standing(A) is Standing.HALF_OPEN


def test_there_are_at_most_eight_attempts() -> None:
    many = [endpoint(str(number)) for number in range(12)]
    assert len(list(Turns(many, Health(), []))) == 8


def refusing(code: str) -> Any:
    body = b'{"error":{"code":"%b","message":"no"}}' % code.encode()

    async def write(writer: Any) -> None:
        writer.write(b"HTTP/1.1 400 No\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
        await writer.drain()

    return write


@pytest.mark.parametrize(
    ("code", "model", "context", "tried"),
    [
        ("context_length_exceeded", "c/d", 100, ["a", "b"]),  # the caller named another model
        ("context_length_exceeded", "a/b", 100, ["a"]),
        ("context_length_exceeded", "a/b", 9_000, ["a", "b"]),
        ("content_filter", "c/d", 100, ["a", "b"]),
        ("content_filter", "a/b", 9_000, ["a"]),
        ("invalid_value", "c/d", 9_000, ["a"]),
    ],
)
async def test_what_one_model_refuses_a_stand_in_or_a_longer_context_may_serve(
    code: str, model: str, context: int, tried: list[str]
) -> None:
    first = msgspec.structs.replace(A, context=1_000)
    second = msgspec.structs.replace(B, model=model, context=context)
    attempts: list[Attempt] = []
    upstream = Upstream(1.0, frozenset())
    async with upstreams(a=refusing(code), b=whole) as connections:
        answer = forward.first_healthy(
            Call("chat", "a/b", MESSAGES), [first, second], connections, 8, upstream, CLOCKS,
            attempts,
        )  # fmt: skip
        with suppress(Invalid):
            async for _ in answer:
                pass
    await upstream.close()
    assert [attempt.provider for attempt in attempts] == tried
