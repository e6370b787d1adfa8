"""A whole answer of Converse, and what it has in common with a streamed one."""

import msgspec

from alltoken_app.providers.base import Call, Reply, StreamError, UpstreamError, Usage, sane, word
from alltoken_app.providers.dialects import chat_form
from alltoken_app.providers.dialects.bedrock_converse_request import JSON_TOOL
from alltoken_app.providers.dialects.chat_form import NULL, Answer

OWN_FORMAT, CLAUDE_FORMAT = "amazon-bedrock-v1", "anthropic-claude-v1"
SERVER_TOOL = "server_tool_use"  # run by AWS itself, of no use to the caller
FINISH = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "tool_use": "tool_calls",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "guardrail_intervened": "content_filter",
    "content_filtered": "content_filter",
}
MALFORMED = frozenset({"malformed_model_output", "malformed_tool_use"})


class CacheDetail(msgspec.Struct):
    ttl: str = ""
    inputTokens: int = 0


class Said(msgspec.Struct):
    """The usage object. Some models write the older names of the cache counts only."""

    inputTokens: int
    outputTokens: int = 0
    cacheReadInputTokens: int | None = None
    cacheReadInputTokenCount: int | None = None
    cacheWriteInputTokens: int | None = None
    cacheWriteInputTokenCount: int | None = None
    cacheDetails: list[CacheDetail] | None = None


class ToolUse(msgspec.Struct):
    toolUseId: str = ""
    name: str = ""
    input: msgspec.Raw = msgspec.Raw(b"{}")
    type: str | None = None


class ReasoningText(msgspec.Struct):
    text: str = ""
    signature: str | None = None


class Reasoning(msgspec.Struct):
    reasoningText: ReasoningText | None = None
    redactedContent: str | None = None


class Web(msgspec.Struct):
    url: str = ""
    domain: str = ""


class Location(msgspec.Struct):
    web: Web | None = None


class Citation(msgspec.Struct):
    title: str | None = None
    location: Location | None = None


class Text(msgspec.Struct):
    text: str = ""


class Cited(msgspec.Struct):
    content: list[Text] = []
    citations: list[Citation] = []


class Source(msgspec.Struct):
    bytes: str = ""


class Image(msgspec.Struct):
    format: str = "png"
    source: Source = msgspec.field(default_factory=Source)


class Block(msgspec.Struct):
    text: str | None = None
    toolUse: ToolUse | None = None
    reasoningContent: Reasoning | None = None
    citationsContent: Cited | None = None
    image: Image | None = None


class Message(msgspec.Struct):
    content: list[Block] = []


class Output(msgspec.Struct):
    message: Message


class Tier(msgspec.Struct):
    type: str | None = None


class ReplyIn(msgspec.Struct):
    output: Output
    stopReason: str
    usage: msgspec.Raw = NULL
    serviceTier: Tier | None = None


_reply = msgspec.json.Decoder(ReplyIn)
_usage = msgspec.json.Decoder(Said)


def read(call: Call, payload: bytes) -> Reply:
    """Read a whole answer. Raises ValueError, StreamError."""
    found = _reply.decode(payload)
    answer = Answer(show_reasoning=not chat_form.reasoning(call).exclude)
    signed = format_of(call)
    for index, block in enumerate(found.output.message.content):
        _add(answer, block, index, signed)
    finish = finish_of(found.stopReason, calls=bool(answer.calls))
    reply = answer.reply(finish, found.stopReason, usage(found.usage))
    reply.tier = word(found.serviceTier.type) if found.serviceTier else None
    return reply


def format_of(call: Call) -> str:
    """Whose signatures the answer's reasoning bears: Claude reads its own wherever it is served."""
    named = (call.model, *call.models)
    return CLAUDE_FORMAT if all("claude" in name for name in named) else OWN_FORMAT


def _add(answer: Answer, block: Block, index: int, signed: str) -> None:
    if block.text is not None:
        answer.text.append(block.text)
    elif block.toolUse is not None:
        _call(answer, block.toolUse)
    elif block.reasoningContent is not None:
        _think(answer, block.reasoningContent, index, signed)
    elif block.citationsContent is not None:
        _cite(answer, block.citationsContent)
    elif block.image is not None:
        answer.images.append(image(block.image.format, block.image.source.bytes))


def _call(answer: Answer, use: ToolUse) -> None:
    if use.name == JSON_TOOL:
        answer.text.append(bytes(use.input).decode())
    elif use.type != SERVER_TOOL:
        answer.call(use.toolUseId, use.name, bytes(use.input).decode())


def _think(answer: Answer, said: Reasoning, index: int, signed: str) -> None:
    if said.reasoningText is not None:
        text = said.reasoningText
        answer.thoughts.append(text.text)
        answer.details.append(thought(index, signed, text.text, text.signature))
    elif said.redactedContent is not None:
        answer.details.append(hidden(index, signed, said.redactedContent))


def _cite(answer: Answer, said: Cited) -> None:
    start = answer.position
    answer.text += [part.text for part in said.content]
    for one in said.citations:
        found = annotation(one, start, answer.position)
        if found is not None:
            answer.annotations.append(found)


def thought(
    index: int, signed: str, text: str | None, signature: str | None = None
) -> dict[str, object]:
    """A reasoning detail of words, of their signature, or both."""
    detail: dict[str, object] = {"type": "reasoning.text", "format": signed, "index": index}
    if text is not None:
        detail["text"] = text
    if signature is not None:
        detail["signature"] = signature
    return detail


def hidden(index: int, signed: str, data: str) -> dict[str, object]:
    """A reasoning detail that only the model can read."""
    return {"type": "reasoning.encrypted", "data": data, "format": signed, "index": index}


def annotation(said: Citation, start: int, end: int) -> dict[str, object] | None:
    """A citation of a web page; other sources have no place in the common form."""
    if said.location is None or said.location.web is None:
        return None
    web = said.location.web
    title = said.title or web.domain
    cited = {"url": web.url, "title": title, "start_index": start, "end_index": end}
    return {"type": "url_citation", "url_citation": cited}


def image(form: str, data: str) -> dict[str, object]:
    """An image of the answer."""
    return {"type": "image_url", "image_url": {"url": f"data:image/{form};base64,{data}"}}


def finish_of(reason: str, *, calls: bool) -> str:
    """The finish reason in the common form; `calls`: the caller has tool calls to make.

    Raises:
        StreamError: The model broke its own format.
    """
    if reason in MALFORMED:
        text = "The model's answer was malformed."
        raise StreamError(UpstreamError("upstream_bad_response", text, retry=True))
    finish = FINISH.get(reason, "stop")
    return "stop" if finish == "tool_calls" and not calls else finish


def usage(raw: msgspec.Raw, *, doubled: bool = False) -> Usage | None:
    """What Bedrock counted; its input leaves out whatever concerns the cache.

    Args:
        doubled: The input may have it in, for all that (streams of OpenAI's models): when in
            doubt it has, for the customer pays.
    """
    if raw == NULL:
        return None
    try:
        said = _usage.decode(raw)
    except ValueError:
        return None
    read = said.cacheReadInputTokens or said.cacheReadInputTokenCount or 0
    written = said.cacheWriteInputTokens or said.cacheWriteInputTokenCount or 0
    kept = read + written
    plain = said.inputTokens - kept if doubled and said.inputTokens >= kept else said.inputTokens
    hour = sum(part.inputTokens for part in said.cacheDetails or [] if part.ttl == "1h")
    return sane(
        Usage(
            input=plain + kept,
            output=said.outputTokens,
            cached=read,
            cache_write_5m=written - hour,
            cache_write_1h=hour,
        )
    )
