"""What a recorded answer says, read plainly and apart from the adapters: the measure of them."""

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from botocore.eventstream import EventStreamBuffer

from conformance.records import Record, as_sent

Json = dict[str, Any]


@dataclass
class Truth:
    """The answer's text, tool calls (name → arguments, in order), tokens and end.

    Attributes:
        broke: It ended in an error.
    """

    text: str = ""
    tools: list[tuple[str, str]] = field(default_factory=list)
    input: int | None = None
    output: int | None = None
    finish: str | None = None
    broke: bool = False


def of(record: Record, family: str) -> Truth:
    """The truth of a good answer, by the family of its wire."""
    events = list(_events(record)) if record.stream and record.framing != "json" else []
    readers: dict[str, tuple[Callable[[Json], Truth], Callable[[list[Json]], Truth]]] = {
        "chat": (_chat, _chat_stream),
        "completions": (_completion, _completion_stream),
        "messages": (_message, _message_stream),
        "responses": (_response, _response_stream),
        "gemini": (_gemini, _gemini_stream),
        "converse": (_converse, _converse_stream),
        "cohere": (_cohere, _cohere_stream),
    }
    whole, streamed = readers[family]
    events = _first_answer(events)
    if any(event.get("error") or event.get("type") == "error" for event in events):
        return Truth(broke=True)
    return streamed(events) if events else whole(json.loads(record.payload))


ENDS = ("message_stop", "response.completed", "response.incomplete", "response.failed")


def _first_answer(events: list[Json]) -> list[Json]:
    """Some recordings hold several answers, one behind the other: a connection carries one."""
    for place, event in enumerate(events):
        if event.get("type") in ENDS:
            return events[: place + 1]
    return events


def _events(record: Record) -> Iterator[Json]:
    if record.framing == "aws-eventstream":
        yield from _frames(record.payload)
        return
    if record.provider == "bedrock":
        yield from (json.loads(line) for line in record.payload.splitlines() if line.strip())
        return
    text = as_sent(record).decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n")
    for block in text.split("\n\n"):
        data = "\n".join(x[5:].lstrip(" ") for x in block.split("\n") if x.startswith("data:"))
        if data and data.strip() != "[DONE]":
            yield json.loads(data)


def _frames(payload: bytes) -> Iterator[Json]:
    buffer = EventStreamBuffer()
    buffer.add_data(payload)
    for event in buffer:
        kind = event.headers.get(":event-type")
        body = json.loads(event.payload or b"{}")
        if kind == "chunk":
            yield json.loads(base64.b64decode(body["bytes"]))
        else:
            yield {kind: body}


def _joined(content: Any) -> str:
    if isinstance(content, list):
        return "".join(p.get("text", "") for p in content if p.get("type") == "text")
    return content or ""


def _chat(body: Json) -> Truth:
    truth = Truth()
    for choice in body.get("choices", [])[:1]:
        message = choice.get("message") or {}
        truth.text = _joined(message.get("content"))
        truth.finish = choice.get("finish_reason")
        for call in message.get("tool_calls") or []:
            if said := call.get("function"):
                truth.tools.append((said["name"], said.get("arguments") or ""))
    _openai_usage(truth, body.get("usage"))
    return truth


def _openai_usage(truth: Truth, usage: Json | None) -> None:
    if usage and usage.get("prompt_tokens") is not None:
        truth.input = usage["prompt_tokens"]
        truth.output = usage.get("completion_tokens") or 0
        hidden = (usage.get("completion_tokens_details") or {}).get("reasoning_tokens") or 0
        if hidden and usage.get("total_tokens") == truth.input + truth.output + hidden:
            truth.output += hidden


