"""What the scripted upstream does, by model name: each script is one way to answer or to fail."""

import asyncio
import gzip
import json
import socket
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from alltoken_app.engines.http1 import Reply
from alltoken_app.engines.models import FAULT_MAX_OUTPUT

TEXT = (
    "lorem ipsum dolor sit amet consectetur adipiscing elit sed do eiusmod tempor incididunt ut "
    "labore et dolore magna aliqua"
)
WORDS = TEXT.split()
DEFAULT_TOKENS = 16
FIRST_CHUNKS = 3
TOKEN_DELAY = 0.01
RESET = struct.pack("ii", 1, 0)  # linger for no time at all: the peer sees a reset
HTML = b"<!doctype html><title>Bad gateway</title><h1>Bad gateway</h1>"
DONE = b"data: [DONE]\n\n"
CREATED = 1_760_000_000
BOMB = 64 * 2**20
Json = dict[str, Any]


@dataclass
class Fact:
    """What happened to one request; nothing of what it said."""

    model: str
    streamed: bool
    status: int = 0
    chunks: int = 0
    closed_early: bool = False


@dataclass
class Exchange:
    """One request being answered.

    Attributes:
        prompt: Its tokens: one per word, four per message.
        wanted: Tokens the model's name asks for ("ok-200"), if it does.
        limit: The request's own bound, if it has one.
        turn: How many requests have named this model, this one included.
        scale: Delays are multiplied by it.
    """

    reply: Reply
    fact: Fact
    prompt: int
    wanted: int | None
    limit: int | None
    include_usage: bool
    turn: int
    scale: float
    first_token_delay: float
    huge: int
    elsewhere: str

    @property
    def tokens(self) -> int:
        """How many tokens the answer has.

        A limit of all that the model gives is what the gateway sends when nobody asked for one.
        """
        asked = self.limit if self.limit and self.limit < FAULT_MAX_OUTPUT else None
        wanted = self.wanted or asked or DEFAULT_TOKENS
        return min(wanted, self.limit) if self.limit else wanted

    @property
    def finish(self) -> str:
        """Why it ends."""
        cut = self.limit is not None and self.tokens == self.limit
        return "length" if cut else "stop"

    @property
    def usage(self) -> Json:
        """The true usage."""
        total = self.prompt + self.tokens
        return {
            "prompt_tokens": self.prompt,
            "completion_tokens": self.tokens,
            "total_tokens": total,
            "prompt_tokens_details": {"cached_tokens": 0},
        }

    async def pause(self, seconds: float) -> None:
        """Wait, scaled."""
        await asyncio.sleep(seconds * self.scale)

    def whole(self, **changes: Any) -> Json:
        """A whole answer with some fields changed; None drops one."""
        message = {"role": "assistant", "content": text(self.tokens), "refusal": None}
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": self.finish}
        answer = self._named("chat.completion") | {"choices": [choice], "usage": self.usage}
        return {name: value for name, value in (answer | changes).items() if value is not None}

    def chunk(self, delta: Json, finish: str | None = None, **changes: Any) -> bytes:
        """One event of a stream."""
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return event(self._named("chat.completion.chunk") | {"choices": [choice]} | changes)

    def closing(self, usage: Json) -> bytes:
        """The event that carries the usage."""
        return event(self._named("chat.completion.chunk") | {"choices": [], "usage": usage})

    async def send(self, data: bytes) -> None:
        """Send one piece of a stream."""
        await self.reply.send(data)
        self.fact.chunks += 1

    async def begin(self) -> None:
        """Begin a stream with the role, as OpenAI does."""
        await self.reply.start()
        await self.send(self.chunk({"role": "assistant", "content": ""}))

    async def words(self, first: int, last: int, **changes: Any) -> None:
        """Stream the words from `first` up to, not including, `last`."""
        for number in range(first, last):
            await self.send(self.chunk({"content": word(number)}, **changes))
            await self.pause(TOKEN_DELAY)

    async def finished(self, usage: Json | None) -> None:
        """End a stream in good order."""
        await self.send(self.chunk({}, self.finish))
        if usage and self.include_usage:
            await self.send(self.closing(usage))
        await self.send(DONE)
        await self.reply.end()

    async def refuse(self, status: int, message: str, kind: str, **headers: str) -> None:
        """An error in OpenAI's shape."""
        told = {"message": message, "type": kind, "param": None, "code": kind}
        await self.reply.json(json.dumps({"error": told}).encode(), status, **headers)

    async def cut(self) -> None:
        """Reset the connection, after what was sent has arrived."""
        await asyncio.sleep(0.02)
        link = self.reply.raw.get_extra_info("socket")
        link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self.reply.keep_alive = False
        self.reply.raw.transport.abort()

    def _named(self, kind: str) -> Json:
        return {
            "id": "chatcmpl-fault",
            "object": kind,
            "created": CREATED,
            "model": self.fact.model,
        }


