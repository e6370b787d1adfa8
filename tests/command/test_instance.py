"""alltoken_app/command/instance.py"""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from alltoken_app.command import instance

HOLD = """
import subprocess, sys
from pathlib import Path
from alltoken_app.command import instance
with instance.claim(Path(sys.argv[1]), "http://localhost:3000", 3000) as lock:
    child = subprocess.Popen(["sleep", "60"], pass_fds=(lock,))
    print(child.pid, flush=True)
    sys.stdin.read()
"""


def holder(var: Path) -> tuple[subprocess.Popen[str], int]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(var)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    return process, int(process.stdout.readline())


def test_a_second_claim_is_told_who_and_where(tmp_path: Path) -> None:
    with (
        instance.claim(tmp_path, "http://localhost:3000", 3000),
        pytest.raises(instance.AlreadyRunning) as refused,
        instance.claim(tmp_path, "http://localhost:3100", 3100),
    ):
        pass
    other = refused.value.instance
    assert (other.pid, other.url, other.port) == (os.getpid(), "http://localhost:3000", 3000)


def test_a_folder_nobody_runs_in_is_free(tmp_path: Path) -> None:
    assert instance.running(tmp_path) is None
    with instance.claim(tmp_path, "http://localhost:3000", 3000):
        pass
    assert instance.running(tmp_path) is None


def test_a_killed_holder_leaves_the_lock_to_its_child_and_to_nobody_after_it(
    tmp_path: Path,
) -> None:
    process, child = holder(tmp_path)
    process.kill()
    process.wait()
    found = instance.running(tmp_path)
    assert found is not None
    assert found.pid == process.pid
    os.kill(child, signal.SIGKILL)
    while (still := instance.running(tmp_path)) is not None:
        assert still.pid == process.pid
