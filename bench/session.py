"""A run: install, start, load in alternating rounds, end. What failed is kept by name."""

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from bench import load, machine, measure, native, upstream
from bench.load import Endpoint
from bench.machine import Cores
from bench.measure import Load, Sample
from bench.target import Running, Stage, Target
from bench.upstream import Script, Upstream

DIRECT = "direct"
OPEN = "open"


@dataclass
class Run:
    """Everything a run found. Samples by load, then by target, in order of rounds."""

    cores: Cores
    started: float = field(default_factory=time.time)
    versions: dict[str, str] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)
    running: dict[str, Running] = field(default_factory=dict)
    samples: dict[str, dict[str, list[Sample]]] = field(default_factory=dict)
    sent: dict[str, dict[Script, int]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    loads: list[tuple[float, float, float]] = field(default_factory=list)


Say = Callable[[str], None]


def install(run: Run, targets: Sequence[Target], say: Say) -> None:
    """Installs each target and notes its version, or its error."""
    for target in targets:
        try:
            run.versions[target.name] = target.install()
            say(f"  {target.title} {run.versions[target.name]}")
        except RuntimeError as wrong:
            run.failures[target.name] = f"could not be installed: {wrong}"
            say(f"  {target.title}: {run.failures[target.name]}")


def _first_reply(run: Run, target: Target, running: Running, script: Script, born: float) -> None:
    """Waits for the first checked reply. Raises RuntimeError when there is none in time."""
    limit, error = born + target.start_patience, "nobody listens"
    while time.monotonic() < limit and running.process.alive():
        if not machine.is_taken(running.endpoint.port):
            time.sleep(0.01)
            continue
        seen = load.run(running.endpoint, script, cores=run.cores.load, requests=1, patience=30)
        count(run, target.name, script, seen.good)
        if seen.good:
            return
        error = seen.first_error
        time.sleep(0.1)
    raise RuntimeError(f"no good reply after its start ({error})\n{running.process.last_lines()}")


def _start(run: Run, target: Target, stage: Stage) -> Running:
    if machine.is_taken(stage.port):
        raise RuntimeError(f"port {stage.port} is in use")
    born = time.monotonic()
    running = target.start(stage)
    run.running[target.name] = running
    # A target may have to prepare (migrate, make an account) before its process starts.
    born = running.started or born
    _first_reply(run, target, running, stage.scripts[0], born)
    running.start_seconds = time.monotonic() - born
    if not running.process.owns_port(running.endpoint.port):
        raise RuntimeError(f"port {running.endpoint.port} belongs to another process")
    return running


def _drop(run: Run, name: str, why: str, say: Say) -> None:
    run.failures[name] = why
    running = run.running.pop(name, None)
    if running:
        running.process.stop()
    say(f"  {name} is out: {why}")


def start_all(run: Run, targets: Sequence[Target], stages: Callable, say: Say) -> None:
    """Starts one after another, so that no start disturbs another's."""
    for target in targets:
        if target.name in run.failures:
            continue
        try:
            running = _start(run, target, stages(target))
            say(f"  {target.title}: first good reply after {running.start_seconds:.2f} s")
        except RuntimeError as wrong:
            _drop(run, target.name, str(wrong), say)


def count(run: Run, name: str, script: Script, good: int) -> None:
    sent = run.sent.setdefault(name, {})
    sent[script] = sent.get(script, 0) + good


def _endpoints(run: Run, what: Load, server: Upstream) -> dict[str, tuple[Running, Endpoint]]:
    chosen = {}
    if what.name != OPEN:
        direct = Endpoint(server.port)
        chosen[DIRECT] = (Running(server.process, direct), direct)
    for name, running in run.running.items():
        chosen[name] = (running, running.endpoint)
    return chosen


def _once(run: Run, name: str, pair: tuple, what: Load, server: Upstream) -> tuple[Sample, str]:
    running, endpoint = pair
    watching = what.name == OPEN
    taken = measure.sample(running.process, endpoint, what, server, run.cores, watching)
    count(run, name, what.script, taken.seen.good)
    return taken, taken.fault(what.script)


def play(run: Run, what: Load, server: Upstream, say: Say) -> None:
    """Loads every target in turn, in an order that rotates; drops those that answer wrongly."""
    chosen = _endpoints(run, what, server)
    warm = replace(what, seconds=0.5, rounds=1)
    if what.seconds:
        for name in list(chosen):
            _, fault = _once(run, name, chosen[name], warm, server)
            if fault:
                _exclude(run, what, chosen, name, fault, say)
    samples = run.samples.setdefault(what.name, {name: [] for name in chosen})
    for number in range(what.rounds):
        names = list(chosen)
        shift = number % max(1, len(names))
        for name in names[shift:] + names[:shift]:
            taken, fault = _once(run, name, chosen[name], what, server)
            if fault:
                _exclude(run, what, chosen, name, fault, say)
                samples.pop(name, None)
            else:
                samples[name].append(taken)


def _exclude(run: Run, what: Load, chosen: dict, name: str, fault: str, say: Say) -> None:
    chosen.pop(name, None)
    run.failures[f"{name} ({what.name})"] = fault
    say(f"  {name} is out of '{what.name}': {fault}")


def note_rest(run: Run, seconds: float = 2.0) -> None:
    """Notes what each target takes when nothing is asked of it: memory, and CPU over a while."""
    trees = {name: running.process for name, running in run.running.items()}
    before = {name: process.cpu_seconds() for name, process in trees.items()}
    time.sleep(seconds)
    for name, running in run.running.items():
        running.idle_share = (trees[name].cpu_seconds() - before[name]) / seconds
        running.idle_bytes = trees[name].memory_bytes()


def note_memory(run: Run) -> None:
    """Notes each target's memory after all the load."""
    for running in run.running.values():
        running.warm_bytes = running.process.memory_bytes()


def end_all(run: Run, say: Say) -> None:
    """Ends what was started, then lets each target check its books."""
    for name, running in run.running.items():
        running.process.stop()
        if running.finish:
            try:
                lines = running.finish(run.sent.get(name, {}))
            except RuntimeError as wrong:
                run.failures[f"{name} (books)"] = str(wrong)
                lines = [f"{name}: the books are wrong: {wrong}"]
            for line in lines:
                run.notes.append(line)
                say(f"  {line}")


@contextmanager
def stages(run: Run, scripts: tuple[Script, ...]) -> Iterator[tuple[Upstream, Callable]]:
    """A running upstream and a maker of each target's stage, in a folder that goes at the end."""
    native.build("load")  # before the clocks run
    with (
        tempfile.TemporaryDirectory(prefix="alltoken-bench-") as folder,
        upstream.running(cores=run.cores.upstream) as server,
    ):

        def stage(target: Target) -> Stage:
            own = Path(folder) / target.name
            own.mkdir()
            return Stage(server, scripts, own, machine.free_port(), run.cores.gateway)

        yield server, stage
