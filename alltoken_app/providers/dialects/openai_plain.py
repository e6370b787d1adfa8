"""Takes out of messages and tools what the common form has beyond OpenAI's own.

Cache marks, reasoning details and the mark of a failed result belong to other wires; some servers
of OpenAI's shape refuse them. Bytes without any of them pass untouched.
"""

import msgspec

from alltoken_app.providers.dialects import openai_tools
from alltoken_app.providers.quirks import Quirks

Raws = dict[str, msgspec.Raw]

MARK = "cache_control"
BEYOND = (b'"cache_control"', b'"reasoning_details"', b'"reasoning"', b'"is_error"')
STRANGE = (MARK, "reasoning_details", "reasoning", "is_error")
REWRITTEN = ("messages", "tools")


class Detail(msgspec.Struct):
    text: str | None = None
    summary: str | None = None


_list = msgspec.json.Decoder(list[Raws])
_details = msgspec.json.Decoder(list[Detail])
_encode = msgspec.json.Encoder().encode


def plain(fields: Raws, quirks: Quirks) -> Raws:
    """The fields as this server takes them. Raises ValueError when they cannot be read."""
    if quirks.reasoning == "reasoning":
        return fields  # it speaks the common form itself
    found = dict(fields)
    for name in REWRITTEN:
        raw = bytes(fields.get(name, b""))
        if any(mark in raw for mark in BEYOND):
            made = [_plain(one, quirks) for one in _list.decode(raw)]
            found[name] = msgspec.Raw(_encode(made))
    if "messages" in found:
        found["messages"] = openai_tools.lifted(found["messages"])
    return found


def _plain(one: Raws, quirks: Quirks) -> Raws:
    """A message or a tool; what was thought goes into the server's own field, if it has one."""
    found = {name: value for name, value in one.items() if name not in STRANGE}
    if quirks.thinks_in and quirks.thinks_in not in found:
        thought = _thought(one)
        if thought:
            found[quirks.thinks_in] = msgspec.Raw(_encode(thought))
    for name in ("content", "tool_calls"):
        raw = bytes(found.get(name, b""))
        if raw[:1] == b"[" and BEYOND[0] in raw:
            parts = [_unmarked(part) for part in _list.decode(raw)]
            found[name] = msgspec.Raw(_encode(parts))
    return found


def _unmarked(part: Raws) -> Raws:
    return {name: value for name, value in part.items() if name != MARK}


def _thought(message: Raws) -> str:
    if "reasoning_details" in message:
        details = _details.decode(message["reasoning_details"])
        text = "".join(detail.text or detail.summary or "" for detail in details)
        if text:
            return text
    said = bytes(message.get("reasoning", b"null"))
    return msgspec.json.decode(said, type=str) if said[:1] == b'"' else ""
