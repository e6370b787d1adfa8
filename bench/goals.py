"""What AllToken must reach: ratios within one run, and a few seconds and bytes."""

from collections.abc import Callable

from bench import figures
from bench.figures import Figure
from bench.session import DIRECT, Run

OURS = "alltoken"


def _cost(run: Run, load: str, name: str, read: Callable) -> Figure | None:
    taken = run.samples.get(load, {}).get(name)
    return figures.figure(taken, read) if taken else None


def _ratio(run: Run, load: str, over: str, under: str, read: Callable) -> float | None:
    one, other = _cost(run, load, over, read), _cost(run, load, under, read)
    return figures.times(one, other) if one and other and other.value else None


def _added(run: Run) -> float | None:
    taken = run.samples.get("latency", {})
    if not all(taken.get(name) for name in (OURS, "nginx", DIRECT)):
        return None
    ours, nginx = (
        figures.added(taken[name], taken[DIRECT], figures.p50_ms) for name in (OURS, "nginx")
    )
    return figures.times(ours, nginx) or None


def _open_stream_kb(run: Run) -> float | None:
    taken = run.samples.get("open", {}).get(OURS)
    if not taken:
        return None
    more = taken[-1].peak_bytes - taken[-1].bytes_before
    return max(0.0, more / 1e3 / taken[-1].seen.good)


def _row(name: str, least: bool, wanted: float, unit: str, reached: float | None) -> list[str]:
    sign = "≥" if least else "≤"
    if reached is None:
        return [name, f"{sign} {wanted:g}{unit}", "not measured", ""]
    good = reached >= wanted if least else reached <= wanted
    return [name, f"{sign} {wanted:g}{unit}", f"{reached:,.3g}{unit}", "yes" if good else "NO"]


def rows(run: Run) -> list[list[str]]:
    """Goal, wanted, reached, whether; empty when AllToken was not in the run."""
    running = run.running.get(OURS)
    if running is None:
        return []
    cpu, chunk = figures.cpu_us, figures.cpu_us_chunk
    found = []
    for peer, title, wanted in (
        ("litellm", "LiteLLM", 60),
        ("portkey", "Portkey", 12),
        ("tensorzero", "TensorZero", 1.2),
    ):
        reached = _ratio(run, "answers", peer, OURS, cpu)
        found.append(_row(f"less CPU per request than {title}", True, wanted, "×", reached))
    reached = _ratio(run, "answers", OURS, "nginx", cpu)
    found.append(_row("CPU per request of nginx's", False, 8, "×", reached))
    reached = _ratio(run, "streams", OURS, "nginx", chunk)
    found.append(_row("CPU per chunk of nginx's, same dialect", False, 3, "×", reached))
    found.append(_row("added p50 at one connection of nginx's", False, 3, "×", _added(run)))
    found.append(_row("memory per open stream", False, 25, " KB", _open_stream_kb(run)))
    found.append(_row("memory at rest", False, 100, " MB", running.idle_bytes / 1e6))
    found.append(_row("start to first good reply", False, 2, " s", running.start_seconds))
    return found


def headline(run: Run) -> list[str]:
    """The ratios to nginx and to LiteLLM, one line for answers and one for streams."""
    lines = []
    for load, unit, read in (
        ("answers", "request", figures.cpu_us),
        ("streams", "streamed chunk", figures.cpu_us_chunk),
    ):
        cost = _cost(run, load, OURS, read)
        if cost is None:
            continue
        line = f"AllToken: {cost.text(1)} µs of CPU per {unit}"
        nginx = _ratio(run, load, OURS, "nginx", read)
        litellm = _ratio(run, load, "litellm", OURS, read)
        line += f", {nginx:.1f}× nginx's" if nginx else ""
        line += f"; LiteLLM's is {litellm:,.0f}× AllToken's" if litellm else ""
        lines.append(line + ".")
    return lines
