"""Every operation of the surface, as data beside `app.ROUTES`: what goes in and what comes out."""

from dataclasses import dataclass
from typing import Any

from alltoken_app.api import completions, fields, keys, moderations, parse, rerank
from alltoken_app.api.audio import speech, transcriptions
from alltoken_app.api.messages import fields as messages_fields
from alltoken_app.api.messages import parse as messages
from alltoken_app.api.openapi import answers, catalogue, records
from alltoken_app.api.openapi.queries import ACTIVITY, GENERATION, KEYS, MODELS, SURFACE, Query
from alltoken_app.api.responses import fields as responses

SOUNDS = ("audio/mpeg", "audio/ogg", "audio/aac", "audio/flac", "audio/wav", "audio/pcm")
SUBTITLES = ("text/plain",)
GROUPS = {
    "Chat": "A conversation goes in, the next message comes out, whole or as a stream.",
    "Responses": "OpenAI’s Responses API, with any model behind it.",
    "Messages": "Anthropic’s Messages API, with any model behind it.",
    "Completions": "A prompt goes on, in OpenAI’s first shape.",
    "Embeddings": "Texts become vectors that are near each other when the texts are.",
    "Audio": "Speech becomes text, and text becomes speech.",
    "Moderation and reranking": "What a text might be reproached with; what answers best.",
    "Routing": "What a request would do and cost, before it is sent.",
    "Models": "The catalogue: models, endpoints, prices, providers and their policies.",
    "Account": "What you have, what your key may, and the record of a request.",
    "Keys": "API keys made and managed by programs, with a management key.",
}
OPEN, API_KEY, MANAGEMENT_KEY, EITHER_KEY = "", "ApiKey", "ManagementKey", "ApiKey ManagementKey"


@dataclass(frozen=True)
class Operation:
    """One method of one address.

    Attributes:
        path: Below the mount; `{name}` is a part of it.
        body: What parses the request's body.
        known: Every field that the body may have; those without a type are passed on as they are.
        event: What one event of a stream is, where the answer may be one.
        media: Other types of content that the answer may have.
        form: Whether the body may be a multipart form with a file, too.
        key: Which kind of key it needs.
        billed: Whether it is sent to a provider and charged.
    """

    method: str
    path: str
    group: str
    title: str
    about: str = ""
    body: type | None = None
    known: frozenset[str] = frozenset()
    answer: Any = None
    event: type | None = None
    media: tuple[str, ...] = ()
    form: bool = False
    query: tuple[Query, ...] = ()
    key: str = API_KEY
    billed: bool = False
    status: int = 200


