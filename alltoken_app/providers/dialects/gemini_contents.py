"""Messages of the common form as Gemini's contents, with signatures and calls where they belong.

Wire format: https://ai.google.dev/api/caching#Content
"""

import base64
from typing import Any

import msgspec

from alltoken_app.providers.dialects import gemini_media
from alltoken_app.providers.dialects.gemini_media import Content, ContentPart, Link, Part
from alltoken_app.providers.dialects.gemini_models import Traits

FORMAT = "google-gemini-v1"
SERVER_TOOL = "server_tool:"  # marks details that are whole parts of a search of Google's
IMAGE = "image:"
NULL = msgspec.Raw(b"null")
# Google's own word for a call that another model made, or whose signature the client lost.
UNSIGNED = base64.b64encode(b"skip_thought_signature_validator").decode()


class Function(msgspec.Struct):
    name: str
    arguments: str = ""


class GoogleContent(msgspec.Struct):
    thought_signature: str | None = None


class ExtraContent(msgspec.Struct):
    google: GoogleContent | None = None


class ToolCall(msgspec.Struct):
    function: Function
    id: str = ""
    extra_content: ExtraContent | None = None


class Detail(msgspec.Struct):
    """A reasoning detail: a signature, or thinking that has one."""

    type: str
    format: str | None = None
    id: str | None = None
    data: str | None = None
    text: str | None = None
    signature: str | None = None


class Image(msgspec.Struct):
    image_url: Link


class Message(msgspec.Struct):
    role: str
    content: Content = None
    name: str | None = None
    tool_call_id: str | None = None
    tool_calls: list[ToolCall] | None = None
    function_call: Function | None = None
    reasoning_details: list[Detail] | None = None
    images: list[Image] | None = None


class ServerTool(msgspec.Struct, rename="camel"):
    """The parts of a search of Google's that come back as they were; nothing else may."""

    tool_call: msgspec.Raw = NULL
    tool_response: msgspec.Raw = NULL
    thought_signature: str | None = None


_messages = msgspec.json.Decoder(list[Message])
_server_tool = msgspec.json.Decoder(ServerTool)
_object = msgspec.json.Decoder(dict[str, msgspec.Raw])


def build(messages: msgspec.Raw, traits: Traits) -> dict[str, Any]:
    """`systemInstruction` and `contents`.

    Instructions before everything else are the system's; later ones stay where they stand.

    Raises:
        ValueError: A message is not what it should be.
    """
    found = _messages.decode(messages)
    leading = 0
    while leading < len(found) and found[leading].role in ("system", "developer"):
        leading += 1
    system = [part for message in found[:leading] for part in gemini_media.parts(message.content)]
    contents = _Contents(traits)
    for message in found[leading:]:
        contents.add(message)
    contents.flush()
    if not contents.turns:
        return {"contents": [{"role": "user", "parts": system}]}
    if not system:
        return {"contents": contents.turns}
    return {"systemInstruction": {"parts": system}, "contents": contents.turns}


