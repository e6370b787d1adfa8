"""Keeps the local engine's process: starts it at first use, watches it, starts it again.

The gateway's process never loads a model: what goes wrong in there cannot take it along.
"""

import asyncio
import contextlib
import json
import os
import shlex
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal

from alltoken_app.clock import Millis, now_ms
from alltoken_app.crypto import Secrets
from alltoken_app.engines import http1, weights
from alltoken_app.engines.weights import Weights
from alltoken_app.errors import Unavailable
from alltoken_app.settings import ROOT, Settings

State = Literal["off", "starting", "loading", "ready", "failed"]

START_TIMEOUT = 90.0  # seconds until a start counts as failed; a busy machine takes ten
CHECK_EVERY = 15.0
CHECKS_MISSED = 4
STEADY = 60.0  # seconds of service after which earlier failures are forgotten
BACK_OFF = (0.2, 1.0, 5.0, 15.0, 60.0)  # seconds before the next start
PATIENCE = 10.0  # a start that is due within this many seconds is waited for
LOG_LIMIT = 1_000_000
ENVIRONMENT = {  # all the child gets: no secrets
    "PATH": "/usr/local/bin:/usr/bin:/bin",
    "LANG": "C.UTF-8",
    "OMP_NUM_THREADS": "1",
    "HF_HUB_OFFLINE": "1",  # a library that could download must not
    "MALLOC_MMAP_THRESHOLD_": "131072",  # glibc gives memory back after a long text: 180 MB
    "MALLOC_TRIM_THRESHOLD_": "131072",
}


@dataclass(frozen=True)
class EngineStatus:
    """What to show: `progress` from 0 to 1 while it starts, `since` in ms."""

    state: State
    detail: str
    progress: float | None
    since: Millis


