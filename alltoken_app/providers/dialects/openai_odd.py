"""Brings what servers of OpenAI's shape write differently into the shape itself.

Only answers that need it come here: reasoning under another name, content in parts, finish reasons
of a server's own. Everything else passes byte for byte.
"""

from typing import Any

import msgspec

from alltoken_app.providers import refusals
from alltoken_app.providers.base import StreamError, word

FINISHES = frozenset({None, "stop", "length", "tool_calls", "content_filter", "function_call"})
OTHER_FINISHES = {
    "eos": "stop",
    "end_turn": "stop",
    "stop_sequence": "stop",
    "model_length": "length",
    "max_tokens": "length",
    "refusal": "content_filter",
    "safety": "content_filter",
}
BROKEN = frozenset({"error", "insufficient_system_resource"})

_choices = msgspec.json.Decoder(list[dict[str, Any]])
_encode = msgspec.json.Encoder().encode


def finish_of(said: str | None) -> str | None:
    """A server's finish reason in OpenAI's words; "" counts as none."""
    if not said:
        return None
    return said if said in FINISHES else OTHER_FINISHES.get(said, "stop")


def mend(choices: bytes, said_in: str) -> bytes:
    """The same choices in the common form; `said_in` is "delta" or "message".

    Raises:
        ValueError: They cannot be read.
        StreamError: The server says that it failed.
    """
    found = _choices.decode(choices)
    for choice in found:
        choice.pop("delta" if said_in == "message" else "message", None)
        said = choice.get(said_in)
        if isinstance(said, dict):
            _mend_message(said)
        elif "text" not in choice:
            choice[said_in] = {"role": "assistant", "content": None} if said_in == "message" else {}
        said_finish = choice.get("finish_reason")
        if said_finish not in FINISHES:
            if said_finish in BROKEN:
                raise StreamError(refusals.by_status(500))
            choice["native_finish_reason"] = word(str(said_finish))
            choice["finish_reason"] = finish_of(str(said_finish))
    return _encode(found)


def _mend_message(message: dict[str, Any]) -> None:
    content = message.get("content")
    if isinstance(content, list):
        _flatten(message, content)
    thought = message.get("reasoning_content")
    if isinstance(thought, str) and not message.get("reasoning"):
        message["reasoning"] = thought
    for call in message.get("tool_calls") or []:
        if isinstance(call, dict) and "function" in call and not call.get("type"):
            call["type"] = "function"


def _flatten(message: dict[str, Any], parts: list[Any]) -> None:
    """Content in parts (Mistral's thinking and text) as text and reasoning."""
    text, thought, rest = "", "", []
    for part in parts:
        kind = part.get("type") if isinstance(part, dict) else None
        if kind == "text":
            text += str(part.get("text") or "")
        elif kind == "thinking":
            thought += _texts(part.get("thinking"))
        else:
            rest.append(part)
    message["content"] = text
    if thought:
        message["reasoning"] = thought
    if rest:
        message["content_parts"] = rest


def _texts(thinking: object) -> str:
    if isinstance(thinking, str):
        return thinking
    parts = thinking if isinstance(thinking, list) else []
    return "".join(str(part.get("text") or "") for part in parts if isinstance(part, dict))
