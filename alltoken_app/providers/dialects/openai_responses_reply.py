"""What a Responses API answers, in the common form: items to a message, status to a finish reason.

Wire format: https://platform.openai.com/docs/api-reference/responses/object
"""

from typing import Any

import msgspec

from alltoken_app.providers import refusals
from alltoken_app.providers.base import UpstreamError, Usage, sane
from alltoken_app.providers.dialects import openai_reasoning
from alltoken_app.providers.dialects.openai_reasoning import ReasoningItem, TextPart

NULL = msgspec.Raw(b"null")
CALLS = frozenset({"function_call", "custom_tool_call"})
READ = CALLS | {"message", "reasoning", "web_search_call"}
UNFINISHED = frozenset({"queued", "in_progress", "cancelled"})
FINISHES = {"max_output_tokens": "length", "content_filter": "content_filter"}


class OutPart(msgspec.Struct):
    """A part of a message: `output_text` or `refusal`."""

    type: str = ""
    text: str | None = None
    refusal: str | None = None
    annotations: list[dict[str, Any]] | None = None
    logprobs: list[msgspec.Raw] | None = None


class Action(msgspec.Struct):
    type: str | None = None


class OutItem(msgspec.Struct):
    """An item of an output; each type we read has some of these."""

    type: str = ""
    id: str | None = None
    content: list[OutPart] | None = None
    summary: list[TextPart] | None = None
    encrypted_content: str | None = None
    call_id: str | None = None
    name: str | None = None
    arguments: msgspec.Raw = NULL
    input: str | None = None
    action: msgspec.Raw = NULL


class InputDetails(msgspec.Struct):
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None


class OutputDetails(msgspec.Struct):
    reasoning_tokens: int | None = None


class UsageIn(msgspec.Struct):
    input_tokens: int
    output_tokens: int
    total_tokens: int | None = None
    input_tokens_details: InputDetails | None = None
    output_tokens_details: OutputDetails | None = None


class Searches(msgspec.Struct):
    num_requests: int | None = None


class ToolUsage(msgspec.Struct):
    web_search: Searches | None = None


class Incomplete(msgspec.Struct):
    reason: str | None = None


class Fault(msgspec.Struct):
    """An error in an answer or in a stream; xAI's is a text with the code beside it."""

    code: str | int | None = None
    message: str | None = None
    param: str | None = None


class ResponseIn(msgspec.Struct):
    """What we read of a response object."""

    output: list[msgspec.Raw] | None = None
    id: str | None = None
    status: str | None = None
    incomplete_details: Incomplete | None = None
    error: msgspec.Raw = NULL
    usage: msgspec.Raw = NULL
    tool_usage: msgspec.Raw = NULL
    service_tier: str | None = None


class Kind(msgspec.Struct):
    type: str = ""


_kind = msgspec.json.Decoder(Kind)
_item = msgspec.json.Decoder(OutItem)
_arguments = msgspec.json.Decoder(str)
_usage = msgspec.json.Decoder(UsageIn)
_tool_usage = msgspec.json.Decoder(ToolUsage)
_action = msgspec.json.Decoder(Action)
_fault = msgspec.json.Decoder(Fault)


def item(raw: msgspec.Raw) -> OutItem:
    """An item; of those that no message can hold, only the type."""
    kind = _kind.decode(raw).type
    return _item.decode(raw) if kind in READ else OutItem(kind)


def items(response: ResponseIn) -> list[OutItem]:
    """The whole output."""
    return [item(raw) for raw in response.output or ()]


def finish(response: ResponseIn, output: list[OutItem]) -> tuple[str, str]:
    """The finish reason in OpenAI's chat words, and the provider's own."""
    if response.status == "incomplete":
        details = response.incomplete_details or Incomplete()
        return FINISHES.get(details.reason or "", "length"), details.reason or "incomplete"
    called = any(item.type in CALLS for item in output)
    return "tool_calls" if called else "stop", response.status or "completed"


def message(output: list[OutItem]) -> dict[str, Any]:
    """The assistant's message that the items are."""
    parts = [part for item in output if item.type == "message" for part in item.content or ()]
    text = "".join(part.text or "" for part in parts if part.type != "refusal")
    refusal = "".join(part.refusal or "" for part in parts if part.type == "refusal")
    made: dict[str, Any] = {"role": "assistant", "content": text or None}
    made["refusal"] = refusal or None
    details = reasoning(output)
    if details:
        made["reasoning"] = thought(details) or None
        made["reasoning_details"] = details
    calls = [tool_call(item) for item in output if item.type in CALLS]
    if calls:
        made["tool_calls"] = calls
    notes = [annotation(note) for part in parts for note in part.annotations or ()]
    if any(notes):
        made["annotations"] = [note for note in notes if note]
    return made


