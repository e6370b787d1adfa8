"""The machine: its cores, who else is using them, and which ports are taken."""

import os
import platform
import socket
from dataclasses import dataclass
from pathlib import Path

CORES = sorted(os.sched_getaffinity(0))  # before anybody is pinned
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Cores:
    """Which cores the three parts run on. Empty sets mean: not pinned."""

    upstream: frozenset[int]
    load: frozenset[int]
    gateway: frozenset[int]

    def __str__(self) -> str:
        if not self.gateway:
            return "one core, nothing pinned"
        parts = (("gateway", self.gateway), ("load", self.load), ("upstream", self.upstream))
        return ", ".join(f"{name} on core {min(cores)}" for name, cores in parts)


def plan_cores() -> Cores:
    """The gateway alone on one core; with only two, the load tool and the upstream share one."""
    cores = CORES
    if len(cores) < 2:
        return Cores(frozenset(), frozenset(), frozenset())
    upstream, load, gateway = cores[0], cores[min(1, len(cores) - 2)], cores[-1]
    return Cores(frozenset([upstream]), frozenset([load]), frozenset([gateway]))


def describe() -> str:
    """One line: processor, cores, kernel, Python."""
    model = "unknown processor"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    versions = f"Linux {platform.release()}, Python {platform.python_version()}"
    return f"{model}, {len(CORES)} cores, {versions}"


def busy_seconds() -> float:
    """CPU seconds spent by everybody on all cores since boot, stolen time included."""
    words = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]
    user, nice, system, _idle, _iowait, irq, softirq, steal = map(int, words[:8])
    return (user + nice + system + irq + softirq + steal) / TICKS


def free_port() -> int:
    """A port of 127.0.0.1 nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def is_taken(port: int) -> bool:
    """Whether somebody accepts connections on this port of 127.0.0.1."""
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def listening_sockets(port: int) -> set[str]:
    """The socket inodes that listen on `port`, on any address."""
    found = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        if not Path(table).exists():
            continue
        for line in Path(table).read_text().splitlines()[1:]:
            words = line.split()
            if words[3] == "0A" and int(words[1].rsplit(":", 1)[1], 16) == port:
                found.add(words[9])
    return found
