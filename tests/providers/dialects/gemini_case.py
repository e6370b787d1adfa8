"""What the tests of Gemini's dialect share: calls, endpoints, and answers in Google's shapes."""

import json
from typing import Any

import msgspec

from alltoken_app.providers.base import Call, EndpointFacts, Piece, Price, StreamReader

SIGNATURE = "Q2lkZW50aWZpZXI="


def endpoint(model: str = "gemini-3-flash-preview", region: str | None = None) -> EndpointFacts:
    return EndpointFacts(
        "google:a/b", "a/b", "chat", "google", model, 1_000_000, 65_536, frozenset(), "none", False,
        region, Price("v1", 1, 2, 1),
    )  # fmt: skip


def call(stream: bool = False, **fields: Any) -> Call:
    """A chat call with these fields; a message from the user when none is given."""
    fields.setdefault("messages", [{"role": "user", "content": "hi"}])
    raw = {name: msgspec.Raw(json.dumps(value).encode()) for name, value in fields.items()}
    return Call("chat", "a/b", raw, stream=stream)


def tool(name: str = "look_up", **parameters: Any) -> dict[str, Any]:
    schema = parameters or {"type": "object", "properties": {"city": {"type": "string"}}}
    return {"type": "function", "function": {"name": name, "parameters": schema}}


def no_header(name: str) -> str:
    return ""


def answer(*parts: dict[str, Any], finish: str | None = "STOP", **fields: Any) -> dict[str, Any]:
    """One answer, or one chunk of a stream when `finish` is None."""
    candidate: dict[str, Any] = {"content": {"role": "model", "parts": list(parts)}, "index": 0}
    if finish:
        candidate["finishReason"] = finish
    return {
        "candidates": [candidate | fields.pop("candidate", {})],
        "modelVersion": "gemini-3-flash-preview",
        "responseId": "resp-1",
        **fields,
    }


def sse(*chunks: dict[str, Any]) -> bytes:
    return b"".join(b"data: " + json.dumps(chunk).encode() + b"\r\n\r\n" for chunk in chunks)


def feed(reader: StreamReader, body: bytes, step: int) -> list[Piece]:
    """Every piece of a stream cut into steps, to its regular end."""
    cuts = [body[at : at + step] for at in range(0, len(body), step)]
    return [piece for received in [*cuts, b""] for piece in reader.feed(received)]


def told(pieces: list[Piece]) -> dict[int, dict[str, Any]]:
    """Messages as a client puts them together from the deltas, by choice."""
    messages: dict[int, dict[str, Any]] = {}
    for piece in pieces:
        for choice in json.loads(piece.choices):
            message = messages.setdefault(choice["index"], {"finish_reason": None})
            _add(message, choice["delta"])
            message["finish_reason"] = choice["finish_reason"] or message["finish_reason"]
    return messages


def _add(message: dict[str, Any], delta: dict[str, Any]) -> None:
    for name in ("content", "reasoning"):
        if delta.get(name):
            message[name] = message.get(name, "") + delta[name]
    for name in ("tool_calls", "images", "annotations"):
        kept = [{k: v for k, v in one.items() if k != "index"} for one in delta.get(name, [])]
        message.setdefault(name, []).extend(kept)
    details = message.setdefault("reasoning_details", [])
    for detail in delta.get("reasoning_details", []):
        if details and details[-1]["index"] == detail["index"]:
            details[-1]["text"] += detail["text"]
            details[-1] |= {k: v for k, v in detail.items() if k == "signature"}
        else:
            details.append(dict(detail))
