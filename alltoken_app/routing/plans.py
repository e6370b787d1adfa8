"""Which endpoints may serve a call, in which order, and the most it can cost. Pure."""

import hashlib
import hmac
import math
from dataclasses import dataclass

from alltoken_app.catalog import bounds, pricing
from alltoken_app.catalog.pricing import Extras
from alltoken_app.catalog.snapshot import Catalog, ModelFacts
from alltoken_app.errors import Forbidden, Invalid, NotFound
from alltoken_app.money import Nano
from alltoken_app.privacy import policy as privacy
from alltoken_app.privacy.policy import Policy
from alltoken_app.providers.base import Call, EndpointFacts
from alltoken_app.routing.preferences import Preferences

MAX_TARGETS = 8
# Always part of a call: no endpoint needs to list them.
UNIVERSAL = frozenset(["messages", "input", "user", "safety_identifier", "metadata", "n", "stop"])
OPERATIONS = {"chat": "chat", "embeddings": "embeddings"}


@dataclass(frozen=True)
class Asker:
    """What routing needs to know of the caller.

    Attributes:
        providers: Providers this caller's book may reach; None means all.
        models: Slugs the key may call; empty means all.
    """

    org_id: str
    models: frozenset[str]
    policy: Policy
    providers: frozenset[str] | None


@dataclass(frozen=True)
class Plan:
    """Endpoints in the order they are tried, and the bounds the hold is made of.

    Attributes:
        input_bound: Tokens; no honest meter reports more.
        output_bound: Tokens over all choices that the upstream is told it may produce.
        excluded: Endpoint id → the rule that removed it.
        extras: What the call may use beside text in and text out.
        warnings: Parameters the first endpoint does not honour.
    """

    model: ModelFacts
    endpoints: tuple[EndpointFacts, ...]
    input_bound: int
    output_bound: int
    excluded: dict[str, str]
    warnings: tuple[str, ...] = ()
    extras: Extras = pricing.NONE

    def ceiling(self, output_tokens: int) -> Nano:
        """The most that the input and `output_tokens` can cost at any planned endpoint."""
        return max(
            pricing.ceiling(e.price, self.input_bound, output_tokens, self.extras)
            for e in self.endpoints
        )

    @property
    def dearest_output(self) -> int:
        """Pico-USD per output token at the dearest planned endpoint."""
        return max(pricing.dearest_output(e.price, self.extras) for e in self.endpoints)


def make(
    catalog: Catalog,
    asker: Asker,
    call: Call,
    wishes: Preferences,
    connected: frozenset[str],
    *,
    strict: bool = False,
) -> Plan:
    """Plan a call; with `strict` an endpoint must honour every parameter.

    Raises:
        NotFound: No such model (model_not_found), or the caller's own wishes leave no endpoint
            (no_eligible_endpoint, with `excluded_by` per endpoint).
        Forbidden: The key may not call this model, or its book may not reach its providers.
        Invalid: More output is asked for than the model gives, or the wrong operation.
    """
    model = _find(catalog, asker, call)
    excluded: dict[str, str] = {}
    eligible: list[EndpointFacts] = []
    policy = privacy.strictest(asker.policy, wishes.policy)
    extras = bounds.extras(call)
    for endpoint in model.endpoints:
        rule = _excluded_by(endpoint, asker, wishes, policy, connected)
        if rule is None and pricing.unpriced(endpoint, call.operation, extras):
            rule = "unpriced_unit"
        if rule is None and strict and _not_honoured(endpoint, call):
            rule = "require_parameters"
        if rule is None:
            eligible.append(endpoint)
        else:
            excluded[endpoint.id] = rule
    if not eligible:
        raise _nothing_left(model, excluded)
    tried = MAX_TARGETS if wishes.allow_fallbacks is not False else 1
    ordered = _order(eligible, asker, call, wishes)[:tried]
    return Plan(
        model=model,
        endpoints=tuple(ordered),
        input_bound=bounds.input_tokens(call, max(e.context for e in ordered)),
        output_bound=_output_bound(model, ordered, call),
        excluded=excluded,
        warnings=tuple(f"unsupported_parameter:{p}" for p in _not_honoured(ordered[0], call)),
        extras=extras,
    )


