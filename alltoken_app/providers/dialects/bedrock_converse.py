"""Converse and ConverseStream, the chat of Amazon Bedrock for every model it serves.

Wire format: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html
"""

from urllib.parse import quote

import msgspec

from alltoken_app.providers.base import (
    Call,
    EndpointFacts,
    HeaderOf,
    Outgoing,
    Reply,
    UpstreamError,
)
from alltoken_app.providers.dialects import (
    bedrock_converse_reply,
    bedrock_converse_request,
    bedrock_errors,
)
from alltoken_app.providers.dialects.bedrock_converse_stream import ConverseReader

JSON = ("content-type", "application/json")
HONOURS = frozenset({
    "messages", "temperature", "top_p", "top_k", "n", "stop", "response_format", "tools",
    "tool_choice", "parallel_tool_calls", "user", "safety_identifier", "metadata", "reasoning",
    "reasoning_effort", "include_reasoning", "verbosity", "cache_control", "service_tier",
})  # fmt: skip


class Converse:
    """Speaks Converse. What a model's family cannot do is named by `unable`, not sent."""

    native = "converse"
    stream_type = "application/vnd.amazon.eventstream"
    honours = HONOURS

    def unable(self, call: Call, endpoint: EndpointFacts) -> tuple[str, ...]:
        return tuple(sorted(bedrock_converse_request.lost(call, endpoint)))

    def request(self, call: Call, endpoint: EndpointFacts, max_output: int) -> Outgoing:
        body = bedrock_converse_request.write(call, endpoint, max_output)
        operation = "converse-stream" if call.stream else "converse"
        path = f"/model/{escaped(endpoint.upstream_model)}/{operation}"
        return Outgoing(path, (JSON,), msgspec.json.encode(body))

    def read(self, call: Call, header: HeaderOf, payload: bytes) -> Reply:
        return bedrock_converse_reply.read(call, payload)

    def reader(self, call: Call) -> ConverseReader:
        return ConverseReader(call)

    def read_error(self, status: int, header: HeaderOf, payload: bytes) -> UpstreamError:
        return bedrock_errors.read(status, header, payload)


def escaped(model: str) -> str:
    """A model's id, inference profile or ARN as one segment of a path."""
    return quote(model, safe="")
