"""A provider on loopback that answers what a test tells it to, and remembers what it was asked."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

EVENTS = "text/event-stream"


@dataclass
class Asked:
    """One request it was sent."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]
    raw: bytes


@dataclass
class Scripted:
    """Answers in the order they were queued; the last one stays.

    Attributes:
        step: Bytes written at a time; 0 writes an answer at once.
        cut: Whether the connection breaks at the end of an answer.
    """

    url: str = ""
    asked: list[Asked] = field(default_factory=list)
    answers: list[tuple[int, str, bytes]] = field(default_factory=list)
    step: int = 0
    cut: bool = False

    def says(self, body: Any, status: int = 200) -> None:
        """Queue a JSON document."""
        self.answers.append((status, "application/json", json.dumps(body).encode()))

    def streams(
        self, events: list[dict[str, Any]], *, named: bool = True, done: bool = False
    ) -> None:
        """Queue server-sent events, with their types as names or without."""
        lines = [
            (f"event: {event['type']}\n" if named else "") + f"data: {json.dumps(event)}\n\n"
            for event in events
        ]
        text = "".join(lines) + ("data: [DONE]\n\n" if done else "")
        self.answers.append((200, EVENTS, text.encode()))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            await self._exchange(reader, writer)
        writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
        raw = await reader.readexactly(int(headers.get("content-length", 0)))
        self.asked.append(Asked(head[0].split(" ")[1], headers, json.loads(raw or b"{}"), raw))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        status, kind, body = answer
        length = len(body) + (10 if self.cut else 0)
        start = f"HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\n"
        writer.write(f"{start}connection: close\r\n\r\n".encode())
        for place in range(0, len(body), self.step or len(body)):
            writer.write(body[place : place + (self.step or len(body))])
            await writer.drain()
            if self.step:
                await asyncio.sleep(0)
        if self.cut:
            raise ConnectionError


@asynccontextmanager
async def scripted() -> AsyncIterator[Scripted]:
    """A provider that listens; its `url` is its base URL."""
    upstream = Scripted()
    listening = await asyncio.start_server(upstream._serve, "127.0.0.1", 0)
    upstream.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/v1"
    try:
        yield upstream
    finally:
        listening.close()
