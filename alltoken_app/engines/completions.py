"""Chat completions in OpenAI's shape, streamed and whole, on top of what llama.cpp produces."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, Protocol

from alltoken_app.engines import conversation, schemas, tools
from alltoken_app.engines.conversation import ChatRequest
from alltoken_app.engines.http1 import Reply
from alltoken_app.engines.smollm import SmolLM
from alltoken_app.engines.tools import CallReader, Delta
from alltoken_app.errors import AllTokenError, Invalid

MAX_OUTPUT = 2048
USAGE = b'{"choices":[]'
DONE = b"data: [DONE]\n\n"
ALWAYS = {
    "stream": True,  # a whole answer too: only a stream can be stopped
    "stream_options": {"include_usage": True},
    "timings_per_token": True,
    "return_progress": True,
}
Chunk = dict[str, Any]


class Reader(Protocol):
    """Turns text, as it is written, into deltas."""

    def feed(self, piece: str) -> list[Delta]:
        """Deltas for one more piece."""

    def finish(self, complete: bool) -> list[Delta]:
        """Deltas that are due when the text ends."""


class Words:
    """Text as it is."""

    def feed(self, piece: str) -> list[Delta]:
        """The piece."""
        return [{"content": piece}]

    def finish(self, complete: bool) -> list[Delta]:
        """Nothing is held back."""
        return []


class JsonText(Words):
    """Text that has to be JSON. Its grammar sees to that; where none could be made, we notice."""

    def __init__(self) -> None:
        self._text = ""

    def feed(self, piece: str) -> list[Delta]:
        """The piece.

        Raises:
            Invalid: This is not the beginning of JSON.
        """
        if not self._text and piece and piece[0] not in '{["-0123456789tfn':
            raise self._wrong()
        self._text += piece
        return super().feed(piece)

    def finish(self, complete: bool) -> list[Delta]:
        """Nothing.

        Raises:
            Invalid: The text came to its end and is not JSON.
        """
        if complete:
            try:
                json.loads(self._text)
            except ValueError as error:
                raise self._wrong() from error
        return []

    @staticmethod
    def _wrong() -> Invalid:
        return Invalid("The local model cannot follow this schema.", param="response_format")


@dataclass
class Count:
    """Tokens so far, over all choices: the prompt counts once."""

    prompt: int = 0
    cached: int = 0
    predicted: dict[int, int] = field(default_factory=dict)

    def see(self, index: int, chunk: Chunk) -> None:
        """Take llama.cpp's own running count."""
        if timings := chunk.get("timings"):
            self.predicted[index] = timings["predicted_n"]
            if index == 0 or not self.prompt:
                self.prompt, self.cached = timings["prompt_n"], timings["cache_n"]

    @property
    def timings(self) -> dict[str, int]:
        """As llama.cpp writes it: `cache_n` tokens of the prompt are not in `prompt_n`."""
        produced = sum(self.predicted.values())
        return {"prompt_n": self.prompt, "cache_n": self.cached, "predicted_n": produced}

    @property
    def usage(self) -> dict[str, Any]:
        """As OpenAI writes it."""
        prompt, output = self.prompt + self.cached, sum(self.predicted.values())
        return {
            "prompt_tokens": prompt,
            "completion_tokens": output,
            "total_tokens": prompt + output,
            "prompt_tokens_details": {"cached_tokens": self.cached},
        }


@dataclass(frozen=True)
class Job:
    """One request, ready to run.

    Attributes:
        choice: What it may call, if anything.
        ask: The request in llama.cpp's words.
        scope: Requests of one scope may use what the model remembers of each other.
    """

    request: ChatRequest
    choice: tools.Choice | None
    ask: dict[str, Any]
    scope: str
    count: Count = field(default_factory=Count)

    @property
    def choices(self) -> int:
        """How many alternatives are asked for."""
        return self.request.n or 1

    @property
    def plain(self) -> bool:
        """Whether llama.cpp's chunks are already the answer."""
        return not self.choice and "grammar" not in self.ask and self.choices == 1

    def asked(self, index: int) -> dict[str, Any]:
        """The request for one of the alternatives; a seed would make them all alike."""
        return self.ask | {"seed": self.ask["seed"] + index} if "seed" in self.ask else self.ask

    def reader(self) -> Reader:
        """What understands one alternative's text."""
        if self.choice:
            return CallReader(forced=not self.choice.text)
        return JsonText() if "grammar" in self.ask else Words()


