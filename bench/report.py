"""What a run prints: markdown for people, JSON for programs."""

import datetime
import json
from collections.abc import Sequence
from dataclasses import asdict
from statistics import median

from bench import figures, goals, machine
from bench.figures import Figure
from bench.measure import Load, Sample
from bench.paths import ROOT
from bench.session import DIRECT, OPEN, Run
from bench.target import Target

Row = Sequence[str]


def table(head: Row, rows: Sequence[Row]) -> str:
    """A markdown table whose columns line up in a terminal too."""
    widths = [max(len(row[i]) for row in (head, *rows)) for i in range(len(head))]
    sides = [str.ljust if i == 0 else str.rjust for i in range(len(head))]

    def line(row: Row) -> str:
        cells = (side(cell, width) for side, cell, width in zip(sides, row, widths, strict=True))
        return f"| {' | '.join(cells)} |"

    rule = [("-" * width if i == 0 else "-" * (width - 1) + ":") for i, width in enumerate(widths)]
    return "\n".join([line(head), line(rule), *map(line, rows)])


def _ratio(one: Figure, samples: dict[str, list[Sample]], name: str, read, inverse: bool) -> str:
    if not samples.get(name):
        return "–"
    other = figures.figure(samples[name], read)
    value = figures.times(other, one) if inverse else figures.times(one, other)
    return f"{value:,.2f}×" if value < 10 else f"{value:,.0f}×"


def _titles(targets: Sequence[Target]) -> dict[str, str]:
    return {DIRECT: "(no gateway)", **{target.name: target.title for target in targets}}


def _cost_table(run: Run, what: Load, targets: Sequence[Target]) -> str:
    samples, titles = run.samples[what.name], _titles(targets)
    read = figures.cpu_us_chunk if what.script.chunks else figures.cpu_us
    unit = "chunk" if what.script.chunks else "request"
    head = ["gateway", f"CPU µs per {unit}", "÷ nginx's", "LiteLLM's ÷ it"]
    head += ["streams/s per core" if what.script.chunks else "requests/s per core"]
    head += ["served per s", "p50 ms", "p99 ms"]
    if what.script.chunks:
        head[-2:] = ["first text p50 ms", "first text p99 ms"]
    fast = figures.first_p50_ms if what.script.chunks else figures.p50_ms
    slow = figures.first_p99_ms if what.script.chunks else figures.p99_ms
    rows = []
    for name, taken in samples.items():
        if not taken or name == DIRECT:
            continue
        cost = figures.figure(taken, read)
        rows.append(
            [
                titles[name],
                cost.text(1 if cost.value < 100 else 0),
                _ratio(cost, samples, "nginx", read, inverse=False),
                _ratio(cost, samples, "litellm", read, inverse=True),
                figures.figure(taken, figures.per_core).text(),
                figures.figure(taken, figures.per_second).text(),
                figures.figure(taken, fast).text(2),
                figures.figure(taken, slow).text(2),
            ]
        )
    rows.sort(key=lambda row: float(row[1].split()[0].replace(",", "")))
    return table(head, rows)


def _latency_table(run: Run, what: Load, targets: Sequence[Target]) -> str:
    samples, titles = run.samples[what.name], _titles(targets)
    direct = samples.get(DIRECT, [])
    head = ["gateway", "p50 ms", "p99 ms", "added p50 ms", "added p99 ms", "÷ nginx's"]
    rows, base = [], None
    if direct and samples.get("nginx"):
        base = figures.added(samples["nginx"], direct, figures.p50_ms)
    for name, taken in sorted(
        samples.items(), key=lambda item: median([s.seen.p50_us for s in item[1]] or [0])
    ):
        if not taken:
            continue
        row = [titles[name]]
        row += [figures.figure(taken, read).text(2) for read in (figures.p50_ms, figures.p99_ms)]
        if name == DIRECT or not direct:
            rows.append([*row, "–", "–", "–"])
            continue
        more = figures.added(taken, direct, figures.p50_ms)
        worst = figures.added(taken, direct, figures.p99_ms)
        ratio = f"{figures.times(more, base):,.1f}×" if base and base.value > 0 else "–"
        rows.append([*row, more.text(2), worst.text(2), ratio])
    return table(head, rows)


def _open_table(run: Run, what: Load, targets: Sequence[Target]) -> str:
    titles = _titles(targets)
    head = ["gateway", "complete", "first text p50 ms", "first text p99 ms", "all done s"]
    head += ["CPU µs per chunk", "peak MB", "KB per open stream"]
    rows = []
    for name, taken in run.samples[what.name].items():
        if not taken or name == DIRECT:
            continue
        sample = taken[-1]
        more = max(0, sample.peak_bytes - sample.bytes_before)
        rows.append(
            [
                titles[name],
                f"{sample.seen.good} of {what.requests}",
                f"{figures.first_p50_ms(sample):,.1f}",
                f"{figures.first_p99_ms(sample):,.1f}",
                f"{sample.seen.seconds:.2f}",
                f"{sample.cpu_us_chunk:,.1f}",
                f"{sample.peak_bytes / 1e6:,.0f}",
                f"{more / 1e3 / what.connections:,.1f}",
            ]
        )
    rows.sort(key=lambda row: float(row[5].replace(",", "")))
    return table(head, rows)


