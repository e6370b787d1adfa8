"""SmolLM2 inside this process, run by llama.cpp: requests in its own dialect, chunks as produced.

Only the engine's child process imports this file.
"""

import asyncio
import json
import threading
from collections import deque
from collections.abc import AsyncGenerator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import xllamacpp

from alltoken_app.engines import http1, weights
from alltoken_app.errors import Invalid, Unavailable

SLOTS = 2
CONTEXT = 4096  # tokens of one request: llama.cpp divides its context between the slots
BATCH = 64  # a hang-up during the prompt is noticed between batches
QUEUE = 16
IDLE = 300  # seconds after which llama.cpp frees the model and what it remembers of conversations
TEMPERATURE, TOP_P = 0.2, 0.9  # its makers' advice, for requests that name none
PROGRESS = b'"prompt_progress":'  # cannot occur within a JSON string: its quotes would be escaped
ERROR = b'{"error"'


@dataclass
class Slot:
    """A place to generate in; it remembers whose conversation it holds."""

    number: int
    scope: str = ""


class Slots:
    """Hands out slots in the order of asking; one that served the same scope before is preferred.

    What a slot remembers of a conversation is used again only within its scope: otherwise the
    count of cached tokens would tell one customer what another has asked.
    """

    def __init__(self, count: int, queue: int) -> None:
        self._free = [Slot(number) for number in range(count)]
        self._waiting: deque[asyncio.Future[Slot]] = deque()
        self._queue = queue

    async def take(self, scope: str) -> tuple[Slot, bool]:
        """A slot, and whether what it remembers belongs to `scope`.

        Raises:
            Unavailable: Too many are waiting.
        """
        slot = self._pick(scope) if self._free else await self._wait()
        reuse = bool(scope) and slot.scope == scope
        slot.scope = scope
        return slot, reuse

    def give_back(self, slot: Slot) -> None:
        """Hand the slot to whoever waits longest, or keep it."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(slot)
                return
        self._free.append(slot)

    def _pick(self, scope: str) -> Slot:
        same = [slot for slot in self._free if scope and slot.scope == scope]
        slot = (same or self._free)[0]
        self._free.remove(slot)
        return slot

    async def _wait(self) -> Slot:
        if len(self._waiting) >= self._queue:
            raise Unavailable(
                "The local model is busy. Nothing was charged; try again in a few seconds.",
                code="engine_overloaded",
                retry_after=5,
            )
        turn: asyncio.Future[Slot] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            return await turn
        except asyncio.CancelledError:
            if turn in self._waiting:
                self._waiting.remove(turn)
            elif not turn.cancelled():
                self.give_back(turn.result())
            raise


class SmolLM:
    """The loaded model."""

    def __init__(self, path: Path, threads: int, secret: str) -> None:
        """Load it; takes a second or more.

        Args:
            threads: More than one only helps on a quiet machine.
            secret: Guards the port that llama.cpp opens by itself.
        """
        self._secret = secret
        self._llama = xllamacpp.Server(_parameters(path, threads, secret))
        self._port = urlsplit(self._llama.listening_address).port or 0
        self._threads = ThreadPoolExecutor(SLOTS, thread_name_prefix="llama")
        self._slots = Slots(SLOTS, QUEUE)

    async def generate(self, body: dict[str, Any], scope: str = "") -> AsyncGenerator[bytes, None]:
        """Chunks in OpenAI's shape, each as JSON, the usage in the last one.

        Closing the iterator stops the generation at its next token or batch of the prompt.

        Raises:
            Invalid: The request does not fit the context, or llama.cpp refuses it.
            Unavailable: Too many requests are waiting.
        """
        slot, reuse = await self._slots.take(scope)
        run = _Run(body | {"id_slot": slot.number, "cache_prompt": reuse})
        work = asyncio.get_running_loop().run_in_executor(self._threads, run.serve, self._llama)

        def done(finished: asyncio.Future[None]) -> None:
            self._slots.give_back(slot)
            if not finished.cancelled():
                finished.exception()  # seen: else asyncio would print it

        work.add_done_callback(done)
        try:
            while (chunk := await run.chunks.get()) is not None:
                if chunk.startswith(ERROR):
                    raise refusal(json.loads(chunk)["error"])
                yield chunk
            await work  # raises what llama.cpp raised
        except (ValueError, RuntimeError) as error:
            raise Invalid("The local model cannot read this request.") from error
        finally:
            run.stopped.set()

    async def count(self, messages: list[dict[str, str]]) -> int:
        """Tokens of a conversation as the model sees it, template included."""
        return int(
            (await self._ask("/chat/completions/input_tokens", {"messages": messages}))[
                "input_tokens"
            ]
        )

    async def tokens(self, text: str) -> list[int]:
        """The model's tokens of a text."""
        return list((await self._ask("/tokenize", {"content": text}))["tokens"])

    async def _ask(self, path: str, payload: object) -> dict[str, Any]:
        status, answer = await http1.fetch(self._port, path, self._secret, payload)
        if status != 200:
            raise Invalid("The local model cannot read this text.")
        found: dict[str, Any] = json.loads(answer)
        return found

    async def healthy(self) -> bool:
        """Whether llama.cpp answers."""
        try:
            return (await http1.fetch(self._port, "/health", self._secret, timeout=5))[0] == 200
        except (OSError, TimeoutError, EOFError, http1.Malformed):
            return False


