"""The real local models work with the network cable out: tests/offline, in its own process."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.mark.local_models
@pytest.mark.timeout(600)
def test_every_capability_works_without_a_network() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.offline.run"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert "cable out" in done.stdout
    assert "passed" in done.stdout