def word(number: int) -> str:
    """The word at a place of the text, with its space."""
    return (" " if number else "") + WORDS[number % len(WORDS)]


def text(tokens: int) -> str:
    """The first words of the text: it never depends on what was asked."""
    return "".join(map(word, range(tokens)))


def event(data: Json) -> bytes:
    """One server-sent event."""
    written = json.dumps(data, separators=(",", ":"), ensure_ascii=False)
    return f"data: {written}\n\n".encode()


async def _answer(x: Exchange, usage: Json | None, **changes: Any) -> None:
    """Answer as asked, whole or streamed, with this usage."""
    if not x.fact.streamed:
        await x.reply.json(json.dumps(x.whole(usage=usage, **changes)).encode())
        return
    await x.begin()
    await x.words(0, x.tokens, **changes)
    await x.finished(usage)


async def _promise(x: Exchange, part: bytes) -> None:
    """The beginning of a whole answer that announces more than it sends."""
    x.reply.head(200, "application/json", {"content-length": str(len(part) + 1000)})
    x.reply.raw.write(part)
    await x.reply.raw.drain()


async def _first_chunks(x: Exchange) -> None:
    """The role and words, three chunks of them; or the first half of a whole answer."""
    if x.fact.streamed:
        await x.begin()
        await x.words(0, FIRST_CHUNKS)
    else:
        await _promise(x, json.dumps(x.whole()).encode()[:100])


async def _ok(x: Exchange) -> None:
    await _answer(x, x.usage)


async def _slow_first_token(x: Exchange) -> None:
    await x.pause(x.first_token_delay)
    await _answer(x, x.usage)


async def _stall(x: Exchange) -> None:
    await _first_chunks(x)
    await asyncio.Event().wait()


async def _blackhole(x: Exchange) -> None:
    await asyncio.Event().wait()


async def _rate_limited(x: Exchange) -> None:
    await x.refuse(429, "Slow down.", "rate_limit_exceeded", retry_after="2")


async def _server_error(x: Exchange) -> None:
    await x.refuse(500, "Something broke.", "server_error")


async def _auth_error(x: Exchange) -> None:
    await x.refuse(401, "No such key.", "invalid_api_key")


async def _flaky(x: Exchange) -> None:
    await (_server_error(x) if x.turn % 3 else _ok(x))


async def _cut_stream(x: Exchange) -> None:
    await _first_chunks(x)
    await x.cut()


async def _cut_before_content(x: Exchange) -> None:
    if x.fact.streamed:
        await x.begin()
    await x.cut()


async def _silent_end(x: Exchange) -> None:
    if not x.fact.streamed:
        return await x.reply.json(b"")
    await _first_chunks(x)
    return await x.reply.end()


async def _missing_usage(x: Exchange) -> None:
    await _answer(x, None)


async def _negative_usage(x: Exchange) -> None:
    wrong = {"prompt_tokens": -5, "completion_tokens": -7, "total_tokens": -12}
    await _answer(x, wrong)


async def _absurd_usage(x: Exchange) -> None:
    wrong = {"prompt_tokens": "many", "completion_tokens": 2**63, "total_tokens": 1e300}
    await _answer(x, wrong)


async def _duplicate_usage(x: Exchange) -> None:
    if not x.fact.streamed:
        return await _ok(x)
    await x.begin()
    await x.words(0, x.tokens)
    await x.send(x.chunk({}, x.finish))
    for part in (x.closing(x.usage), x.closing(x.usage), DONE, x.closing(x.usage), DONE):
        await x.send(part)
    return await x.reply.end()


