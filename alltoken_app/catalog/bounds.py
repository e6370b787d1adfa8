"""Upper bounds on what a call can use, before anything is sent.

A token of text is at least one byte of the request; chat templates add tokens around every message
that no byte pays for. Pictures cost what their size in pixels says, documents and films unfold.
"""

import re
from collections.abc import Iterable

import msgspec

from alltoken_app.catalog import pricing
from alltoken_app.catalog.pricing import NONE, Extras
from alltoken_app.providers.base import Call, Usage

PER_CALL = 256
PER_INPUT = 16
PER_TOOL = 1_000  # a tool of the provider's own brings its own description along
PER_IMAGE = 16_000  # tokens; more than any provider counts for one picture
PER_IMAGE_GUESS = 1_000
SEARCHES = 10  # of one call whose caller sets no limit
BYTES_PER_SECOND = 4_000  # of a usual recording of speech
BYTES_PER_TOKEN = 4  # only to estimate what was delivered; never a bound

ONE_PROMPT = frozenset({"chat", "completions", "transcription", "translation"})
COUNTED = frozenset({"text", "image"})  # whose tokens the size of the body tells
TEXT = frozenset({"text"})
NOTHING = Call("", "", {}).known
ASKING = frozenset({"tools", "cache_control", "web_search_options", "modalities"})
UNFOLDING = frozenset({"file", "video"})
# Tools with which a model reads what nobody has sent.
READING = ("tools.web_fetch", "tools.mcp_", "mcp_servers")
CALLERS_OWN = frozenset({"function", "custom"})  # tools that run at the caller's
# A letter or digit that nobody needs to escape: it may spell any word. (Some do escape < and &.)
ESCAPED = re.compile(rb"\\u00(?:[4-7]|3[0-9])")


class Message(msgspec.Struct):
    content: msgspec.Raw = msgspec.Raw(b"null")


class Part(msgspec.Struct):
    type: str = ""
    image_url: msgspec.Raw = msgspec.Raw(b"")


class Tool(msgspec.Struct):
    type: str | None = None


_messages = msgspec.json.Decoder(list[Message])
_parts = msgspec.json.Decoder(list[Part])
_tools = msgspec.json.Decoder(list[Tool])


def input_tokens(call: Call, context: int | None = None) -> int:
    """No honest meter reports more input tokens than this.

    Args:
        context: What the model takes at most; a longer prompt is refused.
    """
    if context is not None and not call.modalities.isdisjoint(UNFOLDING):
        return context
    count, size = _images(call)
    bound = call.size - size + count * PER_IMAGE + PER_CALL + PER_INPUT * call.inputs
    bound += PER_TOOL * sum(name.startswith("tools.") for name in call.untranslated)
    if context is None or call.operation not in ONE_PROMPT:
        return bound
    reads = _searches(call) or any(name.startswith(READING) for name in call.untranslated)
    return max(bound, context) if reads else min(bound, context)


def extras(call: Call) -> Extras:
    """What the call may use beside text in and text out."""
    if _is_plain(call):
        return NONE
    hour, cached = _caching(call)
    searches, hosted = _searches(call), _hosted(call)
    audio = "audio" in call.modalities
    image = "image" in call.modalities
    spoken = _names(call.fields.get("modalities"), b"audio")
    if not (cached or searches or hosted or audio or image or spoken or call.known != NONE.known):
        return NONE
    known = call.known
    return Extras(
        cache_5m=cached,
        cache_1h=hour,
        audio_input=audio or call.operation in ("transcription", "translation"),
        image_input=image,
        audio_output=spoken,
        known=msgspec.structs.replace(known, searches=max(searches, known.searches)),
        hosted=hosted,
    )


def _is_plain(call: Call) -> bool:
    """Whether a look is enough: most calls are a few messages of text."""
    if call.native or call.known is not NOTHING or not call.modalities <= TEXT:
        return False
    if not ASKING.isdisjoint(call.fields):
        return False
    said = bytes(call.fields.get("messages", b""))
    # One byte is found ten times as fast as a word.
    return not (
        (b"_" in said and b'"cache_control"' in said) or (b"\\" in said and b"\\u00" in said)
    )


