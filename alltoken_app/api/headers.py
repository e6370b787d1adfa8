"""The headers that every answer carries: what served it, what it cost, what is left."""

from functools import lru_cache

from alltoken_app.api.http import Header
from alltoken_app.clock import iso, now_ms
from alltoken_app.errors import AllTokenError
from alltoken_app.ledger.periods import resets_at
from alltoken_app.limits.rates import Allowance, Left, TooMany
from alltoken_app.money import usd
from alltoken_app.services.generations import Run

Pair = tuple[str, str]

# What a refusal for lack of money says there is.
HAVE = {
    "insufficient_credits": "x-alltoken-balance",
    "key_limit_exceeded": "x-alltoken-key-remaining",
}


def of(run: Run, *, finished: bool) -> list[Header]:
    """What every answer says about itself; the cost only once it is known."""
    pairs = [
        ("x-generation-id", run.id),
        ("server-timing", _timing(run.marks)),
        *_money(run),
    ]
    if run.endpoint is not None:
        pairs += [
            ("x-alltoken-provider", run.endpoint.provider),
            ("x-alltoken-endpoint", run.endpoint.id),
            ("x-alltoken-model", run.endpoint.model),
            ("x-alltoken-zdr", run.endpoint.zdr),
        ]
    if run.entry is not None:
        pairs += _limits(run.entry.allowance, run.error_dialect)
    if run.warnings:
        pairs.append(
            ("x-alltoken-warnings", ", ".join(run.warnings).encode("ascii", "replace").decode())
        )
    if finished:
        pairs.append(("x-alltoken-cost", usd(run.cost)))
    return _encoded(pairs)


def of_refusal(run: Run, error: AllTokenError) -> list[Header]:
    """What an error says of the limits and the money, as far as it got to know them."""
    pairs: list[Pair] = [("x-generation-id", run.id)] if run.placed is not None else []
    if isinstance(error, TooMany) and error.allowance is not None:
        pairs += _limits(error.allowance, run.error_dialect)
    elif run.entry is not None:
        pairs += _limits(run.entry.allowance, run.error_dialect)
    if error.code in HAVE and "have" in error.details:
        pairs.append((HAVE[error.code], str(error.details["have"])))
    return _encoded(pairs + _money(run))


def _encoded(pairs: list[Pair]) -> list[Header]:
    return [(_name(name), value.encode("latin-1", "replace")) for name, value in pairs]


_name = lru_cache(maxsize=64)(str.encode)


def _money(run: Run) -> list[Pair]:
    """What the wallet and the key have left once this is settled; known since the hold."""
    if run.placed is None:
        return []
    pairs = [("x-alltoken-balance", usd(run.available))]
    if run.placed.budget_remaining is not None:
        left = run.placed.budget_remaining + run.placed.granted - run.cost
        pairs.append(("x-alltoken-key-remaining", usd(left)))
        period = run.caller.budget_period
        resets = resets_at(period, now_ms()) if period else None
        if resets is not None:
            pairs.append(("x-alltoken-resets", iso(resets)))
    return pairs


def _limits(allowance: Allowance, dialect: str) -> list[Pair]:
    pairs: list[Pair] = []
    for kind, left in (("requests", allowance.requests), ("tokens", allowance.tokens)):
        if left is None:
            continue
        pairs += [
            (f"x-ratelimit-limit-{kind}", str(left.limit)),
            (f"x-ratelimit-remaining-{kind}", str(left.remaining)),
            (f"x-ratelimit-reset-{kind}", f"{left.reset_seconds:.3f}s"),
        ]
        if dialect == "anthropic":
            pairs += _anthropic(kind, left)
    if allowance.at_once is not None:
        pairs += [
            ("x-ratelimit-limit-concurrent", str(allowance.at_once.limit)),
            ("x-ratelimit-remaining-concurrent", str(allowance.at_once.remaining)),
        ]
    return pairs


def _anthropic(kind: str, left: Left) -> list[Pair]:
    """What is left in Anthropic's words, which their clients wait by."""
    return [
        (f"anthropic-ratelimit-{kind}-limit", str(left.limit)),
        (f"anthropic-ratelimit-{kind}-remaining", str(left.remaining)),
        (f"anthropic-ratelimit-{kind}-reset", iso(now_ms() + round(left.reset_seconds * 1000))),
    ]


def _timing(marks: dict[str, float]) -> str:
    return ", ".join(["%s;dur=%.2f" % (phase, s * 1000) for phase, s in marks.items()])  # noqa: UP031
