"""The real product, started the way a person starts it, for as long as a test run needs it."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.postgres import free_port

ROOT = Path(__file__).parent.parent.parent
RESULTS = ROOT / "test-results"
START_LIMIT = 600.0  # seconds; the first start may have to build the web app
STOP_LIMIT = 90.0


@dataclass(frozen=True)
class Member:
    """A confirmed person with an organisation, credit and a key."""

    email: str
    password: str
    key: str
    base_url: str
    organisation: str


@dataclass(frozen=True)
class Site:
    """A running AllToken. `url` ends without a slash."""

    url: str
    kind: str
    var: Path
    environment: dict[str, str]

    @property
    def api(self) -> str:
        return f"{self.url}/v1"

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run one of the commands beside the server, with its settings."""
        return subprocess.run(
            [sys.executable, "-m", "alltoken_app", *words],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=120,
        )

    def member(self, name: str = "demo", credit: str = "5") -> Member:
        """Make a person as the demo command makes one; again gives a new password and key."""
        address = f"{name}@example.com"
        ran = self.command("demo-account", "--credit", credit, "--email", address)
        assert ran.returncode == 0, ran.stderr
        return Member(**json.loads(ran.stdout))


@contextmanager
def started(kind: str, var: Path, **settings: str) -> Iterator[Site]:
    """`python -m alltoken_app run` on a free port; ended gently, and that is checked too."""
    port = free_port()
    environment = os.environ | {"PORT": str(port), "VAR": str(var), **settings}
    RESULTS.mkdir(exist_ok=True)
    log = RESULTS / f"site-{kind}.log"
    with log.open("w") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "alltoken_app", "run"],
            cwd=ROOT,
            env=environment,
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    url = f"http://localhost:{port}"
    try:
        _wait(process, url, log)
        yield Site(url, kind, var, environment)
    finally:
        process.send_signal(signal.SIGTERM)
        code = process.wait(STOP_LIMIT)
    assert code == 0, log.read_text()[-4000:]


def _wait(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + START_LIMIT
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            if httpx.get(f"{url}/health/ready", timeout=2).status_code == httpx.codes.OK:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise AssertionError(f"the product did not start:\n{log.read_text()[-4000:]}")
