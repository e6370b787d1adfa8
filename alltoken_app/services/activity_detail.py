"""One request whole: its route, its cost line by line, its clock. Content was never kept."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlmodel import Session

from alltoken_app.money import PICO_PER_NANO, usd_of_pico
from alltoken_app.services import activity
from alltoken_app.services.activity import STATUS, ActivityFilter, Names, exact_usd, seconds
from alltoken_app.services.actors import Actor
from alltoken_app.tables.generation import Generation

METERS = {
    "input": ("Input", "tokens"),
    "cached_input": ("Cached input", "tokens"),
    "cache_write_5m": ("Cache write, 5 min", "tokens"),
    "cache_write_1h": ("Cache write, 1 hour", "tokens"),
    "audio_input": ("Sound input", "tokens"),
    "audio_cached": ("Cached sound", "tokens"),
    "image_input": ("Image input", "tokens"),
    "image_cached": ("Cached image", "tokens"),
    "output": ("Output", "tokens"),
    "audio_output": ("Sound output", "tokens"),
    "image_output": ("Image output", "tokens"),
    "request": ("Request", "requests"),
    "search": ("Web search", "searches"),
    "character": ("Text to speak", "characters"),
    "millisecond": ("Sound, milliseconds", "milliseconds"),
    "unit": ("Search", "units"),
}
MILLION = 1_000_000


@dataclass(frozen=True)
class AttemptView:
    """One try. `start`, `wait` and `end` place its bar, as CSS percentages of the whole time."""

    number: int
    provider: str
    endpoint: str
    result: str
    tone: str
    note: str
    start: str
    wait: str
    end: str


@dataclass(frozen=True)
class LineView:
    """`label` is quantity × rate, `amount` their exact product."""

    label: str
    amount: str


@dataclass(frozen=True)
class FactView:
    """A name and its value; `mono` for what is copied into code."""

    name: str
    value: str
    mono: bool = False


@dataclass(frozen=True)
class GenerationView:
    """Everything known about one request."""

    id: str = ""
    when: str = ""
    status: str = ""
    tone: str = ""
    cost: str = ""
    took: str = ""
    tokens: str = ""
    finish: str = ""
    model: str = ""
    attempts: list[AttemptView] = field(default_factory=list)
    scale: list[str] = field(default_factory=list)
    lines: list[LineView] = field(default_factory=list)
    cost_note: str = ""
    facts: list[FactView] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    newer: str = ""
    older: str = ""


def detail(
    session: Session, actor: Actor, generation_id: str, among: ActivityFilter | None = None
) -> GenerationView:
    """The whole of one request, and its neighbours within the filter `among`.

    Raises:
        NotFound: There is none, or it is another organisation's.
    """
    wanted = among or ActivityFilter()
    found = activity.find(session, actor, generation_id)
    names = activity.find_names(session, actor)
    newer, older = activity.neighbours(session, actor, wanted, generation_id)
    word, tone = STATUS.get(found.status, (found.status, ""))
    tokens = found.input_tokens + found.output_tokens
    return GenerationView(
        id=found.id,
        when=activity.clock_of(found.created_at, wanted.zone),
        status=f"{word}: {found.error_code}" if found.error_code else word,
        tone=tone,
        cost=exact_usd(found.cost),
        took=seconds(found.duration_ms),
        tokens=f"{tokens:,} tokens" + (", counted by us" if found.estimated else ""),
        finish=_finish(found),
        model=found.model,
        attempts=_attempts(found, names),
        scale=[seconds(found.duration_ms * part // 4) for part in range(5)],
        lines=_lines(found),
        cost_note=_cost_note(found),
        facts=_facts(found, names),
        warnings=[_warning(one) for one in found.warnings],
        newer=newer,
        older=older,
    )


def _finish(found: Generation) -> str:
    native = found.native_finish_reason
    same = native in (None, "", found.finish_reason)
    return (found.finish_reason or "") if same else f"{found.finish_reason} ({native})"


def _attempts(found: Generation, names: Names) -> list[AttemptView]:
    """The tries one after another; the last one lasts until the end of the request."""
    whole = max(found.duration_ms, sum(int(one.get("ms") or 0) for one in found.attempts), 1)
    views, at = [], 0
    for number, one in enumerate(found.attempts, 1):
        last = number == len(found.attempts)
        took = int(one.get("ms") or 0)
        end = whole if last else at + took
        first = found.first_token_ms if last and found.first_token_ms is not None else end
        good = _good(one)
        views.append(
            AttemptView(
                number=number,
                provider=names.provider(str(one.get("provider") or "")),
                endpoint=str(one.get("endpoint") or ""),
                result=_result(one, took),
                tone="is-success" if good else "is-danger",
                note="" if good else "Not charged for this try.",
                start=_percent(at, whole),
                wait=_percent(min(max(first, at), end) if good else end, whole),
                end=_percent(end, whole),
            )
        )
        at = end
    return views


def _good(attempt: Mapping[str, Any]) -> bool:
    return str(attempt.get("status")) in ("200", "ok")


def _result(attempt: Mapping[str, Any], took: int) -> str:
    said = " ".join(str(attempt[part]) for part in ("status", "code") if attempt.get(part))
    return said if _good(attempt) else f"{said or 'no answer'} after {seconds(took)}"


def _percent(ms: int, whole: int) -> str:
    return f"{ms * 100 / whole:.1f}%"


def _lines(found: Generation) -> list[LineView]:
    """Quantity × rate = product for every meter, then what made the sum differ from the charge."""
    lines = [
        LineView(_times(meter, int(quantity), int(rate)), f"${usd_of_pico(int(product))}")
        for meter, quantity, rate, product in found.lines
    ]
    summed = sum(int(product) for *_, product in found.lines)
    difference = found.cost * PICO_PER_NANO - summed
    if abs(difference) >= PICO_PER_NANO:
        word = "Above the hold, not charged" if difference < 0 else "Adjustment"
        sign = "−" if difference < 0 else ""
        lines.append(LineView(word, f"{sign}${usd_of_pico(abs(difference))}"))
    elif difference:
        lines.append(LineView("Rounded to the nearest nano-dollar", ""))
    return lines


def _times(meter: str, quantity: int, rate: int) -> str:
    name, unit = METERS.get(meter, (meter.replace("_", " ").capitalize(), "units"))
    if unit == "tokens":
        return f"{name}, {quantity:,} tokens × ${usd_of_pico(rate * MILLION)} per million"
    return f"{name}, {quantity:,} × ${usd_of_pico(rate)}"


def _cost_note(found: Generation) -> str:
    counted = " The provider reported no usage: we counted what was delivered."
    return (
        f"Price list {found.price_version}. "
        f"{exact_usd(found.held)} was held, {exact_usd(found.held - found.cost)} of it released."
        + (counted if found.estimated else "")
    )


def _facts(found: Generation, names: Names) -> list[FactView]:
    same = found.model_requested == found.model
    facts = [
        FactView("Key", names.key(found.key_id)),
        FactView("Operation", found.operation + (", streamed" if found.streamed else "")),
        FactView("Model", found.model, mono=True),
        FactView("Asked for", "" if same else found.model_requested, mono=True),
        FactView("Endpoint", found.endpoint_id, mono=True),
        FactView("Request id", found.request_id, mono=True),
        FactView("Upstream id", found.upstream_id or "", mono=True),
        FactView("First token", seconds(found.first_token_ms)),
        FactView("Time in AllToken", _milliseconds(found.gateway_us)),
        FactView("Tokens", _tokens(found)),
        FactView("Request size", f"up to {found.size_bucket:,} bytes" if found.size_bucket else ""),
        FactView("Ledger entry", found.journal_tx or "", mono=True),
        FactView("Content", "Not stored"),
    ]
    return [fact for fact in facts if fact.value]


def _milliseconds(us: int) -> str:
    return f"{us / 1000:.2f} ms" if us else ""


def _tokens(found: Generation) -> str:
    parts = [f"{found.input_tokens:,} in", f"{found.output_tokens:,} out"]
    parts += [f"{found.cached_tokens:,} cached"] if found.cached_tokens else []
    parts += [f"{found.reasoning_tokens:,} reasoning"] if found.reasoning_tokens else []
    return " · ".join(parts)


def _warning(one: object) -> str:
    return str(one.get("message") or one.get("code") or one) if isinstance(one, dict) else str(one)