class LocalEngine:
    """The local engine as the gateway sees it. One per process, used from one event loop."""

    def __init__(self, settings: Settings, secrets: Secrets) -> None:
        self._settings = settings
        self._token = secrets.engine_token
        self._status = EngineStatus("off", "", None, now_ms())
        self._changed = asyncio.Event()
        self._keeper: asyncio.Task[None] | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._port = 0
        self._due = 0.0
        self._set("off", self._why_off())

    def _why_off(self) -> str:
        if not self._settings.local_models:
            return "Switched off by LOCAL_MODELS."
        return weights.find().explanation or "Starts at its first use."

    def status(self) -> EngineStatus:
        """The state now."""
        return self._status

    @property
    def pid(self) -> int | None:
        """The process that runs the models, while there is one."""
        return self._process.pid if self._process else None

    async def ensure(self) -> str:
        """The engine's base URL ("http://127.0.0.1:…/v1"), starting it if it is not running.

        Callers at the same time share one start, and wait for it at most START_TIMEOUT seconds.

        Raises:
            Unavailable: It is switched off, not installed, or does not start.
        """
        if self._status.state == "ready" and await self._listening():
            return f"http://{http1.LOOPBACK}:{self._port}/v1"
        if not self._settings.local_models:
            raise _unavailable(self._status.detail)
        if self._keeper is None or self._keeper.done():
            self._set("starting", "Looking for the weights.", 0.0)
            self._keeper = asyncio.get_running_loop().create_task(self._keep())
        try:
            async with asyncio.timeout(START_TIMEOUT):
                while self._status.state == "ready":  # but not listening: soon it is not ready
                    await self._changed.wait()
                await self._settled()
        except TimeoutError:
            raise _unavailable("It has not started in time.", retry_after=PATIENCE) from None
        return f"http://{http1.LOOPBACK}:{self._port}/v1"

    async def _listening(self) -> bool:
        """Whether the port still answers: a process killed just now looks alive for a while."""
        try:
            _, writer = await asyncio.open_connection(http1.LOOPBACK, self._port)
        except OSError:
            return False
        writer.close()
        return True

    async def close(self) -> None:
        """End the process; a later `ensure` starts a new one."""
        if self._keeper is not None:
            self._keeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._keeper
        self._keeper = None
        self._set("off", self._why_off())

    async def _settled(self) -> None:
        """Wait until it is ready.

        Raises:
            Unavailable: It has failed, and the next start is not soon.
        """
        while self._status.state != "ready":
            if self._status.state == "failed":
                wait = self._due - asyncio.get_running_loop().time()
                if self._keeper is None or self._keeper.done():
                    raise _unavailable(self._status.detail)
                if wait > PATIENCE:
                    raise _unavailable(self._status.detail, retry_after=wait)
            await self._changed.wait()

    async def _keep(self) -> None:
        """Start the process, and again whenever it ends, less and less eagerly."""
        loop = asyncio.get_running_loop()
        failures = 0
        found = await asyncio.to_thread(self._verified)
        if not found.models and not self._settings.speech_command:
            self._set("failed", found.explanation)
            return
        while True:
            began = loop.time()
            try:
                reason = await self._live(found)
            except (OSError, ValueError) as error:
                reason = f"The local engine cannot be started ({type(error).__name__})."
            failures = 0 if loop.time() - began > STEADY else failures + 1
            pause = BACK_OFF[min(failures, len(BACK_OFF)) - 1]
            self._due = loop.time() + pause
            self._set("failed", f"{reason} Starting again.")
            await asyncio.sleep(pause)

    def _verified(self) -> Weights:
        return weights.verified(weights.find(), self._settings.var)

    async def _live(self, found: Weights) -> str:
        """One life of the process, from start to end; why it ended."""
        self._set("starting", "Starting the process.", 0.1)
        with _log_file(self._settings.var / "logs" / "local-engine.log") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "alltoken_app.engines.server",
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                cwd=ROOT,
                env=ENVIRONMENT,
                start_new_session=True,  # Ctrl-C is for the gateway
            )
        try:
            return await self._attend(self._process, found)
        finally:
            await _end(self._process)
            self._process = None

    async def _attend(self, process: asyncio.subprocess.Process, found: Weights) -> str:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(self._config(found))
        try:
            async with asyncio.timeout(START_TIMEOUT):
                port = await self._hear(process.stdout)
        except TimeoutError:
            return "The local engine did not start in time."
        if port is None:
            return await _obituary(process)
        self._port = port
        self._set("ready", found.explanation or "Running.", 1.0)
        watch = asyncio.create_task(self._watch(port))
        wait = asyncio.create_task(process.wait())
        try:
            await asyncio.wait((watch, wait), return_when=asyncio.FIRST_COMPLETED)
            hung = watch.done() and not wait.done()
            return "The local engine hung." if hung else await _obituary(process)
        finally:
            watch.cancel()
            wait.cancel()

    def _config(self, found: Weights) -> bytes:
        told = {
            "token": self._token,
            "threads": self._settings.local_threads,
            "tokenizer": str(found.tokenizer),
            "chat": str(found.chat) if found.chat else None,
            "embeddings": str(found.embeddings) if found.embeddings else None,
            "listening": [str(part) for part in found.listening],
            "speaking": shlex.split(self._settings.speech_command),
        }
        return json.dumps(told).encode() + b"\n"

    async def _hear(self, output: asyncio.StreamReader) -> int | None:
        """Follow the child's progress until it is ready; None when it ends before."""
        while line := await output.readline():
            told = json.loads(line)
            if told["state"] == "ready":
                return int(told["port"])
            self._set("loading", told["detail"], told["progress"])
        return None

    async def _watch(self, port: int) -> None:
        """Ask for its health now and then; returns when it has stopped answering."""
        missed = 0
        while missed < CHECKS_MISSED:
            await asyncio.sleep(CHECK_EVERY)
            try:
                status, _ = await http1.fetch(port, "/health", self._token)
                missed = 0 if status == 200 else missed + 1
            except (OSError, TimeoutError, EOFError, http1.Malformed):
                missed += 1

    def _set(self, state: State, detail: str, progress: float | None = None) -> None:
        since = self._status.since if state == self._status.state else now_ms()
        self._status = EngineStatus(state, detail, progress, since)
        self._changed.set()
        self._changed = asyncio.Event()


async def _obituary(process: asyncio.subprocess.Process) -> str:
    code = await process.wait()
    how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"
    return f"The local engine {how}; see var/logs/local-engine.log."


async def _end(process: asyncio.subprocess.Process) -> None:
    """Kill it (it holds nothing worth saving) and wait until it is gone, even if cancelled."""
    with contextlib.suppress(ProcessLookupError):
        process.kill()
    await asyncio.shield(process.wait())


def _log_file(path: Path) -> BinaryIO:
    """The log, opened to append; an overgrown one is set aside first."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if path.exists() and path.stat().st_size > LOG_LIMIT:
        path.replace(path.with_suffix(".log.1"))
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "wb")


def _unavailable(detail: str, retry_after: float | None = None) -> Unavailable:
    return Unavailable(
        f"The local models are not available. {detail} Nothing was charged.",
        code="local_engine_unavailable",
        retry_after=retry_after,
    )
