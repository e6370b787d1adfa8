"""What the commands tell whoever typed them: one line per step, plain enough for a log."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import typer

WIDTH = 12


class Stopped(Exception):
    """A command cannot go on. The message says why and how to mend it; no traceback is shown."""


def line(label: str, text: str) -> None:
    """One aligned line on standard output."""
    typer.echo(f"  {label:<{WIDTH}}{text}")


def warn(text: str) -> None:
    """A line on standard error for what does not stop the command."""
    typer.echo(f"  Warning: {text}", err=True)


@contextmanager
def step(label: str, text: str) -> Iterator[None]:
    """A step that takes long: named before it starts, timed when it ends."""
    typer.echo(f"  {label:<{WIDTH}}{text} … ", nl=False)
    sys.stdout.flush()
    started = time.monotonic()
    try:
        yield
    except BaseException:
        typer.echo("failed")
        raise
    typer.echo(f"{time.monotonic() - started:.1f} s")
