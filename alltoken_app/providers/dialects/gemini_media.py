"""Content parts of the common form (text, images, sound, files, video) as Gemini's parts."""

import base64
import mimetypes
import re
from typing import Any
from urllib.parse import unquote_to_bytes, urlsplit

import msgspec

Part = dict[str, Any]

DATA_URL = re.compile(r"data:([\w.+-]+/[\w.+-]+)?((?:;[\w.+-]+=[^;,]*)*)(;base64)?,", re.ASCII)
PLACE = re.compile(r"([a-z0-9.-]+?)\.?(?::\d+)?", re.ASCII | re.IGNORECASE)  # no way to disguise
OURS = re.compile(r"(?:^|\.)(?:googleapis\.com|storage\.cloud\.google\.com)$", re.IGNORECASE)
SPELLINGS = {"image/jpg": "image/jpeg", "audio/x-wav": "audio/wav", "audio/mpeg": "audio/mp3"}
SOUNDS = {"pcm16": "audio/pcm", "mp4": "audio/m4a"}
TYPES = mimetypes.MimeTypes()  # Python's own list, not the machine's
FALLBACKS = {"image": "image/jpeg", "file": "application/pdf", "video": "video/mp4"}


class Link(msgspec.Struct):
    url: str


class Sound(msgspec.Struct):
    data: str
    format: str = "wav"


class File(msgspec.Struct):
    filename: str | None = None
    file_data: str | None = None
    file_id: str | None = None


class ContentPart(msgspec.Struct):
    """One part of a message. Only the field that its type names is read."""

    type: str
    text: str | None = None
    refusal: str | None = None
    image_url: Link | str | None = None
    video_url: Link | str | None = None
    input_audio: Sound | None = None
    file: File | None = None


Content = str | list[ContentPart] | None


def parts(content: Content) -> list[Part]:
    """Parts of a message's content.

    Raises:
        ValueError: A part lacks what its type promises, or holds data nobody could read.
    """
    if content is None:
        return []
    if isinstance(content, str):
        return [{"text": content}] if content else []
    return [part for one in content if (part := _part(one)) is not None]


def text(content: Content) -> str:
    """All text of a message's content."""
    if isinstance(content, list):
        return "".join(part.text or "" for part in content)
    return content or ""


def from_url(url: str, kind: str, name: str = "") -> Part:
    """A part from a data URL, an address, or bare base64; `kind` is image, file or video.

    Raises:
        ValueError: A data URL that is none, or an address that is not everyone's.
    """
    if url.startswith("data:"):
        return _inline(url, kind)
    if "://" in url[:16]:
        path = _public(url)
        return {"fileData": {"mimeType": _by_name(path, kind), "fileUri": url}}
    return {"inlineData": {"mimeType": _by_name(name, kind), "data": url}}


def _public(url: str) -> str:
    """The path of an address that anyone may read.

    Google reads its own with our account's rights: buckets and uploaded files are not the caller's
    to name.
    """
    parts = urlsplit(url)
    found = PLACE.fullmatch(parts.netloc)
    if parts.scheme != "https" or found is None or OURS.search(found[1]):
        raise ValueError("an address that is not public https")
    return parts.path


def _part(part: ContentPart) -> Part | None:
    if part.type == "text":
        return {"text": part.text} if part.text else None
    if part.type == "refusal":
        return {"text": part.refusal} if part.refusal else None
    if part.type == "image_url":
        return from_url(_link(part.image_url), "image")
    if part.type == "video_url":
        return from_url(_link(part.video_url), "video")
    if part.type == "input_audio" and part.input_audio is not None:
        sound = part.input_audio
        mime = SOUNDS.get(sound.format, f"audio/{sound.format}")
        data = sound.data.partition(",")[2] if sound.data.startswith("data:") else sound.data
        return {"inlineData": {"mimeType": mime, "data": data}}
    if part.type == "file" and part.file is not None and part.file.file_data is not None:
        return from_url(part.file.file_data, "file", part.file.filename or "")
    raise ValueError(f"a part of type {part.type[:32]!r} that cannot be sent")


def _link(link: Link | str | None) -> str:
    url = link.url if isinstance(link, Link) else link
    if not url:
        raise ValueError("a part without its url")
    return url


def _inline(url: str, kind: str) -> Part:
    found = DATA_URL.match(url)
    if found is None:
        raise ValueError("not a data URL")
    mime = SPELLINGS.get(found[1] or "", found[1]) or FALLBACKS[kind]
    data = url[found.end() :]
    if found[3] is None:
        data = base64.b64encode(unquote_to_bytes(data)).decode()
    return {"inlineData": {"mimeType": mime, "data": data}}


def _by_name(name: str, kind: str) -> str:
    guessed = TYPES.guess_type(name)[0] or FALLBACKS[kind]
    return SPELLINGS.get(guessed, guessed)
