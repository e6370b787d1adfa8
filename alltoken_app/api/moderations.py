"""POST /v1/moderations: what a text or picture might be reproached with."""

from collections.abc import Sequence
from typing import Annotated, Any

import msgspec

from alltoken_app.api import answers, parse, render
from alltoken_app.api.auth import authenticate
from alltoken_app.api.http import JSON, Header, Request, encode
from alltoken_app.api.parse import MAX_INPUTS, Extension, Parsed, Slug, Text
from alltoken_app.catalog.snapshot import Catalog
from alltoken_app.errors import Invalid
from alltoken_app.providers.base import Call, Reply
from alltoken_app.routing.preferences import Preferences
from alltoken_app.services.generations import Run

DEFAULT = "openai/omni-moderation"
FORWARDED = frozenset({"input"})
OURS = frozenset({"model", "provider", "alltoken", "user"})


class ImageUrl(msgspec.Struct):
    url: str


class TextPart(msgspec.Struct, tag="text"):
    text: Text


class ImagePart(msgspec.Struct, tag="image_url"):
    image_url: ImageUrl


class ModerationFields(msgspec.Struct):
    """What a moderation takes. Null counts as absent."""

    input: msgspec.Raw
    model: Slug | None = None
    user: Annotated[str, msgspec.Meta(max_length=512)] | None = None
    provider: Preferences | None = None
    alltoken: Extension | None = None


_moderation = msgspec.json.Decoder(ModerationFields, strict=True)
_texts = msgspec.json.Decoder(
    Text | Annotated[list[Text], msgspec.Meta(min_length=1, max_length=MAX_INPUTS)]
)
_parts = msgspec.json.Decoder(
    Annotated[list[TextPart | ImagePart], msgspec.Meta(min_length=1, max_length=MAX_INPUTS)]
)


async def create_moderation(request: Request) -> None:
    """One verdict per input."""
    caller = await authenticate(request)
    body = await request.body()
    parsed = moderation(body, request.header(b"content-type"), strict=request.strict)
    await answers.serve(request, answers.new_run(request, caller, parsed), FACE)


def moderation(body: bytes, content_type: str, *, strict: bool) -> Parsed:
    """Parse a moderation request.

    Raises:
        Invalid: `param` names the field; nothing was charged.
        NotFound: The model's name cannot be one.
    """
    found = parse.document(body, content_type)
    fields = parse.decode(_moderation, body)
    raw = bytes(fields.input)
    is_parts = raw[:1] == b"[" and raw[1:].lstrip()[:1] == b"{"
    given = parse.decode(_parts if is_parts else _texts, raw, "input")
    if given in ("", [""]):
        raise Invalid("input is empty. Nothing was charged.", param="input")
    images = is_parts and any(isinstance(part, ImagePart) for part in given)
    strict = strict or bool(fields.alltoken and fields.alltoken.strict)
    warnings = parse.unknown(found, FORWARDED | OURS, strict=strict)
    call = Call(
        operation="moderation",
        model=parse.slug(fields.model or DEFAULT),
        fields=parse.forwarded(found, FORWARDED),
        size=len(body),
        inputs=len(given) if isinstance(given, list) else 1,
        modalities=frozenset({"text", "image"} if images else {"text"}),
    )
    wishes = fields.provider or Preferences()
    return Parsed(call, wishes, strict, warnings, fields.user, fields.alltoken)


class ModerationFace:
    """OpenAI's moderations."""

    def whole(self, run: Run, reply: Reply, catalog: Catalog) -> tuple[Sequence[Header], bytes]:
        assert run.endpoint is not None
        body: dict[str, Any] = {
            "id": run.id,
            "model": run.endpoint.model,
            **reply.body,
            "usage": usage(run),
            "alltoken": render.served(run),
        }
        return (JSON,), encode(body)

    def chunks(self, run: Run, catalog: Catalog) -> answers.Chunks:
        raise NotImplementedError  # these requests do not stream


def usage(run: Run) -> dict[str, Any]:
    """Input tokens, where the provider counts them, and the cost."""
    used = run.meter.usage.input if run.meter and not run.meter.estimated else 0
    return {"prompt_tokens": used, "total_tokens": used, "cost": render.exact(run.cost)}


FACE = ModerationFace()
