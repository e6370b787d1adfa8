"""A product that kills itself at a named place.

Arguments: the failpoint, or "" for none; how often it may be passed before.
"""

import asyncio
import json
import sys

from granian.constants import Interfaces
from granian.server.embed import Server

from alltoken_app import db, failpoints
from alltoken_app.api.app import Api
from alltoken_app.catalog import seed
from alltoken_app.runtime import running
from alltoken_app.settings import settings


async def main(failpoint: str, passes: int) -> None:
    async with running(settings()) as plane:
        await db.run(seed.seed, settings())
        while "fault/ok" not in plane.catalog.models:
            await asyncio.sleep(0.01)
        if failpoint:
            failpoints.arm(failpoint, passes)
        server = Server(
            Api(plane), address="127.0.0.1", port=settings().port, interface=Interfaces.ASGINL
        )
        serving = asyncio.create_task(server.serve())
        await listening(settings().port)
        sys.stdout.write(json.dumps({"ready": True}) + "\n")
        sys.stdout.flush()
        await serving


async def listening(port: int) -> None:
    while True:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.01)
        else:
            writer.close()
            return


asyncio.run(main(sys.argv[1], int(sys.argv[2])))
