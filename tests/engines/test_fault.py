"""alltoken_app/engines/fault.py, fault_scripts.py"""

import asyncio
import json
import zlib
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from alltoken_app.engines import models
from alltoken_app.engines.fault import FaultUpstream
from alltoken_app.engines.fault_scripts import SCRIPTS, text

HUGE = 2**20


@pytest.fixture
async def fault() -> AsyncIterator[FaultUpstream]:
    upstream = FaultUpstream(scale=0, huge=HUGE)
    await upstream.start()
    yield upstream
    await upstream.close()


@pytest.fixture
async def client(fault: FaultUpstream) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=fault.base_url, timeout=5, trust_env=False) as opened:
        yield opened


def body(model: str, **more: Any) -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "user", "content": "three words here"}], **more}


async def whole(client: httpx.AsyncClient, model: str, **more: Any) -> httpx.Response:
    return await client.post("/chat/completions", json=body(model, **more))


async def events(client: httpx.AsyncClient, model: str, **more: Any) -> list[str]:
    """The data of each event, until the stream ends or breaks."""
    options = {"include_usage": True}
    asked = body(model, stream=True, stream_options=options, **more)
    found = []
    async with client.stream("POST", "/chat/completions", json=asked) as response:
        async for line in response.aiter_lines():
            if line.startswith("data: "):
                found.append(line[6:])
    return found


async def read_into(received: bytearray, client: httpx.AsyncClient, asked: Any) -> None:
    async with client.stream("POST", "/chat/completions", json=asked) as response:
        async for piece in response.aiter_raw():
            received += piece


def content(found: list[str]) -> str:
    chunks = [json.loads(data) for data in found if data != "[DONE]"]
    return "".join(c["choices"][0]["delta"].get("content", "") for c in chunks if c["choices"])


def test_every_script_is_offered_and_described() -> None:
    assert {model.upstream for model in models.FAULT} == set(SCRIPTS)
    assert all(models.describe(name) for name in SCRIPTS)


@pytest.mark.parametrize(
    ("model", "limit", "tokens", "finish"),
    [("ok", {}, 16, "stop"), ("ok", {"max_tokens": 5}, 5, "length"), ("ok-200", {}, 200, "stop"),
     ("ok-9", {"max_completion_tokens": 4}, 4, "length"), ("ok-3", {"max_tokens": 9}, 3, "stop")],
)  # fmt: skip
async def test_ok_has_the_asked_number_of_tokens_and_true_usage(
    client: httpx.AsyncClient, model: str, limit: dict[str, int], tokens: int, finish: str
) -> None:
    answer = (await whole(client, model, **limit)).json()
    streamed = await events(client, model, **limit)
    usage = {"prompt_tokens": 7, "completion_tokens": tokens, "total_tokens": 7 + tokens}
    assert answer["choices"][0]["message"]["content"] == content(streamed) == text(tokens)
    assert answer["choices"][0]["finish_reason"] == finish
    assert json.loads(streamed[-3])["choices"][0]["finish_reason"] == finish
    assert answer["usage"] == json.loads(streamed[-2])["usage"] == answer["usage"] | usage
    assert streamed[-1] == "[DONE]"


async def test_the_answer_never_depends_on_what_was_asked(client: httpx.AsyncClient) -> None:
    first = await client.post("/chat/completions", content=json.dumps(body("ok")))
    other = body("ok") | {"messages": [{"role": "user", "content": "something else entirely"}]}
    second = await client.post("/chat/completions", json=other)
    assert first.content == second.content


@pytest.mark.parametrize(
    ("model", "status", "code"),
    [("rate-limited", 429, "rate_limit_exceeded"), ("server-error", 500, "server_error"),
     ("auth-error", 401, "invalid_api_key"), ("nonsense", 404, "model_not_found")],
)  # fmt: skip
@pytest.mark.parametrize("stream", [False, True])
async def test_refusals_come_as_statuses(
    client: httpx.AsyncClient, model: str, status: int, code: str, stream: bool
) -> None:
    answer = await whole(client, model, stream=stream)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert answer.headers.get("retry-after") == ("2" if status == 429 else None)


async def test_flaky_fails_twice_then_answers(client: httpx.AsyncClient) -> None:
    statuses = [(await whole(client, "flaky")).status_code for _ in range(6)]
    assert statuses == [500, 500, 200, 500, 500, 200]


async def test_delays_are_scaled() -> None:
    upstream = FaultUpstream(scale=0.1, first_token_delay=3)
    url = await upstream.start()
    loop = asyncio.get_running_loop()
    began = loop.time()
    async with httpx.AsyncClient(base_url=url, trust_env=False) as opened:
        await whole(opened, "slow-first-token", max_tokens=1)
    await upstream.close()
    assert 0.3 <= loop.time() - began < 3


@pytest.mark.parametrize("model", ["cut-stream", "cut-before-content"])
@pytest.mark.parametrize("stream", [False, True])
async def test_cut_means_a_reset(client: httpx.AsyncClient, model: str, stream: bool) -> None:
    with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
        await whole(client, model, stream=stream)


async def test_a_cut_stream_has_delivered_three_words(
    client: httpx.AsyncClient, fault: FaultUpstream
) -> None:
    received = bytearray()
    with pytest.raises(httpx.ReadError):
        await read_into(received, client, body("cut-stream", stream=True))
    found = [line[6:] for line in received.decode().splitlines() if line]
    assert content(found) == text(3)
    assert fault.facts[-1].chunks == 4