class _Contents:
    """Turns under construction; messages of one side that follow each other are one turn."""

    def __init__(self, traits: Traits) -> None:
        self._traits = traits
        self._names: dict[str, str] = {}
        self._order: dict[str, int] = {}
        self._results: list[tuple[int, Part, list[Part]]] = []
        self.turns: list[dict[str, Any]] = []

    def add(self, message: Message) -> None:
        if message.role in ("tool", "function"):
            self._results.append(self._result(message))
            return
        self.flush()
        if message.role == "assistant":
            self._append("model", self._said(message))
        else:
            self._append("user", gemini_media.parts(message.content))

    def flush(self) -> None:
        """The results of one turn's calls stand together, in the order of the calls."""
        if not self._results:
            return
        results = sorted(self._results, key=lambda result: result[0])
        media = [part for _, _, beside in results for part in beside]
        self._append("user", [response for _, response, _ in results] + media)
        self._results = []

    def _append(self, role: str, parts: list[Part]) -> None:
        if not parts:
            return
        if self.turns and self.turns[-1]["role"] == role:
            self.turns[-1]["parts"] += parts
        else:
            self.turns.append({"role": role, "parts": parts})

    def _said(self, message: Message) -> list[Part]:
        """What the model said, its signatures where it had put them."""
        signed = _Signatures(message.reasoning_details or ())
        texts = gemini_media.parts(message.content)
        if signed.of_text is not None:
            last = texts.pop() if texts else {"text": ""}
            texts.append(_sign(last, signed.of_text))
        images = [
            _sign(gemini_media.from_url(image.image_url.url, "image"), signed.of(f"{IMAGE}{index}"))
            for index, image in enumerate(message.images or ())
        ]
        return [*signed.parts, *texts, *images, *self._calls(message, signed)]

    def _calls(self, message: Message, signed: "_Signatures") -> list[Part]:
        calls = message.tool_calls or []
        if message.function_call is not None:
            calls = [*calls, ToolCall(message.function_call)]
        self._order = {call.id: index for index, call in enumerate(calls)}
        parts: list[Part] = []
        for call in calls:
            self._names[call.id] = call.function.name
            said: Part = {"name": call.function.name, "args": _arguments(call.function.arguments)}
            if call.id:
                said["id"] = call.id
            parts.append(_sign({"functionCall": said}, _signature(call, signed)))
        if self._traits.signs and parts and not any("thoughtSignature" in p for p in parts):
            parts[0]["thoughtSignature"] = UNSIGNED
        return parts

    def _result(self, message: Message) -> tuple[int, Part, list[Part]]:
        """Where a result belongs among its turn's, the result, and media to go beside it."""
        call_id = message.tool_call_id or ""
        name = self._names.get(call_id) or message.name or call_id or "function"
        result, media = _result(message.content)
        response: Part = {"name": name, "response": result}
        if call_id:
            response["id"] = call_id
        if media and self._traits.mixes:
            response["parts"] = media
            media = []
        place = self._order.get(call_id, len(self._order))
        return place, {"functionResponse": response}, media


class _Signatures:
    """Gemini's signatures in a message's reasoning details; those of others mean nothing here."""

    def __init__(self, details: "list[Detail] | tuple[()]") -> None:
        self._by_id: dict[str, str] = {}
        self.of_text: str | None = None
        self.parts: list[Part] = []
        for detail in details:
            if detail.format == FORMAT:
                self._read(detail)

    def _read(self, detail: Detail) -> None:
        if detail.type == "reasoning.text" and detail.signature:
            thought: Part = {"text": detail.text or "", "thought": True}
            self.parts.append(_sign(thought, detail.signature))
        elif detail.type != "reasoning.encrypted" or not detail.data:
            return
        elif detail.id is None:
            self.of_text = detail.data
        elif detail.id.startswith(SERVER_TOOL):
            self.parts.append(_whole_part(detail.data))
        else:
            self._by_id[detail.id] = detail.data

    def of(self, part: str) -> str | None:
        """The signature of a call or an image."""
        return self._by_id.get(part)


def _whole_part(data: str) -> Part:
    found = _server_tool.decode(base64.b64decode(data, validate=True))
    kept = {"toolCall": found.tool_call, "toolResponse": found.tool_response}
    part: Part = {name: value for name, value in kept.items() if value != NULL}
    return _sign(part, found.thought_signature)


def _signature(call: ToolCall, signed: _Signatures) -> str | None:
    """From the details, or from where Google's own OpenAI-like server puts it."""
    own = call.extra_content.google if call.extra_content else None
    return signed.of(call.id) or (own.thought_signature if own else None)


def _sign(part: Part, signature: str | None) -> Part:
    return {**part, "thoughtSignature": signature} if signature else part


def _arguments(said: str) -> msgspec.Raw:
    """The arguments byte for byte; what is no object becomes one."""
    if not said.strip():
        return msgspec.Raw(b"{}")
    try:
        _object.decode(said)
    except ValueError:
        return msgspec.Raw(msgspec.json.encode({"arguments": said}))
    return msgspec.Raw(said.encode())


def _result(content: Content) -> tuple[msgspec.Raw, list[Part]]:
    """A tool's result as an object, and the media in it."""
    media: list[ContentPart] = []
    if isinstance(content, list):
        media = [part for part in content if part.type not in ("text", "refusal")]
    said = gemini_media.text(content)
    try:
        _object.decode(said)
    except ValueError:
        return msgspec.Raw(msgspec.json.encode({"output": said})), gemini_media.parts(media)
    return msgspec.Raw(said.encode()), gemini_media.parts(media)
