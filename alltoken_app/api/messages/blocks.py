"""What a Messages request is made of."""

from typing import Annotated, Any, Literal

import msgspec

NULL = msgspec.Raw(b"null")


class Source(msgspec.Struct):
    """Where an image or a document is: here, or at an address."""

    type: Literal["base64", "url", "text", "content", "file"]
    media_type: str | None = None
    data: str | None = None
    url: str | None = None
    content: "str | list[Block] | None" = None


class Block(msgspec.Struct):
    """One content block of any kind; what it does not need is absent."""

    type: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    text: str | None = None
    source: Source | str | None = None
    title: str | None = None
    context: str | None = None
    citations: msgspec.Raw = NULL
    id: str | None = None
    name: str | None = None
    input: msgspec.Raw = NULL
    tool_use_id: str | None = None
    is_error: bool | None = None
    content: msgspec.Raw = NULL
    thinking: str | None = None
    signature: str | None = None
    data: str | None = None
    cache_control: msgspec.Raw = NULL


class MessageIn(msgspec.Struct):
    """One turn."""

    role: Literal["user", "assistant", "system"]
    content: str | list[Block]


class Tool(msgspec.Struct):
    """A tool of the caller's own, or one that Anthropic defines (then `type` names it)."""

    name: str = ""
    type: str | None = None
    description: str | None = None
    input_schema: dict[str, Any] | None = None
    strict: bool | None = None
    cache_control: msgspec.Raw = NULL
    max_uses: Annotated[int, msgspec.Meta(ge=1, le=1_000)] | None = None
    allowed_domains: list[str] | None = None
    blocked_domains: list[str] | None = None
    user_location: dict[str, Any] | None = None
    mcp_server_name: str | None = None
