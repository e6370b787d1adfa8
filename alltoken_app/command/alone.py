"""The API with one worker, in this process: `python -m alltoken_app.command.alone LOCK`.

What `serve --api-only` turns into: no supervisor, no second process. The descriptor LOCK is the
claimed lock of the port's folder; it stays open as long as this process lives.
"""

import contextlib
import os
import signal
import sys
from collections.abc import Generator
from types import FrameType

from uvicorn import Config

from alltoken_app.command.says import line, step
from alltoken_app.command.server import DRAIN_LIMIT, STOP_SIGNALS
from alltoken_app.command.supervise import API_ONLY, welcome
from alltoken_app.serving import Serving, config
from alltoken_app.settings import settings


class Alone(Serving):
    """Serves until it is told to stop; told twice, it ends at once."""

    def __init__(self, how: Config) -> None:
        super().__init__(how)
        self.signals = 0
        self._starting = contextlib.ExitStack()

    async def startup(self, sockets: object = None) -> None:
        """Called by uvicorn."""
        await super().startup()
        self._starting.close()
        welcome(settings(), web=False)

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Called by uvicorn, which would raise the signal once more in the end."""
        for name in STOP_SIGNALS:
            signal.signal(name, self._stop)
        self._starting.enter_context(step("Server", "starting"))  # loading it takes longest
        yield

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self.signals += 1
        if self.signals > 1 or not self.started:
            line("Stopped", "at once" if self.started else "before it was ready")
            sys.stdout.flush()
            os._exit(0)
        self.should_exit = True
        line("Stopping", f"waiting up to {DRAIN_LIMIT} s for running answers; once more: at once")


def main() -> None:
    """Serve; 0 when it was told to stop."""
    chosen = settings()
    server = Alone(config(API_ONLY, chosen.host, chosen.port, DRAIN_LIMIT))
    server.run()
    line("Stopped", "running answers are settled" if server.signals else "by itself, see above")
    sys.exit(0 if server.signals else 1)


if __name__ == "__main__":
    main()
