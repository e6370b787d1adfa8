"""A scripted provider on loopback: it remembers what it was asked and plays what it was given."""

import asyncio
import json
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from alltoken_app.engines import http1
from alltoken_app.engines.http1 import Reply, Request

Json = dict[str, Any]


@dataclass
class Answer:
    """One answer: JSON, or (with `events`) a stream, sent in parts of `step` bytes."""

    body: Json | None = None
    events: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    kind: str = "text/event-stream"
    step: int = 0
    pause: float = 0  # seconds before each part
    torn: bool = False  # the connection breaks where the stream should go on


class Scripted:
    """The provider.

    Attributes:
        bodies: Requests that came, as JSON; `raw` as bytes, `headers` and `paths` beside them.
    """

    def __init__(self) -> None:
        self.bodies: list[Json] = []
        self.raw: list[bytes] = []
        self.headers: list[dict[str, str]] = []
        self.paths: list[str] = []
        self._answers: deque[Answer] = deque()
        self._listener = http1.Listener(self._handle)
        self.url = ""

    async def start(self) -> None:
        self.url = f"http://{http1.LOOPBACK}:{await self._listener.start()}"

    async def close(self) -> None:
        await self._listener.close()

    def plays(self, *answers: Answer) -> None:
        """What the next requests get."""
        self._answers.extend(answers)

    async def _handle(self, request: Request, reply: Reply) -> None:
        self.bodies.append(json.loads(request.body))
        self.raw.append(request.body)
        self.headers.append(request.headers)
        self.paths.append(request.path)
        answer = self._answers.popleft()
        if answer.body is not None:
            await _whole(reply, answer)
            return
        await reply.start(answer.kind)
        step = answer.step or len(answer.events)
        for at in range(0, len(answer.events), step):
            await asyncio.sleep(answer.pause)
            await reply.send(answer.events[at : at + step])
        if answer.torn:
            reply.raw.close()
            return
        await reply.end()


async def _whole(reply: Reply, answer: Answer) -> None:
    body = json.dumps(answer.body).encode()
    headers = {"content-type": "application/json", "content-length": str(len(body))}
    lines = [f"{name}: {value}" for name, value in {**headers, **answer.headers}.items()]
    head = "\r\n".join([f"HTTP/1.1 {answer.status} Said", *lines, "", ""])
    reply.raw.write(head.encode() + body)
    await reply.raw.drain()
