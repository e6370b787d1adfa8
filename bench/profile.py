"""`python -m bench.profile`: where AllToken's CPU goes under load, by thread, package and function.

Samples the product with py-spy (installed into bench/.peers); `--perf` adds the kernel's view when
`perf` is there.
"""

import argparse
import contextlib
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bench import load, machine, peers, plan, session
from bench.machine import TICKS
from bench.paths import BUILD
from bench.processes import Process
from bench.session import Run
from bench.target import Running
from bench.targets import alltoken

PY_SPY = "0.4.3"
RATE = 200  # samples a second
STARTING = ("granian/", "click/", "multiprocessing/", "threading", "<frozen", "concurrent/")
LOADS = {
    "answers": (plan.ANSWER, 16),
    "streams": (plan.STREAM, 8),
    "flood": (plan.FLOOD, 8),
}


@dataclass(frozen=True)
class Stack:
    """One distinct stack of the samples: frames from the outside in, and how often."""

    thread: str
    frames: tuple[str, ...]
    count: int


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.profile", description=__doc__)
    parser.add_argument("--load", choices=LOADS, default="answers")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--top", type=int, default=25)
    parser.add_argument("--native", action="store_true", help="frames of C extensions too")
    parser.add_argument("--perf", action="store_true", help="kernel and C symbols, by perf")
    parser.add_argument("--out", type=Path, help="keep the raw stacks (for a flame graph)")
    return parser.parse_args()


def _threads(process: Process) -> Iterator[tuple[str, float]]:
    for pid in process.tree():
        with contextlib.suppress(OSError):
            for task in Path(f"/proc/{pid}/task").iterdir():
                name = (task / "comm").read_text().strip()
                stat = (task / "stat").read_text().rpartition(")")[2].split()
                yield f"{pid}/{task.name} {name}", (int(stat[11]) + int(stat[12])) / TICKS


def _busiest(process: Process) -> int:
    """The pid that serves: the one of the tree that has spent the most CPU."""
    spent: Counter[int] = Counter()
    for name, seconds in _threads(process):
        spent[int(name.partition("/")[0])] += seconds
    return spent.most_common(1)[0][0]


def _read(raw: str) -> list[Stack]:
    stacks = []
    for line in raw.splitlines():
        path, _, count = line.rpartition(" ")
        frames = [frame for frame in path.split(";") if frame]
        threads = [frame for frame in frames if frame.startswith("thread (")]
        inner = tuple(frame for frame in frames if not frame.startswith(("thread (", "process ")))
        stacks.append(Stack(threads[-1] if threads else "?", inner, int(count)))
    return stacks


def _short(frame: str) -> str:
    """`send (alltoken_app/providers/upstream.py)`: without line numbers and site-packages."""
    name, _, place = frame.partition(" (")
    place = place.rstrip(")").rpartition("site-packages/")[2] if place else ""
    return f"{name} ({place.rpartition(':')[0] or place})" if place else name


def _package(frame: str) -> str:
    place = _short(frame).partition(" (")[2].rstrip(")")
    if place.startswith("alltoken_app/"):
        return "/".join(place.split("/")[:2])
    head = place.partition("/")[0] or "native"
    return head if "/" in place else f"python: {place}"


def _print(title: str, counts: Counter[str], total: int, top: int) -> None:
    print(f"\n{title}")
    for name, count in counts.most_common(top):
        print(f"  {count / total:6.1%}  {name}")


def _show(stacks: Iterable[Stack], top: int) -> None:
    threads: Counter[str] = Counter()
    alone: Counter[str] = Counter()
    within: Counter[str] = Counter()
    packages: Counter[str] = Counter()
    for stack in stacks:
        threads[stack.thread] += stack.count
        if not stack.frames:
            continue
        alone[_short(stack.frames[-1])] += stack.count
        packages[_package(stack.frames[-1])] += stack.count
        for frame in {_short(frame) for frame in stack.frames}:
            within[frame] += 0 if frame.partition(" (")[2].startswith(STARTING) else stack.count
    total = max(1, threads.total())
    print("\nPython, while it holds the interpreter's lock:")
    _print("By thread", threads, total, 8)
    _print("By package, own time", packages, total, top)
    _print("By function, own time", alone, total, top)
    _print("By function, with all it calls", within, total, top * 2)


