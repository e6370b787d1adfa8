"""Makes AWS event streams for tests."""

import json
import struct
from typing import Any
from zlib import crc32


def header(name: str, value: str | int | bool) -> bytes:
    start = bytes([len(name)]) + name.encode()
    if isinstance(value, bool):
        return start + bytes([0 if value else 1])
    if isinstance(value, int):
        return start + b"\x04" + struct.pack(">i", value)
    text = value.encode()
    return start + b"\x07" + struct.pack(">H", len(text)) + text


def frame(payload: bytes, **headers: str | int | bool) -> bytes:
    """One event; underscores of header names become what AWS writes."""
    named = {":" + name.replace("_", "-"): value for name, value in headers.items()}
    block = b"".join(header(name, value) for name, value in named.items())
    prelude = struct.pack(">II", len(block) + len(payload) + 16, len(block))
    guarded = prelude + struct.pack(">I", crc32(prelude)) + block + payload
    return guarded + struct.pack(">I", crc32(guarded))


def event(kind: str, **fields: object) -> bytes:
    """An event of a JSON object, with the padding that AWS adds."""
    payload = json.dumps({**fields, "p": "abcdefgh"}).encode()
    return frame(payload, event_type=kind, content_type="application/json", message_type="event")


def exception(kind: str, message: str) -> bytes:
    payload = json.dumps({"message": message}).encode()
    return frame(payload, exception_type=kind, message_type="exception")


COUNTED: dict[str, Any] = {
    "inputTokens": 22,
    "outputTokens": 13,
    "totalTokens": 2627,
    "cacheReadInputTokens": 100,
    "cacheReadInputTokenCount": 100,
    "cacheWriteInputTokens": 2492,
    "cacheWriteInputTokenCount": 2492,
    "cacheDetails": [{"ttl": "1h", "inputTokens": 2000}, {"ttl": "5m", "inputTokens": 492}],
    "serverToolUsage": {},
}

START = event("messageStart", role="assistant")
END = event("metadata", usage=COUNTED, metrics={"latencyMs": 1})


def delta(index: int, **fields: object) -> bytes:
    return event("contentBlockDelta", contentBlockIndex=index, delta=fields)


def opened(index: int, **fields: object) -> bytes:
    return event("contentBlockStart", contentBlockIndex=index, start=fields)


def closed(index: int) -> bytes:
    return event("contentBlockStop", contentBlockIndex=index)


def stop(reason: str) -> bytes:
    return event("messageStop", stopReason=reason)