def _chat_stream(events: list[Json]) -> Truth:
    truth = Truth()
    calls: dict[int, list[str]] = {}
    for event in events:
        for choice in event.get("choices") or []:
            if choice.get("index", 0) != 0:
                continue
            delta = choice.get("delta") or {}
            truth.text += _joined(delta.get("content"))
            truth.finish = choice.get("finish_reason") or truth.finish
            for place, call in enumerate(delta.get("tool_calls") or []):
                said = calls.setdefault(call.get("index", place), ["", ""])
                said[0] = said[0] or (call.get("function") or {}).get("name") or ""
                said[1] += (call.get("function") or {}).get("arguments") or ""
        _openai_usage(truth, event.get("usage") or (event.get("x_groq") or {}).get("usage"))
    truth.tools = [(name, arguments) for name, arguments in calls.values()]
    return truth


def _completion(body: Json) -> Truth:
    truth = Truth()
    for choice in body.get("choices", [])[:1]:
        truth.text, truth.finish = choice.get("text") or "", choice.get("finish_reason")
    _openai_usage(truth, body.get("usage"))
    return truth


def _completion_stream(events: list[Json]) -> Truth:
    truth = Truth()
    for event in events:
        for choice in event.get("choices") or []:
            if choice.get("index", 0) == 0:
                truth.text += choice.get("text") or ""
                truth.finish = choice.get("finish_reason") or truth.finish
        _openai_usage(truth, event.get("usage"))
    return truth


def _message(body: Json) -> Truth:
    truth = Truth(finish=body.get("stop_reason"))
    for block in body.get("content") or []:
        if block.get("type") == "text":
            truth.text += block["text"]
        elif block.get("type") == "tool_use":
            truth.tools.append((block["name"], json.dumps(block["input"])))
    _anthropic_usage(truth, body.get("usage"))
    return truth


def _anthropic_usage(truth: Truth, usage: Json | None) -> None:
    if not usage:
        return
    if usage.get("input_tokens") is not None:
        cache = ("cache_read_input_tokens", "cache_creation_input_tokens")
        truth.input = usage["input_tokens"] + sum(usage.get(name) or 0 for name in cache)
    truth.output = usage.get("output_tokens", truth.output)


def _message_stream(events: list[Json]) -> Truth:
    truth = Truth()
    blocks: dict[int, list[str]] = {}
    for event in events:
        kind = event.get("type")
        if kind == "message_start":
            _anthropic_usage(truth, event["message"].get("usage"))
        elif kind == "content_block_start" and event["content_block"]["type"] == "tool_use":
            blocks[event["index"]] = [event["content_block"]["name"], ""]
        elif kind == "content_block_start" and event["content_block"]["type"] == "text":
            truth.text += event["content_block"].get("text") or ""
        elif kind == "content_block_delta":
            truth.text += event["delta"].get("text") or ""
            if event["index"] in blocks:
                blocks[event["index"]][1] += event["delta"].get("partial_json") or ""
        elif kind == "message_delta":
            truth.finish = event["delta"].get("stop_reason") or truth.finish
            _anthropic_usage(truth, event.get("usage"))
    truth.tools = [(name, arguments or "{}") for name, arguments in blocks.values()]
    return truth


def _response(body: Json) -> Truth:
    truth = Truth(finish=body.get("status"))
    for item in body.get("output") or []:
        if item.get("type") == "message":
            truth.text += "".join(
                part.get("text", "") for part in item["content"] if part["type"] == "output_text"
            )
        elif item.get("type") == "function_call":
            truth.tools.append((item["name"], item.get("arguments") or ""))
    usage = body.get("usage") or {}
    truth.input, truth.output = usage.get("input_tokens"), usage.get("output_tokens")
    return truth


def _response_stream(events: list[Json]) -> Truth:
    ends = ("response.completed", "response.incomplete", "response.failed")
    last = [event["response"] for event in events if event.get("type") in ends]
    if not last:
        return Truth()
    truth = _response(last[-1])
    deltas = (e["delta"] for e in events if e.get("type") == "response.output_text.delta")
    truth.text = truth.text or "".join(deltas)
    return truth


def _gemini(body: Json) -> Truth:
    return _gemini_stream(body if isinstance(body, list) else [body])


