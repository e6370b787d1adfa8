"""The server as a child process: start it, wait until it is ready, end it gently."""

import ctypes
import importlib.util
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from types import FrameType

from alltoken_app.command import ports
from alltoken_app.command.says import Stopped
from alltoken_app.settings import ROOT, Settings

QUIET = {  # no telemetry, no version check
    "REFLEX_TELEMETRY_ENABLED": "false",
    "REFLEX_CHECK_LATEST_VERSION": "false",
}
REFLEX = {  # serve the finished build in place; the two `__` names are internal to Reflex 0.10.1
    "REFLEX_ENV_MODE": "prod",
    "__REFLEX_SKIP_COMPILE": "true",
    "__REFLEX_MOUNT_FRONTEND_COMPILED_APP": "true",
    "REFLEX_STATE_MANAGER_MODE": "memory",
    **QUIET,
}
SHARED = {"SHARED_LIMITS": "true"}
START_LIMIT = 120.0  # seconds until a server that is not ready counts as failed
DRAIN_LIMIT = 60  # seconds running answers get to end before they are cut
HEADER_LIMIT_MS = 10_000  # until a request's head is complete; idle connections end after it too
CONNECTIONS = 4096  # at once and per worker; more wait in the backlog
PARENT_DIED = 1  # PR_SET_PDEATHSIG
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Server:
    """One granian process and its workers, in a process group of their own."""

    def __init__(self, settings: Settings, target: str, workers: int, lock: int) -> None:
        self._settings = settings
        self._signals = 0
        self._ready = False
        self._process = subprocess.Popen(
            _command(settings, target, workers),
            cwd=ROOT,
            env=os.environ | REFLEX | (SHARED if workers > 1 else {}),
            pass_fds=(lock,),
            start_new_session=True,
            preexec_fn=_end_with_parent if sys.platform == "linux" else None,
        )
        for name in STOP_SIGNALS:
            signal.signal(name, self._stop)

    def wait_until_ready(self) -> bool:
        """Wait for the first good answer of /health/ready; False when told to stop meanwhile.

        Raises:
            Stopped: The server ended, or did not get ready in time (it is ended then).
        """
        deadline = time.monotonic() + START_LIMIT
        while time.monotonic() < deadline:
            if self._signals:
                return False
            if (code := self._process.poll()) is not None:
                raise Stopped(f"The server ended while starting (exit code {code}); see above.")
            if ports.answers(self._settings.host, self._settings.port):
                self._ready = True
                return True
            time.sleep(0.05)
        self._kill()
        self._process.wait()
        raise Stopped(f"The server was not ready within {START_LIMIT:.0f} s; see above.")

    def wait(self, say: Callable[[str], None]) -> int:
        """Wait for the end; the exit code. 0 when it ended because it was told to."""
        told = False
        while self._process.poll() is None:
            if self._signals and self._ready and not told:
                told = True
                say(f"waiting up to {DRAIN_LIMIT} s for running answers; once more: at once")
            time.sleep(0.1)
        code = self._process.returncode
        return 0 if self._signals else code or 1

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self._signals += 1
        if self._process.poll() is not None:
            return
        if self._signals == 1 and self._ready:
            self._process.terminate()
        else:  # asked twice, or nothing was served yet (a worker that starts ignores SIGTERM)
            self._kill()

    def _kill(self) -> None:
        os.killpg(self._process.pid, signal.SIGKILL)


def _command(settings: Settings, target: str, workers: int) -> list[str]:
    options = {
        "--interface": "asgi",
        "--host": settings.host,
        "--port": str(settings.port),
        "--workers": str(workers),
        "--loop": "uvloop" if importlib.util.find_spec("uvloop") else "auto",
        "--backlog": str(CONNECTIONS),
        "--backpressure": str(CONNECTIONS),
        "--http1-header-read-timeout": str(HEADER_LIMIT_MS),
        "--workers-kill-timeout": str(DRAIN_LIMIT),
        "--log-level": "warning",
    }
    flags = ["--factory", "--no-access-log", "--respawn-failed-workers"]
    words = [word for pair in options.items() for word in pair]
    return [sys.executable, "-m", "granian", *words, *flags, target]


def _end_with_parent() -> None:
    ctypes.CDLL(None).prctl(PARENT_DIED, signal.SIGTERM)
