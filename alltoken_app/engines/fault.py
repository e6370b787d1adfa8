"""A scripted upstream that fails on purpose, on loopback: the `fault` provider, and tests.

The model's name says what happens; a number after it says how many tokens ("ok-200").
"""

import asyncio
import json
import re
from collections import Counter, deque
from typing import Any

import msgspec

from alltoken_app.engines import http1
from alltoken_app.engines.fault_scripts import SCRIPTS, Exchange, Fact
from alltoken_app.engines.http1 import Reply, Request

REMEMBERED = 10_000
NAME = re.compile(r"(?P<script>.+?)(?:-(?P<tokens>[0-9]+))?")
ELSEWHERE = "/elsewhere"


class Options(msgspec.Struct):
    """`stream_options`."""

    include_usage: bool = False


class Asked(msgspec.Struct):
    """What a script needs to know of a request."""

    model: str = ""
    stream: bool | None = False
    stream_options: Options | None = None
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    messages: list[dict[str, Any]] = []


class FaultUpstream:
    """The server. Deterministic: the same requests in the same order get the same bytes.

    Attributes:
        facts: What happened to the latest requests, in the order they came.
        base_url: Where it listens, once started.
        followed: How often somebody went where `redirect` pointed.
    """

    def __init__(
        self, *, scale: float = 1.0, first_token_delay: float = 3.0, huge: int = 32 * 2**20
    ) -> None:
        """
        Args:
            scale: Every delay is multiplied by it; 0 makes tests quick.
            first_token_delay: Seconds `slow-first-token` waits, before scaling.
            huge: Bytes of `huge-reply`.
        """
        self.facts: deque[Fact] = deque(maxlen=REMEMBERED)
        self.base_url = ""
        self.followed = 0
        self.count = 0
        self._scale = scale
        self._first_token_delay = first_token_delay
        self._huge = huge
        self._turns: Counter[str] = Counter()
        self._listener = http1.Listener(self._handle)

    async def start(self) -> str:
        """Listen on a free port; returns the base URL ("http://127.0.0.1:…/v1")."""
        self.base_url = f"http://{http1.LOOPBACK}:{await self._listener.start()}/v1"
        return self.base_url

    async def close(self) -> None:
        """Stop, and drop every connection."""
        await self._listener.close()

    async def _handle(self, request: Request, reply: Reply) -> None:
        if request.path == ELSEWHERE:
            self.followed += 1
        if (request.method, request.path) != ("POST", "/v1/chat/completions"):
            await reply.json(b'{"error":{"message":"No such route.","code":"not_found"}}', 404)
            return
        try:
            asked = msgspec.json.decode(request.body, type=Asked)
        except msgspec.DecodeError:
            await reply.json(b'{"error":{"message":"Not JSON.","code":"invalid_json"}}', 400)
            return
        await self._play(asked, reply)

    async def _play(self, asked: Asked, reply: Reply) -> None:
        found = NAME.fullmatch(asked.model)
        script = SCRIPTS.get(found["script"]) if found else None
        fact = Fact(asked.model, bool(asked.stream))
        self.count += 1
        self.facts.append(fact)
        if not found or not script:
            told = {"message": "No such model.", "code": "model_not_found", "param": "model"}
            await reply.json(json.dumps({"error": told}).encode(), 404)
            return
        self._turns[asked.model] += 1
        try:
            await script(self._exchange(asked, reply, fact, found["tokens"]))
        except (asyncio.CancelledError, ConnectionError):
            fact.closed_early = True
            raise
        finally:
            fact.status = reply.status

    def _exchange(self, asked: Asked, reply: Reply, fact: Fact, tokens: str | None) -> Exchange:
        return Exchange(
            reply=reply,
            fact=fact,
            prompt=sum(4 + _words(message) for message in asked.messages),
            wanted=int(tokens) if tokens else None,
            limit=asked.max_completion_tokens or asked.max_tokens,
            include_usage=bool(asked.stream_options and asked.stream_options.include_usage),
            turn=self._turns[asked.model],
            scale=self._scale,
            first_token_delay=self._first_token_delay,
            huge=self._huge,
            elsewhere=f"http://{http1.LOOPBACK}:{self._listener.port}{ELSEWHERE}",
        )


def _words(message: dict[str, Any]) -> int:
    content = message.get("content")
    return len(content.split()) if isinstance(content, str) else 0
