"""Endpoints, models and plans to test routing with; and a clock that the test moves."""

from typing import Any

from alltoken_app.catalog.snapshot import Catalog, ModelFacts
from alltoken_app.privacy.policy import Policy
from alltoken_app.providers.base import Call, EndpointFacts, Price
from alltoken_app.providers.dialects.openai_chat import OpenAIChat
from alltoken_app.providers.table import Connection, fixed
from alltoken_app.routing import plans
from alltoken_app.routing.plans import Asker, Network, Plan
from alltoken_app.routing.preferences import Preferences
from alltoken_app.routing.rules import Preset, Rule

HONOURED = frozenset({"temperature", "tools"})


class Clock:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.at = 1_000.0

    def __call__(self) -> float:
        return self.at


def connected(*providers: str, **more: Any) -> Network:
    names = {name: Connection(name, OpenAIChat(), fixed("http://x")) for name in providers}
    return Network(names, **more)


def endpoint(provider: str, output: int = 10, model: str = "a/b", **changes: Any) -> EndpointFacts:
    facts: dict[str, Any] = {
        "id": f"{provider}:{model}", "model": model, "kind": "chat",
        "provider": provider.partition("/")[0], "tag": provider,
        "upstream_model": "b", "context": 8192, "max_output": 4096, "parameters": HONOURED,
        "zdr": "none", "trains": True, "region": None,
        "price": Price(f"v-{provider}", 10, output, 5),
    }  # fmt: skip
    return EndpointFacts(**(facts | changes))


def model(slug: str, *endpoints: EndpointFacts, **changes: Any) -> ModelFacts:
    facts = ModelFacts(slug, slug, "chat", "", "", 8192, 4096, ("text",), ("text",), 0, endpoints)
    return facts if not changes else ModelFacts(**{**facts.__dict__, **changes})


EVERYWHERE = connected("cheap", "dear", "private")
CHEAP = endpoint("cheap", 10)
DEAR = endpoint("dear", 1000)
PRIVATE = endpoint("private", 500, zdr="confirmed", trains=False)


def catalog(*models: ModelFacts, **aliases: str) -> Catalog:
    return Catalog({one.slug: one for one in models}, {}, aliases)


def plan(
    *endpoints: EndpointFacts,
    call: Call | None = None,
    models: frozenset[str] = frozenset(),
    policy: Policy | None = None,
    providers: frozenset[str] | None = None,
    network: Network = EVERYWHERE,
    strict: bool = False,
    known: Catalog | None = None,
    rules: tuple[Rule, ...] = (),
    presets: tuple[Preset, ...] = (),
    **wishes: Any,
) -> Plan:
    """A plan for a call to a/b, which these endpoints serve."""
    found = known or catalog(model("a/b", *(endpoints or (CHEAP, DEAR, PRIVATE))))
    asker = Asker("org_1", models, policy or Policy(), providers, rules, presets)
    asked = call or Call("chat", "a/b", {}, size=100)
    return plans.make(found, asker, asked, Preferences(**wishes), network, strict=strict)


def order(made: Plan) -> list[str]:
    return [endpoint.id.partition(":")[0] for endpoint in made.endpoints]


def warned(made: Plan) -> tuple[str, ...]:
    return made.warnings_at(made.endpoints[0])
