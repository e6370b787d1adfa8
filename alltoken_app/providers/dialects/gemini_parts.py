"""Parts of Gemini's answers as deltas of the common form.

Wire format: https://ai.google.dev/api/caching#Part
"""

import base64
import hashlib
from typing import Any

import msgspec

from alltoken_app.providers.dialects.gemini_contents import FORMAT, IMAGE, SERVER_TOOL

Delta = dict[str, Any]
NULL = msgspec.Raw(b"null")


class FunctionCall(msgspec.Struct):
    name: str = ""
    args: msgspec.Raw = NULL
    id: str | None = None


class Blob(msgspec.Struct, rename="camel"):
    mime_type: str = ""
    data: str = ""


class Part(msgspec.Struct, rename="camel"):
    """One part; kinds that nobody asked for (code that Google ran) are not read."""

    text: str | None = None
    thought: bool = False
    thought_signature: str | None = None
    function_call: FunctionCall | None = None
    inline_data: Blob | None = None
    tool_call: msgspec.Raw = NULL
    tool_response: msgspec.Raw = NULL


_encode = msgspec.json.Encoder().encode


class Writer:
    """Writes one candidate's deltas; numbers its calls, images and reasoning details.

    Attributes:
        calls: How many functions it has called.
        content: What it has said, for the sources that point into it.
    """

    def __init__(self, seed: str) -> None:
        self._seed = seed
        self._images = 0
        self._detail = 0
        self._thinking = False
        self.calls = 0
        self.content = ""

    def delta(self, parts: list[Part]) -> Delta:
        """What these parts add to the answer; empty when that is nothing."""
        delta: Delta = {}
        for part in parts:
            if part.thought:
                self._thought(part, delta)
            elif part.function_call is not None:
                self._call(part.function_call, part.thought_signature, delta)
            elif part.inline_data is not None:
                self._media(part.inline_data, part.thought_signature, delta)
            elif part.tool_call != NULL or part.tool_response != NULL:
                self._server_tool(part, delta)
            else:
                self._text(part, delta)
        return delta

    def _text(self, part: Part, delta: Delta) -> None:
        if part.text:
            delta["content"] = delta.get("content", "") + part.text
            self.content += part.text
        if part.thought_signature:
            self._sign(None, part.thought_signature, delta)

    def _thought(self, part: Part, delta: Delta) -> None:
        """Thinking; its pieces are one detail until a signature or something else ends it."""
        if not part.text and not part.thought_signature:
            return
        if part.text:
            delta["reasoning"] = delta.get("reasoning", "") + part.text
        details = delta.setdefault("reasoning_details", [])
        if self._thinking and details and details[-1]["type"] == "reasoning.text":
            details[-1]["text"] += part.text or ""
        else:
            if not self._thinking:
                self._detail += 1
            details.append(self._new_detail("reasoning.text", text=part.text or ""))
        if part.thought_signature:
            details[-1]["signature"] = part.thought_signature
        self._thinking = not part.thought_signature

    def _call(self, call: FunctionCall, signature: str | None, delta: Delta) -> None:
        raw = b"{}" if call.args == NULL else msgspec.json.format(bytes(call.args), indent=-1)
        arguments = raw.decode()
        call_id = call.id or self._call_id(call.name, arguments)
        if signature:
            self._sign(call_id, signature, delta)
        function = {"name": call.name, "arguments": arguments}
        said = {"index": self.calls, "id": call_id, "type": "function", "function": function}
        delta.setdefault("tool_calls", []).append(said)
        self.calls += 1

    def _call_id(self, name: str, arguments: str) -> str:
        """The same call of the same answer has the same id, however often it is read."""
        said = "|".join((self._seed, str(self.calls), name, arguments))
        return "call_" + hashlib.sha256(said.encode()).hexdigest()[:24]

    def _media(self, blob: Blob, signature: str | None, delta: Delta) -> None:
        if blob.mime_type.startswith("audio/"):
            sound = {"id": f"audio_{self._seed}"[:64], "data": blob.data}
            kind = {"mime_type": blob.mime_type, "expires_at": 0, "transcript": ""}
            delta["audio"] = sound | kind
            return
        if signature:
            self._sign(f"{IMAGE}{self._images}", signature, delta)
        url = f"data:{blob.mime_type};base64,{blob.data}"
        image = {"type": "image_url", "image_url": {"url": url}, "index": self._images}
        delta.setdefault("images", []).append(image)
        self._images += 1

    def _server_tool(self, part: Part, delta: Delta) -> None:
        """A search of Google's beside the caller's tools: it must come back as it is."""
        whole = {"toolCall": part.tool_call, "toolResponse": part.tool_response}
        kept: dict[str, Any] = {name: raw for name, raw in whole.items() if raw != NULL}
        if part.thought_signature:
            kept["thoughtSignature"] = part.thought_signature
        data = base64.b64encode(_encode(kept)).decode()
        self._sign(f"{SERVER_TOOL}{self._detail + 1}", data, delta)

    def _sign(self, part: str | None, signature: str, delta: Delta) -> None:
        self._detail += 1
        self._thinking = False
        detail = self._new_detail("reasoning.encrypted", data=signature, id=part)
        delta.setdefault("reasoning_details", []).append(detail)

    def _new_detail(self, kind: str, **fields: str | None) -> dict[str, Any]:
        return {"type": kind, **fields, "format": FORMAT, "index": self._detail - 1}


def size(delta: Delta) -> int:
    """Bytes of text that a delta delivers."""
    texts = [delta.get("content", ""), delta.get("reasoning", "")]
    for call in delta.get("tool_calls", ()):
        texts += [call["function"]["name"], call["function"]["arguments"]]
    return sum(len(text.encode()) for text in texts)


def says_something(delta: Delta) -> bool:
    """Whether a delta carries something of the answer, not just a signature."""
    return any(
        delta.get(name) for name in ("content", "reasoning", "tool_calls", "images", "audio")
    )


def fold(message: Delta, delta: Delta) -> None:
    """Add a delta to a whole message."""
    for name in ("content", "reasoning"):
        if name in delta:
            message[name] = (message.get(name) or "") + delta[name]
    for name in ("images", "annotations"):
        if name in delta:
            message.setdefault(name, []).extend(delta[name])
    for call in delta.get("tool_calls", ()):
        kept = {name: value for name, value in call.items() if name != "index"}
        message.setdefault("tool_calls", []).append(kept)
    for detail in delta.get("reasoning_details", ()):
        _fold_detail(message.setdefault("reasoning_details", []), detail)
    if "audio" in delta:
        _fold_audio(message, delta["audio"])


def _fold_detail(details: list[dict[str, Any]], detail: dict[str, Any]) -> None:
    if details and details[-1]["index"] == detail["index"]:
        details[-1]["text"] = details[-1].get("text", "") + detail.get("text", "")
        if "signature" in detail:
            details[-1]["signature"] = detail["signature"]
    else:
        details.append(dict(detail))


def _fold_audio(message: Delta, audio: dict[str, Any]) -> None:
    before = message.get("audio")
    if before is None:
        message["audio"] = dict(audio)
    else:
        sound = base64.b64decode(before["data"]) + base64.b64decode(audio["data"])
        before["data"] = base64.b64encode(sound).decode()
