"""What a gateway under test is to the bench."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from bench.load import Endpoint
from bench.processes import Process
from bench.upstream import Script, Upstream


@dataclass(frozen=True)
class Stage:
    """What a target is given to start: the upstream, the scripts, a folder, a port, its cores."""

    upstream: Upstream
    scripts: tuple[Script, ...]
    folder: Path
    port: int
    cores: frozenset[int]


@dataclass
class Running:
    """A started target."""

    process: Process
    endpoint: Endpoint
    notes: list[str] = field(default_factory=list)
    finish: Callable[[dict[Script, int]], list[str]] | None = None  # after its end: lines to print
    started: float = 0.0  # time.monotonic() of its start, when preparing came before
    start_seconds: float = 0.0
    idle_bytes: int = 0
    warm_bytes: int = 0
    idle_share: float = 0.0  # of one core, when nothing is asked of it


@dataclass(frozen=True)
class Target:
    """A gateway: how to install it, start it and name it. Errors of both are RuntimeError."""

    name: str
    title: str
    what_it_does: str
    install: Callable[[], str]  # returns the version
    start: Callable[[Stage], Running]
    required: bool = False
    start_patience: float = 60.0
