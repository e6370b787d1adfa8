"""What servers of OpenAI's shape say they used, whichever of its variants they write."""

import msgspec

from alltoken_app.providers.base import Usage, sane

NULL = msgspec.Raw(b"null")


class InputDetails(msgspec.Struct):
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None
    audio_tokens: int | None = None


class OutputDetails(msgspec.Struct):
    reasoning_tokens: int | None = None
    audio_tokens: int | None = None


class Said(msgspec.Struct):
    """The usage object. DeepSeek and Mistral have names of their own for cached tokens."""

    prompt_tokens: int = 0
    completion_tokens: int | None = 0
    total_tokens: int | None = None
    prompt_tokens_details: InputDetails | None = None
    completion_tokens_details: OutputDetails | None = None
    prompt_cache_hit_tokens: int | None = None
    num_cached_tokens: int | None = None
    cached_tokens: int | None = None


_said = msgspec.json.Decoder(Said)


def read(raw: msgspec.Raw) -> Usage | None:
    """What the provider counted; None when it said nothing, or nothing that can be."""
    if raw == NULL:
        return None
    try:
        said = _said.decode(raw)
    except ValueError:
        return None
    taken = said.prompt_tokens_details or InputDetails()
    given = said.completion_tokens_details or OutputDetails()
    kept = taken.cached_tokens or said.prompt_cache_hit_tokens or said.num_cached_tokens
    # Some count a hidden prompt as cached, or the same tokens as written and read.
    cached = min(kept or said.cached_tokens or 0, said.prompt_tokens)
    return sane(
        Usage(
            input=said.prompt_tokens,
            output=_output(said, given.reasoning_tokens or 0),
            cached=cached,
            reasoning=given.reasoning_tokens or 0,
            cache_write_5m=min(taken.cache_write_tokens or 0, said.prompt_tokens - cached),
            audio_input=taken.audio_tokens or 0,
            audio_output=given.audio_tokens or 0,
        )
    )


def _output(said: Said, reasoning: int) -> int:
    """Output with reasoning in it: xAI counts it in the total alone."""
    output = said.completion_tokens or 0
    if reasoning and said.total_tokens == said.prompt_tokens + output + reasoning:
        return output + reasoning
    return output
