"""Keeps the server running and says where it is; what `run` and `serve` turn into.

`python -m alltoken_app.command.supervise TARGET WORKERS LOCK`: the descriptor LOCK is the claimed
lock of `var`.
"""

import sys

from alltoken_app.command.says import Stopped, line, say, step
from alltoken_app.command.server import Server
from alltoken_app.settings import Settings, settings

WEB = "alltoken_app.asgi:create"
API_ONLY = "alltoken_app.worker:create"
NEWCOMER_CARD = "4242 4242 4242 4242"


def supervise(settings: Settings, target: str, workers: int, lock: int) -> int:
    """Serve until told to stop; the exit code.

    Raises:
        Stopped: The server did not start.
    """
    with step("Server", "starting"):
        process = Server(settings, target, workers, lock)
        ready = process.wait_until_ready()
    if ready:
        welcome(settings, web=target == WEB)
    code = process.wait(lambda text: line("Stopping", text))
    ended = "running answers are settled" if ready else "before it was ready"
    line("Stopped", ended if code == 0 else f"exit code {code}, see above")
    return code


def welcome(settings: Settings, *, web: bool) -> None:
    """Say where everything is."""
    origin = settings.origin
    mailbox = "" if settings.smtp_url.get_secret_value() else f", its mail: {origin}/mailbox"
    say("")
    if web:
        line("Open", origin)
        line("Sign up", f"{origin}/signup{mailbox}")
        line("Read", f"{origin}/docs")
    line("API", f"{origin}/v1")
    if settings.book == "sandbox":
        line("Money", f"sandbox book, none of it real; card {NEWCOMER_CARD}, any date and code")
    else:
        line("Money", "LIVE book: cards are charged")
    line("Data", str(settings.var.resolve()))
    line("Stop", "Ctrl-C")
    say("")


def main() -> None:
    """Take over from the process that prepared everything."""
    target, workers, lock = sys.argv[1:]
    try:
        sys.exit(supervise(settings(), target, int(workers), int(lock)))
    except Stopped as error:
        sys.exit(f"\nAllToken: {error}")


if __name__ == "__main__":
    main()