def _find(catalog: Catalog, asker: Asker, call: Call) -> ModelFacts:
    model = catalog.models.get(call.model)
    if model is None:
        shown = call.model[:64]
        raise NotFound(
            f"There is no model {shown!r}. GET /v1/models lists them.",
            code="model_not_found", param="model",
        )  # fmt: skip
    if asker.models and model.slug not in asker.models:
        text = f"This key may not call {model.slug}. Nothing was charged."
        raise Forbidden(text, code="model_not_allowed", param="model")
    if model.kind != OPERATIONS[call.operation]:
        text = f"{model.slug} serves {model.kind}, not {call.operation}."
        raise Invalid(text, code="wrong_endpoint", param="model")
    beyond = sorted(call.modalities - {*model.input_modalities, "text"})
    if beyond:
        text = f"{model.slug} takes {' and '.join(model.input_modalities)}, not {beyond[0]}."
        raise Invalid(f"{text} Nothing was charged.", param="messages")
    return model


def _excluded_by(
    endpoint: EndpointFacts,
    asker: Asker,
    wishes: Preferences,
    policy: Policy,
    connected: frozenset[str],
) -> str | None:
    if endpoint.provider not in connected:
        return "provider_not_configured"
    if asker.providers is not None and endpoint.provider not in asker.providers:
        return "sandbox_book"
    if wishes.only is not None and endpoint.provider not in wishes.only:
        return "allowed_providers"
    if wishes.ignore and endpoint.provider in wishes.ignore:
        return "ignored_providers"
    if wishes.allow_fallbacks is False and wishes.order and endpoint.provider not in wishes.order:
        return "allowed_providers"
    return privacy.excluded_by(policy, endpoint)


def _not_honoured(endpoint: EndpointFacts, call: Call) -> list[str]:
    return sorted(call.fields.keys() - endpoint.parameters - UNIVERSAL)


def _nothing_left(model: ModelFacts, excluded: dict[str, str]) -> Exception:
    details: dict[str, object] = {"excluded_by": excluded}
    if excluded and set(excluded.values()) == {"sandbox_book"}:
        text = f"A sandbox key reaches sandbox providers only; {model.slug} is not among them."
        return Forbidden(text, code="sandbox_provider_only", param="model", details=details)
    text = f"No endpoint of {model.slug} fits this request. Nothing was sent or charged."
    return NotFound(text, code="no_eligible_endpoint", param="model", details=details)


def _output_bound(model: ModelFacts, endpoints: list[EndpointFacts], call: Call) -> int:
    if call.operation == "embeddings":
        return 0
    most = min(endpoint.max_output for endpoint in endpoints)
    if call.max_output is not None and call.max_output > most:
        text = f"max_tokens is {call.max_output}; {model.slug} gives at most {most}."
        raise Invalid(text, param="max_tokens")
    return (call.max_output or most) * call.choices


def _order(
    eligible: list[EndpointFacts], asker: Asker, call: Call, wishes: Preferences
) -> list[EndpointFacts]:
    """Exact with `sort` or `order`; else drawn with weight 1/price², the same for the same body."""
    if len(eligible) == 1:
        return eligible
    if wishes.sort == "price":
        ordered = sorted(eligible, key=lambda e: (_price(e), e.id))
    else:
        ordered = sorted(eligible, key=lambda e: _draw(e, asker.org_id, call))
    ordered.sort(key=lambda e: len(_not_honoured(e, call)))
    if not wishes.order:
        return ordered
    rank = {name: index for index, name in enumerate(wishes.order)}
    return sorted(ordered, key=lambda e: rank.get(e.provider, len(rank)))


def _price(endpoint: EndpointFacts) -> int:
    return endpoint.price.blend


def _draw(endpoint: EndpointFacts, org_id: str, call: Call) -> float:
    """Weighted sampling without replacement: -ln(u)/weight, u from a keyed hash."""
    said = bytes(call.fields.get("messages", b""))
    seed = hmac.new(org_id.encode(), endpoint.id.encode() + said, hashlib.sha256).digest()
    uniform = (int.from_bytes(seed[:7]) + 1) / 2**56
    weight = 1 / max(_price(endpoint), 1) ** 2
    return -math.log(uniform) / weight
