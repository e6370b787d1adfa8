"""From bytes to a call: strict types, exact names of what is wrong, the caller's bytes kept."""

import json
import re
from decimal import Decimal
from typing import Annotated, Any, Literal, TypeVar

import msgspec

from alltoken_app.api import fields as known
from alltoken_app.errors import Invalid, NotFound
from alltoken_app.providers.base import Call
from alltoken_app.routing.preferences import Preferences

T = TypeVar("T")

MAX_DEPTH = 64
MAX_MESSAGES = 2_000
MAX_INPUTS = 2_048
MAX_INT = 2**31 - 1
USUAL_TIERS = (None, "auto", "default")

Count = Annotated[int, msgspec.Meta(ge=1, le=MAX_INT)]
Penalty = Annotated[float, msgspec.Meta(ge=-2, le=2)]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Text = Annotated[str, msgspec.Meta(max_length=1_000_000)]
Slug = Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
Session = Annotated[str, msgspec.Meta(max_length=256)]
Stop = Annotated[str, msgspec.Meta(min_length=1, max_length=4_096)]
Effort = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]
ToolChoice = Literal["none", "auto", "required", "any"]
Stops = Annotated[list[Stop], msgspec.Meta(max_length=4)]

PART_KINDS = {"refusal": "text", "image_url": "image", "input_audio": "audio", "video_url": "video"}
NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
SLUG = re.compile(r"[a-z0-9._:/@~-]{1,128}", re.ASCII)


class Message(msgspec.Struct):
    """One message; its content stays the caller's bytes."""

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: msgspec.Raw = msgspec.Raw(b"null")
    tool_call_id: str | None = None


class Part(msgspec.Struct):
    """One part of a message's content; only its kind concerns us."""

    type: Annotated[str, msgspec.Meta(min_length=1, max_length=32)]


class StreamOptions(msgspec.Struct):
    include_usage: bool | None = None


class Extension(msgspec.Struct, forbid_unknown_fields=True):
    """Our own `alltoken` object of a request."""

    strict: bool | None = None
    strict_model: bool | None = None
    quote: Annotated[str, msgspec.Meta(max_length=64)] | None = None
    max_cost: Decimal | None = None


class Steering(msgspec.Struct):
    """What any body may say of routing beside `provider`; see `steered`."""

    models: Annotated[list[Slug], msgspec.Meta(max_length=8)] | None = None
    route: Literal["fallback"] | None = None
    preset: Annotated[str, msgspec.Meta(min_length=1, max_length=64)] | None = None
    session_id: Session | None = None
    prompt_cache_key: Session | None = None
    alltoken: Extension | None = None


class Reasoning(msgspec.Struct):
    """How much to think, in OpenRouter's words."""

    effort: Effort | None = None
    max_tokens: Count | None = None
    enabled: bool | None = None
    exclude: bool | None = None


class CacheControl(msgspec.Struct):
    """Keep the prompt so far in the provider's cache."""

    type: Literal["ephemeral"]
    ttl: Literal["5m", "1h"] | None = None


class ChatFields(msgspec.Struct):
    """The fields of a chat request whose types we check. Null counts as absent."""

    model: Slug
    messages: Annotated[list[Message], msgspec.Meta(min_length=1, max_length=MAX_MESSAGES)]
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    max_tokens: Count | None = None
    max_completion_tokens: Count | None = None
    n: Annotated[int, msgspec.Meta(ge=1, le=128)] | None = None
    temperature: Annotated[float, msgspec.Meta(ge=0, le=2)] | None = None
    top_p: Share | None = None
    frequency_penalty: Penalty | None = None
    presence_penalty: Penalty | None = None
    seed: Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)] | None = None
    stop: Stop | Stops | None = None
    logprobs: bool | None = None
    top_logprobs: Annotated[int, msgspec.Meta(ge=0, le=20)] | None = None
    logit_bias: Annotated[dict[str, float], msgspec.Meta(max_length=1_024)] | None = None
    tools: Annotated[list[dict[str, Any]], msgspec.Meta(max_length=128)] | None = None
    tool_choice: ToolChoice | dict[str, Any] | None = None
    response_format: dict[str, Any] | None = None
    reasoning_effort: Effort | None = None
    reasoning: Reasoning | None = None
    cache_control: CacheControl | None = None
    modalities: list[Literal["text", "audio", "image"]] | None = None
    service_tier: Literal["auto", "default", "flex", "priority", "scale"] | None = None
    parallel_tool_calls: bool | None = None
    user: Annotated[str, msgspec.Meta(max_length=512)] | None = None
    metadata: Annotated[dict[str, str], msgspec.Meta(max_length=16)] | None = None
    provider: Preferences | None = None
    alltoken: Extension | None = None


class EmbeddingsFields(msgspec.Struct):
    """The fields of an embeddings request."""

    model: Slug
    input: msgspec.Raw
    encoding_format: Literal["float", "base64"] | None = None
    dimensions: Count | None = None
    user: Annotated[str, msgspec.Meta(max_length=512)] | None = None
    provider: Preferences | None = None
    alltoken: Extension | None = None


