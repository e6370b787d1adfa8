"""The words adapters speak: a call goes out, pieces or a reply come back, usage is counted.

The common form is OpenAI's chat completion, extended as OpenRouter extends it. It travels as raw
JSON, so an upstream that speaks it is passed on byte for byte and the others are translated.
"""

from collections.abc import Callable
from typing import Protocol

import msgspec

from alltoken_app.money import Nano, Pico

Json = bytes
HeaderOf = Callable[[str], str]  # a header's value by lower-case name; "" when absent

MAX_COUNT = 2**31
MAX_WORD = 128


class Usage(msgspec.Struct, frozen=True):
    """What one generation used. Counts; `milliseconds` of sound, `characters` of text to speak.

    `input` includes cached tokens, cache writes, sound and images; `output` includes reasoning,
    sound and images. `audio_cached` and `image_cached` are the sound and images among `cached`.
    `units` are what a provider sells by the piece (rerank searches).
    """

    input: int = 0
    output: int = 0
    cached: int = 0
    reasoning: int = 0
    cache_write_5m: int = 0
    cache_write_1h: int = 0
    audio_input: int = 0
    audio_output: int = 0
    image_input: int = 0
    image_output: int = 0
    searches: int = 0
    characters: int = 0
    milliseconds: int = 0
    units: int = 0
    audio_cached: int = 0
    image_cached: int = 0


class Price(msgspec.Struct, frozen=True):
    """Rates of one price card, pico-USD per unit; None: not sold, or nobody knows the price.

    Units are disjoint when they are charged: cached tokens, cache writes, sound and images are
    tokens of the input (or output) at a rate of their own, reasoning is plain output.

    Attributes:
        request: Fee of every request.
        unit: Rate of what a provider sells by the piece (rerank searches).
        writes_unasked: The provider fills its cache unasked, and charges for it.
        tiers: Rates for long prompts, the longest first: the first tier that the whole prompt
            exceeds replaces all of these.
    """

    version: str
    input: Pico | None = None
    output: Pico | None = None
    cached_input: Pico | None = None
    request: Pico = 0
    cache_write_5m: Pico | None = None
    cache_write_1h: Pico | None = None
    audio_input: Pico | None = None
    audio_output: Pico | None = None
    audio_cached: Pico | None = None
    image_input: Pico | None = None
    image_output: Pico | None = None
    image_cached: Pico | None = None
    search: Pico | None = None
    character: Pico | None = None
    millisecond: Pico | None = None
    unit: Pico | None = None
    writes_unasked: bool = False
    tiers: "tuple[Tier, ...]" = ()

    @property
    def blend(self) -> Pico:
        """One token in and one out: what prices are compared and sorted by."""
        return (self.input or 0) + (self.output or 0)


class Tier(msgspec.Struct, frozen=True):
    """Rates of prompts of more than `above` tokens, cached ones included."""

    above: int
    price: Price


class EndpointFacts(msgspec.Struct, frozen=True):
    """One model at one provider, as the router knows it. Tokens are counts, prices pico-USD.

    Attributes:
        wires: The callers' dialects it is offered in ("chat", "responses", "completions"), where
            not all that its provider speaks; empty: all but "completions".
        tag: The provider, and its variant where it has several: "bedrock/us".
        implicit_caching: It keeps prompts in a cache unasked.
        moderated: Its provider refuses some content itself.
    """

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
    quantization: str | None = None
    tier: str | None = None  # a service tier of its own ("priority", "flex"), with its own price
    wires: frozenset[str] = frozenset()
    tag: str = ""
    implicit_caching: bool = False
    moderated: bool = False

    @property
    def reasons(self) -> bool:
        """Whether it may think, unseen and for long, before it says anything."""
        return "reasoning_effort" in self.parameters or "reasoning" in self.parameters


