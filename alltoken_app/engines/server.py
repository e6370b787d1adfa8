"""The local engine's process: OpenAI's API on loopback for the models of this machine.

Run by the supervisor as `python -m alltoken_app.engines.server`, never imported by the gateway. It
reads its configuration from standard input, tells its progress on standard output, and ends when
standard input does: a gateway that is gone leaves nothing behind.
"""

import asyncio
import contextlib
import ctypes
import hmac
import importlib
import json
import logging
import os
import secrets
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, TypeVar

import msgspec

from alltoken_app.engines import http1, weights
from alltoken_app.engines.http1 import Reply, Request
from alltoken_app.engines.speaking import Voice
from alltoken_app.errors import AllTokenError, Invalid, Kind, NotFound, Unauthenticated

if TYPE_CHECKING:
    from alltoken_app.engines.completions import Completions
    from alltoken_app.engines.minilm import MiniLM
    from alltoken_app.engines.smollm import SmolLM
    from alltoken_app.engines.whisper import Whisper

SET_PARENT_DEATH_SIGNAL = 1
STATUS = {
    Kind.INVALID: 400,
    Kind.UNAUTHENTICATED: 401,
    Kind.NOT_FOUND: 404,
    Kind.UNAVAILABLE: 503,
}
TASKS = {"/v1/audio/transcriptions": "transcribe", "/v1/audio/translations": "translate"}
Body = TypeVar("Body", bound="Named")
log = logging.getLogger("alltoken.engine")


class Config(msgspec.Struct, frozen=True):
    """What the supervisor writes to standard input, as one line of JSON."""

    token: str
    threads: int
    tokenizer: str
    chat: str | None = None
    embeddings: str | None = None
    listening: tuple[str, ...] = ()
    speaking: tuple[str, ...] = ()


class Named(msgspec.Struct):
    """The model a request names."""

    model: str = ""


class Counting(Named):
    """What POST /tokenize takes: a text, or a chat request."""

    text: str | None = None


class Engine:
    """The loaded models and the routes to them."""

    def __init__(self, config: Config) -> None:
        self._token = config.token
        self._chat: SmolLM | None = None
        self._completions: Completions | None = None
        self._embeddings: MiniLM | None = None
        self._whisper: Whisper | None = None
        self._voice = Voice(config.speaking) if config.speaking else None

    def load_embeddings(self, path: str, tokenizer: str) -> None:
        """Load the embedding model."""
        minilm = importlib.import_module("alltoken_app.engines.minilm")
        self._embeddings = minilm.MiniLM(Path(path), Path(tokenizer))

    def load_chat(self, path: str, threads: int) -> None:
        """Load the chat model; the embedding model, loaded before, chooses its tools."""
        smollm = importlib.import_module("alltoken_app.engines.smollm")
        completions = importlib.import_module("alltoken_app.engines.completions")
        self._chat = smollm.SmolLM(Path(path), threads, secrets.token_urlsafe(32))
        nearness = self._embeddings.nearness if self._embeddings else None
        self._completions = completions.Completions(self._chat, nearness)

    def prepare_listening(self, parts: tuple[str, ...], threads: int) -> None:
        """Make the model that listens ready to load: few need it, so its first use loads it."""
        whisper = importlib.import_module("alltoken_app.engines.whisper")
        self._whisper = whisper.Whisper(tuple(map(Path, parts)), threads)

    async def handle(self, request: Request, reply: Reply) -> None:
        """Serve one request; every failure becomes an answer."""
        try:
            await self._route(request, reply)
        except AllTokenError as error:
            await _fail(error, reply)
        except (asyncio.CancelledError, ConnectionError):
            raise
        except Exception as error:  # noqa: BLE001 - its message may quote the request: type only
            log.error("%s %s: %s%s", request.method, request.path, type(error).__name__, _at(error))
            broken = AllTokenError("The local engine failed.", code="engine_error", status=500)
            await _fail(broken, reply)

    async def _route(self, request: Request, reply: Reply) -> None:
        given = request.headers.get("authorization", "").removeprefix("Bearer ")
        if not hmac.compare_digest(given.encode(), self._token.encode()):
            raise Unauthenticated("The engine's token is wrong.")
        match request.method, request.path:
            case "GET", "/health":
                await self._health(reply)
            case "GET", "/v1/models":
                data = [{"id": name, "object": "model"} for name in self.models]
                await reply.json(json.dumps({"object": "list", "data": data}).encode())
            case "POST", "/v1/chat/completions" if self._completions:
                self._check(request.body, weights.CHAT)
                scope = request.headers.get("x-cache-scope", "")
                await self._completions.answer(request.body, scope, reply)
            case "POST", "/v1/embeddings" if self._embeddings:
                self._check(request.body, weights.EMBEDDINGS)
                await reply.json(await self._embeddings.answer(request.body))
            case "POST", path if path.startswith("/v1/audio/") or path == "/v1/rerank":
                await self._beside_chat(request, reply)
            case "POST", "/tokenize":
                await reply.json(json.dumps({"count": await self._count(request.body)}).encode())
            case _:
                raise NotFound("The local engine has no such route, or not this model.")

    async def _beside_chat(self, request: Request, reply: Reply) -> None:
        task = TASKS.get(request.path)
        if request.path == "/v1/rerank" and self._embeddings:
            self._check(request.body, weights.RERANKING)
            await reply.json(await self._embeddings.rerank(request.body))
        elif task and self._whisper:
            self._check(request.body, weights.LISTENING)
            await self._whisper.answer(request.body, task, reply)
        elif request.path == "/v1/audio/speech" and self._voice:
            self._check(request.body, weights.SPEAKING)
            await reply.whole(await self._voice.answer(request.body), "audio/wav")
        else:
            raise NotFound("The local engine has no such route, or not this model.")

    @property
    def models(self) -> tuple[str, ...]:
        """Names of the loaded models."""
        loaded = {
            weights.CHAT: self._chat,
            weights.EMBEDDINGS: self._embeddings,
            weights.RERANKING: self._embeddings,
            weights.LISTENING: self._whisper,
            weights.SPEAKING: self._voice,
        }
        return tuple(name for name, model in loaded.items() if model)

    def _check(self, body: bytes, served: str) -> None:
        named = _decode(body, Named).model
        if named != served:
            raise NotFound(f"This route serves {served}.", code="model_not_found", param="model")

    async def _health(self, reply: Reply) -> None:
        well = await self._chat.healthy() if self._chat else True
        told = {"status": "ok" if well else "failing", "models": self.models}
        await reply.json(json.dumps(told).encode(), 200 if well else 503)

    async def _count(self, body: bytes) -> int:
        """Tokens of a text, or of a chat request's prompt, by the model's own tokenizer."""
        asked = _decode(body, Counting)
        if asked.model == weights.CHAT and self._chat and self._completions:
            if asked.text is None:
                return await self._completions.count(body)
            return len(await self._chat.tokens(asked.text))
        if asked.model == weights.EMBEDDINGS and self._embeddings:
            return len(await self._embeddings.tokens(asked.text or ""))
        raise NotFound("The local engine has no such model.", code="model_not_found", param="model")


