"""`run` and `serve`: from typed to serving, one step after the other."""

import os
import sys
from pathlib import Path
from typing import NoReturn

from alltoken_app.command import database, frontend, instance, ports, supervise
from alltoken_app.command.says import Stopped, line, say, step
from alltoken_app.settings import Settings


def run(settings: Settings) -> int:
    """Build what is stale, migrate, seed and serve everything on one port.

    Returns:
        0 when it runs already; otherwise this process goes on as the supervisor.
    """
    say("AllToken")
    var = open_var(settings)
    try:
        with instance.claim(var, settings.origin, settings.port) as lock:
            ports.require_free(settings.host, settings.port)
            frontend.build_if_stale(var / "build.log")
            with step("Database", _kind(settings)):
                database.prepare(settings)
            _hand_over(supervise.WEB, 1, lock)
    except instance.AlreadyRunning as other:
        return _running_already(settings, other.instance)


def serve(settings: Settings, *, api_only: bool, workers: int) -> int:
    """Serve what `build` and `migrate` have prepared; returns as `run` does.

    Raises:
        Stopped: Something was not prepared, or several workers are asked of the web app.
    """
    if workers > 1 and not api_only:
        raise Stopped("The web app keeps its state in one process. Several workers: --api-only")
    if not api_only and not frontend.is_fresh():
        raise Stopped("The web app's build is stale: python -m alltoken_app build")
    if database.revision(settings.database) != database.newest():
        raise Stopped("The database is behind: python -m alltoken_app migrate")
    var = open_var(settings)
    held = _own_folder(var, settings.port) if api_only else var
    target = supervise.API_ONLY if api_only else supervise.WEB
    try:
        with instance.claim(held, settings.origin, settings.port) as lock:
            ports.require_free(settings.host, settings.port)
            if api_only and workers == 1:
                _become("alltoken_app.command.alone", lock)
            _hand_over(target, workers, lock)
    except instance.AlreadyRunning as other:
        return _running_already(settings, other.instance)


def open_var(settings: Settings) -> Path:
    """The folder of data, made readable by its owner alone when it is new.

    Raises:
        Stopped: It cannot be written.
    """
    var = settings.var.resolve()
    try:
        var.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise Stopped(f"VAR={var} cannot be made: {error.strerror}") from None
    if not os.access(var, os.W_OK | os.X_OK):
        raise Stopped(f"VAR={var} cannot be written by this user.")
    return var


def _own_folder(var: Path, port: int) -> Path:
    """API workers share `var` with the web app: each port has a lock of its own."""
    folder = var / f"api-{port}"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def _kind(settings: Settings) -> str:
    kind = "SQLite" if settings.database.startswith("sqlite") else "PostgreSQL"
    return f"{kind}, bringing it up to date"


def _hand_over(target: str, workers: int, lock: int) -> NoReturn:
    """Become the supervisor: a fresh interpreter, without the 60 MB that preparing took."""
    _become("alltoken_app.command.supervise", lock, target, str(workers))


def _become(module: str, lock: int, *words: str) -> NoReturn:
    os.set_inheritable(lock, True)
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-m", module, *words, str(lock)])


def _running_already(settings: Settings, other: instance.Instance) -> int:
    if other.port != settings.port:
        raise Stopped(
            f"VAR={settings.var} is in use by the AllToken at {other.url} (pid {other.pid}).\n"
            "A second one needs a folder of its own: make run "
            f"PORT={settings.port} VAR=/path/of/another"
        )
    if not ports.answers(settings.host, other.port):
        raise Stopped(
            f"AllToken (pid {other.pid}) is starting or stopping at {other.url}; wait for it, "
            f"or end it: kill {other.pid}"
        )
    line("Running", f"already, at {other.url} (pid {other.pid})")
    return 0
