"""Messages of the common form as Converse messages: roles alternate, files are bytes.

What is written depends on the messages before it and on nothing else, so that a conversation that
grows keeps its beginning byte for byte and a prompt cache finds it again.
"""

import hashlib
import re
from typing import Any

import msgspec

from alltoken_app.providers.base import Unfit
from alltoken_app.providers.dialects.bedrock_models import Family
from alltoken_app.providers.dialects.chat_form import (
    CacheControl,
    Detail,
    File,
    Message,
    Part,
    base64,
    inline,
    url_of,
)

Block = dict[str, Any]

NOTHING = "."  # Bedrock refuses content that is empty or blank
MAX_POINTS = 4
IMAGES = {"image/png": "png", "image/jpeg": "jpeg", "image/gif": "gif", "image/webp": "webp"}
VIDEOS = {
    "video/mp4": "mp4", "video/quicktime": "mov", "video/webm": "webm", "video/x-matroska": "mkv",
    "video/x-flv": "flv", "video/mpeg": "mpeg", "video/x-ms-wmv": "wmv", "video/3gpp": "three_gp",
}  # fmt: skip
SOUNDS = frozenset(
    {"mp3", "opus", "wav", "aac", "flac", "mp4", "ogg", "mkv", "m4a", "mpeg", "pcm", "webm"}
)
OFFICE = "application/vnd.openxmlformats-officedocument."
DOCUMENTS = {
    "application/pdf": "pdf", "text/csv": "csv", "text/html": "html", "text/plain": "txt",
    "text/markdown": "md", "application/msword": "doc", "application/vnd.ms-excel": "xls",
    OFFICE + "wordprocessingml.document": "docx", OFFICE + "spreadsheetml.sheet": "xlsx",
}  # fmt: skip
SUFFIXES = frozenset(DOCUMENTS.values())
DETAIL_FORMATS = frozenset({None, "amazon-bedrock-v1", "anthropic-claude-v1"})
CLAUDE_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")
ANY_ID = re.compile(r"[a-zA-Z0-9_.:-]{1,64}")
NOT_IN_NAMES = re.compile(r"[^a-zA-Z0-9 ()\[\]-]+")


class Written(msgspec.Struct):
    """What became of the messages.

    Attributes:
        tool_names: Tools that were called in them, in order.
        lost: What Bedrock cannot take of them, by name.
    """

    system: list[Block]
    messages: list[Block]
    tool_names: list[str]
    lost: set[str]


def write(
    messages: list[Message],
    family: Family,
    points: int = MAX_POINTS,
    automatic: CacheControl | None = None,
) -> Written:
    """Translate messages, with at most so many cache points; `automatic` marks the last one.

    Raises:
        Unfit: They are no messages.
    """
    return _Writer(family, points).write(messages, automatic)


