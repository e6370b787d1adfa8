"""alltoken_app/command/ports.py"""

import os
import socket
import sys

import pytest

from alltoken_app.command import ports
from alltoken_app.command.says import Stopped
from tests.postgres import free_port


def test_a_free_port_is_let_through() -> None:
    ports.require_free("127.0.0.1", free_port())


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_a_taken_port_names_its_holder_and_a_way_out(host: str) -> None:
    with socket.create_server((host, 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(Stopped) as refused:
            ports.require_free("127.0.0.1", port)
    assert f"Port {port} is taken" in str(refused.value)
    assert "make run PORT=3000" in str(refused.value)
    if sys.platform == "linux":
        assert f"(pid {os.getpid()})" in str(refused.value)


def test_an_address_of_another_machine_is_not_called_taken() -> None:
    with pytest.raises(Stopped, match="Check HOST"):
        ports.require_free("192.0.2.1", free_port())


def test_nobody_listening_is_not_ready() -> None:
    assert not ports.answers("127.0.0.1", free_port())
