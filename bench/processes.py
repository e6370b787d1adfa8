"""Starting, measuring and ending the processes of one run. Nothing else is ever touched."""

import contextlib
import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.machine import TICKS, listening_sockets

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)
KEPT = ("PATH", "HOME", "LANG", "LD_LIBRARY_PATH", "TMPDIR", "SSL_CERT_FILE")


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """A small, known environment: no proxies, no keys, no settings of the caller's shell."""
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    return {**kept, "NO_PROXY": "*", **(extra or {})}


def _stat(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


class Process:
    """One program and its descendants, pinned to `cores`, writing to `log`."""

    def __init__(
        self,
        command: Sequence[str | Path],
        *,
        cores: frozenset[int] = frozenset(),
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        log: Path | None = None,
    ) -> None:
        self.log = log
        self._cores = cores
        self._births: dict[int, str] = {}
        output = log.open("wb") if log else subprocess.PIPE
        self.popen = subprocess.Popen(
            [str(word) for word in command],
            cwd=cwd,
            env=environment(env),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT if log else None,
            start_new_session=True,
            preexec_fn=self._prepare,
        )
        if log:
            output.close()

    def _prepare(self) -> None:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if self._cores:
            os.sched_setaffinity(0, self._cores)

    def alive(self) -> bool:
        """Whether the program itself still runs."""
        return self.popen.poll() is None

    def tree(self) -> list[int]:
        """The pids of the program and its descendants."""
        children: dict[int, list[int]] = {}
        births = {}
        for entry in os.listdir("/proc"):
            if entry.isdigit():
                with contextlib.suppress(OSError, IndexError):
                    stat = _stat(int(entry))
                    children.setdefault(int(stat[1]), []).append(int(entry))
                    births[int(entry)] = stat[19]
        found, queue = [], [self.popen.pid]
        while queue:
            pid = queue.pop()
            if pid in births:
                found.append(pid)
                self._births[pid] = births[pid]
            queue += children.get(pid, [])
        return found

    def cpu_seconds(self) -> float:
        """User and system CPU of the tree, ended children included; steps of 10 ms."""
        total = 0
        for pid in self.tree():
            with contextlib.suppress(OSError):
                total += sum(map(int, _stat(pid)[11:15]))
        return total / TICKS

    def memory_bytes(self) -> int:
        """Memory of the tree, shared pages counted once (PSS)."""
        total = 0
        for pid in self.tree():
            with contextlib.suppress(OSError, IndexError):
                rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
                total += int(rollup.split("\nPss:")[1].split()[0]) * 1024
        return total

    def owns_port(self, port: int) -> bool:
        """Whether the listener on `port` is this process: a stale server must not be measured."""
        wanted = {f"socket:[{inode}]" for inode in listening_sockets(port)}
        for pid in self.tree():
            with contextlib.suppress(OSError):
                for fd in os.listdir(f"/proc/{pid}/fd"):
                    with contextlib.suppress(OSError):
                        if os.readlink(f"/proc/{pid}/fd/{fd}") in wanted:
                            return True
        return False

    def last_lines(self, count: int = 12) -> str:
        """The end of its log."""
        if not self.log or not self.log.exists():
            return ""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-count:])

    def stop(self, patience: float = 15.0) -> None:
        """Asks the program to end, then ends what is left of its own tree by pid."""
        self.tree()
        if self.alive():
            self.popen.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.popen.wait(patience)
        for pid, birth in self._births.items():
            with contextlib.suppress(OSError):
                if _stat(pid)[19] == birth and _stat(pid)[0] != "Z":
                    os.kill(pid, signal.SIGKILL)
        self.popen.wait()


def wait_until(condition, patience: float, pause: float = 0.02) -> bool:
    """Whether `condition()` became true within `patience` seconds."""
    limit = time.monotonic() + patience
    while time.monotonic() < limit:
        if condition():
            return True
        time.sleep(pause)
    return False
