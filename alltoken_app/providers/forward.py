"""Sends a call to the planned endpoints, one after the other, until one begins to answer.

Retry and fallback end at the first content byte: after that a failure belongs to the answer.
"""

import asyncio
import random
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing

import msgspec

from alltoken_app.errors import AllTokenError, Invalid, RateLimited, UpstreamFailed
from alltoken_app.providers import refusals
from alltoken_app.providers.attempts import (
    TRUSTING,
    Attempt,
    Failed,
    Interrupted,
    Outcome,
    Turns,
    Watcher,
)
from alltoken_app.providers.base import (
    Call,
    Cut,
    Dialect,
    EndpointFacts,
    Outgoing,
    Piece,
    Reply,
    StreamError,
    Unfit,
    UpstreamError,
)
from alltoken_app.providers.credentials import CredentialFailed, Headers
from alltoken_app.providers.sse import EventTooLarge
from alltoken_app.providers.table import Connection
from alltoken_app.providers.upstream import Broken, ConnectFailed, Incoming, Upstream

MAX_REPLY = 64 * 2**20
MAX_REFUSAL = 256 * 1024
LONGEST_WAIT = 5.0  # a Retry-After beyond this means: go elsewhere
BACK_OFF = 0.1

Arrived = list[Piece] | Reply


class Clocks(msgspec.Struct, frozen=True):
    """Seconds: until a stream's first content, between its bytes, for an answer that is not
    streamed, and for everything; and until the first content or the whole of an answer of a model
    that thinks first (0: no longer than of others).
    """

    first_token: float
    inter_token: float
    whole: float
    total: float
    reasoning: float = 0.0


def _failure(code: str, text: str, *, retry: bool = True, status: int | None = None) -> Failed:
    return Failed(UpstreamError(code, text, retry=retry), status)


async def first_healthy(
    call: Call,
    endpoints: Sequence[EndpointFacts],
    connections: Mapping[str, Connection],
    max_output: int,
    upstream: Upstream,
    clocks: Clocks,
    attempts: list[Attempt],
    watcher: Watcher = TRUSTING,
) -> AsyncGenerator[tuple[EndpointFacts, Arrived], None]:
    """The answer of the first endpoint that gives one, as it arrives.

    A stream yields lists of pieces (what arrived together stays together), a whole answer one
    Reply. `attempts` is filled in as they are made.

    Raises:
        UpstreamFailed, RateLimited, Invalid: Nothing was delivered; the last failure's reason.
        Interrupted: The answer broke off after it had begun.
    """
    last: Failed | None = None
    watch = _Watch(clocks)
    turns = Turns(endpoints, watcher, attempts)
    for endpoint in turns:
        if last is not None and (
            turns.better_elsewhere(endpoint)
            or not await _worth_another(last, attempts[-1], endpoint)
        ):
            continue
        if not turns.admitted(endpoint):
            continue
        attempt = Attempt(endpoint.provider, endpoint.id)
        attempts.append(attempt)
        try:
            connection = connections[endpoint.provider]
            most = min(max_output, endpoint.max_output) if endpoint.max_output else max_output
            served = _attempt(call, endpoint, connection, most, upstream, watch, attempt)
            async with aclosing(served):
                with Outcome(endpoint, attempt, watch.spent, watcher) as outcome:
                    async for arrived in served:
                        outcome.arrived(streamed=call.stream)
                        yield endpoint, arrived
                        outcome.resumed()
            return
        except Failed as failed:
            last = failed
            if turns.pointless_after(failed, endpoint) or watch.over:
                break
    raise _public(last)


class _Watch:
    """The clocks of one call: moments of time.monotonic, none later than the end of the whole.

    A deadline is set around each wait, never across a `yield`: the generator may be continued by
    another task than the one that began it.
    """

    def __init__(self, clocks: Clocks) -> None:
        self._clocks = clocks
        self._end = time.monotonic() + clocks.total
        self._attempt_began = 0.0
        self._least = 0.0

    def begin_attempt(self, endpoint: EndpointFacts) -> None:
        """The clock of the first token starts here, and no comment or role sets it back."""
        self._attempt_began = time.monotonic()
        self._least = self._clocks.reasoning if endpoint.reasons else 0.0

    def first_token(self) -> float:
        patience = max(self._clocks.first_token, self._least)
        return min(self._attempt_began + patience, self._end)

    def whole(self) -> float:
        return min(time.monotonic() + max(self._clocks.whole, self._least), self._end)

    def inter_token(self) -> float:
        return min(time.monotonic() + self._clocks.inter_token, self._end)

    def spent(self) -> float:
        """Seconds since this attempt began."""
        return time.monotonic() - self._attempt_began

    @property
    def over(self) -> bool:
        return time.monotonic() >= self._end


async def _worth_another(last: Failed, tried: Attempt, endpoint: EndpointFacts) -> bool:
    """Whether to try `endpoint` after this failure; waits first when it is the same one."""
    if endpoint.id != tried.endpoint:
        return True
    asked = last.error.retry_after
    wait = asked if asked is not None else random.uniform(0, BACK_OFF)  # noqa: S311
    if not last.error.retry or wait > LONGEST_WAIT:
        return False
    await asyncio.sleep(wait)
    return True