class Parsed(msgspec.Struct):
    """A request, parsed."""

    call: Call
    wishes: Preferences
    strict: bool
    warnings: tuple[str, ...]
    user: str | None
    extension: Extension | None = None


_encode = msgspec.json.Encoder().encode
_raw = msgspec.json.Decoder(dict[str, msgspec.Raw])
_chat = msgspec.json.Decoder(ChatFields, strict=True)
_embeddings = msgspec.json.Decoder(EmbeddingsFields, strict=True)
_steering = msgspec.json.Decoder(Steering, strict=True)
_parts = msgspec.json.Decoder(list[Part])
_texts = msgspec.json.Decoder(
    Text | Annotated[list[str | int | list[int]], msgspec.Meta(min_length=1, max_length=MAX_INPUTS)]
)
_nothing = Preferences()


def chat(body: bytes, content_type: str, *, strict: bool) -> Parsed:
    """Parse a chat request.

    Raises:
        Invalid: `param` names the field; nothing was charged.
        NotFound: The model's name cannot be one.
    """
    found = document(body, content_type)
    fields = decode(_chat, body)
    modalities = _check_messages(fields.messages)
    if fields.stream_options is not None and not fields.stream:
        raise Invalid("stream_options needs stream: true.", param="stream_options")
    strict = strict or bool(fields.alltoken and fields.alltoken.strict)
    warnings = unknown(found, known.CHAT_FORWARDED | known.CHAT_OURS, strict=strict)
    if fields.service_tier not in USUAL_TIERS:
        warnings += _unpriced_tier(strict=strict)
    passed = forwarded(found, known.CHAT_FORWARDED)
    if fields.tool_choice == "any":
        passed["tool_choice"] = msgspec.Raw(b'"required"')
    call = Call(
        operation="chat",
        model=slug(fields.model),
        fields=passed,
        stream=bool(fields.stream),
        max_output=fields.max_completion_tokens or fields.max_tokens,
        choices=fields.n or 1,
        size=len(body),
        inputs=len(fields.messages) + len(fields.tools or ()),
        modalities=modalities,
    )
    call = steered(call, found)
    return Parsed(
        call, fields.provider or _nothing, strict, warnings, fields.user, fields.alltoken
    )  # fmt: skip


def _unpriced_tier(*, strict: bool) -> tuple[str, ...]:
    """Flex and priority have prices of their own, which no card of ours has yet."""
    if strict:
        text = "service_tier: only auto and default are sold here. Nothing was charged."
        raise Invalid(text, code="unsupported_parameter", param="service_tier")
    return ("unsupported_parameter:service_tier",)


def embeddings(body: bytes, content_type: str, *, strict: bool) -> Parsed:
    """Parse an embeddings request. Raises as `chat`."""
    found = document(body, content_type)
    fields = decode(_embeddings, body)
    texts = decode(_texts, bytes(fields.input), "input")
    if texts in ("", [""]):
        raise Invalid("input is empty. Nothing was charged.", param="input")
    strict = strict or bool(fields.alltoken and fields.alltoken.strict)
    warnings = unknown(found, known.EMBEDDINGS_FORWARDED | known.EMBEDDINGS_OURS, strict=strict)
    call = Call(
        operation="embeddings",
        model=slug(fields.model),
        fields=forwarded(found, known.EMBEDDINGS_FORWARDED),
        size=len(body),
        inputs=len(texts) if isinstance(texts, list) else 1,
    )
    call = steered(call, found)
    return Parsed(
        call, fields.provider or _nothing, strict, warnings, fields.user, fields.alltoken
    )  # fmt: skip


def steered(call: Call, found: dict[str, msgspec.Raw]) -> Call:
    """The call with what its body says of models that stand in, presets and its conversation.

    Args:
        found: The body's top-level fields.

    Raises:
        Invalid, NotFound: As the surfaces' own.
    """
    said = {name: found[name] for name in known.STEERING & found.keys()}
    if not said:
        return call
    wanted = decode(_steering, _encode(said))
    return msgspec.structs.replace(
        call,
        model=f"{call.model}@preset/{slug(wanted.preset)}" if wanted.preset else call.model,
        models=tuple(slug(name) for name in wanted.models or ()),
        session=wanted.session_id or call.session or wanted.prompt_cache_key or "",
        strict_model=bool(wanted.alltoken and wanted.alltoken.strict_model),
        quote=(wanted.alltoken.quote or "") if wanted.alltoken else "",
    )


