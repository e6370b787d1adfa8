"""Answers as each family of providers writes them: one text, one tool call, one set of counts.

Every answer is 120 tokens in, 20 of them from the provider's cache where it has one, and 30 out.
"""

import json
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]

TEXT = ["Hel", "lo from ", "afar — ü"]
TOOL = "get_weather"
ARGUMENTS = '{"city": "Paris"}'
INPUT, CACHED, OUTPUT, REASONING = 120, 20, 30, 10


@dataclass(frozen=True)
class Wire:
    """An answer's content type and bytes."""

    type: str
    body: bytes


def _json(document: Json) -> Wire:
    return Wire("application/json", json.dumps(document).encode())


def _events(events: list[Json | str], *, named: bool = False, end: str = "\n\n") -> Wire:
    lines = []
    for event in events:
        data = event if isinstance(event, str) else json.dumps(event)
        name = f"event: {event['type']}\n" if named and isinstance(event, dict) else ""
        lines.append(f"{name}data: {data}{end}")
    return Wire("text/event-stream", "".join(lines).encode())


# --- OpenAI's chat completions, and those that imitate them


def _chat_usage(provider: str) -> Json:
    usage: Json = {"prompt_tokens": INPUT, "completion_tokens": OUTPUT,
                   "total_tokens": INPUT + OUTPUT}  # fmt: skip
    if provider == "deepseek":
        usage |= {"prompt_cache_hit_tokens": CACHED, "prompt_cache_miss_tokens": INPUT - CACHED}
    elif provider == "mistral":
        usage |= {"num_cached_tokens": CACHED}
    else:
        usage |= {"prompt_tokens_details": {"cached_tokens": CACHED}}
    if provider == "xai":  # reasoning is in the total alone
        usage |= {"completion_tokens": OUTPUT - REASONING,
                  "completion_tokens_details": {"reasoning_tokens": REASONING}}  # fmt: skip
    return usage


def chat(provider: str, *, tool: bool, stream: bool) -> Wire:
    """A chat completion."""
    head = {"id": "cmpl-1", "created": 1, "model": "m"}
    function = {"name": TOOL, "arguments": ARGUMENTS}
    call: Json = {"id": "call_1", "type": "function", "function": function}
    finish = "tool_calls" if tool else "stop"
    if provider == "mistral":
        call.pop("type")
    if not stream:
        said = {"content": None, "tool_calls": [call]} if tool else {"content": "".join(TEXT)}
        choice = {"index": 0, "message": {"role": "assistant", **said}, "finish_reason": finish}
        return _json({**head, "object": "chat.completion", "choices": [choice],
                      "usage": _chat_usage(provider)})  # fmt: skip
    deltas: list[Json] = [{"role": "assistant", "content": ""}]
    if tool:
        deltas.append(
            {"tool_calls": [{**call, "index": 0, "function": {**function, "arguments": ""}}]}
        )
        deltas += [
            {"tool_calls": [{"index": 0, "function": {"arguments": part}}]}
            for part in (ARGUMENTS[:5], ARGUMENTS[5:])
        ]
    else:
        deltas += [{"content": part} for part in TEXT]
    chunks: list[Json | str] = [
        {**head, "object": "chat.completion.chunk",
         "choices": [{"index": 0, "delta": delta, "finish_reason": None}]}
        for delta in deltas
    ]  # fmt: skip
    last: Json = {**head, "object": "chat.completion.chunk",
                  "choices": [{"index": 0, "delta": {}, "finish_reason": finish}]}  # fmt: skip
    if provider == "groq":
        last["x_groq"] = {"id": "req_1", "usage": _chat_usage(provider)}
    if provider in ("mistral", "together", "deepseek"):
        last["usage"] = _chat_usage(provider)
    chunks.append(last)
    if "usage" not in last and "x_groq" not in last:
        usage = _chat_usage(provider)
        chunks.append({**head, "object": "chat.completion.chunk", "choices": [], "usage": usage})
    return _events([*chunks, "[DONE]"])


# --- OpenAI's responses