def _public(last: Failed | None) -> AllTokenError:
    if last is None:
        return UpstreamFailed("No endpoint could be tried. Nothing was charged.", status=502)
    error, text = last.error, f"{last.error.message} Nothing was charged."
    if error.client_fault:
        details: dict[str, object] = {"provider_message": error.said} if error.said else {}
        return Invalid(text, code=error.code, param=error.param, details=details)
    if error.code == "upstream_rate_limited":
        return RateLimited(text, code=error.code, retry_after=error.retry_after or 1)
    status = {"upstream_timeout": 504, "upstream_overloaded": 503}.get(error.code, 502)
    wait = error.retry_after or (1 if status == 503 else None)
    return UpstreamFailed(text, code=error.code, status=status, retry_after=wait)


async def _attempt(
    call: Call,
    endpoint: EndpointFacts,
    connection: Connection,
    max_output: int,
    upstream: Upstream,
    watch: _Watch,
    attempt: Attempt,
) -> AsyncGenerator[Arrived, None]:
    dialect = connection.speaks(call, endpoint)
    outgoing = _said(dialect, call, endpoint, max_output)
    base_url = await connection.base_url(endpoint)
    proof = await _proof(connection, base_url + outgoing.path, outgoing)
    watch.begin_attempt(endpoint)
    try:
        by = watch.first_token() if call.stream else watch.whole()
        async with upstream.open(base_url, outgoing, proof, by) as incoming:
            attempt.status = incoming.status
            if incoming.status != 200:
                raise await _refusal(incoming, dialect, watch)
            if not call.stream:
                yield await _reply(call, incoming, dialect, watch)
                return
            if not incoming.header("content-type").startswith(dialect.stream_type):
                text = "The provider did not answer with a stream."
                raise _failure("upstream_bad_response", text, retry=False, status=incoming.status)
            stream = _stream(call, incoming, dialect, watch)
            async with aclosing(stream):
                async for pieces in stream:
                    yield pieces
    except ConnectFailed:
        raise _failure("upstream_unavailable", "The provider cannot be reached.") from None
    except Broken:
        raise _failure("upstream_unavailable", "The connection to the provider broke.") from None
    except TimeoutError:
        text = "The provider did not answer in time."
        raise _failure("upstream_timeout", text, retry=False) from None


async def _proof(connection: Connection, url: str, outgoing: Outgoing) -> Headers:
    try:
        return await connection.authorize(url, outgoing)
    except CredentialFailed:
        raise Failed(refusals.refusal("upstream_auth_error")) from None


def _said(dialect: Dialect, call: Call, endpoint: EndpointFacts, max_output: int) -> Outgoing:
    try:
        return dialect.request(call, endpoint, max_output)
    except Unfit as unfit:
        error = UpstreamError(
            "invalid_value", str(unfit), retry=False, client_fault=True, param=unfit.param
        )
        raise Failed(error) from None


async def _refusal(incoming: Incoming, dialect: Dialect, watch: _Watch) -> Failed:
    incoming.expect_by(watch.first_token())
    payload = await _read(incoming, MAX_REFUSAL)
    error = dialect.read_error(incoming.status, incoming.header, payload)
    return Failed(error, incoming.status)


async def _reply(call: Call, incoming: Incoming, dialect: Dialect, watch: _Watch) -> Reply:
    incoming.expect_by(watch.whole())
    payload = await _read(incoming, MAX_REPLY)
    try:
        return dialect.read(call, incoming.header, payload)
    except StreamError as error:
        raise _before_content(error) from None
    except ValueError:
        text = "The provider's answer could not be read."
        raise _failure("upstream_bad_response", text, retry=False, status=200) from None


async def _read(incoming: Incoming, limit: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    while part := await incoming.chunk():
        parts.append(part)
        size += len(part)
        if size > limit:
            text = "The provider's answer is too large."
            raise _failure("upstream_bad_response", text, retry=False, status=incoming.status)
    return b"".join(parts)


async def _stream(
    call: Call, incoming: Incoming, dialect: Dialect, watch: _Watch
) -> AsyncGenerator[list[Piece], None]:
    """Pieces from the first with content on; earlier ones (a role, nothing) wait for it."""
    events = dialect.reader(call)
    waiting: list[Piece] = []
    begun = False
    while not events.done:
        try:
            incoming.expect_by(watch.inter_token() if begun else watch.first_token())
            received = await incoming.chunk()
            pieces = events.feed(received)
        except (Broken, Cut, TimeoutError, ValueError, StreamError) as error:
            if not begun:
                raise _before_content(error) from None
            raise Interrupted(_interruption(error)) from None
        if begun:
            if pieces:
                yield pieces
            continue
        waiting += pieces
        if any(piece.content or piece.finish for piece in waiting):
            begun = True
            yield waiting
    if not begun:
        text = "The provider ended its stream without an answer."
        raise _failure("upstream_bad_response", text, status=200)


def _before_content(error: Exception) -> Exception:
    if isinstance(error, Broken | TimeoutError):
        return error
    if isinstance(error, Cut):
        return Broken()
    text = "The provider's stream could not be read."
    if isinstance(error, StreamError):
        if error.error is not None:
            return Failed(error.error, 200)
        text = "The provider reported an error in its stream."
    return _failure("upstream_bad_response", text, retry=isinstance(error, StreamError), status=200)


def _interruption(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "upstream_stalled"
    if isinstance(error, Broken | Cut):
        return "upstream_stream_interrupted"
    if isinstance(error, EventTooLarge | ValueError):
        return "upstream_bad_response"
    return "upstream_error"