def _decode(body: bytes, shape: type[Body]) -> Body:
    try:
        return msgspec.json.decode(body, type=shape)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Invalid("The body is not JSON, or names no model.", code="invalid_json") from error


async def _fail(error: AllTokenError, reply: Reply) -> None:
    """Tell it in OpenAI's shape: as a status, or within a stream that has begun."""
    told = {"message": str(error), "type": error.kind, "param": error.param, "code": error.code}
    body = json.dumps({"error": told}).encode()
    if reply.status:
        await reply.send(b"data: " + body + b"\n\n")
        await reply.end()
        return
    wait = {"retry_after": str(round(error.retry_after))} if error.retry_after else {}
    await reply.json(body, error.status or STATUS.get(error.kind, 500), **wait)


def _at(error: Exception) -> str:
    """Where an exception was raised: " at file.py:12"."""
    trace = error.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    return f" at {Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}" if trace else ""


def _die_with_parent() -> None:
    """End this process when standard input ends; on Linux also if the parent is killed."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            ctypes.CDLL(None).prctl(SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)

    def watch() -> None:
        while sys.stdin.buffer.read(4096):
            pass
        os._exit(0)  # llama.cpp's threads would keep a polite exit waiting

    threading.Thread(target=watch, daemon=True, name="parent").start()


def _private_output() -> BinaryIO:
    """Our own copy of standard output; what libraries print there goes to the log instead."""
    private = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    return private


def _silence() -> None:
    """From the first request on libraries print nowhere: they quote what they refuse."""
    own = os.fdopen(os.dup(2), "w", buffering=1)
    logging.basicConfig(
        stream=own, level=logging.INFO, format="%(asctime)s %(message)s", force=True
    )
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)


async def _run(config: Config, output: BinaryIO) -> None:
    def tell(**state: object) -> None:
        output.write(json.dumps(state).encode() + b"\n")

    engine = Engine(config)
    if config.embeddings:
        tell(state="loading", detail="Loading the embedding model.", progress=0.3)
        engine.load_embeddings(config.embeddings, config.tokenizer)
    if config.chat:
        tell(state="loading", detail="Loading the chat model.", progress=0.5)
        engine.load_chat(config.chat, config.threads)
    if config.listening:
        engine.prepare_listening(config.listening, config.threads)
    _silence()
    port = await http1.Listener(engine.handle).start()
    log.info("Serving %s.", ", ".join(engine.models))
    tell(state="ready", port=port)
    await asyncio.Event().wait()


def main() -> None:
    """Load what the configuration names and serve until the parent is gone."""
    output = _private_output()
    config = msgspec.json.decode(sys.stdin.buffer.readline(), type=Config)
    _die_with_parent()
    asyncio.run(_run(config, output))


if __name__ == "__main__":
    main()
