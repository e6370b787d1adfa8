"""Recorded clients' requests through our parsers to every provider's published request types."""

import json
from dataclasses import dataclass
from typing import Any

from alltoken_app.api import parse
from alltoken_app.api.messages import parse as parse_messages
from alltoken_app.api.parse import Parsed
from alltoken_app.api.responses import parse as parse_responses
from alltoken_app.errors import AllTokenError
from alltoken_app.providers.base import Dialect, EndpointFacts, Price, Unfit
from alltoken_app.providers.dialects import anthropic_messages
from alltoken_app.providers.dialects.anthropic_messages import AnthropicMessages
from alltoken_app.providers.dialects.bedrock_converse import Converse
from alltoken_app.providers.dialects.gemini import Gemini, Vertex
from alltoken_app.providers.dialects.openai_chat import OpenAIChat
from alltoken_app.providers.dialects.openai_responses import OpenAIResponses
from alltoken_app.providers.quirks import PLAIN
from conformance import published
from conformance.published import Check
from conformance.records import Record
from conformance.replay import Miss

JSON = "application/json"
ROOM = 10**6
OUTPUT = 4_096
# What the gateway says itself, whatever the caller said.
OURS_TO_SAY = frozenset(
    {
        "model",
        "stream",
        "stream_options",
        "max_tokens",
        "max_output_tokens",
        "max_completion_tokens",
        "store",
        "tool_choice",
        "reasoning_effort",
    }
)


@dataclass(frozen=True)
class Target:
    """A provider that a request crosses to: its dialect, one of its models, its published types.

    Attributes:
        home: The dialect is its maker's own there, with nothing left out.
    """

    name: str
    dialect: Dialect
    model: str
    check: Check
    home: bool = True


TARGETS = (
    Target("OpenAI chat", OpenAIChat(), "gpt-6.1-sol", published.openai_chat),
    Target("OpenAI responses", OpenAIResponses(PLAIN), "gpt-6.1-sol", published.openai_responses),
    Target("Anthropic", AnthropicMessages(), "claude-sonnet-5", published.anthropic_messages),
    Target(
        "Bedrock invoke",
        AnthropicMessages(anthropic_messages.BEDROCK),
        "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
        published.bedrock_claude,
        home=False,
    ),
    Target("Gemini", Gemini(), "gemini-2.5-flash", published.gemini),
    Target("Vertex", Vertex(), "gemini-3.8-flash", published.gemini),
    Target("Bedrock Converse", Converse(), "us.amazon.nova-2-lite-v1:0", published.converse),
    Target(
        "Bedrock Converse, Claude",
        Converse(),
        "us.anthropic.claude-haiku-4-5-20251001-v1:0",
        published.converse,
    ),
)


def request_of(record: Record) -> Parsed | str | None:
    """The recorded request as ours, or why we refuse it; None where no client of ours sent it."""
    if record.request is None or record.status >= 400 or record.api not in CLIENTS:
        return None
    body = json.dumps({**record.request, "model": "a/b"}, ensure_ascii=False).encode()
    try:
        return CLIENTS[record.api](body)
    except AllTokenError as error:
        return f"{error.code} {error.param or ''}"


CLIENTS: dict[str, Any] = {
    "chat": lambda body: parse.chat(body, JSON, strict=False),
    "messages": lambda body: parse_messages.messages(body, JSON, {}, strict=False),
    "responses": lambda body: parse_responses.responses(body, JSON, strict=False),
}


def cross(parsed: Parsed, target: Target, model: str = "") -> str:
    """What became of a request: "as it is", or "said: …" what the target cannot carry.

    Args:
        model: The one it was made for: whoever speaks the target's own dialect wants no other.

    Raises:
        Miss: The target's published types refuse what was made of it.
    """
    own = parsed.call.dialect == target.dialect.native
    wanted = model if own and model else target.model
    endpoint = EndpointFacts(
        "p:a/b", "a/b", "chat", "p", wanted, ROOM, ROOM, frozenset(), "none", True, None,
        Price("v", 1, 1),
    )  # fmt: skip
    lost = target.dialect.unable(parsed.call, endpoint)
    try:
        outgoing = target.dialect.request(parsed.call, endpoint, parsed.call.max_output or OUTPUT)
    except Unfit as unfit:
        if not lost and unfit.param is None:
            raise Miss(f"it cannot be said, and no field is named: {unfit}") from None
        return "said"
    if own:
        _check_untouched(parsed, json.loads(outgoing.body))
        return "as it is"
    try:
        target.check(json.loads(outgoing.body))
    except ValueError as error:
        raise Miss(_first_line(error)) from None
    return "said" if lost else "as it is"


def _check_untouched(parsed: Parsed, sent: dict[str, Any]) -> None:
    """A caller of the provider's own dialect gets every field through."""
    for name, value in (parsed.call.native or parsed.call.fields).items():
        if name not in OURS_TO_SAY and name in sent and sent[name] != json.loads(bytes(value)):
            raise Miss(f"{name} was changed")


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return " | ".join(lines[1:4])[:200] if len(lines) > 1 else str(lines)[:200]
