"""Answers in the shape of Anthropic's Messages, made by hand: whole, and as a stream's events."""

import base64
import json
import struct
from typing import Any
from zlib import crc32

import msgspec

from alltoken_app.providers.base import Call, EndpointFacts, Piece, Price

Json = dict[str, Any]

USAGE: Json = {
    "input_tokens": 20,
    "cache_creation_input_tokens": 7,
    "cache_read_input_tokens": 100,
    "cache_creation": {"ephemeral_5m_input_tokens": 4, "ephemeral_1h_input_tokens": 3},
    "output_tokens": 40,
    "output_tokens_details": {"thinking_tokens": 11},
    "service_tier": "standard",
}
DELTAS = {"text": ("text_delta", "text"), "thinking": ("thinking_delta", "thinking")}


def endpoint(model: str = "claude-sonnet-4-5") -> EndpointFacts:
    return EndpointFacts(
        "p:a/b", "a/b", "chat", "p", model, 200_000, 64_000, frozenset(), "none", True, None,
        Price("v1", 1, 2, 1),
    )  # fmt: skip


def call(*, stream: bool = False, max_output: int | None = None, **fields: object) -> Call:
    """A call in the common form."""
    raw = {name: msgspec.Raw(json.dumps(value).encode()) for name, value in fields.items()}
    return Call("chat", "a/b", raw, stream=stream, max_output=max_output)


def no_header(name: str) -> str:
    return ""


def text(said: str, **more: Any) -> Json:
    return {"type": "text", "text": said, **more}


def tool_use(name: str, given: Json, call_id: str = "toolu_1") -> Json:
    return {"type": "tool_use", "id": call_id, "name": name, "input": given}


def thinking(said: str, signature: str = "c2lnbg==") -> Json:
    return {"type": "thinking", "thinking": said, "signature": signature}


def message(*blocks: Json, stop: str = "end_turn", usage: Json | None = None) -> Json:
    return {
        "id": "msg_01",
        "type": "message",
        "role": "assistant",
        "model": "claude-sonnet-4-5",
        "content": list(blocks),
        "stop_reason": stop,
        "stop_sequence": None,
        "usage": usage or USAGE,
    }


def events(whole: Json, step: int = 5) -> list[Json]:
    """The events of a stream that tells the same; `step` characters to a delta."""
    begun = {**whole, "content": [], "stop_reason": None}
    begun["usage"] = {**whole["usage"], "output_tokens": 1}
    found: list[Json] = [{"type": "message_start", "message": begun}, {"type": "ping"}]
    for index, block in enumerate(whole["content"]):
        found += _block(block, index, step)
    used = {"output_tokens": whole["usage"]["output_tokens"]}
    if "output_tokens_details" in whole["usage"]:
        used["output_tokens_details"] = whole["usage"]["output_tokens_details"]
    delta = {"stop_reason": whole["stop_reason"], "stop_sequence": None}
    found.append({"type": "message_delta", "delta": delta, "usage": used})
    found.append({"type": "message_stop"})
    return found


def _block(block: Json, index: int, step: int) -> list[Json]:
    start, deltas = _opened(block, step)
    at = {"index": index}
    return [
        {"type": "content_block_start", **at, "content_block": start},
        *({"type": "content_block_delta", **at, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", **at},
    ]


def _opened(block: Json, step: int) -> tuple[Json, list[Json]]:
    kind = block["type"]
    if kind in ("tool_use", "server_tool_use"):
        said = json.dumps(block["input"]) if block["input"] else ""
        parts = [{"type": "input_json_delta", "partial_json": part} for part in _cut(said, step)]
        return {**block, "input": {}}, parts
    if kind not in DELTAS:
        return block, []
    delta, name = DELTAS[kind]
    deltas: list[Json] = [{"type": delta, name: part} for part in _cut(block[name], step)]
    deltas += [
        {"type": "citations_delta", "citation": note} for note in block.get("citations") or ()
    ]
    if kind == "thinking":
        deltas.append({"type": "signature_delta", "signature": block["signature"]})
        return {**block, name: "", "signature": ""}, deltas
    return {"type": "text", "text": ""}, deltas


def _cut(said: str, step: int) -> list[str]:
    return [said[at : at + step] for at in range(0, len(said), step)]


def sse(found: list[Json]) -> bytes:
    """Server-sent events."""
    return b"".join(
        f"event: {one['type']}\ndata: {json.dumps(one, ensure_ascii=False)}\n\n".encode()
        for one in found
    )


def frames(events: list[Json], *extra: bytes) -> bytes:
    """AWS's event stream around Anthropic's events."""
    inner = [
        json.dumps({"bytes": base64.b64encode(json.dumps(e).encode()).decode()}) for e in events
    ]
    return b"".join(frame({":message-type": "event", ":event-type": "chunk"}, one.encode())
                    for one in inner) + b"".join(extra)  # fmt: skip


def frame(headers: dict[str, str], payload: bytes) -> bytes:
    block = b"".join(
        bytes([len(k)]) + k.encode() + b"\x07" + struct.pack(">H", len(v)) + v.encode()
        for k, v in headers.items()
    )
    prelude = struct.pack(">II", 16 + len(block) + len(payload), len(block))
    body = prelude + struct.pack(">I", crc32(prelude)) + block + payload
    return body + struct.pack(">I", crc32(body))


def folded(pieces: list[Piece]) -> Json:
    """The message that a stream's pieces add up to, in the shape of a whole answer's choice."""
    said: Json = {"role": "assistant", "content": "", "refusal": None}
    calls: dict[int, Json] = {}
    choice: Json = {"index": 0, "logprobs": None}
    for piece in pieces:
        for one in json.loads(piece.choices):
            _fold(said, calls, one["delta"])
            if one.get("finish_reason"):
                choice["finish_reason"] = one["finish_reason"]
                choice["native_finish_reason"] = one["native_finish_reason"]
    if calls:
        said["tool_calls"] = [calls[index] for index in sorted(calls)]
        said["content"] = said["content"] or None
    return {**choice, "message": said}


def _fold(said: Json, calls: dict[int, Json], delta: Json) -> None:
    said["content"] += delta.get("content") or ""
    if delta.get("reasoning"):
        said["reasoning"] = (said.get("reasoning") or "") + delta["reasoning"]
    for detail in delta.get("reasoning_details") or ():
        _fold_detail(said, detail)
    for part in delta.get("tool_calls") or ():
        if part["index"] not in calls:
            calls[part["index"]] = {name: part[name] for name in ("id", "type", "function")}
        else:
            calls[part["index"]]["function"]["arguments"] += part["function"]["arguments"]
    if delta.get("annotations"):
        said.setdefault("annotations", []).extend(delta["annotations"])


def _fold_detail(said: Json, detail: Json) -> None:
    details = said.setdefault("reasoning_details", [])
    said.setdefault("reasoning", None)
    if not details or details[-1]["index"] != detail["index"]:
        details.append({**detail})
        return
    last = details[-1]
    last["text"] = last.get("text", "") + detail.get("text", "")
    if "signature" in detail:
        last["signature"] = detail["signature"]
