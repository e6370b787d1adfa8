"""Answers of the Responses API in the shapes that providers send, made by hand."""

from typing import Any

Json = dict[str, Any]

USAGE = {
    "input_tokens": 20,
    "input_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 0},
    "output_tokens": 9,
    "output_tokens_details": {"reasoning_tokens": 3},
    "total_tokens": 29,
}


def text(said: str, **more: Any) -> Json:
    part = {"type": "output_text", "text": said, "annotations": [], "logprobs": []}
    return {"id": "msg_u1", "type": "message", "role": "assistant", "status": "completed",
            "content": [part], **more}  # fmt: skip


def call(name: str, arguments: str, call_id: str = "call_1") -> Json:
    return {"id": f"fc_{call_id}", "type": "function_call", "call_id": call_id, "name": name,
            "arguments": arguments, "status": "completed"}  # fmt: skip


def thought(secret: str = "sealed-by-them", *summaries: str) -> Json:
    parts = [{"type": "summary_text", "text": summary} for summary in summaries]
    return {"id": "rs_u1", "type": "reasoning", "summary": parts, "encrypted_content": secret}


def response(*output: Json, status: str = "completed", **more: Any) -> Json:
    return {
        "id": "resp_upstream", "object": "response", "created_at": 1_780_000_000,
        "status": status, "model": "upstream-name", "output": list(output), "error": None,
        "incomplete_details": None, "instructions": None, "metadata": {},
        "parallel_tool_calls": True, "temperature": 1.0, "tool_choice": "auto", "tools": [],
        "top_p": 1.0, "store": False, "text": {"format": {"type": "text"}},
        "billing": {"payer": "us"}, "usage": USAGE, **more,
    }  # fmt: skip


def stream(*output: Json, end: Json | None = None) -> list[Json]:
    """The events of a stream that builds this output, letter pair by letter pair."""
    whole = end or response(*output)
    begun = {**whole, "status": "in_progress", "output": [], "usage": None}
    events: list[Json] = [
        {"type": "response.created", "response": begun},
        {"type": "response.in_progress", "response": begun},
    ]
    for place, item in enumerate(output):
        open_item = {**item, "status": "in_progress"}
        open_item |= {name: [] for name in ("content", "summary") if name in item}
        open_item |= {"arguments": ""} if "arguments" in item else {}
        open_item.pop("encrypted_content", None)
        at = {"output_index": place}
        events.append({"type": "response.output_item.added", **at, "item": open_item})
        events += [{**event, **at, "item_id": item["id"]} for event in _inside(item)]
        events.append({"type": "response.output_item.done", **at, "item": item})
    kind = "response.incomplete" if whole["status"] == "incomplete" else "response.completed"
    events.append({"type": kind, "response": whole})
    return [{**event, "sequence_number": number} for number, event in enumerate(events)]


def _inside(item: Json) -> list[Json]:
    if item["type"] == "function_call":
        deltas = _deltas("response.function_call_arguments", item["arguments"], {})
        done = {"type": "response.function_call_arguments.done", "arguments": item["arguments"]}
        return [*deltas, done]
    events: list[Json] = []
    for place, part in enumerate(item.get("content", item.get("summary", []))):
        if item["type"] == "reasoning":
            at = {"summary_index": place}
            events.append({"type": "response.reasoning_summary_part.added", **at, "part": part})
            events += _deltas("response.reasoning_summary_text", part["text"], at)
        else:
            at = {"content_index": place, "logprobs": []}
            empty = {**part, "text": ""}
            events.append({"type": "response.content_part.added", **at, "part": empty})
            events += _deltas("response.output_text", part["text"], at)
            events.append({"type": "response.output_text.done", **at, "text": part["text"]})
            events.append({"type": "response.content_part.done", **at, "part": part})
    return events


def _deltas(kind: str, said: str, at: Json) -> list[Json]:
    pairs = [said[place : place + 2] for place in range(0, len(said), 2)]
    return [{"type": f"{kind}.delta", "delta": pair, **at} for pair in pairs]
