"""A provider of OpenAI's shape on loopback for what is not chat: it hears, speaks and judges."""

import base64
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from alltoken_app.engines.http1 import Listener, Reply, Request

WORDS = "The morning train leaves at seven."
SEGMENTS = [
    {"id": 0, "start": 0.0, "end": 1.5, "text": " The morning train"},
    {"id": 1, "start": 1.5, "end": 3661.25, "text": " leaves at seven."},
]
TOKENS = {
    "type": "tokens", "input_tokens": 30, "output_tokens": 8, "total_tokens": 38,
    "input_token_details": {"audio_tokens": 24, "text_tokens": 6},
}  # fmt: skip
SOUND = b"ID3\x04 not really a sound" * 10


@dataclass
class Asked:
    """One request, as it came."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def form(self) -> dict[str, list[bytes]]:
        """The parts of a form by name."""
        boundary = self.headers["content-type"].partition("boundary=")[2].encode()
        parts = self.body.split(b"--" + boundary)[1:-1]
        found: dict[str, list[bytes]] = {}
        for part in parts:
            head, _, value = part.partition(b"\r\n\r\n")
            name = re.search(rb'name="([^"]+)"', head)
            assert name
            found.setdefault(name[1].decode(), []).append(value[:-2])
        return found

    @property
    def json(self) -> dict[str, Any]:
        parsed: dict[str, Any] = json.loads(self.body)
        return parsed


@dataclass
class Provider:
    """`answers` replaces an answer by path; `asked` is what came."""

    url: str = ""
    asked: list[Asked] = field(default_factory=list)
    answers: dict[str, tuple[int, bytes, str]] = field(default_factory=dict)

    async def handle(self, request: Request, reply: Reply) -> None:
        asked = Asked(request.path, request.headers, request.body)
        self.asked.append(asked)
        if request.path in self.answers:
            status, body, kind = self.answers[request.path]
            await reply.whole(body, kind, status)
            return
        routes = {
            "/audio/transcriptions": self._hear,
            "/audio/translations": self._hear,
            "/audio/speech": self._speak,
            "/moderations": self._judge,
            "/rerank": self._rerank,
        }
        await routes[request.path](asked, reply)

    async def _hear(self, asked: Asked, reply: Reply) -> None:
        model = asked.form["model"][0].decode()
        if asked.form.get("stream") == [b"true"]:
            await reply.start("text/event-stream")
            for word in re.findall(r"\S+ ?", WORDS):
                await reply.send(_event({"type": "transcript.text.delta", "delta": word}))
            done = {"type": "transcript.text.done", "text": WORDS, "usage": TOKENS}
            await reply.send(_event(done) + b"data: [DONE]\n\n")
            await reply.end()
            return
        answer: dict[str, Any] = {"text": WORDS}
        if model != "silent-about-usage":
            whisper = model == "whisper-1"
            answer["usage"] = {"type": "duration", "seconds": 3} if whisper else TOKENS
        if asked.form.get("response_format") == [b"verbose_json"]:
            answer |= {"task": "transcribe", "language": "english", "duration": 2.15}
            answer |= {"segments": SEGMENTS}
        await reply.json(json.dumps(answer).encode())

    async def _speak(self, asked: Asked, reply: Reply) -> None:
        if asked.json.get("stream_format") != "sse":
            await reply.whole(SOUND, "audio/mpeg")
            return
        await reply.start("text/event-stream")
        for at in range(0, len(SOUND), 100):
            audio = base64.b64encode(SOUND[at : at + 100]).decode()
            await reply.send(_event({"type": "speech.audio.delta", "audio": audio}))
        used = {"input_tokens": 9, "output_tokens": 40, "total_tokens": 49}
        await reply.send(_event({"type": "speech.audio.done", "usage": used}))
        await reply.end()

    async def _judge(self, asked: Asked, reply: Reply) -> None:
        given = asked.json["input"]
        count = 1 if isinstance(given, str) or isinstance(given[0], dict) else len(given)
        verdict = {"flagged": True, "categories": {"violence": True},
                   "category_scores": {"violence": 0.9},
                   "category_applied_input_types": {"violence": ["text"]}}  # fmt: skip
        answer = {"id": "modr-1", "model": "m", "results": [verdict] * count}
        await reply.json(json.dumps(answer).encode())

    async def _rerank(self, asked: Asked, reply: Reply) -> None:
        count = len(asked.json["documents"])
        found = [{"index": at, "relevance_score": 1 / (count - at)} for at in range(count)][::-1]
        answer = {"id": "r", "results": found[: asked.json.get("top_n", count)],
                  "meta": {"billed_units": {"search_units": 1}}}  # fmt: skip
        await reply.json(json.dumps(answer).encode())


def _event(data: dict[str, Any]) -> bytes:
    return f"data: {json.dumps(data)}\n\n".encode()


@asynccontextmanager
async def provider() -> AsyncIterator[Provider]:
    found = Provider()
    listener = Listener(found.handle)
    found.url = f"http://127.0.0.1:{await listener.start()}"
    try:
        yield found
    finally:
        await listener.close()
