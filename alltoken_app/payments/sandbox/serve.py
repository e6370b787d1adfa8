"""Serves the sandbox processor for a moment, for commands that run while no server does."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from granian.constants import Interfaces
from granian.server.embed import Server

from alltoken_app.crypto import Secrets
from alltoken_app.payments.sandbox.app import create
from alltoken_app.settings import Settings

STARTS_WITHIN = 10.0  # seconds


@asynccontextmanager
async def serving(settings: Settings, secrets: Secrets) -> AsyncIterator[Settings]:
    """The processor on a free loopback port; yields the settings that reach it there.

    Its events find no webhook endpoint meanwhile; they wait for the next real start.
    """
    moved = settings.model_copy(update={"port": _free_port()})
    sandbox = create(moved, secrets)
    server = Server(
        sandbox,
        address="127.0.0.1",
        port=moved.port,
        interface=Interfaces.ASGINL,  # its life is this block, not the server's
        log_enabled=False,
    )
    task = asyncio.create_task(server.serve())
    try:
        await _listening(moved.port, task)
        yield moved
    finally:
        server.stop()  # type: ignore[no-untyped-call]
        await asyncio.gather(task, return_exceptions=True)
        await sandbox.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def _listening(port: int, server: asyncio.Task[None]) -> None:
    async with asyncio.timeout(STARTS_WITHIN):
        while not server.done():
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.02)
                continue
            writer.close()
            return
    await server  # it ended: say why
