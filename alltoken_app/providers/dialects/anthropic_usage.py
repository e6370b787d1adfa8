"""What Anthropic says was used. Its input leaves out what was read from or written to the cache."""

import msgspec

from alltoken_app.providers.base import Usage, sane

NULL = msgspec.Raw(b"null")


class CacheCreation(msgspec.Struct):
    ephemeral_5m_input_tokens: int | None = None
    ephemeral_1h_input_tokens: int | None = None


class OutputDetails(msgspec.Struct):
    thinking_tokens: int | None = None


class ServerTools(msgspec.Struct):
    web_search_requests: int | None = None


class Said(msgspec.Struct):
    """The usage object, of a message or of one event. Output counts are running totals."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    cache_creation: CacheCreation | None = None
    output_tokens_details: OutputDetails | None = None
    server_tool_use: ServerTools | None = None
    service_tier: str | None = None

    @property
    def taken(self) -> int:
        """All input tokens."""
        parts = (
            self.input_tokens,
            self.cache_read_input_tokens,
            self.cache_creation_input_tokens,
        )
        return sum(part or 0 for part in parts)


_said = msgspec.json.Decoder(Said)


def read(raw: msgspec.Raw) -> Said | None:
    """The usage object; None when there is none, or none that can be read."""
    if raw == NULL:
        return None
    try:
        return _said.decode(raw)
    except ValueError:
        return None


def merged(start: Said | None, end: Said | None) -> Said | None:
    """The usage of a stream: what its end says, and its beginning where the end says nothing."""
    if start is None or end is None:
        return end or start
    source = end if end.taken else start
    return Said(
        input_tokens=source.input_tokens,
        output_tokens=_first(end.output_tokens, start.output_tokens),
        cache_read_input_tokens=source.cache_read_input_tokens,
        cache_creation_input_tokens=source.cache_creation_input_tokens,
        cache_creation=end.cache_creation or start.cache_creation,
        output_tokens_details=end.output_tokens_details or start.output_tokens_details,
        server_tool_use=end.server_tool_use or start.server_tool_use,
        service_tier=end.service_tier or start.service_tier,
    )


def _first(one: int | None, other: int | None) -> int | None:
    return other if one is None else one


def counted(said: Said | None) -> Usage | None:
    """The usage in our words; None when it says nothing that can be."""
    if said is None:
        return None
    written = said.cache_creation_input_tokens or 0
    split = said.cache_creation or CacheCreation()
    long_lived = min(split.ephemeral_1h_input_tokens or 0, written)
    given = said.output_tokens or 0
    thought = (said.output_tokens_details or OutputDetails()).thinking_tokens or 0
    return sane(
        Usage(
            input=said.taken,
            output=given,
            cached=said.cache_read_input_tokens or 0,
            reasoning=min(thought, given),
            cache_write_5m=written - long_lived,
            cache_write_1h=long_lived,
            searches=(said.server_tool_use or ServerTools()).web_search_requests or 0,
        )
    )
