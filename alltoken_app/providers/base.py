"""The words adapters speak: a call goes out, pieces or a reply come back, usage is counted.

The common form is OpenAI's chat completion: `choices` travel as the raw JSON of that shape, so an
upstream that speaks it is passed on byte for byte and the others are translated into it.
"""

from typing import Protocol

import msgspec

from alltoken_app.money import Pico

Json = bytes


class Usage(msgspec.Struct, frozen=True):
    """Tokens of one generation. `input` includes `cached`; `output` includes `reasoning`."""

    input: int = 0
    output: int = 0
    cached: int = 0
    reasoning: int = 0


class Price(msgspec.Struct, frozen=True):
    """Rates of one price card, pico-USD per token (and per request)."""

    version: str
    input: Pico
    output: Pico
    cached_input: Pico
    request: Pico = 0


class EndpointFacts(msgspec.Struct, frozen=True):
    """One model at one provider, as the router knows it. Tokens are counts, prices pico-USD."""

    id: str
    model: str
    kind: str
    provider: str
    upstream_model: str
    context: int
    max_output: int
    parameters: frozenset[str]
    zdr: str
    trains: bool
    region: str | None
    price: Price


class Call(msgspec.Struct, frozen=True):
    """One request of a caller, parsed.

    Attributes:
        operation: "chat" or "embeddings".
        model: The slug that was asked for.
        fields: Request fields that may be forwarded, each as the caller's own bytes.
        max_output: The caller's bound on output tokens of one choice, if there is one.
        choices: How many alternatives are asked for (`n`).
        size: Bytes of the request's body: no token is shorter than a byte.
        inputs: How many messages or texts there are; each adds a few tokens of framing.
        modalities: Kinds of input the messages carry: "text", "image", "audio", "file" …
        cache_scope: Opaque, one per organisation: an upstream of ours may reuse a prompt within it.
    """

    operation: str
    model: str
    fields: dict[str, msgspec.Raw]
    stream: bool = False
    max_output: int | None = None
    choices: int = 1
    size: int = 0
    inputs: int = 1
    cache_scope: str = ""
    modalities: frozenset[str] = frozenset({"text"})


class Outgoing(msgspec.Struct, frozen=True):
    """What is sent upstream: path below the provider's base URL, headers, body."""

    path: str
    headers: tuple[tuple[str, str], ...]
    body: bytes


class Piece(msgspec.Struct):
    """One event of a streamed answer.

    Attributes:
        choices: Raw JSON list in the shape of OpenAI's chunk choices; b"[]" when there is none.
        content: Whether it carries something of the answer (not just a role or nothing).
        size: Bytes of text it delivers: what we count when the upstream does not.
        finish: The finish reason, when this piece carries it.
        usage: Final usage, when this piece carries it.
        running: Usage up to and including this piece, where the upstream keeps count.
    """

    choices: bytes = b"[]"
    content: bool = False
    size: int = 0
    finish: str | None = None
    usage: Usage | None = None
    running: Usage | None = None
    upstream_id: str | None = None


class Reply(msgspec.Struct):
    """A whole answer. `body` holds the raw JSON fields of it that are passed on."""

    body: dict[str, msgspec.Raw]
    usage: Usage | None
    content: bool
    size: int = 0
    finish: str | None = None
    upstream_id: str | None = None


class UpstreamError(msgspec.Struct, frozen=True):
    """What an upstream's refusal means to us: never its own words, which may hold anything."""

    code: str
    message: str
    retry: bool
    client_fault: bool = False
    param: str | None = None


class Dialect(Protocol):
    """A wire format. Pure: builds and reads, never sends."""

    def request(
        self, call: Call, endpoint: EndpointFacts, secret: str, max_output: int
    ) -> Outgoing:
        """The request to send; `max_output` bounds the output of one choice upstream."""

    def read(self, call: Call, payload: bytes) -> Reply:
        """Read a whole answer. Raises ValueError when it is not one."""

    def read_event(self, data: bytes) -> Piece | None:
        """Read one event of a stream; None at its regular end. Raises ValueError, StreamError."""

    def read_error(self, status: int, payload: bytes) -> UpstreamError:
        """Read a refusal (a status of 400 or more)."""


class StreamError(Exception):
    """The upstream reported an error inside its stream."""
