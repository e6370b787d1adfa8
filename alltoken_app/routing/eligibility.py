"""The rules that leave an endpoint out, and what of a call it cannot honour. Pure."""

from collections.abc import Mapping

from alltoken_app.catalog import bounds, pricing
from alltoken_app.catalog.pricing import Extras
from alltoken_app.egress import inline
from alltoken_app.money import Pico
from alltoken_app.privacy import policy as privacy
from alltoken_app.providers.base import Call, EndpointFacts, Price
from alltoken_app.providers.table import Connection
from alltoken_app.routing.preferences import Names, Preferences
from alltoken_app.routing.rules import Wishes
from alltoken_app.routing.targets import Asker, Target

# What a call is made of: no endpoint needs to list it.
CONTENT = frozenset({"messages", "input", "prompt", "query", "documents", "file", "voice"})
# Every model takes these; whether a wire carries them is for its dialect to say.
UNIVERSAL = CONTENT | {"user", "safety_identifier", "metadata", "n", "stop"}
# Nobody goes elsewhere for these.
HINTS = frozenset({"user", "safety_identifier", "metadata", "prompt_cache_key"})
COUNTED = frozenset({"text", "image"})  # kinds of input whose bytes say something of their tokens

RULES = {
    "provider_not_configured": "this installation has no connection to its provider",
    "sandbox_book": "a sandbox key (`atk_test_…`) reaches sandbox providers only",
    "allowed_providers": "it is not in `only`, or not in `order` while `allow_fallbacks` is "
    "`false`",
    "ignored_providers": "it is in `ignore`",
    "quantization": "it does not run one of `quantizations`",
    "max_price": "a unit price of it is above `max_price`",
    "free_variant": "you asked for `:free`, and it has a price",
    "zdr_not_confirmed": "you asked for `zdr`",
    "may_train_on_data": 'you asked for `data_collection: "deny"`',
    "unpriced_unit": "your request may use something that nobody knows its price of",
    "max_cost": "your request's input, or its whole price, may cost more than `max_cost` there",
    "max_output": "it gives fewer output tokens than `max_tokens`",
    "context_length": "your request does not fit its context, and fits that of another",
    "require_parameters": "you asked for strict or `require_parameters`, and it does not honour "
    "every parameter",
}
Excluded = tuple[str, str]  # the rule, and the name of whose it is ("" is the request's own)


def excluded_by(
    endpoint: EndpointFacts,
    target: Target,
    asker: Asker,
    wishes: Wishes,
    connections: Mapping[str, Connection],
) -> Excluded | None:
    """The rule that leaves this endpoint out, whatever the call says; None when none does."""
    if endpoint.provider not in connections:
        return "provider_not_configured", ""
    if asker.providers is not None and endpoint.provider not in asker.providers:
        return "sandbox_book", ""
    if target.variant == "free" and not free(endpoint.price):
        return "free_variant", ""
    for level in wishes.levels:
        rule = _unwanted(endpoint, level.wishes)
        if rule is not None:
            return rule, level.name
    order = wishes.soft.order
    if order and wishes.soft.allow_fallbacks is False and named(endpoint, order) is None:
        whose = next(one.name for one in wishes.levels if one.wishes.order == order)
        return "allowed_providers", whose
    rule = privacy.excluded_by(wishes.policy, endpoint)
    return (rule, _whose(rule, wishes, endpoint)) if rule else None


def cannot_take(
    endpoint: EndpointFacts, call: Call, extras: Extras, unsupported: tuple[str, ...]
) -> str | None:
    """The rule that leaves this endpoint out for what the call is.

    Args:
        unsupported: Parameters that are required and that it does not honour.
    """
    if pricing.unpriced(endpoint, call.operation, extras):
        return "unpriced_unit"
    if call.max_output is not None and call.max_output > endpoint.max_output:
        return "max_output"
    return "require_parameters" if unsupported else None


