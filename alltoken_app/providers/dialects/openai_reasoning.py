"""Reasoning between the Responses API's items and the common form's `reasoning_details`.

What a provider signed or encrypted is opaque and comes back as it went. Another provider's details
travel through a client of the Responses API sealed in `encrypted_content`, marked as ours.
"""

import base64
import binascii
from collections.abc import Iterable
from typing import Any

import msgspec

FORMAT = "openai-responses-v1"
SEAL = "at1."
TEXTS = {"reasoning.summary": "summary", "reasoning.text": "text", "reasoning.encrypted": "data"}

Detail = dict[str, Any]

_details = msgspec.json.Decoder(list[Detail])
_encode = msgspec.json.Encoder().encode


class TextPart(msgspec.Struct):
    text: str = ""


class ReasoningItem(msgspec.Struct):
    """A reasoning item of an input or an output."""

    id: str | None = None
    summary: list[TextPart] | None = None
    content: list[TextPart] | None = None
    encrypted_content: str | None = None


def details(item: ReasoningItem, first: int = 0) -> list[Detail]:
    """The item as details of the common form, counted from index `first`."""
    if item.encrypted_content and item.encrypted_content.startswith(SEAL):
        return unsealed(item.encrypted_content)
    found = [{"type": "reasoning.summary", "summary": part.text} for part in item.summary or ()]
    found += [{"type": "reasoning.text", "text": part.text} for part in item.content or ()]
    if item.encrypted_content:
        found.append({"type": "reasoning.encrypted", "data": item.encrypted_content})
    return [
        _labelled(detail, item.id, first + place)
        for place, detail in enumerate(found)
        if any(detail[name] for name in TEXTS.values() if name in detail)
    ]


def _labelled(detail: Detail, item_id: str | None, index: int) -> Detail:
    named = {"id": item_id} if item_id else {}
    return {**detail, **named, "format": FORMAT, "index": index}


def items(found: Iterable[Detail]) -> list[dict[str, Any]]:
    """Reasoning items of the details that came from the Responses API, one for each of its ids."""
    made: list[dict[str, Any]] = []
    last: object = made  # no id is this
    for detail in found:
        if detail.get("format") != FORMAT:
            continue
        if detail.get("id") != last or not made:
            last = detail.get("id")
            named = {"id": last} if last else {}
            made.append({"type": "reasoning", **named, "summary": []})
        _add(made[-1], detail)
    return made


def _add(item: dict[str, Any], detail: Detail) -> None:
    kind = detail.get("type")
    if kind == "reasoning.summary":
        item["summary"].append({"type": "summary_text", "text": detail.get("summary") or ""})
    elif kind == "reasoning.text":
        text = {"type": "reasoning_text", "text": detail.get("text") or ""}
        item.setdefault("content", []).append(text)
    elif kind == "reasoning.encrypted":
        item["encrypted_content"] = detail.get("data")


def sealed(found: list[Detail]) -> str:
    """Details of another format as one opaque text."""
    return SEAL + base64.urlsafe_b64encode(_encode(found)).decode()


def unsealed(text: str) -> list[Detail]:
    """What `sealed` was given; nothing when the text has been changed on its way."""
    try:
        return _details.decode(base64.urlsafe_b64decode(text.removeprefix(SEAL)))
    except (ValueError, binascii.Error):
        return []


def merged(found: Iterable[Detail]) -> list[Detail]:
    """A stream's fragments put together: those of one kind and index are one detail."""
    whole: dict[tuple[object, ...], Detail] = {}
    for detail in found:
        kind = detail.get("type")
        at = (kind, detail.get("index"), detail.get("id") if kind == "reasoning.encrypted" else "")
        kept = whole.setdefault(at, {})
        for name, value in detail.items():
            text = name == TEXTS.get(str(kind)) and name in kept
            more = kept.get(name) if value is None else value
            kept[name] = (kept[name] or "") + (value or "") if text else more
    return list(whole.values())


def foreign(found: Iterable[Detail]) -> list[Detail]:
    """Details that only a seal can carry: signed or encrypted by another API."""
    return [
        detail
        for detail in found
        if detail.get("format") != FORMAT and (detail.get("signature") or detail.get("data"))
    ]
