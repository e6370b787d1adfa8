"""The settings of a generation in Gemini's words, and which of them a model cannot take.

Wire format: https://ai.google.dev/api/generate-content#generationconfig
"""

from typing import Any

import msgspec

from alltoken_app.providers.dialects import gemini_schema, gemini_tools
from alltoken_app.providers.dialects.gemini_models import Traits

Fields = dict[str, msgspec.Raw]

RENAMED = {
    "temperature": "temperature",
    "top_p": "topP",
    "top_k": "topK",
    "n": "candidateCount",
    "seed": "seed",
    "presence_penalty": "presencePenalty",
    "frequency_penalty": "frequencyPenalty",
    "logprobs": "responseLogprobs",
}
MOST_STOPS = 5
FALSE = msgspec.Raw(b"false")
ONE = msgspec.Raw(b"1")
REASONING = {"reasoning", "reasoning_effort", "include_reasoning"}
BUDGETS = {"minimal": 1024, "low": 1024, "medium": 8192, "high": 24_576}
MODALITIES = {"text": "TEXT", "image": "IMAGE", "audio": "AUDIO"}
TIERS = {"auto": "", "default": "standard", "standard": "standard", "flex": "flex",
         "priority": "priority"}  # fmt: skip


class Reasoning(msgspec.Struct):
    effort: str | None = None
    max_tokens: int | None = None
    enabled: bool | None = None
    exclude: bool | None = None


class JsonSchema(msgspec.Struct):
    schema: dict[str, Any] | None = None


class Format(msgspec.Struct):
    type: str
    json_schema: JsonSchema | None = None


class Audio(msgspec.Struct):
    voice: str | None = None
    format: str | None = None


class ImageConfig(msgspec.Struct):
    aspect_ratio: str | None = None
    image_size: str | None = None


_stops = msgspec.json.Decoder(str | list[str])
_reasoning = msgspec.json.Decoder(Reasoning)
_effort = msgspec.json.Decoder(str)
_format = msgspec.json.Decoder(Format)
_modalities = msgspec.json.Decoder(list[str])
_audio = msgspec.json.Decoder(Audio)
_image = msgspec.json.Decoder(ImageConfig)
_number = msgspec.json.Decoder(int)


def unable(fields: Fields, traits: Traits) -> set[str]:
    """Fields that the model of these traits refuses or cannot follow. Raises ValueError."""
    names: set[str] = set()
    if not traits.penalties:
        names |= fields.keys() & {"presence_penalty", "frequency_penalty"}
    if not traits.alternatives and fields.get("n", ONE) != ONE:
        names.add("n")
    if "stop" in fields and len(_stop_list(fields["stop"])) > MOST_STOPS:
        names.add("stop")
    if "seed" in fields and not -(2**31) <= _number.decode(fields["seed"]) < 2**31:
        names.add("seed")
    if "service_tier" in fields and _effort.decode(fields["service_tier"]) not in TIERS:
        names.add("service_tier")
    return names | _unable_reasoning(fields, traits) | _unable_output(fields, traits)


def _unable_reasoning(fields: Fields, traits: Traits) -> set[str]:
    names = fields.keys() & {"reasoning", "reasoning_effort"}
    if not names:
        return set()  # whether thoughts are shown matters where there are some
    wanted = _wanted(fields)
    if _off(wanted):
        return set(names) if traits.thinks and not traits.stops_thinking else set()
    return set() if traits.thinks else set(names)


def _unable_output(fields: Fields, traits: Traits) -> set[str]:
    names: set[str] = set()
    tools, search = "tools" in fields, "web_search_options" in fields
    if "response_format" in fields:
        kind = _format.decode(fields["response_format"]).type
        mixed = (tools or search) and not traits.mixes
        if kind != "text" and (mixed or kind not in ("json_object", "json_schema")):
            names.add("response_format")
    if search and tools and not traits.mixes:
        names.add("web_search_options")
    if tools and gemini_tools.other_kinds(fields):
        names.add("tools")
    if tools and fields.get("parallel_tool_calls") == FALSE:
        names.add("parallel_tool_calls")
    if "modalities" in fields and set(_modalities.decode(fields["modalities"])) - set(MODALITIES):
        names.add("modalities")
    if "audio" in fields and _audio.decode(fields["audio"]).format not in (None, "pcm16"):
        names.add("audio")
    return names


