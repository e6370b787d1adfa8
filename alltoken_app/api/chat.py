"""POST /v1/chat/completions and /v1/embeddings."""

import asyncio
import hmac
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import cast

import msgspec

from alltoken_app.api import errors, parse, render
from alltoken_app.api.auth import authenticate
from alltoken_app.api.http import EVENTS, Request, unless_gone
from alltoken_app.api.parse import Parsed
from alltoken_app.errors import AllTokenError, UpstreamFailed
from alltoken_app.money import usd
from alltoken_app.providers.base import Piece, Reply
from alltoken_app.providers.forward import Interrupted
from alltoken_app.services.callers import Caller
from alltoken_app.services.generations import Run, generate

Pieces = AsyncGenerator[list[Piece], None]


async def create_chat_completion(request: Request) -> None:
    """Answer whole or as server-sent events. The client leaving cancels the upstream at once."""
    caller = await authenticate(request)
    body = await request.body()
    parsed = parse.chat(body, request.header(b"content-type"), strict=_strict(request))
    run = _run(request, caller, parsed)
    await unless_gone(request, _stream(request, run) if run.call.stream else _whole(request, run))


async def create_embeddings(request: Request) -> None:
    """Answer with one vector per input."""
    caller = await authenticate(request)
    body = await request.body()
    parsed = parse.embeddings(body, request.header(b"content-type"), strict=_strict(request))
    await unless_gone(request, _whole(request, _run(request, caller, parsed)))


def _strict(request: Request) -> bool:
    return request.header(b"x-alltoken-strict").lower() in ("1", "true")


def _run(request: Request, caller: Caller, parsed: Parsed) -> Run:
    user = parsed.user
    pepper = request.plane.secrets.pepper
    return Run(
        request_id=request.id,
        caller=caller,
        call=msgspec.structs.replace(parsed.call, cache_scope=caller.cache_scope),
        wishes=parsed.wishes,
        strict=parsed.strict,
        user_hash=hmac.digest(pepper, user.encode(), "sha256").hex()[:32] if user else None,
        warnings=parsed.warnings,
    )


async def _whole(request: Request, run: Run) -> None:
    async with aclosing(generate(run, request.plane)) as answer:
        async for reply in answer:
            document = render.whole(run, cast(Reply, reply), request.plane.catalog)
    await request.json(200, document, render.headers(run, finished=True))


async def _stream(request: Request, run: Run) -> None:
    """Stream. Until the first content (or the keep-alive clock) failures are real statuses."""
    async with aclosing(cast(Pieces, generate(run, request.plane))) as answer:
        first = asyncio.ensure_future(anext(answer, None))
        try:
            await asyncio.wait((first,), timeout=request.plane.settings.keep_alive)
            if not first.done():
                await _committed(request, run, answer, first)
                return
            pieces = first.result()
        finally:
            await _put_away(first)
        await request.start(200, [*EVENTS, *render.headers(run, finished=False)])
        await _rest(request, run, answer, pieces)


async def _put_away(first: "asyncio.Task[list[Piece] | None]") -> None:
    if not first.done():
        first.cancel()
        await asyncio.wait((first,))


async def _committed(
    request: Request, run: Run, answer: Pieces, first: "asyncio.Task[list[Piece] | None]"
) -> None:
    """The first content takes long: say 200 now and keep the line alive until it comes."""
    await request.start(200, [*EVENTS, *render.headers(run, finished=False)])
    while not first.done():
        await request.write(render.KEEP_ALIVE, more=True)
        await asyncio.wait((first,), timeout=request.plane.settings.keep_alive)
    try:
        pieces = first.result()
    except Exception as error:  # noqa: BLE001 - whatever it is, the stream must say so
        await _fail(request, run, error)
        return
    await _rest(request, run, answer, pieces)


async def _rest(request: Request, run: Run, answer: Pieces, pieces: list[Piece] | None) -> None:
    chunks = render.Chunks(run, request.plane.catalog)
    pulse = _Pulse(request)
    try:
        while pieces is not None:
            await pulse.write(chunks.pieces(pieces))
            pieces = await anext(answer, None)
        await request.write(chunks.end(), more=False)
    except Exception as error:  # noqa: BLE001 - whatever it is, the stream must say so
        await _fail(request, run, error)
    finally:
        pulse.stop()


class _Pulse:
    """Writes, and between writes sends a comment whenever the line has been quiet too long."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self._every = request.plane.settings.keep_alive
        self._loop = asyncio.get_running_loop()
        self._patience = request.plane.settings.inter_token_timeout
        self._stream = asyncio.current_task()
        self._writing = False
        self._wrote = self._loop.time()
        self._timer = self._loop.call_later(self._every, self._beat)

    async def write(self, body: bytes) -> None:
        if body:
            self._wrote = self._loop.time()
            self._writing = True
            await self._request.write(body, more=True)
            self._writing = False

    def _beat(self) -> None:
        quiet = self._loop.time() - self._wrote
        if self._writing and quiet >= self._patience and self._stream is not None:
            self._stream.cancel()  # a client that does not read holds money and a place
            return
        if quiet >= self._every:
            if not self._writing:
                self._request.plane.spawn(self._request.write(render.KEEP_ALIVE, more=True))
            quiet = 0.0
        self._timer = self._loop.call_later(self._every - quiet, self._beat)

    def stop(self) -> None:
        self._timer.cancel()


async def _fail(request: Request, run: Run, error: Exception) -> None:
    """An error inside a stream that has begun: an event, and no end mark."""
    if isinstance(error, Interrupted):
        text = "The answer broke off at the provider. What was delivered is charged."
        shown: Exception = UpstreamFailed(text, code=error.code)
    else:
        shown = error
    known = shown if isinstance(shown, AllTokenError) else errors.unexpected(shown, request.id)
    document = errors.envelope(
        known, request.id, openrouter=request.mount == "/api/v1", charged=usd(run.cost)
    )
    if run.endpoint is None:
        return
    chunks = render.Chunks(run, request.plane.catalog)
    await request.write(chunks.broken(document), more=False)