def _footprint(run: Run, targets: Sequence[Target]) -> str:
    head = ["gateway", "version", "first good reply after", "at rest", "after load"]
    head += ["CPU at rest", "does"]
    rows = []
    for target in targets:
        running = run.running.get(target.name)
        if running:
            seconds = f"{running.start_seconds:.2f} s"
            memory = [f"{x / 1e6:,.0f} MB" for x in (running.idle_bytes, running.warm_bytes)]
            version = run.versions[target.name]
            idle = f"{running.idle_share:.1%}"
            rows.append([target.title, version, seconds, *memory, idle, target.what_it_does])
    return table(head, rows)


def _describe(what: Load) -> str:
    amount = f"{what.rounds} rounds of {what.seconds:g} s" if what.seconds else "one round"
    shape = f"{what.connections} connections at once, {amount}"
    if what.script.chunks:
        gap = f"{what.script.gap_us / 1000:g} ms apart" if what.script.gap_us else "back to back"
        shape += f"; {what.script.chunks} chunks, {gap}"
    return shape


TITLES = {
    "answers": "Answers in one piece (1 KB)",
    "latency": "Latency added, one request at a time",
    "streams": "Streams",
    "flood": "Streams without pauses",
    "open": "Many streams open at once",
}


def _loads(run: Run, plan: Sequence[Load], targets: Sequence[Target]) -> list[str]:
    lines = []
    for what in plan:
        if not any(run.samples.get(what.name, {}).values()):
            continue
        make = {"latency": _latency_table, OPEN: _open_table}.get(what.name, _cost_table)
        title = TITLES[what.name]
        lines += [f"## {title}", "", f"{_describe(what)}.", "", make(run, what, targets), ""]
    return lines


def _noise(run: Run) -> str:
    shares = [s.others_share for by in run.samples.values() for each in by.values() for s in each]
    loads = " → ".join(f"{load[0]:.2f}" for load in run.loads)
    if not shares:
        return f"load average {loads}"
    return (
        f"load average {loads}; other processes took {median(shares):.0%} of the cores' time "
        f"in the median round and {max(shares):.0%} in the worst"
    )


def _replies(run: Run) -> str:
    good = sum(count for sent in run.sent.values() for count in sent.values())
    return f"{good:,} replies, each checked to its last byte (status, text, usage, end)"


def _brief(failure: str) -> str:
    lines = failure.strip().splitlines() or [""]
    return lines[-1] if lines[0].startswith("Traceback") else lines[0]


def markdown(run: Run, plan: Sequence[Load], targets: Sequence[Target]) -> str:
    """The whole report."""
    when = datetime.datetime.fromtimestamp(run.started, datetime.UTC).strftime("%Y-%m-%d %H:%M UTC")
    lines = ["# Gateways compared", "", f"{when}. {machine.describe()}; {run.cores}.", ""]
    lines += [f"{_replies(run)}. While it ran: {_noise(run)}.", ""]
    lines += [f"**{line}**  " for line in goals.headline(run)] + [""]
    lines += _loads(run, plan, targets)
    lines += ["## Footprint", "", _footprint(run, targets), ""]
    rows = goals.rows(run)
    if rows:
        head = ["goal for AllToken", "must reach", "reached", ""]
        lines += ["## Goals", "", table(head, rows), ""]
    lines += ["## Books", "", *[f"- {note}" for note in run.notes], ""] if run.notes else []
    failures = [f"- {name}: {_brief(text)}" for name, text in run.failures.items()]
    lines += ["## Not measured", "", *failures, ""] if failures else []
    lines += [
        "Values are medians of rounds that alternate between the gateways, with (least–most)."
    ]
    lines += ["How to read this, and what is not equal: bench/README.md.", ""]
    return "\n".join(lines)


def as_json(run: Run, plan: Sequence[Load]) -> str:
    """Every sample, for programs."""
    facts = {
        "started": run.started,
        "machine": machine.describe(),
        "cores": str(run.cores),
        "load_averages": run.loads,
        "versions": run.versions,
        "failures": {name: text.replace(str(ROOT), ".") for name, text in run.failures.items()},
        "notes": run.notes,
        "loads": [asdict(what) for what in plan],
        "footprint": {
            name: {
                "start_seconds": running.start_seconds,
                "idle_bytes": running.idle_bytes,
                "idle_share": running.idle_share,
                "warm_bytes": running.warm_bytes,
            }
            for name, running in run.running.items()
        },
        "samples": {
            load: {name: [asdict(sample) for sample in taken] for name, taken in by.items()}
            for load, by in run.samples.items()
        },
    }
    return json.dumps(facts, indent=1, ensure_ascii=False) + "\n"
