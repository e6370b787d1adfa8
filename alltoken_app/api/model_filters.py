"""Which models a query asks for, and in which order: OpenRouter's filters, and `kind`, `available`.

A filter we cannot apply is refused: silently ignored, it would answer another question.
"""

import math
from collections.abc import Callable, Iterable
from decimal import Decimal, InvalidOperation
from typing import Any

from alltoken_app.api import catalog_shapes
from alltoken_app.catalog.snapshot import ModelFacts
from alltoken_app.clock import DAY, now_ms
from alltoken_app.errors import Invalid
from alltoken_app.money import PICO_PER_USD
from alltoken_app.providers.base import EndpointFacts
from alltoken_app.services.plane import Plane

MILLION = 1_000_000
NO_DATA = (
    "category", "distillable", "use_rss", "min_intelligence_index", "max_intelligence_index",
    "min_coding_index", "max_coding_index", "min_agentic_index", "max_agentic_index",
    "min_tool_success_rate", "max_tool_success_rate",
)  # fmt: skip
Query = dict[str, str]
Test = Callable[[ModelFacts], bool]


def find(plane: Plane, query: Query, *, modality: str = "all") -> list[ModelFacts]:
    """The models that fit, in the order that is asked for.

    Args:
        modality: What they must give out, where the query does not say ("all": anything).

    Raises:
        Invalid: A filter that cannot be read or applied.
    """
    for name in NO_DATA:
        if name in query:
            raise Invalid(f"This catalogue has no data to filter by {name}.", param=name)
    tests = [*_on_models(query, modality), *_on_endpoints(plane, query)]
    models = [
        found
        for found in plane.catalog.models.values()
        if found.endpoints and all(test(found) for test in tests)
    ]
    return _sorted(plane, models, query.get("sort"))


def number(query: Query, name: str, default: int, most: int) -> int:
    """A whole number of the query.

    Raises:
        Invalid: It is none, or beyond 0 … `most`.
    """
    text = query.get(name)
    if text is None:
        return default
    if not text.isascii() or not text.isdigit() or len(text) > 12 or not 0 <= int(text) <= most:
        raise Invalid(f"{name} must be a whole number from 0 to {most}.", param=name)
    return int(text)


def _on_models(query: Query, modality: str) -> Iterable[Test]:
    words = query.get("q", "").casefold().split()
    if words:
        yield lambda found: all(
            word in f"{found.slug} {found.name} {found.description}".casefold() for word in words
        )
    if query.get("kind"):
        yield lambda found: found.kind == query["kind"]
    given = set(_listed(query.get("output_modalities", modality)))
    if given and "all" not in given:
        yield lambda found: not given.isdisjoint(found.output_modalities)
    taken = set(_listed(query.get("input_modalities", "")))
    if taken:
        yield lambda found: taken <= set(found.input_modalities)
    authors = set(_listed(query.get("model_authors", "")))
    if authors:
        yield lambda found: found.slug.partition("/")[0] in authors
    if query.get("arch"):
        yield lambda found: (found.tokenizer or "").casefold() == query["arch"].casefold()
    least = number(query, "context", 0, 10**9)
    if least:
        yield lambda found: found.context >= least
    yield from _on_age(query)


def _on_age(query: Query) -> Iterable[Test]:
    now = now_ms()

    def age(found: ModelFacts) -> float:
        return (now - (found.released_at or found.created_at)) / DAY

    if "min_age_days" in query:
        least = number(query, "min_age_days", 0, 10**6)
        yield lambda found: age(found) >= least
    if "max_age_days" in query:
        most = number(query, "max_age_days", 0, 10**6)
        yield lambda found: age(found) <= most


def _on_endpoints(plane: Plane, query: Query) -> Iterable[Test]:
    """All of these must hold of one and the same endpoint."""
    tests: list[Callable[[EndpointFacts], bool]] = []
    wanted = set(_listed(query.get("supported_parameters", "")))
    if wanted:
        tests.append(lambda one: wanted <= one.parameters)
    providers = set(_listed(query.get("providers", "")))
    if providers:
        names = plane.catalog.providers
        tests.append(
            lambda one: (
                not providers.isdisjoint(
                    (one.provider, one.tag, names.get(one.provider, "").casefold())
                )
            )
        )
    if _true(query, "zdr"):
        tests.append(lambda one: one.zdr == "confirmed")
    if query.get("region"):
        tests.append(lambda one: one.region == query["region"])
    if _true(query, "available"):
        tests.append(lambda one: catalog_shapes.reachable(one, plane))
    tests += _on_prices(query)
    if tests:
        yield lambda found: any(all(test(one) for test in tests) for one in found.endpoints)


def _on_prices(query: Query) -> list[Callable[[EndpointFacts], bool]]:
    def bound(name: str, unit: str, *, least: bool) -> Callable[[EndpointFacts], bool]:
        limit = _per_million(query, name)

        def test(one: EndpointFacts) -> bool:
            rate = getattr(one.price, unit)
            return rate is not None and (rate >= limit if least else rate <= limit)

        return test

    bounds = (
        ("min_price", "input", True), ("max_price", "input", False),
        ("min_output_price", "output", True), ("max_output_price", "output", False),
    )  # fmt: skip
    return [bound(name, unit, least=least) for name, unit, least in bounds if query.get(name)]


def _per_million(query: Query, name: str) -> Decimal:
    try:
        dollars = Decimal(query[name])
    except InvalidOperation:
        dollars = Decimal(-1)
    if not dollars.is_finite() or dollars < 0:
        raise Invalid(f"{name} must be a price in USD per million tokens.", param=name)
    return dollars * PICO_PER_USD / MILLION


def _true(query: Query, name: str) -> bool:
    text = query.get(name, "").lower()
    if text not in ("", "true", "false", "1", "0"):
        raise Invalid(f"{name} must be true or false.", param=name)
    return text in ("true", "1")


def _listed(text: str) -> list[str]:
    return [part.strip().casefold() for part in text.split(",") if part.strip()]


def _sorted(plane: Plane, models: list[ModelFacts], sort: str | None) -> list[ModelFacts]:
    def price(found: ModelFacts) -> float:
        best = catalog_shapes.cheapest(found, plane)
        return best.price.blend if best else math.inf

    def speed(found: ModelFacts) -> float:
        return max(
            (plane.network.health.throughput(one) or 0 for one in found.endpoints), default=0
        )

    def wait(found: ModelFacts) -> float:
        return min(
            (plane.network.health.latency(one) or math.inf for one in found.endpoints),
            default=math.inf,
        )

    orders: dict[str | None, Callable[[ModelFacts], Any]] = {
        None: lambda found: 0,
        "newest": lambda found: -(found.released_at or found.created_at),
        "pricing-low-to-high": price,
        "pricing-high-to-low": lambda found: -price(found) if price(found) < math.inf else math.inf,
        "context-high-to-low": lambda found: -found.context,
        "throughput-high-to-low": lambda found: -speed(found),
        "latency-low-to-high": wait,
    }
    if sort not in orders:
        text = f"sort must be one of {', '.join(name for name in orders if name)}."
        raise Invalid(text, param="sort")
    named = sorted(models, key=lambda found: found.slug)
    return sorted(named, key=orders[sort])
