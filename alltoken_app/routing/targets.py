"""From the names a caller gives to models: aliases, variants, presets, models that stand in."""

from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from alltoken_app.catalog.snapshot import Catalog, ModelFacts
from alltoken_app.errors import AllTokenError, Forbidden, Invalid, NotFound
from alltoken_app.privacy.policy import Policy
from alltoken_app.providers.base import Call
from alltoken_app.routing.rules import Preset, Rule

VARIANTS = frozenset({"free", "nitro", "floor"})
PRESET = "@preset/"
MAX_MODELS = 8
KINDS: dict[str, frozenset[str]] = {
    "completions": frozenset({"chat", "completions"}),
    "translation": frozenset({"transcription", "translation"}),
}


@dataclass(frozen=True)
class Asker:
    """What routing needs to know of the caller.

    Attributes:
        providers: Providers this caller's book may reach; None means all.
        models: Slugs the key may call; empty means all.
        rules: What its key and its organisation ask of every request, the key's first.
        presets: The organisation's presets by slug.
    """

    org_id: str
    models: frozenset[str]
    policy: Policy
    providers: frozenset[str] | None
    rules: tuple[Rule, ...] = ()
    presets: tuple[Preset, ...] = ()


class Target(msgspec.Struct, frozen=True):
    """A model that may serve; `variant` is "", "free", "nitro" or "floor"."""

    model: ModelFacts
    variant: str = ""


class Asked(msgspec.Struct, frozen=True):
    """What the caller's names mean.

    Attributes:
        targets: Models in the order they may serve; at least one.
        refused: Names that cannot serve, with why.
        strategy: How the model was named: "direct", "variant", "alias", "preset" or "fallback".
    """

    targets: tuple[Target, ...]
    refused: dict[str, AllTokenError]
    preset: Preset | None = None
    strategy: str = "direct"


def find(catalog: Catalog, asker: Asker, call: Call) -> Asked:
    """The models a call may be served by.

    Raises:
        NotFound: No such model or preset.
        Forbidden: The key may not call this model.
        Invalid: It does not serve this operation or input, or `strict_model` forbids the name.
    """
    if not call.models:
        model = catalog.models.get(call.model)
        if model is not None:
            _check(model, asker, call)
            return Asked((Target(model),), {})
    preset = _preset(asker, call.model)
    names = list(dict.fromkeys(_names(call, preset)))
    if call.strict_model:
        _check_strict(catalog, call)
    targets: list[Target] = []
    refused: dict[str, AllTokenError] = {}
    for name in names[:MAX_MODELS]:
        try:
            targets.append(_target(catalog, asker, call, name))
        except AllTokenError as error:
            refused[name] = error
    if not targets:
        raise next(iter(refused.values()))
    return Asked(tuple(targets), refused, preset, _strategy(call, preset, targets[0], len(names)))


def _names(call: Call, preset: Preset | None) -> Iterator[str]:
    base = call.model.partition(PRESET)[0].rstrip("@") if preset else call.model
    if base:
        yield base
    elif preset is not None:
        yield from preset.models
        if not preset.models and not call.models:
            text = f"The preset {preset.slug!r} names no model: name one, as in model{PRESET}…"
            raise Invalid(f"{text} Nothing was charged.", param="model")
    yield from call.models


def _preset(asker: Asker, name: str) -> Preset | None:
    _, mark, slug = name.partition(PRESET)
    if not mark:
        return None
    for preset in asker.presets:
        if preset.slug == slug:
            return preset
    text = f"There is no preset {slug[:64]!r}. Presets are made on the Routing page."
    raise NotFound(text, code="preset_not_found", param="model")


def _check_strict(catalog: Catalog, call: Call) -> None:
    name, _, variant = call.model.rpartition(":")
    plain = name if variant in VARIANTS else call.model
    if call.models or (call.model not in catalog.models and plain not in catalog.models):
        text = f"strict_model lets only one model serve, by its own name; {call.model[:64]!r}"
        how = "lets others stand in." if call.models else "is not one."
        raise Invalid(f"{text} {how} Nothing was charged.", code="strict_model", param="model")


def _target(catalog: Catalog, asker: Asker, call: Call, name: str) -> Target:
    variant = ""
    model = catalog.models.get(catalog.aliases.get(name, name))
    if model is None:
        name, _, variant = name.rpartition(":")
        if variant in VARIANTS:
            model = catalog.models.get(catalog.aliases.get(name, name))
    if model is None:
        shown = (f"{name}:{variant}" if name else variant)[:64]
        text = f"There is no model {shown!r}. GET /v1/models lists them."
        raise NotFound(text, code="model_not_found", param="model")
    _check(model, asker, call)
    return Target(model, variant)


def _check(model: ModelFacts, asker: Asker, call: Call) -> None:
    if asker.models and model.slug not in asker.models:
        text = f"This key may not call {model.slug}. Nothing was charged."
        raise Forbidden(text, code="model_not_allowed", param="model")
    if model.kind != call.operation and model.kind not in KINDS.get(call.operation, ()):
        text = f"{model.slug} serves {model.kind}, not {call.operation}."
        raise Invalid(text, code="wrong_endpoint", param="model")
    if len(call.modalities) > 1 or "text" not in call.modalities:
        beyond = sorted(call.modalities - {*model.input_modalities, "text"})
        if beyond:
            text = f"{model.slug} takes {' and '.join(model.input_modalities)}, not {beyond[0]}."
            raise Invalid(f"{text} Nothing was charged.", param="messages")


def _strategy(call: Call, preset: Preset | None, first: Target, names: int) -> str:
    if preset is not None:
        return "preset"
    if names > 1:
        return "fallback"
    if first.variant:
        return "variant"
    return "direct" if first.model.slug == call.model else "alias"
