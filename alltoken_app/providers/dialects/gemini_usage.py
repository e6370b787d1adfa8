"""What Gemini says it used, in our counts.

Its prompt count includes cached tokens; thoughts stand beside the candidates' tokens, and what
tools of its own read stands beside the prompt's.
"""

import msgspec

from alltoken_app.providers.base import Usage, sane

NULL = msgspec.Raw(b"null")
# Enumerations are numbers where a caller's proxy asked for that.
MODALITIES = ("", "TEXT", "IMAGE", "VIDEO", "AUDIO", "DOCUMENT")
TIERS = {
    "standard": "default",
    "flex": "flex",
    "priority": "priority",
    "ON_DEMAND": "default",
    "ON_DEMAND_FLEX": "flex",
    "ON_DEMAND_PRIORITY": "priority",
    "PROVISIONED_THROUGHPUT": "provisioned",
}


class Modality(msgspec.Struct, rename="camel"):
    modality: str | int = ""
    token_count: int | None = None


class Said(msgspec.Struct, rename="camel"):
    """The usage object. Cloud streams send one without counts in every chunk but the last."""

    prompt_token_count: int | None = None
    candidates_token_count: int | None = None
    thoughts_token_count: int | None = None
    tool_use_prompt_token_count: int | None = None
    cached_content_token_count: int | None = None
    prompt_tokens_details: list[Modality] | None = None
    prompt_token_details: list[Modality] | None = None
    candidates_tokens_details: list[Modality] | None = None
    cache_tokens_details: list[Modality] | None = None
    tool_use_prompt_tokens_details: list[Modality] | None = None
    service_tier: str | int | None = None
    traffic_type: str | int | None = None


_said = msgspec.json.Decoder(Said)


def read(raw: msgspec.Raw) -> Usage | None:
    """What was counted; None when nothing was, or nothing that can be."""
    said = _decoded(raw)
    if said is None or (said.prompt_token_count is None and said.candidates_token_count is None):
        return None
    taken = [*(said.prompt_tokens_details or ()), *(said.prompt_token_details or ())]
    taken += said.tool_use_prompt_tokens_details or ()
    given = said.candidates_tokens_details or []
    cached = said.cache_tokens_details or []
    thoughts = said.thoughts_token_count or 0
    sound, images = _of("AUDIO", taken), _of("IMAGE", taken)
    return sane(
        Usage(
            input=(said.prompt_token_count or 0) + (said.tool_use_prompt_token_count or 0),
            output=(said.candidates_token_count or 0) + thoughts,
            cached=said.cached_content_token_count or 0,
            reasoning=thoughts,
            audio_input=sound,
            audio_output=_of("AUDIO", given),
            audio_cached=min(_of("AUDIO", cached), sound),
            image_input=images,
            image_output=_of("IMAGE", given),
            image_cached=min(_of("IMAGE", cached), images),  # a cached document counts as images
        )
    )


def tier(raw: msgspec.Raw) -> str | None:
    """The tier that served it, in OpenAI's words."""
    said = _decoded(raw)
    named = (said.service_tier or said.traffic_type) if said else None
    return TIERS.get(named) if isinstance(named, str) else None


def _decoded(raw: msgspec.Raw) -> Said | None:
    if raw == NULL:
        return None
    try:
        return _said.decode(raw)
    except ValueError:
        return None


def _of(modality: str, counts: list[Modality]) -> int:
    return sum(count.token_count or 0 for count in counts if _named(count.modality) == modality)


def _named(modality: str | int) -> str:
    if isinstance(modality, str):
        return modality
    return MODALITIES[modality] if 0 <= modality < len(MODALITIES) else ""