async def _other_model(x: Exchange) -> None:
    await _answer(x, x.usage, model="something-else")


async def _malformed_sse(x: Exchange) -> None:
    if not x.fact.streamed:
        return await x.reply.json(b"data: not json\n\n")
    await x.begin()
    await x.words(0, 1)
    await x.send(b'data: {"choices":[{"delta":{"content":"lorem\n\nthis is no event\n\n')
    await x.send(DONE)
    return await x.reply.end()


async def _truncated_json(x: Exchange) -> None:
    whole = json.dumps(x.whole()).encode()
    if not x.fact.streamed:
        return await x.reply.json(whole[: len(whole) // 2])
    await x.begin()
    await x.words(0, 1)
    await x.send(x.chunk({"content": word(1)})[:-20])
    return await x.reply.end()


async def _wrong_content_type(x: Exchange) -> None:
    x.reply.head(200, "text/html", {"content-length": str(len(HTML))})
    x.reply.raw.write(HTML)
    await x.reply.raw.drain()


async def _redirect(x: Exchange) -> None:
    x.reply.head(302, "text/plain", {"location": x.elsewhere, "content-length": "0"})
    await x.reply.raw.drain()


async def _huge_reply(x: Exchange) -> None:
    """Streamed: one event that does not end. Whole: an answer of that size."""
    if not x.fact.streamed:
        choice = {"index": 0, "message": {"role": "assistant", "content": "x" * x.huge}}
        return await x.reply.json(json.dumps(x.whole(choices=[choice])).encode())
    await x.begin()
    await x.send(b'data: {"choices":[{"index":0,"delta":{"content":"')
    for _ in range(x.huge // 2**16):
        await x.send(b"x" * 2**16)
    return await x.reply.end()


async def _endless(x: Exchange) -> None:
    """Ignores every limit. Whole: it never gets to the end."""
    if not x.fact.streamed:
        return await _stall(x)
    await x.begin()
    number = 0
    while True:
        await x.words(number, number + 1)
        number += 1


async def _split_bytes(x: Exchange) -> None:
    """A right answer, byte by byte, with CRLF and a word that is not ASCII."""
    if not x.fact.streamed:
        return await _ok(x)
    await x.reply.start()
    events = [x.chunk({"role": "assistant", "content": ""})]
    events += [x.chunk({"content": f"{word(number)} é"}) for number in range(x.tokens)]
    events += [x.chunk({}, x.finish), x.closing(x.usage), DONE]
    for byte in b"".join(events).replace(b"\n", b"\r\n"):
        await x.reply.send(bytes([byte]))
    return await x.reply.end()


@lru_cache
def _bomb() -> bytes:
    return gzip.compress(b" " * BOMB)


async def _gzip_bomb(x: Exchange) -> None:
    packed = await asyncio.to_thread(_bomb)
    kind = "text/event-stream" if x.fact.streamed else "application/json"
    size = {"content-encoding": "gzip", "content-length": str(len(packed))}
    x.reply.head(200, kind, size)
    x.reply.raw.write(packed)
    await x.reply.raw.drain()


Script = Callable[[Exchange], Awaitable[None]]
SCRIPTS: dict[str, Script] = {
    "ok": _ok,
    "slow-first-token": _slow_first_token,
    "stall": _stall,
    "blackhole": _blackhole,
    "rate-limited": _rate_limited,
    "server-error": _server_error,
    "auth-error": _auth_error,
    "flaky": _flaky,
    "cut-stream": _cut_stream,
    "cut-before-content": _cut_before_content,
    "silent-end": _silent_end,
    "missing-usage": _missing_usage,
    "negative-usage": _negative_usage,
    "absurd-usage": _absurd_usage,
    "duplicate-usage": _duplicate_usage,
    "other-model": _other_model,
    "malformed-sse": _malformed_sse,
    "truncated-json": _truncated_json,
    "wrong-content-type": _wrong_content_type,
    "redirect": _redirect,
    "huge-reply": _huge_reply,
    "endless": _endless,
    "split-bytes": _split_bytes,
    "gzip-bomb": _gzip_bomb,
}
