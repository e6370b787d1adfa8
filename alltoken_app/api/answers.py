"""Serves a generation over HTTP, whole or streamed, in whatever dialect a face gives it."""

import asyncio
import hmac
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from functools import partial
from typing import Protocol, cast

from alltoken_app.api import errors, extension, headers
from alltoken_app.api.http import EVENTS, Header, Request, unless_gone
from alltoken_app.api.parse import Parsed
from alltoken_app.catalog.snapshot import Catalog
from alltoken_app.errors import AllTokenError, UpstreamFailed
from alltoken_app.money import usd
from alltoken_app.providers.attempts import Interrupted
from alltoken_app.providers.base import Piece, Reply
from alltoken_app.services import idempotency
from alltoken_app.services.callers import Caller
from alltoken_app.services.generations import Run, generate

Pieces = AsyncGenerator[list[Piece], None]


class Chunks(Protocol):
    """Writes one streamed answer. May remember what it has written."""

    keep_alive: bytes

    def pieces(self, pieces: list[Piece]) -> bytes:
        """The events of `pieces`; b"" when they say nothing in this dialect."""

    def end(self) -> bytes:
        """What ends the stream, with usage and cost."""

    def broken(self, error: AllTokenError, charged: str) -> bytes:
        """An error inside the stream; `charged` is USD as a decimal string. Nothing follows it."""


class Face(Protocol):
    """One dialect's way to answer."""

    def whole(self, run: Run, reply: Reply, catalog: Catalog) -> tuple[Sequence[Header], bytes]:
        """Content headers and body of a whole answer."""

    def chunks(self, run: Run, catalog: Catalog) -> Chunks:
        """A writer for one streamed answer."""


def new_run(request: Request, caller: Caller, parsed: Parsed) -> Run:
    """The run of a parsed request."""
    user = parsed.user
    pepper = request.plane.secrets.pepper
    run = Run(
        request_id=request.id,
        caller=caller,
        call=extension.extended(request, parsed, caller),
        wishes=parsed.wishes,
        strict=parsed.strict,
        user_hash=hmac.digest(pepper, user.encode(), "sha256").hex()[:32] if user else None,
        warnings=parsed.warnings,
        error_dialect=request.dialect,
        show_metadata=request.header(b"x-openrouter-metadata").lower() == "enabled",
    )
    request.on_error = partial(headers.of_refusal, run)
    return run


async def serve(request: Request, run: Run, face: Face) -> None:
    """Answer whole or as server-sent events. The client leaving cancels the upstream at once."""
    key = request.header(b"idempotency-key")
    if key:
        async with _once(request, run, key):
            await _serve(request, run, face)
    else:
        await _serve(request, run, face)


async def _serve(request: Request, run: Run, face: Face) -> None:
    work = _stream(request, run, face) if run.call.stream else _whole(request, run, face)
    await unless_gone(request, work)


@asynccontextmanager
async def _once(request: Request, run: Run, key: str) -> AsyncIterator[None]:
    """Serve only the first request with this key; refusals before the hold give it free again."""
    plane, org_id = request.plane, run.caller.org_id
    key_digest, body_digest = idempotency.digests(
        plane.secrets.pepper, org_id, request.path, key, request.body_hash.digest()
    )
    wanted = idempotency.Claim(key_digest, org_id, body_digest, run.id, plane.worker)
    grace = int(plane.settings.worker_grace * 1000)
    await plane.books.flushed()  # what was served before is to be found
    await plane.database.run(idempotency.claim, wanted, grace_ms=grace)
    try:
        yield
    finally:
        if run.placed is None:
            await plane.database.run(idempotency.release, wanted)


async def _whole(request: Request, run: Run, face: Face) -> None:
    async with aclosing(generate(run, request.plane)) as answer:
        async for reply in answer:
            kind, body = face.whole(run, cast(Reply, reply), request.plane.catalog)
    length = (b"content-length", str(len(body)).encode())
    await request.start(200, [*kind, length, *headers.of(run, finished=True)])
    await request.write(body, more=False)


async def _stream(request: Request, run: Run, face: Face) -> None:
    """Stream. Until the first content (or the keep-alive clock) failures are real statuses."""
    async with aclosing(cast(Pieces, generate(run, request.plane))) as answer:
        first = asyncio.ensure_future(anext(answer, None))
        try:
            await asyncio.wait((first,), timeout=request.plane.settings.keep_alive)
            if not first.done():
                await _committed(request, run, face, answer, first)
                return
            pieces = first.result()
        finally:
            await _put_away(first)
        await request.start(200, [*EVENTS, *headers.of(run, finished=False)])
        await _rest(request, run, face, answer, pieces)


async def _put_away(first: "asyncio.Task[list[Piece] | None]") -> None:
    if not first.done():
        first.cancel()
        await asyncio.wait((first,))


async def _committed(
    request: Request,
    run: Run,
    face: Face,
    answer: Pieces,
    first: "asyncio.Task[list[Piece] | None]",
) -> None:
    """The first content takes long: say 200 now and keep the line alive until it comes."""
    await request.start(200, [*EVENTS, *headers.of(run, finished=False)])
    keep_alive = face.chunks(run, request.plane.catalog).keep_alive
    while not first.done():
        await request.write(keep_alive, more=True)
        await asyncio.wait((first,), timeout=request.plane.settings.keep_alive)
    try:
        pieces = first.result()
    except Exception as error:  # noqa: BLE001 - whatever it is, the stream must say so
        await _fail(request, run, face.chunks(run, request.plane.catalog), error)
        return
    await _rest(request, run, face, answer, pieces)


async def _rest(
    request: Request, run: Run, face: Face, answer: Pieces, pieces: list[Piece] | None
) -> None:
    chunks = face.chunks(run, request.plane.catalog)
    pulse = _Pulse(request, chunks.keep_alive)
    try:
        while pieces is not None:
            await pulse.write(chunks.pieces(pieces))
            pieces = await anext(answer, None)
        await request.write(chunks.end(), more=False)
    except Exception as error:  # noqa: BLE001 - whatever it is, the stream must say so
        await _fail(request, run, chunks, error)
    finally:
        pulse.stop()


class _Pulse:
    """Writes, and between writes sends a comment whenever the line has been quiet too long."""

    def __init__(self, request: Request, keep_alive: bytes) -> None:
        self._request = request
        self._keep_alive = keep_alive
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
                self._request.plane.spawn(self._request.write(self._keep_alive, more=True))
            quiet = 0.0
        self._timer = self._loop.call_later(self._every - quiet, self._beat)

    def stop(self) -> None:
        self._timer.cancel()


async def _fail(request: Request, run: Run, chunks: Chunks, error: Exception) -> None:
    """An error inside a stream that has begun: an event, and no end mark."""
    if isinstance(error, Interrupted):
        text = "The answer broke off at the provider. What was delivered is charged."
        shown: AllTokenError = UpstreamFailed(text, code=error.code)
    elif isinstance(error, AllTokenError):
        shown = error
    else:
        shown = errors.unexpected(error, request.id)
    if run.endpoint is None:
        return
    await request.write(chunks.broken(shown, usd(run.cost)), more=False)