OPERATIONS = (
    Operation(
        "POST", "/chat/completions", "Chat", "Create a chat completion",
        "OpenAI’s chat completions. With `stream: true` the answer is server-sent events, a chunk "
        "each, and `data: [DONE]`.",
        parse.ChatFields, fields.CHAT_FORWARDED | fields.CHAT_OURS,
        answers.ChatAnswer, answers.ChatChunk, billed=True,
    ),
    Operation(
        "POST", "/responses", "Responses", "Create a response",
        "OpenAI’s Responses. Nothing is kept: each request brings its whole conversation. With "
        "`stream: true` the answer is server-sent events.",
        responses.ResponsesFields,
        responses.NATIVE | responses.ADDED | responses.OURS - {"background"},
        answers.ResponseAnswer, answers.ResponseEvent, billed=True,
    ),
    Operation("GET", "/responses/{id}", "Responses", "Fetch a kept response",
              "Always 404: no response is kept."),
    Operation("DELETE", "/responses/{id}", "Responses", "Delete a kept response",
              "Always 404: no response is kept."),
    Operation("POST", "/responses/{id}/cancel", "Responses", "Cancel a response in the background",
              "Always 404: no response is kept."),
    Operation(
        "POST", "/messages", "Messages", "Create a message",
        "Anthropic’s Messages, with any model behind it. With `stream: true` the answer is "
        "Anthropic’s events.",
        messages.MessagesFields, messages_fields.FORWARDED | messages_fields.OURS,
        answers.MessageAnswer, answers.MessageEvent, billed=True,
    ),
    Operation(
        "POST", "/messages/count_tokens", "Messages", "Estimate input tokens",
        "Free. No provider is asked; the answer is an estimate.",
        messages.CountFields, messages_fields.FORWARDED | messages_fields.OURS, answers.TokenCount,
    ),
    Operation(
        "POST", "/completions", "Completions", "Continue a prompt",
        "OpenAI’s first shape. A chat model gets the prompt as a user’s message.",
        completions.CompletionFields, completions.NATIVE | completions.OURS,
        answers.CompletionAnswer, answers.CompletionAnswer, billed=True,
    ),
    Operation(
        "POST", "/embeddings", "Embeddings", "Turn texts into vectors", "",
        parse.EmbeddingsFields, fields.EMBEDDINGS_FORWARDED | fields.EMBEDDINGS_OURS,
        answers.EmbeddingsAnswer, billed=True,
    ),
    Operation("GET", "/embeddings/models", "Embeddings", "List embedding models", "",
              answer=catalogue.Models, query=MODELS, key=OPEN),
    Operation(
        "POST", "/audio/transcriptions", "Audio", "Turn speech into text",
        "A multipart form with the sound in `file`, or JSON with it in `input_audio`.",
        transcriptions.TranscriptionFields,
        frozenset(transcriptions.TranscriptionFields.__struct_fields__),
        answers.TranscriptAnswer, answers.AudioEvent, SUBTITLES, form=True, billed=True,
    ),
    Operation(
        "POST", "/audio/translations", "Audio", "Turn speech into English text",
        "As above; the words come in English.",
        transcriptions.TranslationFields,
        frozenset(transcriptions.TranslationFields.__struct_fields__),
        answers.TranscriptAnswer, None, SUBTITLES, form=True, billed=True,
    ),
    Operation(
        "POST", "/audio/speech", "Audio", "Turn text into speech",
        "The answer is the sound itself; what it cost is in its headers.",
        speech.SpeechFields, speech.FORWARDED | speech.OURS,
        None, answers.AudioEvent, SOUNDS, billed=True,
    ),
    Operation(
        "POST", "/moderations", "Moderation and reranking", "Judge texts and pictures", "",
        moderations.ModerationFields, moderations.FORWARDED | moderations.OURS,
        answers.ModerationAnswer, billed=True,
    ),
    Operation(
        "POST", "/rerank", "Moderation and reranking", "Order documents by a query", "",
        rerank.RerankFields, rerank.FORWARDED | rerank.OURS, answers.RerankAnswer, billed=True,
    ),
    Operation(
        "POST", "/route/explain", "Routing", "Explain a route",
        "Takes the body of any request and says what it would do. Nothing is sent or charged.",
        parse.ChatFields, fields.CHAT_FORWARDED | fields.CHAT_OURS, records.Explanation,
        query=SURFACE,
    ),
    Operation(
        "POST", "/quote", "Routing", "Lock prices for ten minutes",
        "Takes the body of any request. Free; nothing is sent.",
        parse.ChatFields, fields.CHAT_FORWARDED | fields.CHAT_OURS, records.Quote, query=SURFACE,
    ),
    Operation("GET", "/models", "Models", "List models",
              "Under `/api/v1` those that give text, unless `output_modalities` says otherwise.",
              answer=catalogue.Models, query=MODELS, key=OPEN),
    Operation("GET", "/models/count", "Models", "Count models", "",
              answer=catalogue.ModelCount, query=MODELS, key=OPEN),
    Operation("GET", "/models/user", "Models", "List the models that your key may use", "",
              answer=catalogue.Models, query=MODELS),
    Operation("GET", "/models/{author}/{slug}", "Models", "Show a model", "With its endpoints.",
              answer=catalogue.Model, key=OPEN),
    Operation("GET", "/models/{author}/{slug}/endpoints", "Models", "List a model’s endpoints", "",
              answer=catalogue.WrappedEndpoints, key=OPEN),
    Operation("GET", "/model/{author}/{slug}", "Models", "Show a model as OpenRouter does", "",
              answer=catalogue.WrappedModel, key=OPEN),
    Operation("GET", "/endpoints/zdr", "Models", "List endpoints with zero data retention",
              "Those whose zero data retention is confirmed.",
              answer=catalogue.Endpoints, key=OPEN),
    Operation("GET", "/providers", "Models", "List providers and their policies", "",
              answer=catalogue.Providers, key=OPEN),
    Operation("GET", "/credits", "Account", "Show credits", "", answer=records.WrappedCredits,
              key=EITHER_KEY),
    Operation("GET", "/key", "Account", "Show the calling key", "", answer=records.WrappedKeyInfo,
              key=EITHER_KEY),
    Operation("GET", "/generation", "Account", "Show the record of a request",
              "It is there as soon as the answer has ended.",
              answer=records.WrappedGeneration, query=GENERATION, key=EITHER_KEY),
    Operation("GET", "/activity", "Account", "Show what was used per day",
              "The last 30 days in UTC, by model and endpoint: an API key sees its own use, a "
              "management key the organisation’s.",
              answer=records.Activity, query=ACTIVITY, key=EITHER_KEY),
    Operation("GET", "/keys", "Keys", "List keys", "A hundred at a time.",
              answer=records.WrappedKeys, query=KEYS, key=MANAGEMENT_KEY),
    Operation("POST", "/keys", "Keys", "Create a key", "The secret is in this answer only.",
              keys.Wanted, frozenset(keys.Wanted.__struct_fields__), records.NewKey,
              key=MANAGEMENT_KEY, status=201),
    Operation("GET", "/keys/{hash}", "Keys", "Show a key", "", answer=records.WrappedKey,
              key=MANAGEMENT_KEY),
    Operation("PATCH", "/keys/{hash}", "Keys", "Change a key",
              "What is left out stays. A `limit` of null takes the limit away.",
              keys.Changed, frozenset(keys.Changed.__struct_fields__), records.WrappedKey,
              key=MANAGEMENT_KEY),
    Operation("DELETE", "/keys/{hash}", "Keys", "Revoke a key", "For good.",
              answer=records.Deleted, key=MANAGEMENT_KEY),
    Operation("GET", "/openapi.json", "Account", "This document", "", answer=dict[str, Any],
              key=OPEN),
)  # fmt: skip
