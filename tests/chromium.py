"""A Chromium for the browser tests: found, or installed from wherever it can be had."""

import os
import shutil
import subprocess
import sys

from alltoken_app.command import tools

DOWNLOAD_LIMIT = 240  # seconds; a network that drops packets must not hold up the tests
UNATTENDED = {
    "DEBIAN_FRONTEND": "noninteractive",
    "PLAYWRIGHT_DOWNLOAD_CONNECTION_TIMEOUT": "10000",  # ms for each mirror
}
APT = (
    ("apt-get", "update", "-qq"),
    ("apt-get", "install", "-qq", "-y", "--no-install-recommends", "chromium", "fonts-liberation"),
)
MISSING = (
    "No Chromium for the browser tests, and none could be installed.\n"
    "  Debian, Ubuntu: apt install chromium\n"
    "  macOS:          brew install --cask google-chrome\n"
    "  elsewhere:      .venv/bin/python -m playwright install --with-deps chromium"
)


def ensure() -> str:
    """The path of a Chromium that starts, installing one when there is none.

    Raises:
        SystemExit: There is none and none can be had; says what to do.
    """
    for install in (None, _by_playwright, _by_apt):
        if install is not None:
            install()
        found = tools.chromium()
        if found and _starts(found):
            return found
    sys.exit(MISSING)


def _starts(path: str) -> bool:
    return _quietly((path, "--version"), 30)


def _by_playwright() -> None:
    _say("Downloading a Chromium (playwright install chromium)")
    _quietly((sys.executable, "-m", "playwright", "install", "chromium"), DOWNLOAD_LIMIT)


def _by_apt() -> None:
    if not shutil.which("apt-get"):
        return
    root = os.geteuid() == 0
    if not root and not _quietly(("sudo", "-n", "true"), 10):
        return
    _say("Installing a Chromium (apt-get install chromium)")
    for command in APT:
        _quietly(command if root else ("sudo", "-n", *command), 2 * DOWNLOAD_LIMIT)


def _quietly(command: tuple[str, ...], limit: float) -> bool:
    environment = os.environ | UNATTENDED
    try:
        ran = subprocess.run(command, capture_output=True, timeout=limit, env=environment)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return ran.returncode == 0


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