def document(body: bytes, content_type: str) -> dict[str, msgspec.Raw]:
    """The top-level object, each value as its own bytes; refuses what JSON lets slip."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind != "application/json":
        text = "Send Content-Type: application/json. Nothing was charged."
        raise Invalid(text, code="unsupported_media_type", status=415)
    try:
        body.decode()
        found = _raw.decode(body)
    except UnicodeDecodeError:
        raise Invalid("The body is not valid UTF-8.", code="invalid_json") from None
    except RecursionError:
        raise _too_deep() from None
    except msgspec.ValidationError:
        text = "The body must be a JSON object."
        raise Invalid(text, code="invalid_json_body") from None
    except msgspec.DecodeError as error:
        raise Invalid(f"The body is not valid JSON: {error}.", code="invalid_json") from None
    if body.count(b"[") + body.count(b"{") > MAX_DEPTH:
        _check_depth(body)
    if _compact_size(found) != len(body):
        _refuse_duplicates(body)
    return found


def _compact_size(found: dict[str, msgspec.Raw]) -> int:
    """Bytes of the object without white space: a body of just this size repeats no key."""
    keys = sum(len(key) + 4 for key in found if key.isascii())
    return keys + sum(len(bytes(value)) for value in found.values()) + 1


def _refuse_duplicates(body: bytes) -> None:
    """Two values for one key are two meanings: whoever checks must see the one that is used."""

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        kept = dict(items)
        if len(kept) != len(items):
            names = [key for key, _ in items]
            twice = next(name for name in names if names.count(name) > 1)
            text = f"The key {twice[:64]!r} appears twice in one object."
            raise Invalid(text, code="duplicate_json_key", param=twice[:64])
        return kept

    try:
        json.loads(body, object_pairs_hook=pairs)
    except RecursionError:
        raise _too_deep() from None
    except ValueError:
        raise Invalid("The body is not valid JSON.", code="invalid_json") from None


def _check_depth(body: bytes) -> None:
    """Brackets outside of strings, found by what is quick: this sees every long prompt."""
    plain = body.replace(b"\\\\", b"").replace(b'\\"', b"")
    depth = 0
    for bracket in b"".join(plain.split(b'"')[::2]).translate(None, NO_BRACKETS):
        if bracket in b"[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise _too_deep()
        else:
            depth -= 1


def _too_deep() -> Invalid:
    return Invalid(f"The body nests deeper than {MAX_DEPTH} levels.", code="json_too_deep")


def decode(decoder: "msgspec.json.Decoder[T]", body: bytes, root: str | None = None) -> T:
    """Decode with strict types; the error names the field and the rule."""
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        raise wrong(error, root) from None
    except msgspec.DecodeError as error:
        raise Invalid(f"The body is not valid JSON: {error}.", code="invalid_json") from None


def wrong(error: msgspec.ValidationError, root: str | None = None) -> Invalid:
    """What msgspec found wrong, as a refusal that names the field."""
    rule, _, where = str(error).partition(" - at `")
    path = where.rstrip("`").removeprefix("$").removeprefix(".")
    param = root or path or _missing(rule)
    code = "invalid_type" if rule.startswith("Expected `") and "got" in rule else None
    text = f"{param or 'The body'}: {rule}. Nothing was charged."
    return Invalid(text, code=code or "invalid_value", param=param or None)


def _missing(rule: str) -> str:
    found = re.search(r"(?:required|unknown) field `([^`]+)`", rule)
    return found[1] if found else ""


def slug(model: str) -> str:
    if not SLUG.fullmatch(model) or ".." in model:
        text = f"There is no model {model[:64]!r}. GET /v1/models lists them."
        raise NotFound(text, code="model_not_found", param="model")
    return model


def _check_messages(messages: list[Message]) -> frozenset[str]:
    """Check roles and contents; the kinds of input they carry."""
    kinds: set[str] = set()
    for index, message in enumerate(messages):
        if message.role == "tool" and not message.tool_call_id:
            where = f"messages[{index}].tool_call_id"
            text = f"{where}: a tool message names the call it answers."
            raise Invalid(text, code="invalid_messages", param=where)
        content = bytes(message.content)[:1]
        if content not in (b'"', b"[", b"n"):
            where = f"messages[{index}].content"
            text = f"{where}: must be a string or a list of parts."
            raise Invalid(text, code="invalid_type", param=where)
        if content == b"[":
            parts = decode(_parts, bytes(message.content), f"messages[{index}].content")
            kinds.update(PART_KINDS.get(part.type, part.type) for part in parts)
    return frozenset(kinds)


def unknown(
    found: dict[str, msgspec.Raw], expected: frozenset[str], *, strict: bool
) -> tuple[str, ...]:
    unknown = sorted(found.keys() - expected)
    for name in unknown:
        if strict or name in known.FORBIDDEN:
            shown = name[:64]
            text = f"{shown!r} is not a parameter of this endpoint. Nothing was charged."
            raise Invalid(text, code="unknown_parameter", param=shown)
    return tuple(f"unknown_parameter:{printable(name)}" for name in unknown[:32])


def printable(name: str) -> str:
    """A caller's own word, fit for a header."""
    return "".join(c if " " <= c <= "~" else "?" for c in name[:64])


def names(found: set[str]) -> tuple[str, ...]:
    """Names of what cannot be translated; some hold a caller's own words."""
    return tuple(sorted({printable(name) for name in found}))


def forwarded(found: dict[str, msgspec.Raw], names: frozenset[str]) -> dict[str, msgspec.Raw]:
    return {name: value for name, value in found.items() if name in names and value != _NULL}


_NULL = msgspec.Raw(b"null")
