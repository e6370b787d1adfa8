"""The scripted upstream as a process, and the scripts the bench plays."""

import json
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from bench import machine, native
from bench.processes import Process, wait_until

PROMPT_TOKENS = 57
COMPLETION_TOKENS = 128


@dataclass(frozen=True)
class Script:
    """What the upstream plays: an answer in one piece, or chunks `gap_us` microseconds apart."""

    chunks: int = 0
    gap_us: int = 0

    @property
    def model(self) -> str:
        """The upstream's model name, which is the script."""
        return f"scripted-{self.chunks}x{self.gap_us}" if self.chunks else "scripted"

    @property
    def completion_tokens(self) -> int:
        """What the usage of its answer says."""
        return self.chunks or COMPLETION_TOKENS


@dataclass
class Upstream:
    """A running upstream."""

    port: int
    process: Process

    @property
    def base_url(self) -> str:
        """Where an OpenAI client would point to."""
        return f"http://127.0.0.1:{self.port}/v1"

    def stats(self) -> dict[str, int]:
        """What it has served since its start."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/stats", timeout=10) as reply:
            return json.load(reply)


@contextmanager
def running(port: int = 0, cores: frozenset[int] = frozenset()) -> Iterator[Upstream]:
    """Runs the upstream on `port` (0: any free one) until the block ends."""
    port = port or machine.free_port()
    process = Process([native.build("upstream"), str(port)], cores=cores)
    try:
        if not wait_until(lambda: machine.is_taken(port) or not process.alive(), 10):
            raise RuntimeError("the scripted upstream did not start")
        if not process.owns_port(port):
            raise RuntimeError(f"port {port} belongs to another process")
        yield Upstream(port, process)
    finally:
        process.stop()
