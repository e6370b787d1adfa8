"""alltoken_app/command/{run,server}.py, as real processes: the API alone, which starts fastest."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.conftest import ROOT
from tests.postgres import free_port

HANG = 60.0


class Served:
    """One `serve --api-only` on a migrated SQLite database in a folder of its own."""

    def __init__(self, var: Path, port: int) -> None:
        self.var, self.port = var, port
        self.environment = os.environ | {"VAR": str(var), "PORT": str(port)}
        self.process = self.start()

    def start(self, **settings: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "alltoken_app", "serve", "--api-only"],
            cwd=ROOT,
            env=self.environment | settings,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def again(self, **settings: str) -> tuple[int, str]:
        process = self.start(**settings)
        said, _ = process.communicate(timeout=HANG)
        return process.returncode, said

    def answers(self) -> bool:
        try:
            return httpx.get(f"http://127.0.0.1:{self.port}/health/ready").is_success
        except httpx.TransportError:
            return False

    def until(self, *, answering: bool) -> None:
        deadline = time.monotonic() + HANG
        while self.answers() is not answering:
            assert time.monotonic() < deadline, "nothing happened"
            time.sleep(0.05)


@pytest.fixture
def served(tmp_path: Path, sqlite_template: Path) -> Iterator[Served]:
    var = tmp_path / "var"
    var.mkdir()
    (var / "alltoken.db").write_bytes(sqlite_template.read_bytes())
    server = Served(var, free_port())
    server.until(answering=True)
    yield server
    server.process.terminate()
    server.process.communicate(timeout=HANG)


def test_a_second_start_says_that_it_runs_and_where(served: Served) -> None:
    code, said = served.again()
    assert code == 0
    assert f"already, at http://localhost:{served.port}" in said
    assert served.answers()


def test_a_taken_port_is_refused_before_anything_starts(served: Served) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, said = served.again(PORT=str(port))
    assert code == 1
    assert f"Port {port} is taken" in said
    assert "PORT=" in said
    assert "Traceback" not in said


def test_being_told_to_stop_is_a_good_end(served: Served) -> None:
    served.process.send_signal(signal.SIGINT)
    said, _ = served.process.communicate(timeout=HANG)
    assert served.process.returncode == 0, said
    assert not served.answers()


def test_being_told_to_stop_while_starting_ends_at_once(served: Served) -> None:
    process = served.start(PORT=str(free_port()))
    assert process.stdout
    assert process.stdout.read(24).strip().startswith("Server")
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=HANG / 4)
    assert process.returncode == 0, said
    assert "waiting" not in said


def test_a_killed_command_takes_its_server_along(served: Served) -> None:
    served.process.kill()
    served.until(answering=False)
    again = served.start()
    served.until(answering=True)
    again.terminate()
    again.communicate(timeout=HANG)


def test_an_answer_that_runs_is_finished_before_the_end(served: Served) -> None:
    """A request that has begun is not cut by the first signal."""
    with socket.create_connection(("127.0.0.1", served.port)) as slow:
        slow.sendall(
            b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n"
            b"Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{"
        )
        time.sleep(0.3)
        served.process.terminate()
        time.sleep(0.5)
        slow.sendall(b"}")
        assert slow.recv(64).startswith(b"HTTP/1.1 401")
    assert served.process.wait(HANG) == 0
