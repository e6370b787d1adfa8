"""Named places where a crash test may kill this process; nothing happens unless it armed one."""

import asyncio
import os
import signal
from collections.abc import Callable
from typing import Any

_armed: dict[str, Callable[[], None]] = {}


def arm(name: str, passes: int = 0) -> None:
    """Kill this process, as `kill -9` would, when it reaches `name`, after so many passes."""
    left = [_go_on] * passes

    def reached() -> None:
        (left.pop() if left else _kill)()

    _armed[name] = reached


def reach(name: str) -> None:
    """The process is at `name`."""
    if _armed:
        _armed.get(name, _go_on)()


def after(name: str, future: "asyncio.Future[Any]") -> None:
    """The process is at `name` once `future` is done."""
    if _armed:
        future.add_done_callback(lambda _done: reach(name))


def _kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _go_on() -> None:
    pass