def reasoning(output: list[OutItem]) -> list[dict[str, Any]]:
    """Details of all reasoning items, counted on from one to the next."""
    found: list[dict[str, Any]] = []
    for item in output:
        if item.type == "reasoning":
            found += openai_reasoning.details(reasoning_item(item), len(found))
    return found


def reasoning_item(item: OutItem) -> ReasoningItem:
    """The parts of an output item that are its reasoning."""
    thoughts = [TextPart(part.text or "") for part in item.content or ()]
    return ReasoningItem(item.id, item.summary, thoughts, item.encrypted_content)


def thought(details: list[dict[str, Any]]) -> str:
    """The readable part of reasoning, paragraph by paragraph."""
    texts = (detail.get("summary") or detail.get("text") for detail in details)
    return "\n\n".join(text for text in texts if text)


def tool_call(item: OutItem) -> dict[str, Any]:
    """A call of a function, or of a tool that takes free text."""
    call_id = item.call_id or item.id or ""
    if item.type == "custom_tool_call":
        custom = {"name": item.name or "", "input": item.input or ""}
        return {"id": call_id, "type": "custom", "custom": custom}
    function = {"name": item.name or "", "arguments": arguments(item)}
    return {"id": call_id, "type": "function", "function": function}


def arguments(item: OutItem) -> str:
    """A call's arguments as text: JSON, as the model wrote it."""
    if item.arguments == NULL:
        return ""
    try:
        return _arguments.decode(item.arguments)
    except ValueError:
        return bytes(item.arguments).decode()


def annotation(said: dict[str, Any]) -> dict[str, Any] | None:
    """A citation in the common form; None for those that point into files we do not have."""
    if said.get("type") != "url_citation":
        return None
    named = {name: said[name] for name in ("url", "title", "start_index", "end_index")
             if said.get(name) is not None}  # fmt: skip
    return {"type": "url_citation", "url_citation": named}


def logprobs(output: list[OutItem]) -> list[msgspec.Raw]:
    """Log probabilities of all tokens of the text."""
    parts = (part for item in output if item.type == "message" for part in item.content or ())
    return [token for part in parts for token in part.logprobs or ()]


def usage(response: ResponseIn, output: list[OutItem]) -> Usage | None:
    """What was used; None when nothing was said, or nothing that can be."""
    try:
        said = _usage.decode(response.usage)
    except ValueError:
        return None
    taken = said.input_tokens_details or InputDetails()
    thinking = (said.output_tokens_details or OutputDetails()).reasoning_tokens or 0
    written = said.output_tokens
    if thinking and said.total_tokens == said.input_tokens + written + thinking:
        written += thinking
    return sane(
        Usage(
            input=said.input_tokens,
            output=written,
            cached=taken.cached_tokens or 0,
            reasoning=thinking,
            cache_write_5m=taken.cache_write_tokens or 0,
            searches=searches(response, output),
        )
    )


def searches(response: ResponseIn, output: list[OutItem]) -> int:
    """Web searches that are charged: as the provider counts them, else the searches it shows."""
    try:
        counted = _tool_usage.decode(response.tool_usage).web_search
    except ValueError:
        counted = None
    if counted is not None and counted.num_requests is not None:
        return counted.num_requests
    return sum(item.type == "web_search_call" and _searched(item) for item in output)


def _searched(item: OutItem) -> bool:
    """Whether it was a search: opening or reading a found page is not charged as one."""
    try:
        return _action.decode(item.action).type in (None, "search")
    except ValueError:
        return True


def fault(said: msgspec.Raw | bytes) -> UpstreamError:
    """What an error object inside an answer or a stream means."""
    try:
        error = _fault.decode(said)
    except ValueError:
        return refusals.by_status(500)
    words = error.message or ""
    if isinstance(error.code, int):
        status = error.code if 400 <= error.code < 600 else 500
        return refusals.by_status(status, said=words, param=error.param)
    known = FAULTS.get(error.code or "")
    if known is None:
        return refusals.by_status(500)
    return refusals.refusal(known, said=words, param=error.param)


FAULTS = {
    "rate_limit_exceeded": "upstream_rate_limited",
    "insufficient_quota": "upstream_quota_exhausted",
    "model_not_found": "upstream_model_unavailable",
    "context_length_exceeded": "context_length_exceeded",
    "content_policy_violation": "content_policy_violation",
    "content_filter": "content_policy_violation",
    "bio_policy": "content_policy_violation",
    "misalignment_policy_violation": "content_policy_violation",
    "image_content_policy_violation": "content_policy_violation",
    **dict.fromkeys(
        (
            "invalid_prompt", "invalid_image", "invalid_image_format", "invalid_base64_image",
            "invalid_image_url", "image_too_large", "image_too_small", "image_parse_error",
            "invalid_image_mode", "image_file_too_large", "unsupported_image_media_type",
            "empty_image_file", "failed_to_download_image", "image_file_not_found",
        ),
        "upstream_rejected",
    ),
}  # fmt: skip