def responses(provider: str, *, tool: bool, stream: bool) -> Wire:
    """A response."""
    whole = "".join(TEXT)
    item: Json = {"type": "message", "id": "msg_1", "status": "completed", "role": "assistant",
                  "content": [{"type": "output_text", "text": whole, "annotations": [],
                               "logprobs": []}]}  # fmt: skip
    if tool:
        item = {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": TOOL,
                "arguments": ARGUMENTS, "status": "completed"}  # fmt: skip
    usage = {"input_tokens": INPUT, "input_tokens_details": {"cached_tokens": CACHED},
             "output_tokens": OUTPUT, "output_tokens_details": {"reasoning_tokens": 0},
             "total_tokens": INPUT + OUTPUT}  # fmt: skip
    done: Json = {"id": "resp_1", "object": "response", "created_at": 1, "status": "completed",
                  "model": "m", "output": [item], "parallel_tool_calls": True,
                  "tool_choice": "auto", "tools": [], "usage": usage}  # fmt: skip
    if not stream:
        return _json(done)
    begun = {**done, "status": "in_progress", "output": [], "usage": None}
    events: list[Json] = [{"type": "response.created", "response": begun}]
    place = {"output_index": 0, "item_id": item["id"]}
    if tool:
        events.append(
            {
                "type": "response.output_item.added",
                "output_index": 0,
                "item": {**item, "arguments": "", "status": "in_progress"},
            }
        )
        events += [{"type": "response.function_call_arguments.delta", **place, "delta": part}
                   for part in (ARGUMENTS[:5], ARGUMENTS[5:])]  # fmt: skip
        events.append(
            {
                "type": "response.function_call_arguments.done",
                **place,
                "name": TOOL,
                "arguments": ARGUMENTS,
            }
        )
    else:
        events.append(
            {
                "type": "response.output_item.added",
                "output_index": 0,
                "item": {**item, "content": [], "status": "in_progress"},
            }
        )
        part = {**place, "content_index": 0}
        events.append(
            {
                "type": "response.content_part.added",
                **part,
                "part": {"type": "output_text", "text": "", "annotations": []},
            }
        )
        events += [{"type": "response.output_text.delta", **part, "delta": text, "logprobs": []}
                   for text in TEXT]  # fmt: skip
        events.append({"type": "response.output_text.done", **part, "text": whole, "logprobs": []})
        events.append({"type": "response.content_part.done", **part, "part": item["content"][0]})
    events.append({"type": "response.output_item.done", "output_index": 0, "item": item})
    events.append({"type": "response.completed", "response": done})
    numbered: list[Json | str] = [
        {**event, "sequence_number": at} for at, event in enumerate(events)
    ]
    return _events(numbered, named=True)


# --- Anthropic


def messages(provider: str, *, tool: bool, stream: bool) -> Wire:
    """A message."""
    block: Json = {"type": "text", "text": "".join(TEXT)}
    if tool:
        block = {"type": "tool_use", "id": "toolu_1", "name": TOOL, "input": json.loads(ARGUMENTS)}
    usage = {"input_tokens": INPUT - CACHED, "cache_read_input_tokens": CACHED,
             "cache_creation_input_tokens": 0, "output_tokens": OUTPUT}  # fmt: skip
    stop = "tool_use" if tool else "end_turn"
    whole: Json = {"id": "msg_1", "type": "message", "role": "assistant", "model": "m",
                   "content": [block], "stop_reason": stop, "stop_sequence": None,
                   "usage": usage}  # fmt: skip
    if not stream:
        return _json(whole)
    begun = {**whole, "content": [], "stop_reason": None, "usage": {**usage, "output_tokens": 1}}
    empty = {**block, "input": {}} if tool else {**block, "text": ""}
    deltas: list[Json] = [{"type": "text_delta", "text": text} for text in TEXT]
    if tool:
        deltas = [{"type": "input_json_delta", "partial_json": part}
                  for part in (ARGUMENTS[:5], ARGUMENTS[5:])]  # fmt: skip
    return _events(
        [
            {"type": "message_start", "message": begun},
            {"type": "content_block_start", "index": 0, "content_block": empty},
            {"type": "ping"},
            *({"type": "content_block_delta", "index": 0, "delta": delta} for delta in deltas),
            {"type": "content_block_stop", "index": 0},
            {"type": "message_delta", "delta": {"stop_reason": stop, "stop_sequence": None},
             "usage": {"output_tokens": OUTPUT}},
            {"type": "message_stop"},
        ],
        named=True,
    )  # fmt: skip


# --- Google


def gemini(provider: str, *, tool: bool, stream: bool) -> Wire:
    """A generateContent answer; thinking is counted beside the answer."""
    usage = {"promptTokenCount": INPUT, "cachedContentTokenCount": CACHED,
             "candidatesTokenCount": OUTPUT - REASONING, "thoughtsTokenCount": REASONING,
             "totalTokenCount": INPUT + OUTPUT}  # fmt: skip
    parts: list[Json] = [{"text": text} for text in TEXT]
    if tool:
        parts = [{"functionCall": {"name": TOOL, "args": json.loads(ARGUMENTS)},
                  "thoughtSignature": "c2ln"}]  # fmt: skip

    def event(said: list[Json], finish: str | None) -> Json:
        candidate: Json = {"content": {"role": "model", "parts": said}, "index": 0}
        if finish:
            candidate["finishReason"] = finish
        return {"candidates": [candidate], "usageMetadata": usage, "modelVersion": "m",
                "responseId": "r1"}  # fmt: skip

    if not stream:
        return _json(event(parts, "STOP"))
    last = len(parts) - 1
    events: list[Json | str] = [
        event([part], "STOP" if at == last else None) for at, part in enumerate(parts)
    ]
    return _events(events, end="\r\n\r\n")


