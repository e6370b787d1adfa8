"""Installs peers into `bench/.peers`, each into an environment of its own, with exact pins."""

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from bench.paths import PEERS


def run(command: Sequence[str | Path], cwd: Path | None = None) -> str:
    """The command's output. Raises RuntimeError with the end of its complaint."""
    words = [str(word) for word in command]
    try:
        done = subprocess.run(words, cwd=cwd, capture_output=True, text=True, timeout=900)
    except (OSError, subprocess.TimeoutExpired) as wrong:
        raise RuntimeError(f"{words[0]}: {wrong}") from wrong
    if done.returncode:
        complaint = (done.stderr.strip() or done.stdout.strip()).splitlines()[-6:]
        raise RuntimeError(f"{' '.join(words[:4])} …: " + "\n".join(complaint))
    return done.stdout


def fresh(name: str) -> tuple[Path, bool]:
    """The folder of an installation, and whether it is complete already."""
    folder = PEERS / name
    if (folder / "complete").exists():
        return folder, True
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder, False


def complete(folder: Path) -> None:
    """Marks an installation as usable by the next run."""
    (folder / "complete").touch()


def venv(name: str, packages: Sequence[str], constraints: Path | None = None) -> Path:
    """A virtual environment with `packages`; returns its `bin` folder."""
    folder, ready = fresh(name)
    binaries = folder / "venv" / "bin"
    if ready:
        return binaries
    run([sys.executable, "-m", "venv", folder / "venv"])
    pins = ["-c", constraints] if constraints else []
    run([binaries / "pip", "install", "--quiet", *packages, *pins])
    complete(folder)
    return binaries
