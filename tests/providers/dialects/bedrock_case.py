"""Calls to models on Bedrock, and what AWS's own description says of the requests."""

import json
from typing import Any

import msgspec
from botocore.session import get_session
from botocore.validate import ParamValidator

from alltoken_app.providers.base import Call, EndpointFacts, Price
from alltoken_app.providers.dialects.bedrock_converse import Converse

DIALECT = Converse()
OPERATION = get_session().get_service_model("bedrock-runtime").operation_model("Converse")
CLAUDE = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
OLD_CLAUDE = "anthropic.claude-3-5-sonnet-20240620-v1:0"
THINKING_CLAUDE = "us.anthropic.claude-3-7-sonnet-20250219-v1:0"
NEW_CLAUDE = "global.anthropic.claude-opus-4-8"
NOVA = "us.amazon.nova-lite-v1:0"
NOVA_2 = "us.amazon.nova-2-lite-v1:0"
LLAMA = "meta.llama3-2-1b-instruct-v1:0"
GPT_OSS = "openai.gpt-oss-120b-1:0"
PIXEL = "iVBORw0KGgo="
HI = [{"role": "user", "content": "hi"}]
WEATHER = {
    "type": "function",
    "function": {"name": "weather", "parameters": {"type": "object", "properties": {}}},
}


def endpoint(model: str, slug: str = "a/b") -> EndpointFacts:
    return EndpointFacts(
        "bedrock:a/b", slug, "chat", "bedrock", model, 8192, 4096, frozenset(), "none", False,
        None, Price("v1"),
    )  # fmt: skip


def call(stream: bool = False, **fields: object) -> Call:
    raw = {name: msgspec.Raw(json.dumps(value).encode()) for name, value in fields.items()}
    every = frozenset({"text", "image", "file", "audio", "video"})
    return Call("chat", "a/b", raw, stream=stream, modalities=every)


def body(model: str, max_output: int = 4000, **fields: Any) -> dict[str, Any]:
    """What is sent, after it was found valid by AWS's own description of the operation."""
    asked = call(**{"messages": HI, **fields})
    sent = json.loads(DIALECT.request(asked, endpoint(model), max_output).body)
    report = ParamValidator().validate({"modelId": model, **sent}, OPERATION.input_shape)
    assert not report.has_errors(), report.generate_report()
    return sent


def unable(model: str, **fields: object) -> tuple[str, ...]:
    return DIALECT.unable(call(**{"messages": HI, **fields}), endpoint(model))
