"""What the commands tell whoever typed them: one line per step, plain enough for a log."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

WIDTH = 12


class Stopped(Exception):
    """A command cannot go on. The message says why and how to mend it; no traceback is shown."""


def say(text: str) -> None:
    """A line on standard output, at once."""
    print(text, flush=True)


def line(label: str, text: str) -> None:
    """One aligned line on standard output."""
    say(f"  {label:<{WIDTH}}{text}")


@contextmanager
def step(label: str, text: str) -> Iterator[None]:
    """A step that takes long: named before it starts, timed when it ends."""
    print(f"  {label:<{WIDTH}}{text} … ", end="", flush=True)
    started = time.monotonic()
    try:
        yield
    except BaseException:
        say("failed")
        raise
    say(f"{time.monotonic() - started:.1f} s")
