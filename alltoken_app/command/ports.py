"""Whether a port can be had, and who has it when it cannot."""

import os
import socket
import urllib.error
import urllib.request
from pathlib import Path

from alltoken_app.command.says import Stopped

LISTENING = "0A"  # the state's code in /proc/net/tcp
WILDCARDS = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104


def require_free(host: str, port: int) -> None:
    """Refuse a port somebody else listens on.

    Raises:
        Stopped: It is taken, or may not be had; names the holder where the system tells.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except PermissionError:
            raise Stopped(
                f"Port {port} needs more rights than this user has. Another: PORT=3100"
            ) from None
        except OSError as error:
            raise Stopped(_taken(host, port, error)) from None


def answers(host: str, port: int, timeout: float = 2.0) -> bool:
    """Whether an AllToken at this address says that it is ready."""
    reached = WILDCARDS.get(host, host)
    shown = f"[{reached}]" if ":" in reached else reached
    try:
        with urllib.request.urlopen(
            f"http://{shown}:{port}/health/ready", timeout=timeout
        ) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError, ValueError):
        return False


def _taken(host: str, port: int, error: OSError) -> str:
    holder = listener(port)
    by = f" by {holder}" if holder else ""
    if not holder and not _connects(host, port):
        return f"{host}:{port} cannot be listened on: {error.strerror}. Check HOST and PORT."
    other = " (an AllToken with another VAR)" if answers(host, port) else ""
    return f"Port {port} is taken{by}{other}. Take another: make run PORT={_another(port)}"


def _another(port: int) -> int:
    return 3100 if port == 3000 else 3000


def _connects(host: str, port: int) -> bool:
    try:
        socket.create_connection((WILDCARDS.get(host, host), port), timeout=1).close()
    except OSError:
        return False
    return True


def listener(port: int) -> str:
    """The name and process id of whoever listens on a port; "" where the system does not tell."""
    inodes = _listening_inodes(port)
    for link in Path("/proc").glob("[0-9]*/fd/*") if inodes else ():
        try:
            target = os.readlink(link)
            if target.startswith("socket:[") and target[8:-1] in inodes:
                pid = link.parts[2]
                return f"{Path(f'/proc/{pid}/comm').read_text().strip()} (pid {pid})"
        except OSError:
            continue  # the process ended, or is not ours to look into
    return ""


def _listening_inodes(port: int) -> set[str]:
    found = set()
    for table in (Path("/proc/net/tcp"), Path("/proc/net/tcp6")):
        for row in table.read_text().splitlines()[1:] if table.exists() else ():
            cells = row.split()
            if cells[3] == LISTENING and int(cells[1].rpartition(":")[2], 16) == port:
                found.add(cells[9])
    return found
