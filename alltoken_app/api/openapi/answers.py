"""What calls of models answer, as types: the document's schemas of it are made from these.

Field descriptions are in `words`. A type without `| UnsetType` is a key that is always there.
"""

from typing import Annotated, Any, Literal

import msgspec

Json = dict[str, Any]
Absent = msgspec.UnsetType
UNSET = msgspec.UNSET
Usd = Annotated[
    str, msgspec.Meta(pattern=r"^-?[0-9]+(\.[0-9]+)?$", description="US dollars, exact")
]


class Served(msgspec.Struct):
    """The endpoint that answered."""

    model: str
    provider: str
    endpoint: str
    upstream_model: str
    quantization: str | None
    region: str | None
    service_tier: str | None
    zdr: str


class Attempt(msgspec.Struct):
    """One try at an endpoint."""

    provider: str
    endpoint: str
    status: int | None
    code: str | None
    ms: int


class Truth(msgspec.Struct):
    """The `alltoken` object of an answer: what served it, what it cost, what is left."""

    generation_id: str
    request_id: str
    requested: str
    served: Served
    cost: Usd
    balance: Usd
    price_version: str
    estimated: bool
    attempts: list[Attempt]
    warnings: list[str]


class InputDetails(msgspec.Struct):
    cached_tokens: int
    audio_tokens: int | Absent = UNSET
    cache_write_tokens: int | Absent = UNSET


class OutputDetails(msgspec.Struct):
    reasoning_tokens: int
    audio_tokens: int | Absent = UNSET


class Usage(msgspec.Struct):
    """Tokens, and the cost as a number."""

    prompt_tokens: int
    total_tokens: int
    cost: float
    completion_tokens: int | Absent = UNSET
    prompt_tokens_details: InputDetails | Absent = UNSET
    completion_tokens_details: OutputDetails | Absent = UNSET
    is_byok: bool | Absent = UNSET


class FunctionCalled(msgspec.Struct):
    name: str | None = None
    arguments: str | None = None


class ToolCalled(msgspec.Struct):
    """A call of a tool; in a stream, a part of one."""

    id: str | Absent = UNSET
    type: str | Absent = UNSET
    index: int | Absent = UNSET
    function: FunctionCalled | Absent = UNSET


class Said(msgspec.Struct):
    """What the model said; in a chunk, what it added."""

    role: str | Absent = UNSET
    content: str | Absent | None = UNSET
    refusal: str | Absent | None = UNSET
    reasoning: str | Absent | None = UNSET
    reasoning_details: list[Json] | Absent | None = UNSET
    tool_calls: list[ToolCalled] | Absent | None = UNSET
    annotations: list[Json] | Absent | None = UNSET
    audio: Json | Absent | None = UNSET


class ChatChoice(msgspec.Struct):
    index: int
    message: Said
    finish_reason: str | None
    native_finish_reason: str | Absent | None = UNSET
    logprobs: Json | Absent | None = UNSET


class ChunkChoice(msgspec.Struct):
    index: int
    delta: Said
    finish_reason: str | Absent | None = UNSET
    native_finish_reason: str | Absent | None = UNSET
    logprobs: Json | Absent | None = UNSET


class ChatAnswer(msgspec.Struct):
    """A chat completion."""

    id: str
    object: Literal["chat.completion"]
    created: int
    model: str
    provider: str
    choices: list[ChatChoice]
    usage: Usage
    alltoken: Truth


class ChatChunk(msgspec.Struct):
    """One event of a streamed chat completion. The last one has no choices, but usage."""

    id: str
    object: Literal["chat.completion.chunk"]
    created: int
    model: str
    provider: str
    choices: list[ChunkChoice]
    usage: Usage | Absent = UNSET
    alltoken: Truth | Absent = UNSET
    error: Json | Absent = UNSET


class CompletionChoice(msgspec.Struct):
    index: int
    text: str
    logprobs: Json | None
    finish_reason: str | None


class CompletionAnswer(msgspec.Struct):
    """A completion; in a stream, a part of one."""

    id: str
    object: Literal["text_completion"]
    created: int
    model: str
    provider: str
    choices: list[CompletionChoice]
    usage: Usage | Absent = UNSET
    alltoken: Truth | Absent = UNSET
    error: Json | Absent = UNSET


class Embedding(msgspec.Struct):
    index: int
    embedding: list[float] | str
    object: Literal["embedding"]


class EmbeddingsAnswer(msgspec.Struct):
    """One vector per input."""

    object: Literal["list"]
    data: list[Embedding]
    model: str
    provider: str
    usage: Usage
    alltoken: Truth


class MessageUsage(msgspec.Struct):
    """Anthropic's count of tokens, and the cost as a number."""

    input_tokens: int
    output_tokens: int
    cost: float
    cache_creation_input_tokens: int | Absent | None = UNSET
    cache_read_input_tokens: int | Absent | None = UNSET
    cache_creation: Json | Absent | None = UNSET
    output_tokens_details: Json | Absent = UNSET
    server_tool_use: Json | Absent | None = UNSET
    service_tier: str | Absent | None = UNSET