def fits(endpoint: EndpointFacts, call: Call) -> bool:
    """Whether a call fits the endpoint's context, as well as bytes can tell."""
    if not call.modalities <= COUNTED:
        return True
    return bounds.estimated_input(call) + (call.max_output or 1) <= endpoint.context


def unsupported(endpoint: EndpointFacts, call: Call, connection: Connection) -> tuple[str, ...]:
    """What of the call this endpoint does not honour, by name."""
    dialect = connection.speaks(call, endpoint)
    given = call.fields.keys()
    missing = set(given - endpoint.parameters - UNIVERSAL)
    missing |= given - dialect.honours - CONTENT
    if call.choices == 1:
        missing.discard("n")  # one is what everybody gives
    unable = set(dialect.unable(call, endpoint))
    if not unable.isdisjoint(inline.UNABLE) and inline.is_remote(call):
        unable -= inline.UNABLE  # what is elsewhere is fetched before it is sent
    missing |= unable
    if call.untranslated and dialect.native != call.dialect:
        missing.update(call.untranslated)
    return tuple(sorted(missing))


def named(endpoint: EndpointFacts, names: Names) -> int | None:
    """The place of the first name that means this endpoint; None when none does.

    A provider's bare name means all of its endpoints but those of a service tier; behind a slash
    stands a region, a tier or a quantisation, as in the endpoint's own tag.
    """
    for place, name in enumerate(names):
        plain = name.lower().replace(" ", "-")
        if plain == endpoint.provider:
            if endpoint.tier is None:
                return place
            continue
        provider, _, variant = plain.partition("/")
        if plain in (endpoint.id, tag(endpoint)) or (
            provider == endpoint.provider
            and variant in (endpoint.region, endpoint.tier, endpoint.quantization)
        ):
            return place
    return None


def tag(endpoint: EndpointFacts) -> str:
    """What `order`, `only` and `ignore` call it: "openai", "google-vertex/us-east5"."""
    return endpoint.tag or endpoint.provider


def free(price: Price) -> bool:
    """Whether a text call costs nothing."""
    return not (price.input or price.output or price.request)


def _unwanted(endpoint: EndpointFacts, wishes: Preferences) -> str | None:
    if wishes.only is not None and named(endpoint, wishes.only) is None:
        return "allowed_providers"
    if wishes.ignore and _ignored(endpoint, wishes.ignore):
        return "ignored_providers"
    pinned = wishes.order if wishes.allow_fallbacks is False else None
    if pinned and named(endpoint, pinned) is None:
        return "allowed_providers"
    runs = endpoint.quantization or "unknown"
    if wishes.quantizations is not None and runs not in wishes.quantizations:
        return "quantization"
    if any(_dearer(endpoint.price, unit, most) for unit, most in wishes.most):
        return "max_price"
    return None


def _ignored(endpoint: EndpointFacts, names: Names) -> bool:
    """A bare name that is to be left out means its service tiers, too."""
    if named(endpoint, names) is not None:
        return True
    return any(name.lower().replace(" ", "-") == endpoint.provider for name in names)


def dearer_when_long(endpoint: EndpointFacts, wishes: Wishes, input_bound: int) -> str | None:
    """Whose `max_price` a prompt of up to `input_bound` tokens may break by reaching a tier."""
    for level in wishes.levels:
        for tier in endpoint.price.tiers:
            beyond = any(_dearer(tier.price, unit, most) for unit, most in level.wishes.most)
            if beyond and input_bound > tier.above:
                return level.name
    return None


def _dearer(price: Price, unit: str, most: Pico) -> bool:
    if unit == "image":  # pictures cost tokens here: nobody can hold them to a price of one
        return price.image_input is not None or price.image_output is not None
    if unit == "audio":
        return max(price.audio_input or 0, price.audio_output or 0) > most
    rates = {"input": price.input, "output": price.output, "request": price.request}
    return (rates[unit] or 0) > most


def _whose(rule: str, wishes: Wishes, endpoint: EndpointFacts) -> str:
    for level in wishes.levels:
        if privacy.excluded_by(level.wishes.policy, endpoint) == rule:
            return level.name
    return ""
