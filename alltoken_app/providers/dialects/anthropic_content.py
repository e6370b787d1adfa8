"""Parts of the common form as Anthropic's content blocks."""

import base64
import re
from typing import Any

import msgspec

from alltoken_app.providers.base import Unfit

NULL = msgspec.Raw(b"null")
IMAGES = {"image/jpg": "image/jpeg"} | {
    kind: kind for kind in ("image/jpeg", "image/png", "image/gif", "image/webp")
}
PDF = "application/pdf"
PDF_BEGINS = "JVBERi0"  # "%PDF-" in base64
DATA_URL = re.compile(r"data:([\w.+-]+/[\w.+-]+)?(?:;[\w-]+=[^;,]*)*;base64,", re.ASCII)
NOT_AN_ID = re.compile(r"[^a-zA-Z0-9_-]", re.ASCII)

Block = dict[str, Any]


class ImageUrl(msgspec.Struct):
    url: str


class File(msgspec.Struct):
    filename: str | None = None
    file_data: str | None = None
    file_id: str | None = None


class Part(msgspec.Struct):
    """One part of a message's content."""

    type: str
    text: str | None = None
    refusal: str | None = None
    image_url: ImageUrl | None = None
    file: File | None = None
    cache_control: msgspec.Raw = NULL


_content = msgspec.json.Decoder(str | list[Part] | None)


def tool_id(said: str) -> str:
    """A call's id in the letters that Anthropic takes; the same id is always the same."""
    return NOT_AN_ID.sub("_", said) or "call"


def blocks(raw: msgspec.Raw, where: str, *, urls: bool) -> list[Block]:
    """The blocks of a content; empty text is left out, for Anthropic refuses it.

    Args:
        where: Path of the content, for messages.
        urls: Whether images and documents may be named by address.

    Raises:
        Unfit: A part has no counterpart.
    """
    try:
        content = _content.decode(raw)
    except ValueError:
        raise Unfit(f"{where}: its parts cannot be read.", where) from None
    if content is None or isinstance(content, str):
        return [{"type": "text", "text": content}] if content and content.strip() else []
    found: list[Block] = []
    for index, part in enumerate(content):
        block = _block(part, f"{where}[{index}]", urls=urls)
        if block is not None:
            if part.cache_control != NULL:
                block["cache_control"] = part.cache_control
            found.append(block)
    return found


def _block(part: Part, where: str, *, urls: bool) -> Block | None:
    if part.type in ("text", "refusal"):
        text = part.text or part.refusal or ""
        return {"type": "text", "text": text} if text.strip() else None
    if part.type == "image_url" and part.image_url:
        return {"type": "image", "source": _image(part.image_url.url, where, urls=urls)}
    if part.type == "file" and part.file:
        return _document(part.file, where, urls=urls)
    raise Unfit(f"{where}: this model takes no {part.type[:32]}.", where)


def _image(url: str, where: str, *, urls: bool) -> Block:
    data = DATA_URL.match(url)
    if data is None:
        return _address(url, where, urls=urls)
    kind = IMAGES.get((data[1] or "").lower())
    if kind is None:
        raise Unfit(f"{where}: this model takes images as jpeg, png, gif or webp.", where)
    return {"type": "base64", "media_type": kind, "data": url[data.end() :]}


def _address(url: str, where: str, *, urls: bool) -> Block:
    if not url.startswith(("https://", "http://")):
        raise Unfit(f"{where}: neither an address nor a data URL with base64.", where)
    if not urls:
        raise Unfit(f"{where}: this provider takes data URLs only, no addresses.", where)
    return {"type": "url", "url": url}


def _document(file: File, where: str, *, urls: bool) -> Block:
    data = file.file_data
    if not data:
        raise Unfit(f"{where}: send the file itself in file_data; ids are not shared.", where)
    title = {"title": file.filename} if file.filename else {}
    return {"type": "document", "source": _source(data, where, urls=urls), **title}


def _source(data: str, where: str, *, urls: bool) -> Block:
    if data.startswith(PDF_BEGINS):
        return {"type": "base64", "media_type": PDF, "data": data}
    found = DATA_URL.match(data)
    if found is None:
        return _address(data, where, urls=urls)
    kind, rest = (found[1] or "").lower(), data[found.end() :]
    if kind == PDF:
        return {"type": "base64", "media_type": PDF, "data": rest}
    if not kind.startswith("text/"):
        raise Unfit(f"{where}: this model takes documents as PDF or text.", where)
    try:
        text = base64.b64decode(rest, validate=True).decode()
    except ValueError:
        raise Unfit(f"{where}: not base64 of UTF-8 text.", where) from None
    return {"type": "text", "media_type": "text/plain", "data": text}
