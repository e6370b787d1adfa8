"""What each provider's published types accept: the SDKs' own types, read strictly."""

import json
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import botocore.session
from anthropic.types import message_create_params
from botocore.validate import ParamValidator
from google.genai import types as google
from openai.types.chat import completion_create_params
from openai.types.responses import response_create_params
from pydantic import TypeAdapter

Json = dict[str, Any]
Check = Callable[[Json], None]


@lru_cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def _typed(kind: Any, body: Json) -> None:
    """Validate against a TypedDict; iterables are lazy, so they are read to their end."""
    _exhaust(_adapter(kind).validate_python(body))


def _exhaust(value: Any) -> None:
    if isinstance(value, dict):
        for part in value.values():
            _exhaust(part)
    elif hasattr(value, "__next__") or isinstance(value, list | tuple):
        for part in value:
            _exhaust(part)


def openai_chat(body: Json) -> None:
    """OpenAI's chat completion request."""
    kinds = completion_create_params
    streamed = body.get("stream")
    _typed(
        kinds.CompletionCreateParamsStreaming
        if streamed
        else kinds.CompletionCreateParamsNonStreaming,
        body,
    )


def openai_responses(body: Json) -> None:
    """OpenAI's response request."""
    kinds = response_create_params
    streamed = body.get("stream")
    _typed(
        kinds.ResponseCreateParamsStreaming if streamed else kinds.ResponseCreateParamsNonStreaming,
        body,
    )


def anthropic_messages(body: Json) -> None:
    """Anthropic's message request."""
    kinds = message_create_params
    streamed = body.get("stream")
    _typed(
        kinds.MessageCreateParamsStreaming if streamed else kinds.MessageCreateParamsNonStreaming,
        body,
    )


GEMINI: dict[str, Any] = {
    "contents": list[google.Content],
    "systemInstruction": google.Content,
    "tools": list[google.Tool],
    "toolConfig": google.ToolConfig,
    "generationConfig": google.GenerationConfig,
    "safetySettings": list[google.SafetySetting],
    "cachedContent": str,
    "serviceTier": str,
    "labels": dict[str, str],
    "store": bool,  # in the REST reference; the SDK has no type for it
}


def gemini(body: Json) -> None:
    """Gemini's generateContent request, part by part."""
    for name, value in body.items():
        if name not in GEMINI:
            raise ValueError(f"{name} is no field of generateContent")
        _adapter(GEMINI[name]).validate_json(json.dumps(value))


@lru_cache
def _converse_shape() -> Any:
    model = botocore.session.get_session().get_service_model("bedrock-runtime")
    return model.operation_model("Converse").input_shape


def converse(body: Json) -> None:
    """Bedrock's Converse request, by AWS's own service model."""
    report = ParamValidator().validate({"modelId": "m", **body}, _converse_shape())
    if report.has_errors():
        raise ValueError(report.generate_report())


def bedrock_claude(body: Json) -> None:
    """Claude's body on Bedrock: Anthropic's without the model, with a version of AWS's."""
    if body.pop("anthropic_version", None) != "bedrock-2023-05-31":
        raise ValueError("anthropic_version is missing")
    if "model" in body or "stream" in body:
        raise ValueError("the model and the stream are named by the path")
    body.pop("anthropic_beta", None)
    anthropic_messages({**body, "model": "m"})
