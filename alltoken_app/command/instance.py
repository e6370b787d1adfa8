"""Who runs with this `var` folder: a locked file that tells the truth even after a crash.

The lock belongs to the running processes themselves (the server inherits it), so it is gone when
the last of them is, whatever ended them. The file's text says where they listen.
"""

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from alltoken_app import clock

NAME = "run.lock"
PATIENCE = 1.0  # seconds; longer than anybody's glance at the lock takes


@dataclass(frozen=True)
class Instance:
    """A running AllToken: its process id, address, and when it started (ms UTC)."""

    pid: int
    url: str
    port: int
    started_ms: int


class AlreadyRunning(Exception):
    """Somebody else holds the folder."""

    def __init__(self, instance: Instance) -> None:
        super().__init__(f"already running at {instance.url}")
        self.instance = instance


@contextmanager
def claim(var: Path, url: str, port: int) -> Iterator[int]:
    """Hold `var` until the block, and every child given the yielded descriptor, have ended.

    Raises:
        AlreadyRunning: Another process holds it.
    """
    held = os.open(var / NAME, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        _lock(held, var)
        mine = Instance(os.getpid(), url, port, clock.now_ms())
        os.ftruncate(held, 0)
        os.pwrite(held, json.dumps(asdict(mine)).encode(), 0)
        yield held
    finally:
        os.close(held)


def running(var: Path) -> Instance | None:
    """The instance that runs with this folder now, if any."""
    try:
        glance = os.open(var / NAME, os.O_RDWR)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(glance, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _read(var)
    finally:
        os.close(glance)
    return None


def _lock(held: int, var: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise AlreadyRunning(_read(var)) from None
        time.sleep(0.05)


def _read(var: Path) -> Instance:
    return Instance(**json.loads((var / NAME).read_text()))