class Call(msgspec.Struct, frozen=True):
    """One request of a caller, parsed.

    Attributes:
        operation: What is asked for: "chat", "completions", "embeddings", "transcription",
            "translation", "speech", "moderation" or "rerank".
        model: The slug that was asked for.
        fields: Request fields that may be forwarded, in the common form, each as raw JSON.
        max_output: The caller's bound on output tokens of one choice, if there is one.
        choices: How many alternatives are asked for (`n`).
        size: Bytes of the request's body: no token is shorter than a byte.
        inputs: How many messages or texts there are; each adds a few tokens of framing.
        modalities: Kinds of input the messages carry: "text", "image", "audio", "file" …
        cache_scope: Opaque, one per organisation: an upstream of ours may reuse a prompt within it.
        dialect: The wire the caller speaks: "chat", "messages" (Anthropic), "responses", …
        native: The caller's own fields where `dialect` is not the common form: an upstream that
            speaks it gets these, byte for byte.
        headers: Request headers of the caller's dialect that belong upstream (anthropic-beta …).
        known: Usage that is certain or bounded before anything is sent (characters, milliseconds).
        media: Bytes beside the fields: an uploaded sound.
        models: More slugs that may serve, in this order, when `model` cannot.
        session: The caller's own name for a conversation: it stays where its prompt is cached.
        strict_model: Only `model` itself: no alias, no preset, no other model.
        max_cost: What it may cost at most, in nano-USD; None for what the wallet has.
        quote: The id of a quote whose prices are to be charged.
        untranslated: What of `native` the common form cannot say, by name: only an upstream that
            speaks `dialect` honours it.
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
    dialect: str = "chat"
    native: dict[str, msgspec.Raw] = {}
    headers: tuple[tuple[str, str], ...] = ()
    known: Usage = Usage()
    media: "Media | None" = None
    models: tuple[str, ...] = ()
    session: str = ""
    untranslated: tuple[str, ...] = ()
    strict_model: bool = False
    quote: str = ""
    max_cost: Nano | None = None


class Media(msgspec.Struct, frozen=True):
    """A file that travels with a call. Never stored, never logged.

    `measured`: whether the length of a sound in `Call.known` is its length, or only a bound.
    """

    content: bytes
    name: str
    type: str
    measured: bool = True

    def __repr__(self) -> str:
        return f"Media({len(self.content)} bytes)"


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
        finish: The finish reason in OpenAI's words, when this piece carries it.
        native_finish: The provider's own word for it, where that is another.
        usage: Final usage, when this piece carries it.
        running: Usage up to and including this piece, where the upstream keeps count.
        native: Data of the event in the caller's own dialect, where the upstream speaks it.
        tier: The service tier that served it, when the provider says so.
    """

    choices: bytes = b"[]"
    content: bool = False
    size: int = 0
    finish: str | None = None
    usage: Usage | None = None
    running: Usage | None = None
    upstream_id: str | None = None
    native: bytes = b""
    native_finish: str | None = None
    tier: str | None = None


class Reply(msgspec.Struct):
    """A whole answer.

    Attributes:
        body: The raw JSON fields of it that are passed on, in the common form.
        native: The fields in the caller's own dialect, where the upstream speaks it.
        media: The answer's bytes, where it is not JSON (speech), of type `media_type`.
    """

    body: dict[str, msgspec.Raw]
    usage: Usage | None
    content: bool
    size: int = 0
    finish: str | None = None
    upstream_id: str | None = None
    native: dict[str, msgspec.Raw] | None = None
    native_finish: str | None = None
    tier: str | None = None
    media: bytes = b""
    media_type: str = ""


class UpstreamError(msgspec.Struct, frozen=True):
    """What an upstream's refusal means to us.

    Attributes:
        said: Its own words about a fault of the caller's: shown to the caller, never logged.
        retry_after: Seconds it asks us to wait.
    """

    code: str
    message: str
    retry: bool
    client_fault: bool = False
    param: str | None = None
    said: str = ""
    retry_after: float | None = None


class StreamError(Exception):
    """The upstream reported an error inside its stream."""

    def __init__(self, error: UpstreamError | None = None) -> None:
        super().__init__(error.code if error else "")
        self.error = error


class Unfit(Exception):
    """This call cannot be said in a dialect; `param` names the field, the text the rule."""

    def __init__(self, text: str, param: str | None = None) -> None:
        super().__init__(text)
        self.param = param


class Cut(Exception):
    """A stream ended in the middle."""


class StreamReader(Protocol):
    """Reads one streamed answer, framing included; may remember what it has read."""

    done: bool

    def feed(self, received: bytes) -> list[Piece]:
        """The pieces completed by `received`; b"" says that the connection has ended.

        Raises:
            Cut: It ended where no answer ends.
            StreamError: The provider reported an error.
            ValueError: This cannot be read.
        """


class Dialect(Protocol):
    """A wire format. Pure: builds and reads, never sends.

    Attributes:
        native: The dialect of callers whose fields and answers it passes on untouched.
        stream_type: The content type that a stream must have.
        honours: Fields of the common form that it can carry.
    """

    native: str
    stream_type: str
    honours: frozenset[str]

    def unable(self, call: Call, endpoint: EndpointFacts) -> tuple[str, ...]:
        """What of this call it cannot carry although it knows the field, by name."""

    def request(self, call: Call, endpoint: EndpointFacts, max_output: int) -> Outgoing:
        """The request to send; `max_output` bounds the output of one choice upstream.

        Raises:
            Unfit: The call cannot be said in this dialect.
        """

    def read(self, call: Call, header: HeaderOf, payload: bytes) -> Reply:
        """Read a whole answer. Raises ValueError when it is not one, StreamError for an error."""

    def reader(self, call: Call) -> StreamReader:
        """A reader for one streamed answer."""

    def read_error(self, status: int, header: HeaderOf, payload: bytes) -> UpstreamError:
        """Read a refusal (a status of 400 or more)."""


def sane(usage: Usage) -> Usage | None:
    """The usage, or None when no honest count can be like that."""
    if any(not 0 <= count < MAX_COUNT for count in msgspec.structs.astuple(usage)):
        return None
    read = usage.cached + usage.cache_write_5m + usage.cache_write_1h
    fits = (
        read <= usage.input
        and usage.reasoning <= usage.output
        and usage.audio_cached <= usage.audio_input
        and usage.image_cached <= usage.image_input
        and usage.audio_cached + usage.image_cached <= usage.cached
    )
    return usage if fits else None


def word(said: str | None) -> str | None:
    """A short printable word of the upstream's, fit for a record; None for anything else."""
    return said if said and len(said) <= MAX_WORD and said.isprintable() else None
