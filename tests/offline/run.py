"""Runs the tests of this folder in a process whose network cable is out.

On Linux the process moves into a network namespace that has a loopback device and nothing else;
where that is not allowed, an audit hook refuses every connect that is not to loopback.
"""

import ctypes
import fcntl
import ipaddress
import os
import socket
import struct
import sys
from pathlib import Path

import pytest

CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
SIOCSIFFLAGS, IFF_UP = 0x8914, 0x1


def cut() -> str:
    """Cut this process off; says how."""
    if sys.platform == "linux":
        flags = CLONE_NEWNET if os.geteuid() == 0 else CLONE_NEWUSER | CLONE_NEWNET
        if ctypes.CDLL(None, use_errno=True).unshare(flags) == 0:
            with socket.socket() as probe:
                fcntl.ioctl(probe, SIOCSIFFLAGS, struct.pack("16sh", b"lo", IFF_UP))
            return "network namespace"
    sys.addaudithook(_refuse)
    return "audit hook"


def _refuse(event: str, arguments: tuple[object, ...]) -> None:
    if event == "socket.connect" and isinstance(arguments[1], tuple):
        host = str(arguments[1][0])
        if host != "localhost" and not ipaddress.ip_address(host).is_loopback:
            raise ConnectionRefusedError(f"{host} is not loopback")


def main() -> int:
    """Cut the cable, prove it, run the tests."""
    how = cut()
    try:
        socket.create_connection(("192.0.2.1", 443), timeout=1).close()
    except OSError:
        sys.stdout.write(f"cable out: {how}\n")
    else:
        return 3
    folder = str(Path(__file__).parent)
    return int(pytest.main(["-p", "no:cacheprovider", "-p", "no:randomly", folder]))


if __name__ == "__main__":
    sys.exit(main())