@pytest.mark.parametrize(("model", "chunks"), [("stall", 4), ("blackhole", 0)])
async def test_a_stall_lasts_until_the_client_leaves_and_that_is_seen(
    client: httpx.AsyncClient, fault: FaultUpstream, model: str, chunks: int
) -> None:
    with pytest.raises(httpx.ReadTimeout):
        await client.post("/chat/completions", json=body(model, stream=True), timeout=0.2)
    async with asyncio.timeout(5):
        while not fault.facts[-1].closed_early:
            await asyncio.sleep(0.01)
    assert fault.facts[-1].chunks == chunks


async def test_endless_ignores_its_limit(client: httpx.AsyncClient) -> None:
    words = 0
    asked = body("endless", stream=True, max_tokens=3)
    async with client.stream("POST", "/chat/completions", json=asked) as response:
        async for line in response.aiter_lines():
            words += bool(line)
            if words > 500:
                break
    assert words > 500


async def test_usage_that_is_missing_or_wrong(client: httpx.AsyncClient) -> None:
    assert "usage" not in (await whole(client, "missing-usage")).json()
    assert '"usage":' not in "".join(await events(client, "missing-usage"))
    assert (await whole(client, "negative-usage")).json()["usage"]["completion_tokens"] == -7
    assert json.loads((await events(client, "negative-usage"))[-2])["usage"]["total_tokens"] == -12
    assert (await whole(client, "absurd-usage")).json()["usage"]["prompt_tokens"] == "many"
    twice = await events(client, "duplicate-usage")
    assert [data == "[DONE]" for data in twice[-5:]] == [False, False, True, False, True]
    assert sum('"usage":' in data for data in twice) == 3


async def test_bodies_that_are_no_answers(client: httpx.AsyncClient) -> None:
    for model in ("malformed-sse", "truncated-json", "silent-end"):
        answer = await whole(client, model)
        assert answer.status_code == 200
        with pytest.raises(ValueError, match=r"Expecting|Unterminated"):
            answer.json()
    for stream in (False, True):
        answer = await whole(client, "wrong-content-type", stream=stream)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html")


async def test_streams_that_are_no_streams(client: httpx.AsyncClient) -> None:
    assert json.loads((await events(client, "malformed-sse"))[1])["choices"]
    with pytest.raises(ValueError, match="Unterminated"):
        json.loads((await events(client, "malformed-sse"))[2])
    assert "[DONE]" not in await events(client, "truncated-json")
    silent = await events(client, "silent-end")
    assert content(silent) == text(3)
    assert "stop" not in silent[-1]


async def test_split_bytes_say_the_same(client: httpx.AsyncClient) -> None:
    asked = body("split-bytes", stream=True, max_tokens=2)
    async with client.stream("POST", "/chat/completions", json=asked) as response:
        raw = b"".join([piece async for piece in response.aiter_raw()])
    assert b"\r\n\r\n" in raw
    assert content([line[6:] for line in raw.decode().splitlines() if line]) == "lorem é ipsum é"


async def test_huge_is_huge(client: httpx.AsyncClient) -> None:
    assert len((await whole(client, "huge-reply")).content) > HUGE
    async with client.stream(
        "POST", "/chat/completions", json=body("huge-reply", stream=True)
    ) as response:
        raw = b"".join([piece async for piece in response.aiter_raw()])
    assert len(raw) > HUGE
    assert max(map(len, raw.split(b"\n"))) >= HUGE


async def test_the_bomb_unpacks_to_sixty_four_megabytes(client: httpx.AsyncClient) -> None:
    async with client.stream("POST", "/chat/completions", json=body("gzip-bomb")) as response:
        packed = b"".join([piece async for piece in response.aiter_raw()])
    assert len(packed) < 100_000
    assert len(zlib.decompress(packed, wbits=31)) == 64 * 2**20


async def test_a_redirect_tells_who_follows(
    client: httpx.AsyncClient, fault: FaultUpstream
) -> None:
    answer = await whole(client, "redirect")
    assert (answer.status_code, fault.followed) == (302, 0)
    await client.get(answer.headers["location"])
    assert fault.followed == 1


async def test_facts_are_kept_and_content_is_not(
    client: httpx.AsyncClient, fault: FaultUpstream
) -> None:
    await events(client, "ok-2")
    await whole(client, "server-error")
    assert fault.count == 2
    assert [(f.model, f.streamed, f.status, f.chunks) for f in fault.facts] == [
        ("ok-2", True, 200, 6),
        ("server-error", False, 500, 0),
    ]
    assert "three words" not in repr(vars(fault))


async def test_connections_are_kept_and_nonsense_is_refused(fault: FaultUpstream) -> None:
    port = httpx.URL(fault.base_url).port
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    asked = json.dumps(body("ok-1")).encode()
    chunked = b"%x\r\n%b\r\n0\r\n\r\n" % (len(asked), asked)
    head = b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\n"
    writer.write(head + b"Content-Length: %d\r\n\r\n" % len(asked) + asked)
    writer.write(head + b"Transfer-Encoding: chunked\r\n\r\n" + chunked)
    writer.write(b"HELO\r\n\r\n")
    answers = await reader.read()
    writer.close()
    assert answers.count(b"HTTP/1.1 200 OK") == 2
    assert answers.count(b"HTTP/1.1 400 Bad Request") == 1