class _Writer:
    def __init__(self, family: Family, points: int) -> None:
        self._family = family
        self._written = Written([], [], [], set())
        self._names: dict[str, int] = {}
        self._points = points

    def write(self, messages: list[Message], automatic: CacheControl | None) -> Written:
        leading = True
        for message in messages:
            role = message.role
            leading = leading and role in ("system", "developer")
            if leading:
                self._system(message)
            elif role == "assistant":
                self._say("assistant", self._assistant(message), message.cache_control)
            elif role in ("tool", "function"):
                marks = [p.cache_control for p in message.parts if p.cache_control]
                cache = message.cache_control or next(iter(marks), None)
                self._say("user", [self._result(message)], cache)
            elif role in ("system", "developer") and self._system_turns():
                self._say("system", self._blocks(message.parts), message.cache_control)
            else:
                self._say("user", self._blocks(message.parts), message.cache_control)
        self._complete()
        self._mark(self._written.messages[-1]["content"], automatic)
        return self._written

    def _system_turns(self) -> bool:
        """Whether instructions may stand where they stand; else they are the user's words there.

        Moving them to the top would change the beginning of the prompt.
        """
        return self._family.claude is not None and self._family.claude.system_turns

    def _system(self, message: Message) -> None:
        for part in message.parts:
            if part.text and part.text.strip():
                self._written.system.append({"text": part.text})
                self._mark(self._written.system, part.cache_control)
        self._mark(self._written.system, message.cache_control)

    def _say(self, role: str, blocks: list[Block], cache: CacheControl | None) -> None:
        said = self._written.messages
        if not said or said[-1]["role"] != role:
            said.append({"role": role, "content": []})
        said[-1]["content"] += blocks
        self._mark(said[-1]["content"], cache)

    def _complete(self) -> None:
        """The user speaks first, and no message is without words, not even beside a document."""
        said = self._written.messages
        if not said or said[0]["role"] != "user":
            said.insert(0, {"role": "user", "content": []})
        for message in said:
            blocks = message["content"]
            bare = all("document" in block or "cachePoint" in block for block in blocks)
            if bare:
                blocks.insert(0, {"text": NOTHING})

    def _mark(self, blocks: list[Block], cache: CacheControl | None) -> None:
        if cache is None or not blocks or self._points == 0 or "cachePoint" in blocks[-1]:
            return
        if "content" not in self._family.caches:
            self._written.lost.add("cache_control")
            return
        document = blocks[-1].get("document")
        if document is not None and document["format"] != "pdf":
            return  # Bedrock fails on a cache point behind these
        self._points -= 1
        blocks.append(point(cache, self._family))

    def _blocks(self, parts: list[Part], *, marked: bool = True) -> list[Block]:
        blocks: list[Block] = []
        for part in parts:
            block = self._block(part)
            if block is not None:
                blocks.append(block)
                self._mark(blocks, part.cache_control if marked else None)
        return blocks

    def _block(self, part: Part) -> Block | None:
        text = part.text or part.refusal
        if text is not None:
            return {"text": text} if text.strip() else None
        if part.type == "image_url":
            return self._media("image", "messages.image_url", url_of(part.image_url), IMAGES)
        if part.type == "video_url":
            return self._media("video", "messages.video_url", url_of(part.video_url), VIDEOS)
        if part.type == "input_audio" and part.input_audio is not None:
            sound = part.input_audio
            if sound.format in SOUNDS:
                return _file("audio", sound.format, base64(sound.data))
        if part.type == "file" and part.file is not None:
            return self._document(part.file)
        if part.type != "text":
            self._written.lost.add(f"messages.{part.type}")
        return None

    def _media(self, kind: str, name: str, url: str, formats: dict[str, str]) -> Block | None:
        found = inline(url)
        if found is None or found[0] not in formats:
            self._written.lost.add(name)  # no URL, and never s3://: it would open our own buckets
            return None
        return _file(kind, formats[found[0]], found[1])

    def _document(self, file: File) -> Block | None:
        title, data = file.filename or "", file.file_data or ""
        suffix = title.rpartition(".")[2].lower()
        found = inline(data)
        known = DOCUMENTS.get(found[0]) if found else None
        kind = known or (suffix if suffix in SUFFIXES else None)
        if kind is None or not data or (found is None and "://" in data[:16]):
            self._written.lost.add("messages.file")
            return None
        block = _file("document", kind, found[1] if found else base64(data))
        block["document"]["name"] = self._name(title.rpartition(".")[0] or title)
        return block

    def _name(self, title: str) -> str:
        """A name that Bedrock takes, and that no other document of the conversation has."""
        name = " ".join(NOT_IN_NAMES.sub(" ", title).split())[:180] or "document"
        count = self._names[name] = self._names.get(name, 0) + 1
        return name if count == 1 else f"{name} ({count})"

    def _assistant(self, message: Message) -> list[Block]:
        blocks = self._thoughts(message.reasoning_details or [])
        blocks += self._blocks(message.parts)
        if message.refusal and not message.parts:
            blocks.append({"text": message.refusal})
        for call in message.tool_calls or []:
            name = call.function.name
            self._written.tool_names.append(name)
            arguments = _arguments(call.function.arguments)
            use = {"toolUseId": self._id(call.id), "name": name, "input": arguments}
            blocks.append({"toolUse": use})
        return blocks

    def _thoughts(self, details: list[Detail]) -> list[Block]:
        if not self._family.signed:
            return []
        blocks: list[Block] = []
        for detail in _joined(details):
            if detail.type == "reasoning.text" and detail.signature:
                thought = {"text": detail.text or "", "signature": detail.signature}
                blocks.append({"reasoningContent": {"reasoningText": thought}})
            elif detail.type == "reasoning.encrypted" and detail.data:
                blocks.append({"reasoningContent": {"redactedContent": base64(detail.data)}})
        return blocks

    def _id(self, given: str) -> str:
        """A tool call's id as the model takes it; the same for the call and its result."""
        taken = ANY_ID if self._family.claude is None else CLAUDE_ID
        if taken.fullmatch(given):
            return given
        return "call_" + hashlib.sha256(given.encode()).hexdigest()[:32]

    def _result(self, message: Message) -> Block:
        content = self._blocks(message.parts, marked=False) or [{"text": NOTHING}]
        result: Block = {"toolUseId": self._id(message.tool_call_id or ""), "content": content}
        if message.is_error and self._family.status:
            result["status"] = "error"
        return {"toolResult": result}


def point(cache: CacheControl, family: Family) -> Block:
    """A cache point; five minutes unless the model keeps longer and is asked to."""
    if cache.ttl == "1h" and "1h" in family.caches:
        return {"cachePoint": {"type": "default", "ttl": "1h"}}
    return {"cachePoint": {"type": "default"}}


def _file(kind: str, form: str, data: str) -> Block:
    return {kind: {"format": form, "source": {"bytes": data}}}


def _arguments(written: str | None) -> msgspec.Raw:
    """The arguments of a call, which are an object, byte for byte."""
    raw = (written or "").strip() or "{}"
    try:
        found = msgspec.json.decode(raw)
    except msgspec.DecodeError:
        found = None
    if not isinstance(found, dict):
        raise Unfit("The arguments of a tool call must be a JSON object.", "messages")
    return msgspec.Raw(raw.encode())


def _joined(details: list[Detail]) -> list[Detail]:
    """Details as blocks: a stream sends the text and the signature of one in pieces."""
    blocks: list[Detail] = []
    for detail in details:
        if detail.format not in DETAIL_FORMATS:
            continue
        last = blocks[-1] if blocks else None
        same = last is not None and last.type == detail.type == "reasoning.text"
        if last is not None and same and not last.signature and last.index == detail.index:
            last.text = (last.text or "") + (detail.text or "")
            last.signature = detail.signature
        else:
            blocks.append(msgspec.structs.replace(detail))
    return blocks