def clamp(usage: Usage, input_bound: int, output_bound: int, extras: Extras = NONE) -> Usage:
    """The usage, with no count beyond the bounds that the hold was made of."""
    if usage.input <= input_bound and usage.output <= output_bound and not pricing.special(usage):
        return usage
    known = extras.known
    given, output = min(usage.input, input_bound), min(usage.output, max(output_bound, 0))
    cached = min(usage.cached, given)
    brief = min(usage.cache_write_5m, given - cached)
    return Usage(
        input=given,
        output=output,
        cached=cached,
        reasoning=min(usage.reasoning, output),
        cache_write_5m=brief,
        cache_write_1h=min(usage.cache_write_1h, given - cached - brief),
        audio_input=min(usage.audio_input, given),
        audio_output=min(usage.audio_output, output),
        image_input=min(usage.image_input, given),
        image_output=min(usage.image_output, output),
        searches=min(usage.searches, known.searches),
        characters=min(usage.characters, known.characters),
        milliseconds=min(usage.milliseconds, known.milliseconds),
        units=min(usage.units, known.units),
        audio_cached=min(usage.audio_cached, usage.audio_input, cached),
        image_cached=min(
            usage.image_cached, usage.image_input, max(cached - usage.audio_cached, 0)
        ),
    )


def estimated_input(call: Call) -> int:
    """A fair guess for an answer without usage; marked as estimated wherever it is charged."""
    count, size = _images(call)
    return -(-max(call.size - size, 0) // BYTES_PER_TOKEN) + count * PER_IMAGE_GUESS


def expected_tokens(call: Call) -> int:
    """Tokens of input that a limit per minute reckons with until the real count is known."""
    if call.media is not None or call.operation == "rerank":
        return 0
    guess = estimated_input(call)
    return guess if call.modalities <= COUNTED else min(guess, PER_IMAGE)


def estimated_units(call: Call) -> Usage:
    """Characters, milliseconds and units of an answer without usage: what is known beforehand.

    Of a sound that does not tell its length only a bound is known: its bytes are a better guess.
    """
    known = call.known
    if call.media is None or call.media.measured:
        return known
    guess = len(call.media.content) * 1000 // BYTES_PER_SECOND
    return msgspec.structs.replace(known, milliseconds=min(guess, known.milliseconds))


def estimated_output(size: int) -> int:
    """Tokens of `size` bytes of delivered text, guessed; marked as estimated."""
    return -(-size // BYTES_PER_TOKEN)


def _images(call: Call) -> tuple[int, int]:
    """How many pictures the messages carry, and how many of the body's bytes they are."""
    if "image" not in call.modalities or "messages" not in call.fields:
        return 0, 0
    count = size = 0
    for message in _messages.decode(call.fields["messages"]):
        if bytes(message.content)[:1] != b"[":
            continue
        for part in _parts.decode(message.content):
            if part.type == "image_url":
                count += 1
                size += len(bytes(part.image_url))
    return max(count, 1), min(size, call.size)


def _said(call: Call) -> Iterable[bytes]:
    """What the caller wrote that may ask for more than text, in both of its forms."""
    return (
        bytes(fields[name])
        for fields in (call.native, call.fields)
        for name in ("messages", "tools", "system", "input")
        if name in fields
    )


def _caching(call: Call) -> tuple[bool, bool]:
    """Whether the call may write a cache for an hour, and whether it may write one at all."""
    top = call.native.get("cache_control") or call.fields.get("cache_control")
    asked = top is not None
    hour = _names(top, b"1h")
    for said in _said(call):
        escaped = b"\\u00" in said and ESCAPED.search(said) is not None
        if escaped or b'"cache_control"' in said:
            asked = True
            hour = hour or escaped or b'"1h"' in said
    return hour, asked


def _names(said: msgspec.Raw | None, wanted: bytes) -> bool:
    """Whether a field may contain this word, however it is spelled."""
    found = bytes(said or b"")
    return wanted in found or ESCAPED.search(found) is not None


def _searches(call: Call) -> int:
    asked = "web_search_options" in call.fields
    return call.known.searches or (SEARCHES if asked else 0)


def _hosted(call: Call) -> bool:
    """Whether a tool runs at the provider; surfaces with tools of their own have checked them."""
    tools = _tools.decode(call.fields["tools"]) if "tools" in call.fields else ()
    return any(tool.type is not None and tool.type not in CALLERS_OWN for tool in tools)
