"""Which adapter reads a record: by its API, its provider and, on Bedrock, its model."""

import json
from collections.abc import Callable
from dataclasses import dataclass

from alltoken_app.api.answers import Face
from alltoken_app.api.completions import CompletionsFace
from alltoken_app.api.messages.render import MessagesFace
from alltoken_app.api.render import ChatFace
from alltoken_app.api.responses.face import ResponsesFace
from alltoken_app.providers.base import Call, Dialect
from alltoken_app.providers.dialects import anthropic_messages, bedrock_invoke, cohere, openai_audio
from alltoken_app.providers.dialects.anthropic_messages import AnthropicMessages
from alltoken_app.providers.dialects.bedrock_converse import Converse
from alltoken_app.providers.dialects.gemini import Gemini, Vertex
from alltoken_app.providers.dialects.openai_chat import OpenAIChat
from alltoken_app.providers.dialects.openai_completions import OpenAICompletions
from alltoken_app.providers.dialects.openai_responses import OpenAIResponses
from alltoken_app.providers.quirks import PLAIN
from alltoken_app.providers.rows import ROWS
from conformance.records import Record

FACES: dict[str, Face] = {
    "chat": ChatFace(),
    "messages": MessagesFace(),
    "responses": ResponsesFace(),
    "completions": CompletionsFace(),
}
ALL = frozenset({"chat", "messages", "responses"})
PROMPTED = ALL | {"completions"}
QUIRKS = {row.id: row.quirks for row in ROWS}
AUDIO = {
    "audio.transcriptions": "transcription",
    "audio.translations": "translation",
    "audio.speech": "speech",
    "moderations": "moderation",
    "rerank": "rerank",
}


@dataclass(frozen=True)
class Case:
    """How a record is replayed.

    Attributes:
        family: The shape of its wire, for `truth`; "embeddings", "plain": checks of their own.
        faces: The client dialects that its answer is shown in.
    """

    dialect: Dialect
    call: Call
    family: str
    model: str
    faces: frozenset[str] = ALL


def case_of(record: Record) -> Case | str:
    """How to replay a record, or why it has no adapter."""
    if record.api in AUDIO:
        operation = AUDIO[record.api]
        if record.provider == "cohere" and operation == "rerank":
            return _case(cohere.Rerank(), record, "plain", operation=operation)
        return _case(openai_audio.OPERATIONS[operation], record, "plain", operation=operation)
    api = _true_api(record)
    make = MAKERS.get(api)
    found = make(record) if make else None
    return found or f"no surface for {api}"


# What an answer looks like, where only the answer was kept and it was filed by its first word.
SHAPES = (
    (b'"embeddings": [[', "ollama's own API"),
    (b'"total_duration"', "ollama's own API"),
    (b'"message-start"', "native"),
    (b'"billed_units"', "native"),
    (b'"predictions"', "predict"),
    (b'"pages_processed"', "ocr"),
    (b'"name": "cachedContents/', "cachedContents"),
    (b'"object": "chat.completion"', "chat"),
    (b'"output_format"', "images.generations"),
)


def _true_api(record: Record) -> str:
    """The record's API; by the answer's shape where no request was kept."""
    if record.url or record.request:
        return record.api
    if record.framing == "json" and set(json.loads(record.payload)) == {
        "status",
        "headers",
        "body",
    }:
        return "a file of a recorder, not an answer"
    return next((api for sign, api in SHAPES if sign in record.payload), record.api)


def _chat(record: Record) -> Case | None:
    if record.provider == "cohere" and "/v2/" in record.url:
        return None
    quirks = QUIRKS.get(record.provider, PLAIN)
    return _case(OpenAIChat(quirks), record, "chat")


def _responses(record: Record) -> Case:
    return _case(OpenAIResponses(QUIRKS.get(record.provider, PLAIN)), record, "responses")


def _completions(record: Record) -> Case:
    dialect = OpenAICompletions(QUIRKS.get(record.provider, PLAIN))
    return _case(dialect, record, "completions", operation="completions", faces=PROMPTED)


def _gemini(record: Record) -> Case:
    return _case(Vertex() if record.provider == "vertex" else Gemini(), record, "gemini")


def _embeddings(record: Record) -> Case:
    return _case(OpenAIChat(), record, "embeddings", operation="embeddings")


def _gemini_embeddings(record: Record) -> Case:
    dialect = Vertex() if record.provider == "vertex" else Gemini()
    return _case(dialect, record, "embeddings", operation="embeddings")


def _invoke(record: Record) -> Case | None:
    if "anthropic" in record.model and "messages" in (record.request or {"messages": 1}):
        return _case(AnthropicMessages(anthropic_messages.BEDROCK), record, "messages")
    if "embed" in record.model:
        embeddings = bedrock_invoke.Embeddings()
        return _case(embeddings, record, "embeddings", operation="embeddings")
    if "rerank" in record.model:
        return _case(bedrock_invoke.Rerank(), record, "plain", operation="rerank")
    return None


def _cohere(record: Record) -> Case | None:
    if "/v1/" in record.url:
        return None
    if "/embed" in record.url:
        return _case(cohere.Embeddings(), record, "embeddings", operation="embeddings")
    return _case(cohere.Chat(), record, "cohere")


MAKERS: dict[str, Callable[[Record], Case | None]] = {
    "chat": _chat,
    "openai.chat": _chat,
    "embeddings": _embeddings,
    "messages": lambda record: _case(AnthropicMessages(), record, "messages"),
    "responses": _responses,
    "completions": _completions,
    "generateContent": _gemini,
    "streamGenerateContent": _gemini,
    "batchEmbedContents": _gemini_embeddings,
    "predict": _gemini_embeddings,
    "converse": lambda record: _case(Converse(), record, "converse"),
    "converse-stream": lambda record: _case(Converse(), record, "converse"),
    "native": _cohere,
    "invoke": _invoke,
    "invoke-stream": _invoke,
}


def _case(
    dialect: Dialect,
    record: Record,
    family: str,
    *,
    operation: str = "chat",
    faces: frozenset[str] = ALL,
) -> Case:
    call = Call(operation, "a/b", {}, stream=record.stream)
    return Case(dialect, call, family, record.model or "m", faces)
