"""The headers that every answer carries: what served it, what it cost, what is left."""

from alltoken_app.api.http import Header
from alltoken_app.clock import iso, now_ms
from alltoken_app.limits.rates import Allowance
from alltoken_app.money import usd
from alltoken_app.services.generations import Run


def of(run: Run, *, finished: bool) -> list[Header]:
    """What every answer says about itself; the cost only once it is known."""
    pairs = [
        ("x-generation-id", run.id),
        ("server-timing", _timing(run.marks)),
        ("x-alltoken-balance", usd(run.available)),
    ]
    if run.endpoint is not None:
        pairs += [
            ("x-alltoken-provider", run.endpoint.provider),
            ("x-alltoken-endpoint", run.endpoint.id),
            ("x-alltoken-model", run.endpoint.model),
            ("x-alltoken-zdr", run.endpoint.zdr),
        ]
    if run.allowance is not None:
        pairs += [
            ("x-ratelimit-limit-requests", str(run.allowance.limit)),
            ("x-ratelimit-remaining-requests", str(run.allowance.remaining)),
            ("x-ratelimit-reset-requests", f"{run.allowance.reset_seconds:.3f}s"),
        ]
        if run.error_dialect == "anthropic":
            pairs += _anthropic(run.allowance)
    if run.placed is not None and run.placed.budget_remaining is not None:
        left = run.placed.budget_remaining + run.placed.granted - run.cost
        pairs.append(("x-alltoken-key-remaining", usd(left)))
    if run.warnings:
        pairs.append(
            ("x-alltoken-warnings", ", ".join(run.warnings).encode("ascii", "replace").decode())
        )
    if finished:
        pairs.append(("x-alltoken-cost", usd(run.cost)))
    return [(name.encode(), value.encode("latin-1", "replace")) for name, value in pairs]


def _anthropic(allowance: Allowance) -> list[tuple[str, str]]:
    """What is left in Anthropic's words, which their clients wait by."""
    reset = iso(now_ms() + round(allowance.reset_seconds * 1000))
    return [
        ("anthropic-ratelimit-requests-limit", str(allowance.limit)),
        ("anthropic-ratelimit-requests-remaining", str(allowance.remaining)),
        ("anthropic-ratelimit-requests-reset", reset),
    ]


def _timing(marks: dict[str, float]) -> str:
    return ", ".join(f"{phase};dur={seconds * 1000:.2f}" for phase, seconds in marks.items())