class BlockOut(msgspec.Struct):
    """A content block of an answer."""

    type: str
    text: str | Absent = UNSET
    thinking: str | Absent = UNSET
    signature: str | Absent = UNSET
    data: str | Absent = UNSET
    id: str | Absent = UNSET
    name: str | Absent = UNSET
    input: Any | Absent = UNSET
    citations: list[Json] | Absent | None = UNSET


class MessageAnswer(msgspec.Struct):
    """A message in Anthropic's shape."""

    id: str
    type: Literal["message"]
    role: Literal["assistant"]
    model: str
    content: list[BlockOut]
    stop_reason: str | None
    stop_sequence: str | None
    usage: MessageUsage
    alltoken: Truth


class MessageEvent(msgspec.Struct):
    """One event of a streamed message."""

    type: Literal[
        "message_start", "content_block_start", "content_block_delta", "content_block_stop",
        "message_delta", "message_stop", "ping", "error",
    ]  # fmt: skip
    index: int | Absent = UNSET
    message: Json | Absent = UNSET
    content_block: BlockOut | Absent = UNSET
    delta: Json | Absent = UNSET
    usage: MessageUsage | Absent = UNSET
    error: Json | Absent = UNSET
    alltoken: Truth | Absent = UNSET


class Estimate(msgspec.Struct):
    estimated: bool


class TokenCount(msgspec.Struct):
    """How many input tokens a request is likely to have."""

    input_tokens: int
    alltoken: Estimate


class ResponseUsage(msgspec.Struct):
    """The Responses API's count of tokens, and the cost as a number."""

    input_tokens: int
    output_tokens: int
    total_tokens: int
    cost: float
    input_tokens_details: InputDetails
    output_tokens_details: OutputDetails
    is_byok: bool | Absent = UNSET


class OutputItem(msgspec.Struct):
    """An item of a response's output."""

    type: str
    id: str | Absent = UNSET
    status: str | Absent = UNSET
    role: str | Absent = UNSET
    content: list[Json] | Absent | None = UNSET
    call_id: str | Absent = UNSET
    name: str | Absent = UNSET
    arguments: str | Absent = UNSET
    summary: list[Json] | Absent = UNSET
    encrypted_content: str | Absent | None = UNSET


class ResponseAnswer(msgspec.Struct):
    """A response. What was asked for is repeated in it."""

    id: str
    object: Literal["response"]
    created_at: int
    status: Literal["completed", "incomplete", "failed", "in_progress"]
    model: str
    provider: str
    output: list[OutputItem]
    usage: ResponseUsage | None
    error: Json | None
    incomplete_details: Json | None
    store: Literal[False]
    previous_response_id: None
    alltoken: Truth | Absent = UNSET


class ResponseEvent(msgspec.Struct):
    """One event of a streamed response; `response.completed` carries the whole of it."""

    type: str
    sequence_number: int
    response: ResponseAnswer | Absent = UNSET
    item: OutputItem | Absent = UNSET
    output_index: int | Absent = UNSET
    content_index: int | Absent = UNSET
    item_id: str | Absent = UNSET
    delta: str | Absent = UNSET
    text: str | Absent = UNSET


class AudioUsage(msgspec.Struct):
    """By length, or by tokens where the model is sold by them."""

    cost: float
    type: Literal["duration", "tokens"] | Absent = UNSET
    seconds: float | Absent = UNSET
    input_tokens: int | Absent = UNSET
    output_tokens: int | Absent = UNSET
    total_tokens: int | Absent = UNSET
    input_token_details: Json | Absent = UNSET
    characters: int | Absent = UNSET


class TranscriptAnswer(msgspec.Struct):
    """The words of a sound. `verbose_json` adds language, duration, segments and words."""

    text: str
    usage: AudioUsage
    alltoken: Truth
    language: str | Absent = UNSET
    duration: float | Absent = UNSET
    segments: list[Json] | Absent = UNSET
    words: list[Json] | Absent = UNSET


class AudioEvent(msgspec.Struct):
    """One event of a streamed transcript or of streamed speech."""

    type: str
    delta: str | Absent = UNSET
    text: str | Absent = UNSET
    audio: str | Absent = UNSET
    usage: AudioUsage | Absent = UNSET
    alltoken: Truth | Absent = UNSET


class Verdict(msgspec.Struct):
    flagged: bool
    categories: dict[str, bool | None]
    category_scores: dict[str, float]
    category_applied_input_types: dict[str, list[str]] | Absent = UNSET


class ModerationAnswer(msgspec.Struct):
    """One verdict per input."""

    id: str
    model: str
    results: list[Verdict]
    usage: Usage
    alltoken: Truth


class DocumentText(msgspec.Struct):
    text: str


class Ranked(msgspec.Struct):
    """One document's place."""

    index: int
    relevance_score: float
    document: DocumentText | Absent = UNSET


class RerankUsage(msgspec.Struct):
    search_units: int
    total_tokens: int
    cost: float


class RerankAnswer(msgspec.Struct):
    """The documents that answer a query best, the best first."""

    id: str
    object: Literal["rerank"]
    model: str
    provider: str
    results: list[Ranked]
    usage: RerankUsage
    alltoken: Truth