# --- Amazon


def converse(provider: str, *, tool: bool, stream: bool) -> Wire:
    """A Converse answer; its stream is AWS's binary one, with the usage at its very end."""
    stop = "tool_use" if tool else "end_turn"
    use = {"toolUseId": "tooluse_1", "name": TOOL}
    usage = {"inputTokens": INPUT - CACHED, "outputTokens": OUTPUT,
             "totalTokens": INPUT + OUTPUT, "cacheReadInputTokens": CACHED}  # fmt: skip
    if not stream:
        block = {"toolUse": {**use, "input": json.loads(ARGUMENTS)}} if tool else {
            "text": "".join(TEXT)}  # fmt: skip
        message = {"role": "assistant", "content": [block]}
        return _json({"output": {"message": message}, "stopReason": stop, "usage": usage,
                      "metrics": {"latencyMs": 1}})  # fmt: skip
    deltas: list[Json] = [{"text": text} for text in TEXT]
    start = b""
    if tool:
        start = _frame("contentBlockStart", {"contentBlockIndex": 0, "start": {"toolUse": use}})
        deltas = [{"toolUse": {"input": part}} for part in (ARGUMENTS[:5], ARGUMENTS[5:])]
    frames = [
        _frame("messageStart", {"role": "assistant"}),
        start,
        *(_frame("contentBlockDelta", {"contentBlockIndex": 0, "delta": d}) for d in deltas),
        _frame("contentBlockStop", {"contentBlockIndex": 0}),
        _frame("messageStop", {"stopReason": stop}),
        _frame("metadata", {"usage": usage, "metrics": {"latencyMs": 1}}),
    ]
    return Wire("application/vnd.amazon.eventstream", b"".join(frames))


def _frame(name: str, body: Json) -> bytes:
    headers = b"".join(
        bytes([len(key)]) + key + b"\x07" + struct.pack(">H", len(value)) + value
        for key, value in (
            (b":event-type", name.encode()),
            (b":content-type", b"application/json"),
            (b":message-type", b"event"),
        )
    )
    payload = json.dumps(body).encode()
    prelude = struct.pack(">II", 16 + len(headers) + len(payload), len(headers))
    start = prelude + struct.pack(">I", zlib.crc32(prelude)) + headers + payload
    return start + struct.pack(">I", zlib.crc32(start))


# --- Cohere


def cohere(provider: str, *, tool: bool, stream: bool) -> Wire:
    """A v2 chat answer. Cohere has no cache to speak of."""
    finish = "TOOL_CALL" if tool else "COMPLETE"
    usage = {"billed_units": {"input_tokens": INPUT, "output_tokens": OUTPUT},
             "tokens": {"input_tokens": INPUT + 400, "output_tokens": OUTPUT + 1}}  # fmt: skip
    call = {"id": "call_1", "type": "function", "function": {"name": TOOL, "arguments": ARGUMENTS}}
    if not stream:
        said = {"tool_calls": [call]} if tool else {
            "content": [{"type": "text", "text": "".join(TEXT)}]}  # fmt: skip
        return _json({"id": "c1", "message": {"role": "assistant", **said},
                      "finish_reason": finish, "usage": usage})  # fmt: skip
    events: list[Json | str] = [
        {"type": "message-start", "id": "c1", "delta": {"message": {"role": "assistant"}}}
    ]
    if tool:
        first = {**call, "function": {"name": TOOL, "arguments": ""}}
        events.append(
            {"type": "tool-call-start", "index": 0, "delta": {"message": {"tool_calls": first}}}
        )
        events += [
            {"type": "tool-call-delta", "index": 0,
             "delta": {"message": {"tool_calls": {"function": {"arguments": part}}}}}
            for part in (ARGUMENTS[:5], ARGUMENTS[5:])
        ]  # fmt: skip
        events.append({"type": "tool-call-end", "index": 0})
    else:
        text = {"message": {"content": {"type": "text", "text": ""}}}
        events.append({"type": "content-start", "index": 0, "delta": text})
        events += [
            {"type": "content-delta", "index": 0, "delta": {"message": {"content": {"text": part}}}}
            for part in TEXT
        ]
        events.append({"type": "content-end", "index": 0})
    events.append({"type": "message-end", "delta": {"finish_reason": finish, "usage": usage}})
    return _events([*events, "[DONE]"], named=True)


Shape = Callable[..., Wire]
BY_PATH: tuple[tuple[str, Shape], ...] = (
    ("/chat/completions", chat),
    ("/responses", responses),
    ("/v1/messages", messages),
    ("enerateContent", gemini),
    ("/converse", converse),
    ("/chat", cohere),
)


def answer(provider: str, path: str, *, tool: bool, stream: bool) -> Wire:
    """What this provider answers at this path."""
    shape = next(shape for sign, shape in BY_PATH if sign in path)
    return shape(provider, tool=tool, stream=stream)