def _py_spy(pid: int, seconds: float, native: bool, out: Path) -> list[Stack]:
    binary = peers.venv(f"py-spy-{PY_SPY}", [f"py-spy=={PY_SPY}"]) / "py-spy"
    command = [
        binary,
        "record",
        "--pid",
        str(pid),
        "--duration",
        str(int(seconds)),
        "--threads",
        "--gil",
    ]
    command += ["--rate", str(RATE), "--format", "raw", "--nonblocking", "--output", out]
    peers.run([*command, "--native"] if native else command)
    return _read(out.read_text())


def _perf(pid: int, seconds: float, top: int) -> None:
    if not shutil.which("perf"):
        print("\nperf is not installed; left out.")
        return
    data = BUILD / "perf.data"
    record = ["perf", "record", "-q", "-e", "cpu-clock", "-F", "999", "-p", str(pid)]
    words = [*record, "-o", str(data), "--", "sleep", str(seconds)]
    done = subprocess.run(words, capture_output=True, text=True)
    if done.returncode:
        print(f"\nperf refused: {done.stderr.strip()[:300]}")
        return
    for title, sort in (
        ("by thread", "comm,tid"),
        ("by library", "dso"),
        ("by symbol", "dso,symbol"),
    ):
        report = ["perf", "report", "-i", str(data), "--stdio", "--no-children"]
        words = [*report, "--sort", sort, "--percent-limit", "0.5"]
        text = subprocess.run(words, capture_output=True, text=True).stdout
        lines = [line for line in text.splitlines() if line.strip() and line[0] != "#"]
        print(f"\nperf, {title}", *lines[:top], sep="\n")
    data.unlink(missing_ok=True)


def _profile(run: Run, running: Running, asked: argparse.Namespace, folder: Path) -> None:
    script, connections = LOADS[asked.load]
    endpoint = running.endpoint
    how = {"connections": connections}
    warm = load.run(endpoint, script, cores=run.cores.load, seconds=2, **how)
    session.count(run, alltoken.TARGET.name, script, warm.good)
    before, spent = dict(_threads(running.process)), running.process.cpu_seconds()
    seen = load.run(endpoint, script, cores=run.cores.load, seconds=5, **how)
    session.count(run, alltoken.TARGET.name, script, seen.good)
    spent = running.process.cpu_seconds() - spent
    print(f"{seen.good} good, {seen.bad} bad {seen.first_error}; {seen.per_second:.0f} a second")
    print(f"{spent * 1e6 / max(1, seen.good):.1f} µs of CPU for each, unprofiled; by thread:")
    for name, seconds in sorted(_threads(running.process), key=lambda item: -item[1]):
        used = (seconds - before.get(name, 0.0)) * 1e6 / max(1, seen.good)
        if used >= 1:
            print(f"  {used:8.1f} µs  {name}")
    words = load.pinned(
        load.command(endpoint, script, seconds=asked.seconds + 4, **how), run.cores.load
    )
    pid = _busiest(running.process)
    if asked.perf:
        with subprocess.Popen(words, stdout=subprocess.DEVNULL):
            _perf(pid, asked.seconds, asked.top)
    with subprocess.Popen(words, stdout=subprocess.DEVNULL):
        stacks = _py_spy(pid, asked.seconds, asked.native, asked.out or folder / "stacks")
    _show(stacks, asked.top)


def main() -> int:
    """Starts the product, loads it, samples it, prints; 0 when it could."""
    asked = _arguments()
    run = Run(machine.plan_cores())
    if run.cores.load:
        os.sched_setaffinity(0, run.cores.load)
    scripts = (plan.ANSWER, LOADS[asked.load][0])
    with session.stages(run, scripts) as (_server, stage):
        place = stage(alltoken.TARGET)
        try:
            session.start_all(run, [alltoken.TARGET], lambda _target: place, print)
            running = run.running.get(alltoken.TARGET.name)
            if running:
                _profile(run, running, asked, place.folder)
        finally:
            for started in run.running.values():
                started.process.stop()
    return 0 if run.running else 1


if __name__ == "__main__":
    sys.exit(main())