class _Run:
    """One generation: llama.cpp calls back in a thread, the loop reads a queue."""

    def __init__(self, body: dict[str, Any]) -> None:
        self.chunks: asyncio.Queue[bytes | None] = asyncio.Queue()
        self.stopped = threading.Event()
        self._body = json.dumps(body).encode()
        self._loop = asyncio.get_running_loop()

    def serve(self, llama: xllamacpp.Server) -> None:
        """Generate; runs in a thread of its own."""
        try:
            if not self.stopped.is_set():
                llama.handle_chat_completions(self._body, self._receive)
        finally:
            self._put(None)

    def _receive(self, chunk: bytes) -> bool:
        if PROGRESS not in chunk:
            self._put(chunk)
        return self.stopped.is_set()  # True ends the generation

    def _put(self, chunk: bytes | None) -> None:
        self._loop.call_soon_threadsafe(self.chunks.put_nowait, chunk)


def refusal(error: dict[str, Any]) -> Invalid | Unavailable:
    """llama.cpp's refusal in our words: its own may quote the request."""
    if error.get("type") == "exceed_context_size_error":
        asked = error.get("n_prompt_tokens")
        return Invalid(
            f"This model's context is {CONTEXT} tokens; the input has {asked}.",
            code="context_length_exceeded",
            param="messages",
        )
    if error.get("code", 500) < 500:
        return Invalid("The local model refuses this request.")
    return Unavailable(
        "The local model failed. Nothing was charged; try again.", code="engine_error"
    )


def _parameters(path: Path, threads: int, secret: str) -> xllamacpp.CommonParams:
    params = xllamacpp.CommonParams()
    params.model.path = str(path)
    params.model_alias = {weights.CHAT}
    params.n_ctx, params.n_parallel, params.kv_unified = CONTEXT * SLOTS, SLOTS, False
    params.n_batch = params.n_ubatch = BATCH
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = threads
    params.sampling.temp, params.sampling.top_p = TEMPERATURE, TOP_P
    params.use_jinja, params.prefill_assistant = True, False
    params.cache_ram_mib = 0  # no store of earlier conversations beyond the slots
    params.sleep_idle_seconds = IDLE
    params.hostnames, params.port, params.api_keys = [http1.LOOPBACK], 0, [secret]
    params.ui, params.endpoint_slots, params.verbosity = False, False, 0
    return params
