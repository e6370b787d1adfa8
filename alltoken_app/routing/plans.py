"""Which endpoints may serve a call, in which order, and the most it can cost."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec

from alltoken_app.catalog import bounds, pricing
from alltoken_app.catalog.pricing import Extras
from alltoken_app.catalog.snapshot import Catalog, ModelFacts
from alltoken_app.errors import AllTokenError, Forbidden, Invalid, NotFound
from alltoken_app.money import Nano, usd
from alltoken_app.providers.base import Call, EndpointFacts
from alltoken_app.providers.table import Connection
from alltoken_app.routing import affinity, eligibility, ordering, rules, targets
from alltoken_app.routing.affinity import Affinity, Place
from alltoken_app.routing.health import Health
from alltoken_app.routing.ordering import Candidate
from alltoken_app.routing.preferences import Preferences
from alltoken_app.routing.rules import Wishes
from alltoken_app.routing.targets import Asked, Asker, Target

__all__ = ["Asker", "Network", "Plan", "make"]

MAX_TARGETS = 8
WORDLESS = frozenset({"embeddings", "moderation", "rerank"})
SORTED_BY = {"nitro": "throughput", "floor": "price"}


@dataclass(frozen=True)
class Network:
    """What this process knows of its providers: how to reach them, how they are doing."""

    connections: Mapping[str, Connection]
    health: Health = field(default_factory=Health)
    affinity: Affinity = field(default_factory=Affinity)


class Plan(msgspec.Struct, frozen=True):
    """Endpoints in the order they are tried, and the bounds the hold is made of.

    Attributes:
        model: The first endpoint's.
        input_bound: Tokens; no honest meter reports more.
        output_bound: Tokens over all choices that the upstream is told it may produce.
        excluded: Endpoint id → the rule that removed it.
        whose: Endpoint id → the name of the rule or preset behind it, where it is not the request.
        warnings: Models asked for that cannot serve.
        extras: What the call may use beside text in and text out.
        candidates: The endpoints with what decided their places.
        conversation: Keyed hash that the affinity goes by; b"" when only one could serve.
        strategy: How the model was named.
        warm: Where the conversation was served last.
        capped: Ids of endpoints where `max_cost` ends the answer before anything else does.
    """

    model: ModelFacts
    endpoints: tuple[EndpointFacts, ...]
    input_bound: int
    output_bound: int
    excluded: dict[str, str]
    warnings: tuple[str, ...] = ()
    extras: Extras = pricing.NONE
    choices: int = 1
    whose: dict[str, str] = {}
    candidates: tuple[Candidate, ...] = ()
    conversation: bytes = b""
    strategy: str = "direct"
    warm: Place | None = None
    capped: frozenset[str] = frozenset()

    def warnings_at(self, endpoint: EndpointFacts) -> tuple[str, ...]:
        """What the caller is told when this endpoint serves: it may not honour everything."""
        lacking = next((c.unsupported for c in self.candidates if c.endpoint is endpoint), ())
        return (*(f"unsupported_parameter:{name}" for name in lacking), *self.warnings)

    def ceiling(self, output_tokens: int) -> Nano:
        """The most that the input and `output_tokens` can cost at any planned endpoint."""
        return max(
            pricing.ceiling(
                e.price, self.input_bound, min(output_tokens, e.max_output * self.choices),
                self.extras,
            )
            for e in self.endpoints
        )  # fmt: skip

    @property
    def dearest_output(self) -> int:
        """Pico-USD per output token at the dearest planned endpoint."""
        return max(pricing.dearest_output(e.price, self.extras) for e in self.endpoints)


def make(
    catalog: Catalog,
    asker: Asker,
    call: Call,
    asked_for: Preferences,
    network: Network,
    *,
    strict: bool = False,
) -> Plan:
    """Plan a call; with `strict` an endpoint must honour every parameter.

    Raises:
        NotFound: No such model (model_not_found), or the wishes leave no endpoint
            (no_eligible_endpoint, with `excluded_by` per endpoint).
        Forbidden: The key may not call this model, or its book may not reach its providers.
        Invalid: More output is asked for than the model gives, a required parameter that no
            endpoint honours (unsupported_parameter), or the wrong operation.
    """
    asked = targets.find(catalog, asker, call)
    wishes = rules.together(asker.policy, asked_for, asked.preset, asker.rules)
    extras = bounds.extras(call)
    sieve = _Sieve(asker, call, wishes, network, extras, strict or _required(wishes))
    for place, target in enumerate(asked.targets):
        sieve.pass_through(place, target)
    sieve.keep_what_fits()
    sieve.keep_within_the_cap()
    if not sieve.kept:
        raise sieve.nothing_left(asked)
    candidates, conversation, warm = _arranged(sieve.kept, asked, wishes, asker, call, network)
    endpoints = tuple(one.endpoint for one in candidates)
    return Plan(
        model=asked.targets[candidates[0].place].model,
        endpoints=endpoints,
        input_bound=bounds.input_tokens(call, max(e.context for e in endpoints)),
        output_bound=_output_bound(endpoints, call),
        excluded=sieve.excluded,
        warnings=_warnings(asked),
        extras=extras,
        choices=call.choices,
        whose=sieve.whose,
        candidates=candidates,
        conversation=conversation,
        strategy=asked.strategy,
        warm=warm,
        capped=frozenset(sieve.capped),
    )


class _Sieve:
    """Lets through the endpoints that may serve and notes why the others may not."""

    __slots__ = (
        "_asker",
        "_call",
        "_connections",
        "_extras",
        "_lacking",
        "_least",
        "_strict",
        "_wishes",
        "capped",
        "excluded",
        "kept",
        "whose",
    )  # fmt: skip

    def __init__(
        self,
        asker: Asker,
        call: Call,
        wishes: Wishes,
        network: Network,
        extras: Extras,
        strict: bool,
    ) -> None:
        self._asker, self._call, self._wishes = asker, call, wishes
        self._connections, self._extras, self._strict = network.connections, extras, strict
        self.kept: list[Candidate] = []
        self.excluded: dict[str, str] = {}
        self.whose: dict[str, str] = {}
        self.capped: set[str] = set()
        self._least: Nano | None = None  # what the cheapest beyond the cap may cost without output
        self._lacking: dict[str, tuple[str, ...]] = {}  # what each left out for it lacks

    def pass_through(self, place: int, target: Target) -> None:
        """Try every endpoint of a model."""
        for endpoint in target.model.endpoints:
            found = eligibility.excluded_by(
                endpoint, target, self._asker, self._wishes, self._connections
            )
            if found is not None:
                self._exclude(endpoint, *found)
                continue
            if endpoint.price.tiers and self._wishes.levels:
                given = bounds.input_tokens(self._call, endpoint.context)
                whose = eligibility.dearer_when_long(endpoint, self._wishes, given)
                if whose is not None:
                    self._exclude(endpoint, "max_price", whose)
                    continue
            connection = self._connections[endpoint.provider]
            lacking = eligibility.unsupported(endpoint, self._call, connection)
            required = lacking if self._strict else ()
            rule = eligibility.cannot_take(endpoint, self._call, self._extras, required)
            if rule is None:
                self.kept.append(Candidate(endpoint, place, lacking))
                continue
            self._exclude(endpoint, rule, "")
            if rule == "require_parameters":
                self._lacking[endpoint.id] = lacking

    def keep_what_fits(self) -> None:
        """Leave out too small contexts, unless that leaves nothing: then the provider decides."""
        if len(self.kept) < 2:
            return
        fitting = [one for one in self.kept if eligibility.fits(one.endpoint, self._call)]
        if not fitting or len(fitting) == len(self.kept):
            return
        for one in self.kept:
            if one not in fitting:
                self._exclude(one.endpoint, "context_length", "")
        self.kept = fitting

    def keep_within_the_cap(self) -> None:
        """Leave out what `max_cost` does not pay for; of the others only as much as it does."""
        cap = self._call.max_cost
        if cap is None or not self.kept:
            return
        given = bounds.input_tokens(self._call, max(one.endpoint.context for one in self.kept))
        kept = []
        for one in self.kept:
            within = self._within(one, cap, given)
            if within is not None:
                kept.append(within)
                continue
            self._exclude(one.endpoint, "max_cost", "")
            least = pricing.ceiling(one.endpoint.price, given, 0, self._extras)
            self._least = least if self._least is None else min(least, self._least)
        self.kept = kept

    def _within(self, one: Candidate, cap: Nano, given: int) -> Candidate | None:
        """The candidate with the output that the cap pays for; None when it is nothing."""
        endpoint, call = one.endpoint, self._call
        if call.operation in WORDLESS or not endpoint.max_output:
            return one if pricing.ceiling(endpoint.price, given, 0, self._extras) <= cap else None

        def cost(tokens: int) -> Nano:
            return pricing.ceiling(endpoint.price, given, tokens * call.choices, self._extras)

        wanted = call.max_output or endpoint.max_output
        most = bisect_right(range(wanted + 1), cap, key=cost) - 1
        if most >= wanted:
            return one
        if most < 1:
            return None
        self.capped.add(endpoint.id)
        limited = msgspec.structs.replace(endpoint, max_output=most)
        return msgspec.structs.replace(one, endpoint=limited)

    def _exclude(self, endpoint: EndpointFacts, rule: str, whose: str) -> None:
        self.excluded[endpoint.id] = rule
        if whose:
            self.whose[endpoint.id] = whose

    def nothing_left(self, asked: Asked) -> AllTokenError:
        """Why nobody can serve this call."""
        found = set(self.excluded.values())
        models = [target.model.slug for target in asked.targets]
        details: dict[str, object] = {"excluded_by": self.excluded, "models": models}
        names = " or ".join(models)
        if self.whose:
            details["excluded_for"] = self.whose
        if found == {"sandbox_book"}:
            text = f"A sandbox key reaches sandbox providers only; {names} is not among them."
            return Forbidden(text, code="sandbox_provider_only", param="model", details=details)
        if "require_parameters" in found:
            return self._lacks(names, details)
        if "max_output" in found:
            most = max(e.max_output for t in asked.targets for e in t.model.endpoints)
            text = f"max_tokens is {self._call.max_output}; {names} gives at most {most}."
            return Invalid(text, param="max_tokens", details=details)
        if found == {"max_cost"} and self._least is not None:
            details["may_cost"] = usd(self._least)
            text = f"This request's input alone may cost up to ${usd(self._least)}, more than its"
            text = (
                f"{text} max_cost of ${usd(self._call.max_cost or 0)}. Nothing was sent or charged."
            )
            return NotFound(text, code="no_eligible_endpoint", param="max_cost", details=details)
        if found == {"provider_not_configured"}:
            text = f"No provider of {names} is connected here. GET /v1/models?available=true lists"
            text = f"{text} what can be asked. Nothing was sent or charged."
            return NotFound(text, code="no_eligible_endpoint", param="model", details=details)
        text = f"No endpoint of {names} fits this request{_counted(self.excluded, self.whose)}."
        text = f"{text} Nothing was sent or charged."
        return NotFound(text, code="no_eligible_endpoint", param="model", details=details)

    def _lacks(self, names: str, details: dict[str, object]) -> AllTokenError:
        fewest = min(self._lacking.values(), key=len)
        text = f"No endpoint of {names} honours {', '.join(fewest)}, which this request requires."
        details["unsupported"] = self._lacking
        return Invalid(
            f"{text} Nothing was sent or charged.",
            code="unsupported_parameter", param=fewest[0], details=details,
        )  # fmt: skip


def _counted(excluded: dict[str, str], whose: dict[str, str]) -> str:
    """Such as ": 2 by zdr_not_confirmed, 1 by max_price (rule Cheap)"."""
    if not excluded:
        return ": it has none"
    said = [f"{rule} ({whose[e]})" if e in whose else rule for e, rule in excluded.items()]
    return ": " + ", ".join(f"{count} by {rule}" for rule, count in Counter(said).most_common())


def _required(wishes: Wishes) -> bool:
    return bool(wishes.soft.require_parameters)


def _arranged(
    kept: list[Candidate],
    asked: Asked,
    wishes: Wishes,
    asker: Asker,
    call: Call,
    network: Network,
) -> tuple[tuple[Candidate, ...], bytes, Place | None]:
    """At most eight, in order; whether others may stand in is the caller's to say."""
    if len(kept) == 1:
        return tuple(kept), b"", None
    conversation = affinity.conversation(asker.org_id, call)
    warm = network.affinity.find(conversation)
    soft = wishes.soft
    sorts = [soft.sort_by or SORTED_BY.get(target.variant) for target in asked.targets]
    ordered = ordering.arrange(
        kept, soft, sorts, network.health, warm.endpoint_id if warm else None,
        affinity.seed(conversation),
    )  # fmt: skip
    if soft.allow_fallbacks is False and not soft.order:
        ordered = _first_of_each_model(ordered)
    return tuple(ordered[:MAX_TARGETS]), conversation, warm


def _first_of_each_model(ordered: list[Candidate]) -> list[Candidate]:
    """Without fallbacks one endpoint serves a model; naming more models stays a wish."""
    firsts: dict[int, Candidate] = {}
    for one in ordered:
        firsts.setdefault(one.place, one)
    return list(firsts.values())


def _output_bound(endpoints: tuple[EndpointFacts, ...], call: Call) -> int:
    if call.operation in WORDLESS:
        return 0
    most = max(endpoint.max_output for endpoint in endpoints)
    return min(call.max_output or most, most) * call.choices


def _warnings(asked: Asked) -> tuple[str, ...]:
    found = asked.refused.items()
    return tuple(f"model_unavailable:{name}:{why.code}" for name, why in found)