def build(fields: Fields, traits: Traits, max_output: int) -> dict[str, Any]:
    """The `generationConfig`. Raises ValueError."""
    config: dict[str, Any] = {
        ours: fields[name] for name, ours in RENAMED.items() if name in fields
    }
    config["maxOutputTokens"] = max_output
    if "stop" in fields:
        config["stopSequences"] = _stop_list(fields["stop"])
    if "top_logprobs" in fields and fields.get("logprobs", FALSE) != FALSE:
        config |= _alternatives(_number.decode(fields["top_logprobs"]))
    if "response_format" in fields:
        config |= _response_format(_format.decode(fields["response_format"]))
    thinking = _thinking(fields, traits)
    if thinking:
        config["thinkingConfig"] = thinking
    return config | _modal(fields)


def tier(fields: Fields) -> str:
    """The service tier in Gemini's words; "" leaves it to the provider."""
    return TIERS[_effort.decode(fields["service_tier"])] if "service_tier" in fields else ""


def _stop_list(raw: msgspec.Raw) -> list[str]:
    stops = _stops.decode(raw)
    return [stops] if isinstance(stops, str) else stops


def _alternatives(count: int) -> dict[str, int]:
    return {"logprobs": count} if count else {}


def _response_format(wanted: Format) -> dict[str, Any]:
    if wanted.type not in ("json_object", "json_schema"):
        return {}
    config: dict[str, Any] = {"responseMimeType": "application/json"}
    if wanted.json_schema is not None and wanted.json_schema.schema is not None:
        config["responseJsonSchema"] = gemini_schema.normal(wanted.json_schema.schema)
    return config


def _wanted(fields: Fields) -> Reasoning:
    """What is asked of the thinking, whichever of the two fields says it."""
    wanted = _reasoning.decode(fields["reasoning"]) if "reasoning" in fields else Reasoning()
    if wanted.effort is None and "reasoning_effort" in fields:
        wanted.effort = _effort.decode(fields["reasoning_effort"])
    if wanted.exclude is None and fields.get("include_reasoning") == FALSE:
        wanted.exclude = True
    return wanted


def _off(wanted: Reasoning) -> bool:
    return wanted.effort == "none" or wanted.enabled is False


def _thinking(fields: Fields, traits: Traits) -> dict[str, Any]:
    """The `thinkingConfig`: by level or by budget, as the generation has it."""
    if not traits.thinks or not fields.keys() & REASONING:
        return {}
    wanted = _wanted(fields)
    off = _off(wanted)
    config: dict[str, Any] = {"includeThoughts": not off and not wanted.exclude}
    if traits.levels and (off or wanted.effort is not None):
        config["thinkingLevel"] = traits.level("none" if off else wanted.effort or "")
    elif off or wanted.effort is not None or wanted.max_tokens is not None:
        config["thinkingBudget"] = _budget(wanted, off, traits)
    return config


def _budget(wanted: Reasoning, off: bool, traits: Traits) -> int:
    least, most = traits.budget or (0, 0)
    if off:
        return 0 if traits.stops_thinking else least
    if wanted.effort is not None:
        return max(least, min(BUDGETS.get(wanted.effort, most), most))
    return max(least, min(wanted.max_tokens or least, most))


def _modal(fields: Fields) -> dict[str, Any]:
    """What kinds of output are wanted, and how they should be."""
    config: dict[str, Any] = {}
    if "modalities" in fields:
        wanted = _modalities.decode(fields["modalities"])
        config["responseModalities"] = [MODALITIES[one] for one in wanted]
    if "audio" in fields:
        voice = _audio.decode(fields["audio"]).voice
        if voice:
            config["speechConfig"] = {"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": voice}}}
    if "image_config" in fields:
        image = _image.decode(fields["image_config"])
        said = {"aspectRatio": image.aspect_ratio, "imageSize": image.image_size}
        config["imageConfig"] = {name: value for name, value in said.items() if value}
    return config
