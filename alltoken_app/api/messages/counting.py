"""How many tokens a request will read, guessed: no upstream is asked, nothing is charged."""

import base64
from typing import Any

import msgspec

from alltoken_app.api.messages.blocks import NULL, Block, MessageIn, Source, Tool
from alltoken_app.api.messages.parse import CountFields

BYTES_PER_TOKEN = 3.5  # on the high side: whoever counts wants to know what still fits
PER_MESSAGE = 4
PER_TOOL = 12
WITH_TOOLS = 300  # what the mere presence of tools adds to a prompt
PICTURE = 1_600  # a picture whose size we cannot see, and the most one counts
PIXELS_PER_TOKEN = 750
PAGE = 2_000
BYTES_PER_PAGE = 50_000

_encode = msgspec.json.Encoder().encode
_inner = msgspec.json.Decoder(str | list[Block] | None)


def estimate(fields: CountFields) -> int:
    """Input tokens of a request, estimated."""
    total = _blocks(fields.system) + sum(_message(message) for message in fields.messages)
    tools = fields.tools or []
    return total + sum(map(_tool, tools)) + (WITH_TOOLS if tools else 0)


def _text(text: str | bytes | None) -> int:
    size = len(text.encode()) if isinstance(text, str) else len(text or b"")
    return -int(-size // BYTES_PER_TOKEN)


def _message(message: MessageIn) -> int:
    return PER_MESSAGE + _blocks(message.content)


def _tool(tool: Tool) -> int:
    schema: dict[str, Any] = tool.input_schema or {}
    return PER_TOOL + _text(tool.name) + _text(tool.description) + _text(_encode(schema))


def _blocks(content: str | list[Block] | None) -> int:
    if content is None or isinstance(content, str):
        return _text(content)
    return sum(_block(block) for block in content)


def _block(block: Block) -> int:
    if isinstance(block.source, Source):
        return _source(block.type, block.source) + _text(block.title) + _text(block.context)
    said = _text(block.text) + _text(block.thinking) + _text(block.name) + _text(block.data)
    given = _text(bytes(block.input)) if block.input != NULL else 0
    return said + given + _inside(block.content)


def _inside(raw: msgspec.Raw) -> int:
    if raw == NULL:
        return 0
    try:
        return _blocks(_inner.decode(raw))
    except ValueError:
        return _text(bytes(raw))


def _source(kind: str, source: Source) -> int:
    if source.type in ("text", "content"):
        return _text(source.data) + _blocks(source.content)
    if kind == "image":
        return _picture(source.data or "")
    return PAGE * max(1, len(source.data or "") * 3 // 4 // BYTES_PER_PAGE)


def _picture(data: str) -> int:
    """By its pixels where it is a PNG, whose size stands at its beginning."""
    try:
        head = base64.b64decode(data[:32])
        if not head.startswith(b"\x89PNG"):
            return PICTURE
        width, height = int.from_bytes(head[16:20]), int.from_bytes(head[20:24])
    except ValueError:
        return PICTURE
    return min(PICTURE, max(1, width * height // PIXELS_PER_TOKEN))
