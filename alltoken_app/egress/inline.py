"""Puts what URLs inside a chat's messages point to into the messages themselves.

For routes whose provider takes bytes, not addresses.
"""

import asyncio
import base64
from collections.abc import Iterator
from typing import Any

import msgspec

from alltoken_app.egress.fetch import Fetched, Guard, failed
from alltoken_app.errors import Invalid
from alltoken_app.providers.base import Call

MOST = 16  # URLs of one request
AT_ONCE = 4
MAX_IMAGE = 20 * 2**20
MAX_FILE = 32 * 2**20
MAX_TOGETHER = 64 * 2**20
REMOTE = ("https://", "http://")
# Where a part keeps its URL, and how much may be there.
PLACES = {
    "image_url": ("image_url", "url", MAX_IMAGE),
    "file": ("file", "file_data", MAX_FILE),
}
PLACED = frozenset({"image", "file"})  # modalities
TEXTS = frozenset({"text/plain", "text/markdown", "text/csv", "text/html", "application/json"})

# What a dialect that takes bytes alone says it is unable to carry.
UNABLE = frozenset({"messages.image_url", "messages.file"})

Message = dict[str, msgspec.Raw]
Part = dict[str, Any]

_messages = msgspec.json.Decoder(list[Message])
_parts = msgspec.json.Decoder(list[Part])
_encode = msgspec.json.Encoder().encode


async def inline(call: Call, guard: Guard) -> Call:
    """The call with each remote picture and file as a data URL; the same one if it has none.

    Raises:
        Invalid: `invalid_url`, `url_not_allowed` or `url_fetch_failed`; `param` names the part.
    """
    messages, opened = _opened(call)
    wanted = dict(_remote(opened))
    if not wanted:
        return call
    if len(wanted) > MOST:
        raise Invalid(f"A request takes {MOST} URLs at most.", param="messages")
    found = await _fetched(wanted, guard)
    for at, parts in opened.items():
        for part in parts:
            _place(part, found)
        messages[at]["content"] = msgspec.Raw(_encode(parts))
    written = msgspec.Raw(_encode(messages))
    grown = len(bytes(written)) - len(bytes(call.fields["messages"]))
    fields = {**call.fields, "messages": written}
    return msgspec.structs.replace(call, fields=fields, size=max(call.size + grown, 0))


def is_remote(call: Call) -> bool:
    """Whether a picture or file of the call is somewhere else."""
    return any(True for _ in _remote(_opened(call)[1]))


def _opened(call: Call) -> tuple[list[Message], dict[int, list[Part]]]:
    """The messages, and the parts of those that may have URLs by their place."""
    said = bytes(call.fields.get("messages", b""))
    if call.modalities.isdisjoint(PLACED) or b"http" not in said:
        return [], {}
    messages = _messages.decode(said)
    return messages, {
        at: _parts.decode(one["content"]) for at, one in enumerate(messages) if _has_parts(one)
    }


def kind_of(content: bytes) -> str | None:
    """The type of a picture or document by its first bytes; None for anything else."""
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if content.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if content[:6] in (b"GIF87a", b"GIF89a"):
        return "image/gif"
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    return "application/pdf" if content.startswith(b"%PDF-") else None


def _has_parts(message: Message) -> bool:
    return bytes(message.get("content", b""))[:1] == b"["


def _remote(opened: dict[int, list[Part]]) -> Iterator[tuple[str, tuple[str, int, str]]]:
    """URL → kind of part, size limit and place, once each."""
    for at, parts in opened.items():
        for number, part in enumerate(parts):
            kind = str(part.get("type"))
            if kind not in PLACES:
                continue
            holder, key, largest = PLACES[kind]
            inner = part.get(holder)
            url = inner.get(key) if isinstance(inner, dict) else None
            if isinstance(url, str) and url.lower().startswith(REMOTE):
                yield url, (kind, largest, f"messages[{at}].content[{number}].{holder}.{key}")


async def _fetched(wanted: dict[str, tuple[str, int, str]], guard: Guard) -> dict[str, str]:
    """Data URLs by URL."""
    turns = asyncio.Semaphore(AT_ONCE)
    size = 0

    async def one(url: str, kind: str, largest: int, place: str) -> tuple[str, str]:
        nonlocal size
        try:
            async with turns:
                fetched = await guard.fetch(url, largest)
            size += len(fetched.content)
            if size > MAX_TOGETHER:
                raise failed("with the others it is too large")
            return url, _data_url(fetched, kind)
        except Invalid as error:
            raise Invalid(str(error), code=error.code, param=place) from None

    tasks = [asyncio.ensure_future(one(url, *about)) for url, about in wanted.items()]
    try:
        return dict(await asyncio.gather(*tasks))
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _data_url(fetched: Fetched, kind: str) -> str:
    seen = kind_of(fetched.content)
    if kind == "image_url" and (seen is None or not seen.startswith("image/")):
        raise failed("it is no png, jpeg, gif or webp picture")
    if kind == "file" and seen is None:
        seen = fetched.type if fetched.type in TEXTS else None
    if seen is None:
        raise failed("it is no pdf or text")
    return f"data:{seen};base64,{base64.b64encode(fetched.content).decode()}"


def _place(part: Part, found: dict[str, str]) -> None:
    kind = str(part.get("type"))
    if kind in PLACES:
        holder, key, _ = PLACES[kind]
        inner = part.get(holder)
        if isinstance(inner, dict) and inner.get(key) in found:
            part[holder] = {**inner, key: found[inner[key]]}
