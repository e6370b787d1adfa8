"""Every test, in two calls of pytest: `python -m tests [pytest's arguments for both]`.

Browser tests run apart: Playwright keeps an event loop running, which other tests cannot share.
"""

import subprocess
import sys
import time

from tests import chromium

ROUNDS = {
    "rules and services": ["-n", "2", "--dist", "worksteal", "--ignore=tests/browser", "tests"],
    "browser journeys": ["tests/browser"],
}
NOTHING_COLLECTED = 5


def main() -> int:
    browser, started = chromium.ensure(), time.monotonic()
    print(f"Browser: {browser}", flush=True)
    outcomes = {name: run(name, arguments) for name, arguments in ROUNDS.items()}
    print(f"\n{'-' * 60}")
    for name, good in outcomes.items():
        print(f"{name:<24}{'passed' if good else 'FAILED'}")
    minutes, seconds = divmod(round(time.monotonic() - started), 60)
    verdict = "all tests pass" if all(outcomes.values()) else "some tests FAIL"
    print(f"{verdict} ({minutes} min {seconds} s)")
    return 0 if all(outcomes.values()) else 1


def run(name: str, arguments: list[str]) -> bool:
    print(f"\n{name}", flush=True)
    code = subprocess.call([sys.executable, "-m", "pytest", *arguments, *sys.argv[1:]])
    chosen = len(sys.argv) > 1  # with arguments such as `-k wallet`, a round may well be empty
    return code == 0 or (chosen and code == NOTHING_COLLECTED)


if __name__ == "__main__":
    sys.exit(main())