def _gemini_stream(events: list[Json]) -> Truth:
    truth = Truth()
    for event in events:
        for candidate in (event.get("candidates") or [])[:1]:
            for part in (candidate.get("content") or {}).get("parts") or []:
                if not part.get("thought"):
                    truth.text += part.get("text") or ""
                if call := part.get("functionCall"):
                    truth.tools.append((call["name"], json.dumps(call.get("args") or {})))
            truth.finish = candidate.get("finishReason") or truth.finish
        usage = event.get("usageMetadata") or {}
        if "promptTokenCount" in usage:
            names = ("promptTokenCount", "toolUsePromptTokenCount")
            truth.input = sum(usage.get(name) or 0 for name in names)
            names = ("candidatesTokenCount", "thoughtsTokenCount")
            truth.output = sum(usage.get(name) or 0 for name in names)
    return truth


def _converse(body: Json) -> Truth:
    truth = Truth(finish=body.get("stopReason"))
    for block in ((body.get("output") or {}).get("message") or {}).get("content") or []:
        cited = (block.get("citationsContent") or {}).get("content") or []
        truth.text += (block.get("text") or "") + "".join(part.get("text", "") for part in cited)
        if (call := block.get("toolUse")) and call.get("type") != "server_tool_use":
            truth.tools.append((call["name"], json.dumps(call.get("input") or {})))
    _bedrock_usage(truth, body.get("usage"))
    return truth


def _bedrock_usage(truth: Truth, usage: Json | None) -> None:
    if usage and "inputTokens" in usage:
        read = usage.get("cacheReadInputTokens", usage.get("cacheReadInputTokenCount")) or 0
        write = usage.get("cacheWriteInputTokens", usage.get("cacheWriteInputTokenCount")) or 0
        truth.input = (usage.get("inputTokens") or 0) + read + write
        truth.output = usage.get("outputTokens") or 0


def _converse_stream(events: list[Json]) -> Truth:
    truth = Truth()
    calls: dict[int, list[str]] = {}
    for event in events:
        for kind, body in event.items():
            if kind == "contentBlockStart":
                said = (body.get("start") or {}).get("toolUse")
                if said and said.get("type") != "server_tool_use":
                    calls[body["contentBlockIndex"]] = [said["name"], ""]
            elif kind == "contentBlockDelta":
                truth.text += body["delta"].get("text") or ""
                call = calls.get(body["contentBlockIndex"], ["", ""])
                call[1] += (body["delta"].get("toolUse") or {}).get("input") or ""
            truth.finish = body.get("stopReason") or truth.finish
            _bedrock_usage(truth, body.get("usage"))
    truth.tools = [(name, arguments or "{}") for name, arguments in calls.values()]
    return truth


def _cohere(body: Json) -> Truth:
    truth = Truth(finish=body.get("finish_reason"))
    message = body.get("message") or {}
    for part in message.get("content") or []:
        truth.text += part.get("text") or ""
    for call in message.get("tool_calls") or []:
        truth.tools.append((call["function"]["name"], call["function"].get("arguments") or ""))
    _cohere_usage(truth, body.get("usage"))
    return truth


def _cohere_usage(truth: Truth, usage: Json | None) -> None:
    if billed := (usage or {}).get("billed_units"):  # tokens count Cohere's own framing, too
        truth.input, truth.output = billed.get("input_tokens"), billed.get("output_tokens")


def _cohere_stream(events: list[Json]) -> Truth:
    truth = Truth()
    calls: dict[int, list[str]] = {}
    for event in events:
        delta = event.get("delta") or {}
        message = delta.get("message") or {}
        kind = event.get("type")
        if kind == "content-delta":
            truth.text += (message.get("content") or {}).get("text") or ""
        elif kind == "tool-call-start":
            said = message["tool_calls"]["function"]
            calls[event["index"]] = [said["name"], said.get("arguments") or ""]
        elif kind == "tool-call-delta":
            calls[event["index"]][1] += message["tool_calls"]["function"].get("arguments") or ""
        elif kind == "message-end":
            truth.finish = delta.get("finish_reason")
            _cohere_usage(truth, delta.get("usage"))
    truth.tools = [(name, arguments) for name, arguments in calls.values()]
    return truth
