"""One measurement: load one target for a moment and say what it cost."""

import os
import resource
import threading
import time
from dataclasses import dataclass

from bench import load, machine
from bench.load import Endpoint, Seen
from bench.machine import Cores
from bench.processes import Process
from bench.upstream import Script, Upstream

LATE = 0.9  # share of a stream after which its first text shows that it was held back
SETTLE_SECONDS = 0.4  # work a gateway defers past its reply (metering, logs) is counted as its cost


@dataclass(frozen=True)
class Load:
    """What is asked of every target in the same way."""

    name: str
    script: Script
    connections: int
    seconds: float = 0.0
    requests: int = 0
    ramp_ms: int = 0
    rounds: int = 1


@dataclass(frozen=True)
class Sample:
    """One round of one target. CPU is of the gateway's whole process tree."""

    seen: Seen
    cpu_seconds: float
    bytes_before: int
    peak_bytes: int
    others_share: float  # of all cores' time, taken by processes that are not of this bench
    asked_upstream: int
    chunks_upstream: int

    @property
    def cpu_us(self) -> float:
        """CPU microseconds for one reply."""
        return self.cpu_seconds * 1e6 / self.seen.good if self.seen.good else 0.0

    @property
    def cpu_us_chunk(self) -> float:
        """CPU microseconds for one chunk the upstream sent."""
        return self.cpu_seconds * 1e6 / self.chunks_upstream if self.chunks_upstream else 0.0

    def fault(self, script: Script) -> str:
        """Why this round must not be believed; empty when it may."""
        if self.seen.bad or not self.seen.good:
            return f"{self.seen.bad} of {self.seen.bad + self.seen.good} replies were wrong: " + (
                self.seen.first_error or "no reply at all"
            )
        if self.asked_upstream < self.seen.good:
            return f"{self.seen.good} good replies, but {self.asked_upstream} reached the upstream"
        if self.chunks_upstream < self.seen.good * script.chunks:
            return "fewer chunks left the upstream than arrived"
        if script.gap_us and self.seen.first_p50_us > LATE * self.seen.p50_us:
            return (
                f"it does not stream: the first text after {self.seen.first_p50_us / 1000:.0f} "
                f"of {self.seen.p50_us / 1000:.0f} ms"
            )
        return ""


class _Peak(threading.Thread):
    """Watches a tree's memory until told to stop."""

    def __init__(self, process: Process) -> None:
        super().__init__(daemon=True)
        self.process, self.bytes, self._end = process, 0, threading.Event()

    def run(self) -> None:
        while not self._end.wait(0.25):
            self.bytes = max(self.bytes, self.process.memory_bytes())

    def stop(self) -> int:
        self._end.set()
        self.join()
        return self.bytes


def _ours(process: Process, upstream: Upstream) -> float:
    own, children = os.times(), resource.getrusage(resource.RUSAGE_CHILDREN)
    total = own.user + own.system + children.ru_utime + children.ru_stime
    trees = {process.popen.pid: process, upstream.process.popen.pid: upstream.process}
    return total + sum(each.cpu_seconds() for each in trees.values())


def sample(
    process: Process,
    endpoint: Endpoint,
    what: Load,
    upstream: Upstream,
    cores: Cores,
    watch_memory: bool = False,
) -> Sample:
    """Loads `endpoint` once and measures `process`, which serves it."""
    served, ours, busy = upstream.stats(), _ours(process, upstream), machine.busy_seconds()
    started, spent = time.monotonic(), process.cpu_seconds()
    bytes_before = process.memory_bytes() if watch_memory else 0
    peak = _Peak(process) if watch_memory else None
    if peak:
        peak.start()
    seen = load.run(
        endpoint,
        what.script,
        cores=cores.load,
        connections=what.connections,
        seconds=what.seconds,
        requests=what.requests,
        ramp_ms=what.ramp_ms,
    )
    peak_bytes = peak.stop() if peak else 0
    time.sleep(SETTLE_SECONDS)
    spent = process.cpu_seconds() - spent
    elapsed = (time.monotonic() - started) * len(machine.CORES)
    others = machine.busy_seconds() - busy - (_ours(process, upstream) - ours)
    now = upstream.stats()
    kind = "streams" if what.script.chunks else "answers"
    return Sample(
        seen=seen,
        cpu_seconds=spent,
        bytes_before=bytes_before,
        peak_bytes=peak_bytes,
        others_share=max(0.0, others / elapsed),
        asked_upstream=now[kind] - served[kind],
        chunks_upstream=now["chunks"] - served["chunks"],
    )
