"""Pictures and files that tools gave back, for servers whose tool messages hold text alone."""

import msgspec

Raws = dict[str, msgspec.Raw]

TOOL, USER, TEXT = msgspec.Raw(b'"tool"'), msgspec.Raw(b'"user"'), msgspec.Raw(b'"text"')
MEDIA = (b'"image_url"', b'"file"', b'"input_audio"', b'"video_url"')
SEE_BELOW = msgspec.Raw(b'"The result is in the next message."')

_list = msgspec.json.Decoder(list[Raws])
_encode = msgspec.json.Encoder().encode


def lifted(raw: msgspec.Raw) -> msgspec.Raw:
    """The messages, with what tools showed said by the user right after them.

    Raises:
        ValueError: They cannot be read.
    """
    if bytes(TOOL) not in bytes(raw) or not any(kind in bytes(raw) for kind in MEDIA):
        return raw
    made: list[Raws] = []
    shown: list[Raws] = []
    changed = False
    for message in _list.decode(raw):
        if message.get("role") == TOOL:
            message, more = _split(message)
            shown += more
        elif shown:
            made.append(_said(shown))
            shown, changed = [], True
        made.append(message)
    if shown:
        made.append(_said(shown))
    return msgspec.Raw(_encode(made)) if changed or shown else raw


def _split(message: Raws) -> tuple[Raws, list[Raws]]:
    content = message.get("content", SEE_BELOW)
    if bytes(content)[:1] != b"[":
        return message, []
    parts = _list.decode(content)
    shown = [part for part in parts if part.get("type") != TEXT]
    if not shown:
        return message, []
    texts = [part for part in parts if part.get("type") == TEXT]
    rest = msgspec.Raw(_encode(texts)) if texts else SEE_BELOW
    return {**message, "content": rest}, shown


def _said(parts: list[Raws]) -> Raws:
    return {"role": USER, "content": msgspec.Raw(_encode(parts))}
