"""The lean HTTP layer under `/v1`: one request object, three ways to answer."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, MutableMapping
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from alltoken_app.errors import AllTokenError, Invalid
from alltoken_app.ids import new_id
from alltoken_app.services.plane import Plane

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Header = tuple[bytes, bytes]

JSON: Header = (b"content-type", b"application/json")
EVENTS: tuple[Header, ...] = (
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache"),
    (b"x-accel-buffering", b"no"),
)
EVERYWHERE: tuple[Header, ...] = (
    (b"access-control-allow-origin", b"*"),
    (b"access-control-expose-headers", b"*"),
    (b"x-content-type-options", b"nosniff"),
)

encode = msgspec.json.Encoder().encode


class Disconnected(Exception):
    """The client left; there is nobody to answer."""


class Request:
    """One request: its mount ("/v1" or "/api/v1"), path below it, headers, body; and its answer."""

    def __init__(
        self, scope: Scope, receive: Receive, send: Send, mount: str, plane: Plane
    ) -> None:
        self.scope = scope
        self.plane = plane
        self.mount = mount
        self.method: str = scope["method"]
        self.path: str = scope["path"][len(mount) :]
        self.id = new_id("req")
        self.started = False
        self.on_error: Callable[[AllTokenError], list[Header]] | None = None  # more headers then
        self.body_hash = hashlib.sha256()  # of the body, where an Idempotency-Key needs it
        self._receive = receive
        self._send = send
        self._headers: dict[bytes, bytes] | None = None

    def header(self, name: bytes) -> str:
        """The last value of a header (lower-case name); "" when absent."""
        if self._headers is None:
            self._headers = dict(self.scope["headers"])
        return self._headers.get(name, b"").decode("latin-1")

    def headers_named(self, name: bytes) -> list[bytes]:
        """Every value of a header."""
        return [value for found, value in self.scope["headers"] if found == name]

    @property
    def strict(self) -> bool:
        """Whether a parameter that cannot be honoured is an error (`X-AllToken-Strict`)."""
        return self.says(b"x-alltoken-strict")

    def says(self, name: bytes) -> bool:
        """Whether a header is there and true."""
        return self.header(name).lower() in ("1", "true")

    @property
    def dialect(self) -> str:
        """Whose error envelope the caller expects: "openai", "openrouter" or "anthropic"."""
        if self.path == "/messages" or self.path.startswith("/messages/"):
            return "anthropic"
        return "openrouter" if self.mount == "/api/v1" else "openai"

    @property
    def query(self) -> dict[str, str]:
        """The query string; the last of equal names wins."""
        return dict(parse_qsl(self.scope["query_string"].decode("latin-1")))

    async def body(self, limit: int | None = None) -> bytes:
        """The whole body, of at most `limit` bytes (MAX_BODY unless said otherwise).

        Raises:
            Invalid: Larger than that (413), or encoded (415).
            Disconnected: The client left while sending.
        """
        parts = [part async for part in self.received(limit or self.plane.settings.max_body)]
        return parts[0] if len(parts) == 1 else b"".join(parts)

    async def received(self, limit: int) -> AsyncIterator[bytes]:
        """The body as it arrives. Raises as `body`."""
        if self.header(b"content-encoding") not in ("", "identity"):
            text = "Compressed request bodies are not accepted. Nothing was charged."
            raise Invalid(text, code="unsupported_content_encoding", status=415)
        size, more, once = 0, True, bool(self.header(b"idempotency-key"))
        while more:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise Disconnected
            part = message.get("body", b"")
            more = message.get("more_body", False)
            size += len(part)
            if size > limit:
                text = f"The body is larger than {limit} bytes. Nothing was charged."
                raise Invalid(text, code="request_too_large", status=413)
            if once:
                self.body_hash.update(part)
            yield part

    async def gone(self) -> None:
        """Return when the client has left (only after the body has been read)."""
        while (await self._receive())["type"] != "http.disconnect":
            pass

    async def start(self, status: int, headers: Iterable[Header]) -> None:
        """Send the status line and headers."""
        identity = [(b"x-request-id", self.id.encode())]
        if self.dialect == "anthropic":
            identity.append((b"request-id", self.id.encode()))
        await self._send(
            {
                "type": "http.response.start",
                "status": status,
                "headers": [*identity, *EVERYWHERE, *headers],
            }
        )
        self.started = True

    async def write(self, body: bytes, *, more: bool) -> None:
        """Send bytes of the body."""
        await self._send({"type": "http.response.body", "body": body, "more_body": more})

    async def json(self, status: int, value: object, headers: Iterable[Header] = ()) -> None:
        """Answer with a JSON document."""
        body = value if isinstance(value, bytes) else encode(value)
        length = (b"content-length", str(len(body)).encode())
        await self.start(status, (JSON, length, *headers))
        await self.write(body, more=False)


async def unless_gone(request: Request, work: Awaitable[None]) -> None:
    """Do `work`; when the client leaves first, cancel it at once and wait until it has cleaned up.

    Raises:
        Disconnected: The client left.
    """
    worker = asyncio.current_task()
    assert worker is not None
    left = False

    def leave() -> None:
        nonlocal left
        left = True
        worker.cancel()

    unwatch = _watch(request, leave)
    try:
        await work
    except asyncio.CancelledError:
        if not left or worker.uncancel() > 0:
            raise
        raise Disconnected from None
    finally:
        unwatch()


def _watch(request: Request, leave: Callable[[], None]) -> Callable[[], object]:
    """Call `leave` when the client leaves; returns what ends that."""
    tell = request.scope.get("alltoken.gone")  # our own server says so without being asked
    if tell is not None:
        tell(leave)
        return lambda: tell(None)

    async def watch() -> None:
        await request.gone()
        leave()

    return asyncio.get_running_loop().create_task(watch()).cancel


def refusal_headers(error: AllTokenError) -> list[Header]:
    """Retry-After in whole seconds, rounded up, where trying again makes sense."""
    if error.code == "idempotent_replay":
        return [(b"x-should-retry", b"false")]
    if error.retry_after is None:
        return []
    return [(b"retry-after", str(max(1, -int(-error.retry_after // 1))).encode())]
