"""What a caller may ask of routing in one request: the `provider` object."""

from decimal import Decimal
from functools import cached_property
from typing import Annotated, Literal

import msgspec

from alltoken_app.money import PICO_PER_USD, Pico
from alltoken_app.privacy.policy import Policy

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
Names = Annotated[tuple[Name, ...], msgspec.Meta(max_length=64)]
Measure = Annotated[float, msgspec.Meta(gt=0)]
By = Literal["price", "throughput", "latency"]
TOKENS = 1_000_000
MOST = Decimal(10**9)


class Percentiles(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One threshold or several: p50 is the median."""

    p50: Measure | None = None
    p75: Measure | None = None
    p90: Measure | None = None
    p99: Measure | None = None

    def items(self) -> list[tuple[int, float]]:
        """The thresholds that are set, by percentile."""
        found = ((50, self.p50), (75, self.p75), (90, self.p90), (99, self.p99))
        return [(percentile, value) for percentile, value in found if value is not None]


class Sort(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An exact order; across all models with `partition: "none"`, else model by model."""

    by: By | None = None
    partition: Literal["model", "none"] | None = None


class MaxPrice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The dearest unit prices wanted: USD per million tokens, per request, per image.

    Numbers and strings are both read exactly.
    """

    prompt: Decimal | None = None
    completion: Decimal | None = None
    request: Decimal | None = None
    image: Decimal | None = None
    audio: Decimal | None = None

    def __post_init__(self) -> None:
        for amount in msgspec.structs.astuple(self):
            if amount is not None and not (amount.is_finite() and 0 <= amount <= MOST):
                raise ValueError("a price is a number of US dollars, 0 or more")

    @property
    def most(self) -> tuple[tuple[str, Pico], ...]:
        """Pico-USD per unit, rounded down, by what is paid for; only what is set."""
        per_token = (("input", self.prompt), ("output", self.completion), ("audio", self.audio))
        each = (("request", self.request), ("image", self.image))
        found = [(name, _pico(value, TOKENS)) for name, value in per_token if value is not None]
        return (*found, *((name, _pico(value, 1)) for name, value in each if value is not None))


def _pico(dollars: Decimal, units: int) -> Pico:
    return int(dollars * PICO_PER_USD / units)


class Preferences(msgspec.Struct, frozen=True, forbid_unknown_fields=True, dict=True):
    """Which providers, in which order. Unknown wishes are refused, never ignored.

    Attributes:
        order: Providers to try first, in this order.
        only, ignore: Providers allowed, or left out.
        allow_fallbacks: Whether another endpoint may serve when the first fails.
        require_parameters: Only endpoints that honour every parameter of the request.
        data_collection: "deny" keeps out endpoints that may train on data.
        zdr: Only endpoints with confirmed zero data retention.
        quantizations: Only endpoints that run one of these ("fp8"; "unknown" is one, too).
        sort: An exact order instead of the weighted draw.
        max_price: Only endpoints whose unit prices are not above these.
        preferred_min_throughput: Tokens per second; slower endpoints come later.
        preferred_max_latency: Seconds to the first token; slower endpoints come later.
    """

    order: Names | None = None
    only: Names | None = None
    ignore: Names | None = None
    allow_fallbacks: bool | None = None
    require_parameters: bool | None = None
    data_collection: Literal["allow", "deny"] | None = None
    zdr: bool | None = None
    quantizations: Names | None = None
    sort: By | Sort | None = None
    max_price: MaxPrice | None = None
    preferred_min_throughput: Measure | Percentiles | None = None
    preferred_max_latency: Measure | Percentiles | None = None

    @property
    def policy(self) -> Policy:
        """The privacy part."""
        return Policy(zdr=bool(self.zdr), no_training=self.data_collection == "deny")

    @property
    def sort_by(self) -> By | None:
        """What the exact order goes by."""
        return self.sort.by if isinstance(self.sort, Sort) else self.sort

    @property
    def across_models(self) -> bool:
        """Whether the order goes across all models rather than model by model."""
        return isinstance(self.sort, Sort) and self.sort.partition == "none"

    @cached_property
    def most(self) -> tuple[tuple[str, Pico], ...]:
        """`MaxPrice.most`; empty without a bound."""
        return self.max_price.most if self.max_price else ()


def thresholds(wish: float | Percentiles | None) -> list[tuple[int, float]]:
    """A wish as (percentile, value); a bare number means the median."""
    if wish is None:
        return []
    return wish.items() if isinstance(wish, Percentiles) else [(50, wish)]