class Completions:
    """Answers chat requests with one loaded model."""

    def __init__(self, model: SmolLM, nearness: tools.Nearness | None) -> None:
        self._model = model
        self._nearness = nearness

    async def answer(self, body: bytes, scope: str, reply: Reply) -> None:
        """Serve one request.

        Raises:
            Invalid, Unavailable: Before or after something was sent; `reply.status` tells.
        """
        job = await self._job(body, scope)
        if not job.request.stream:
            await self._whole(job, reply)
        elif job.plain:
            await self._plain(job, reply)
        else:
            await self._shaped(job, reply)

    async def count(self, body: bytes) -> int:
        """Tokens of the prompt that a request would be charged for."""
        return await self._model.count((await self._job(body, "")).ask["messages"])

    async def _job(self, body: bytes, scope: str) -> Job:
        request = conversation.parse(body)
        choice = await tools.choose(request, self._nearness)
        messages = conversation.render(request.messages)
        ask = conversation.sampling(request, MAX_OUTPUT)
        if choice:
            messages = conversation.with_advice(messages, choice.advice)
            ask["grammar"] = choice.grammar
        elif grammar := _grammar(request.response_format):
            ask["grammar"] = grammar
        return Job(request, choice, ask | ALWAYS | {"messages": messages}, scope)

    async def _plain(self, job: Job, reply: Reply) -> None:
        """Pass llama.cpp's chunks on as they are."""
        async with aclosing(self._model.generate(job.ask, job.scope)) as chunks:
            async for chunk in chunks:
                if not reply.status:
                    await reply.start()
                if job.request.include_usage or not chunk.startswith(USAGE):
                    await reply.send(b"data: " + chunk + b"\n\n")
        await reply.send(DONE)
        await reply.end()

    async def _shaped(self, job: Job, reply: Reply) -> None:
        """Stream what was read into another shape, or several choices at once."""
        last: Chunk = {}
        async with aclosing(self._choices(job)) as chunks:
            async for chunk in chunks:
                if not reply.status:
                    await reply.start()
                last = chunk
                await reply.send(_event(chunk | {"timings": job.count.timings}))
        if job.request.include_usage:
            counted = {"usage": job.count.usage, "timings": job.count.timings}
            await reply.send(_event(last | {"choices": []} | counted))
        await reply.send(DONE)
        await reply.end()

    async def _whole(self, job: Job, reply: Reply) -> None:
        voices = [Voice(index) for index in range(job.choices)]
        last: Chunk = {}
        async with aclosing(self._choices(job)) as chunks:
            async for chunk in chunks:
                last = chunk
                for part in chunk["choices"]:
                    voices[part["index"]].hear(part)
        whole = {
            "object": "chat.completion",
            "choices": [voice.choice() for voice in voices],
            "usage": job.count.usage,
            "timings": job.count.timings,
        }
        await reply.json(json.dumps(last | whole).encode())

    async def _choices(self, job: Job) -> AsyncGenerator[Chunk, None]:
        """Chunks of all alternatives, as they come."""
        sources = [self._choice(job, index) for index in range(job.choices)]
        async with aclosing(sources[0] if job.choices == 1 else _merge(sources)) as chunks:
            async for chunk in chunks:
                yield chunk

    async def _choice(self, job: Job, index: int) -> AsyncGenerator[Chunk, None]:
        reader = job.reader()
        async with aclosing(self._model.generate(job.asked(index), job.scope)) as chunks:
            async for raw in chunks:
                chunk = json.loads(raw)
                job.count.see(index, chunk)
                for part in chunk["choices"]:
                    for shaped in _shape(part | {"index": index}, reader):
                        yield chunk | {"choices": [shaped]}


def _grammar(wanted: dict[str, Any] | None) -> str | None:
    match wanted or {"type": "text"}:
        case {"type": "text"}:
            return None
        case {"type": "json_object"}:
            return schemas.ANY_OBJECT
        case {"type": "json_schema", "json_schema": {"schema": dict(schema)}}:
            return schemas.grammar(schema, "response_format")
    raise Invalid("`response_format` is not one of OpenAI's.", param="response_format")


def _shape(part: dict[str, Any], reader: Reader) -> list[dict[str, Any]]:
    """One choice of a chunk, as the choices of the chunks to send for it."""
    said, reason = part["delta"].get("content"), part["finish_reason"]
    if reason:
        complete = reason == "stop"
        rest = [part | {"delta": delta, "finish_reason": None} for delta in reader.finish(complete)]
        called = complete and isinstance(reader, CallReader) and reader.called
        return [*rest, part | {"finish_reason": "tool_calls" if called else reason}]
    if said is None:
        return [part]
    return [part | {"delta": delta} for delta in reader.feed(said)]


class Voice:
    """One choice of a whole answer, put together from its deltas."""

    def __init__(self, index: int) -> None:
        self._index = index
        self._text = ""
        self._call: dict[str, Any] | None = None
        self._logprobs: list[Any] = []
        self._finish: str | None = None

    def hear(self, part: dict[str, Any]) -> None:
        """Add what one chunk says."""
        self._text += part["delta"].get("content") or ""
        self._finish = part["finish_reason"] or self._finish
        self._logprobs += (part.get("logprobs") or {}).get("content") or []
        for call in part["delta"].get("tool_calls", []):
            if self._call is None:
                self._call = call
            else:
                self._call["function"]["arguments"] += call["function"]["arguments"]

    def choice(self) -> dict[str, Any]:
        """The choice of a whole answer."""
        message: dict[str, Any] = {"role": "assistant", "content": self._text, "refusal": None}
        if self._call:
            call = {name: value for name, value in self._call.items() if name != "index"}
            message |= {"content": self._text or None, "tool_calls": [call]}
        logprobs = {"content": self._logprobs, "refusal": None} if self._logprobs else None
        told = {"index": self._index, "message": message, "finish_reason": self._finish}
        return told | {"logprobs": logprobs}


def _event(chunk: Chunk) -> bytes:
    return b"data: " + json.dumps(chunk, separators=(",", ":")).encode() + b"\n\n"


async def _merge(sources: list[AsyncGenerator[Chunk, None]]) -> AsyncGenerator[Chunk, None]:
    """Items of all sources in the order they come; the first failure ends all."""
    queue: asyncio.Queue[Chunk | BaseException | None] = asyncio.Queue()
    tasks = [asyncio.create_task(_drain(source, queue)) for source in sources]
    left = len(tasks)
    try:
        while left:
            item = await queue.get()
            if isinstance(item, BaseException):
                raise item
            if item is None:
                left -= 1
            else:
                yield item
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _drain(
    source: AsyncGenerator[Chunk, None], queue: asyncio.Queue[Chunk | BaseException | None]
) -> None:
    """Put every item into the queue, then None or what went wrong."""
    try:
        async with aclosing(source) as chunks:
            async for chunk in chunks:
                queue.put_nowait(chunk)
    except AllTokenError as error:
        queue.put_nowait(error)
    else:
        queue.put_nowait(None)
