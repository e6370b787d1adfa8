"""Whole Messages answers in the common form."""

from typing import Any

import msgspec

from alltoken_app.providers.base import Reply, StreamError, word
from alltoken_app.providers.dialects import anthropic_blocks, anthropic_errors, anthropic_usage
from alltoken_app.providers.dialects.anthropic_blocks import NULL, Block


class Message(msgspec.Struct):
    """A whole message."""

    content: list[Block]
    id: str | None = None
    stop_reason: str | None = None
    usage: msgspec.Raw = NULL


_message = msgspec.json.Decoder(Message)
_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])
_encode = msgspec.json.Encoder().encode


def read(payload: bytes, *, native: bool, quiet: bool) -> Reply:
    """A whole answer.

    Raises:
        ValueError: It is none.
        StreamError: It is an error.
    """
    fields = _fields.decode(payload)
    if "error" in fields and "content" not in fields:
        raise StreamError(anthropic_errors.in_stream(fields["error"]))
    message = _message.decode(payload)
    said = anthropic_usage.read(message.usage)
    found = _Collected()
    for block in message.content:
        found.add(block)
    reason = word(message.stop_reason)
    choice = {
        "index": 0,
        "message": found.message(quiet=quiet),
        "finish_reason": anthropic_blocks.finish_of(message.stop_reason),
        "native_finish_reason": reason,
        "logprobs": None,
    }
    return Reply(
        body={"choices": msgspec.Raw(_encode([choice]))},
        usage=anthropic_usage.counted(said),
        content=bool(message.content),
        size=found.size,
        finish=anthropic_blocks.finish_of(message.stop_reason),
        native_finish=reason,
        upstream_id=word(message.id),
        native=fields if native else None,
        tier=word(said.service_tier) if said else None,
    )


class _Collected:
    """What the blocks of one answer say together."""

    def __init__(self) -> None:
        self.text = ""
        self.reasoning = ""
        self.details: list[dict[str, Any]] = []
        self.calls: list[dict[str, Any]] = []
        self.notes: list[dict[str, Any]] = []

    def add(self, block: Block) -> None:
        if block.type == "text":
            begin = len(self.text)
            self.text += block.text or ""
            self.notes += [
                anthropic_blocks.note(c, begin, len(self.text)) for c in block.citations or ()
            ]
        elif block.type == "thinking":
            self.reasoning += block.thinking or ""
            self.details.append(
                anthropic_blocks.thought(block.thinking, block.signature, len(self.details))
            )
        elif block.type == "redacted_thinking":
            self.details.append(anthropic_blocks.redacted(block.data, len(self.details)))
        elif block.type == "tool_use":
            self.calls.append(
                anthropic_blocks.call(
                    block, len(self.calls), anthropic_blocks.given(block.input) or "{}"
                )
            )

    def message(self, *, quiet: bool) -> dict[str, Any]:
        """An assistant's message; `quiet` leaves the reasoning out."""
        found: dict[str, Any] = {"role": "assistant", "content": self.text or None}
        if not self.calls:
            found["content"] = self.text
        found["refusal"] = None
        if self.details and not quiet:
            found |= {"reasoning": self.reasoning or None, "reasoning_details": self.details}
        if self.calls:
            found["tool_calls"] = [_without_index(call) for call in self.calls]
        if self.notes:
            found["annotations"] = self.notes
        return found

    @property
    def size(self) -> int:
        calls = [call["function"] for call in self.calls]
        texts = (self.text, self.reasoning, *(f["name"] + f["arguments"] for f in calls))
        return sum(len(text.encode()) for text in texts)


def _without_index(call: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in call.items() if name != "index"}
