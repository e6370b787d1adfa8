"""A product that kills itself at a named place. Arguments: the failpoint, or "" for none."""

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


async def main(failpoint: str) -> None:
    async with running(settings()) as plane:
        await db.run(seed.seed, settings())
        while "fault/ok" not in plane.catalog.models:
            await asyncio.sleep(0.01)
        if failpoint:
            failpoints.arm(failpoint)
        server = Server(
            Api(plane), address="127.0.0.1", port=settings().port, interface=Interfaces.ASGINL
        )
        serving = asyncio.create_task(server.serve())
        sys.stdout.write(json.dumps({"ready": True}) + "\n")
        sys.stdout.flush()
        await serving


asyncio.run(main(sys.argv[1]))
