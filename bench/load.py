"""Runs the checking load tool (`load.c`) and reads what it saw."""

import json
import subprocess
from dataclasses import dataclass

from bench import native
from bench.upstream import Script

PREFIX = ("taskset", "-c")


@dataclass(frozen=True)
class Endpoint:
    """Where and how to ask one target."""

    port: int
    path: str = "/v1/chat/completions"
    headers: tuple[str, ...] = ()
    model_prefix: str = ""


@dataclass(frozen=True)
class Seen:
    """One load run. Times in microseconds; `good` replies were checked to their last byte."""

    good: int
    bad: int
    seconds: float
    parts: int
    connects: int
    resent: int
    p50_us: int
    p90_us: int
    p99_us: int
    max_us: int
    first_p50_us: int
    first_p99_us: int
    first_error: str

    @property
    def per_second(self) -> float:
        """Good replies in a second."""
        return self.good / self.seconds if self.seconds else 0.0


def command(
    endpoint: Endpoint,
    script: Script,
    *,
    connections: int = 1,
    seconds: float = 0.0,
    requests: int = 0,
    ramp_ms: int = 0,
    patience: float = 60.0,
) -> list[str]:
    """The load tool's command line."""
    words = [str(native.build("load")), "--port", str(endpoint.port), "--path", endpoint.path]
    words += ["--model", endpoint.model_prefix + script.model, "--stream", str(script.chunks)]
    words += ["--connections", str(connections), "--patience", str(patience)]
    words += ["--requests", str(requests)] if requests else ["--seconds", str(seconds)]
    words += ["--ramp-ms", str(ramp_ms)] if ramp_ms else []
    for line in endpoint.headers:
        words += ["--header", line]
    return words


def pinned(words: list[str], cores: frozenset[int]) -> list[str]:
    """The same command on `cores`."""
    return [*PREFIX, ",".join(map(str, sorted(cores))), *words] if cores else words


def run(
    endpoint: Endpoint,
    script: Script,
    *,
    cores: frozenset[int] = frozenset(),
    **how: float,
) -> Seen:
    """Loads the endpoint as `how` says (see `command`) and returns what was seen."""
    words = pinned(command(endpoint, script, **how), cores)
    done = subprocess.run(words, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"the load tool failed: {done.stderr.strip()}")
    seen = json.loads(done.stdout)
    return Seen(**{name: seen[name] for name in Seen.__dataclass_fields__})
