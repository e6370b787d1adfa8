"""Whisper inside this process: CTranslate2 runs it, faster-whisper leads it, miniaudio decodes.

Only the engine's child process imports this file.
"""

import asyncio
import json
import logging
import re
import sys
import threading
from collections.abc import AsyncGenerator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any, Literal, Protocol

import miniaudio
import msgspec
import numpy as np
import numpy.typing as npt

from alltoken_app.engines.http1 import Reply
from alltoken_app.errors import Invalid, Unavailable

HERTZ = 16_000
LONGEST = 20 * 60  # seconds of sound
FRAMES = 16_384  # decoded at a time
QUEUE = 8
SMALL = ("config.json", "tokenizer.json", "vocabulary.txt")  # beside the first part of the weights
COOLER = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)  # its makers' advice: warmer only when words repeat
WHERE = re.compile(r"\$\.(\w+)|field `(\w+)`")
DONE = b"data: [DONE]\n\n"
Samples = npt.NDArray[np.float32]


class Sound(msgspec.Struct):
    """A sound inside JSON, in base64."""

    data: bytes
    format: str = ""


class Listening(msgspec.Struct):
    """The fields of a transcription that mean something here."""

    input_audio: Sound
    language: str | None = None
    prompt: str | None = None
    temperature: Annotated[float, msgspec.Meta(ge=0, le=1)] | None = None
    response_format: Literal["json", "verbose_json"] | None = None
    timestamp_granularities: list[Literal["word", "segment"]] | None = None
    stream: bool | None = None


class Segment(Protocol):
    """What faster-whisper says of a stretch of sound; times in seconds."""

    start: float
    end: float
    text: str
    words: list[Any] | None


class Heard:
    """One transcript while it is made: `language` and `seconds` are known first."""

    def __init__(self, asked: Listening, task: str) -> None:
        self.asked = asked
        self.task = task
        self.language = ""
        self.seconds = 0.0
        self.segments: list[Segment] = []
        self.stopped = threading.Event()

    @property
    def text(self) -> str:
        """All words so far."""
        return "".join(segment.text for segment in self.segments).strip()

    @property
    def usage(self) -> dict[str, Any]:
        """As OpenAI writes it."""
        return {"type": "duration", "seconds": self.seconds}

    def whole(self) -> dict[str, Any]:
        """The answer, as short or as verbose as it was asked for."""
        if self.asked.response_format != "verbose_json":
            return {"text": self.text, "usage": self.usage}
        words = [_word(word) for segment in self.segments for word in segment.words or ()]
        return {
            "task": self.task,
            "language": self.language,
            "duration": round(self.seconds, 3),
            "text": self.text,
            "segments": [_segment(number, one) for number, one in enumerate(self.segments)],
            **({"words": words} if words else {}),
            "usage": self.usage,
        }


class Whisper:
    """The model; loaded at its first use, in a thread of its own."""

    def __init__(self, parts: tuple[Path, ...], threads: int) -> None:
        self._parts = parts
        self._threads = threads
        self._model: Any = None
        self._waiting = 0
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="whisper")

    async def answer(self, body: bytes, task: str, reply: Reply) -> None:
        """Serve one request; `task` is "transcribe" or "translate".

        Raises:
            Invalid, Unavailable: Before or after something was sent; `reply.status` tells.
        """
        heard = Heard(_read(body), task)
        said = self._segments(heard)
        if not heard.asked.stream:
            async with aclosing(said):
                async for segment in said:
                    heard.segments.append(segment)
            await reply.json(json.dumps(heard.whole()).encode())
            return
        async with aclosing(said):
            async for segment in said:
                if not reply.status:
                    await reply.start()
                heard.segments.append(segment)
                delta = segment.text if len(heard.segments) > 1 else segment.text.lstrip()
                await reply.send(_event(type="transcript.text.delta", delta=delta))
        if not reply.status:
            await reply.start()
        done = _event(type="transcript.text.done", text=heard.text, usage=heard.usage)
        await reply.send(done + DONE)
        await reply.end()

    async def _segments(self, heard: Heard) -> AsyncGenerator[Segment, None]:
        """What is heard, stretch by stretch; closing the iterator stops at the next one."""
        if self._waiting >= QUEUE:
            raise Unavailable(
                "The local model is busy. Nothing was charged; try again in a few seconds.",
                code="engine_overloaded",
                retry_after=5,
            )
        loop = asyncio.get_running_loop()
        queue: asyncio.Queue[Segment | None] = asyncio.Queue()

        def work() -> None:
            try:
                for segment in self._listen(heard):
                    loop.call_soon_threadsafe(queue.put_nowait, segment)
            finally:
                loop.call_soon_threadsafe(queue.put_nowait, None)

        self._waiting += 1
        working = loop.run_in_executor(self._thread, work)
        working.add_done_callback(self._done)
        try:
            while (segment := await queue.get()) is not None:
                yield segment
            await working  # raises what went wrong
        finally:
            heard.stopped.set()

    def _done(self, working: "asyncio.Future[None]") -> None:
        self._waiting -= 1
        if not working.cancelled():
            working.exception()  # seen: else asyncio would print it

    def _listen(self, heard: Heard) -> Iterator[Segment]:
        """Decode and transcribe; runs in the thread."""
        if heard.stopped.is_set():
            return
        samples = decode(heard.asked.input_audio.data)
        heard.seconds = len(samples) / HERTZ
        self._model = self._model or self._load()
        asked = heard.asked
        try:
            segments, about = self._model.transcribe(
                samples,
                task=heard.task,
                language=_language(asked.language),
                initial_prompt=asked.prompt or None,
                temperature=asked.temperature or COOLER,
                word_timestamps="word" in (asked.timestamp_granularities or ()),
                condition_on_previous_text=False,
                vad_filter=True,  # in silence it would hear words
            )
        except ValueError as error:
            raise Invalid(
                "The local model does not know this language.", param="language"
            ) from error
        heard.language = about.language
        for segment in segments:
            if heard.stopped.is_set():
                return
            yield segment

    def _load(self) -> Any:
        """Load the model from its parts; takes a second or two."""
        # faster-whisper names PyAV at its top and needs it only to open files. PyAV's wheels bring
        # GPL codecs, so it is not here: we decode ourselves and hand over samples.
        sys.modules.setdefault("av", ModuleType("av"))
        from faster_whisper import WhisperModel

        logging.getLogger("faster_whisper").disabled = True  # it tells the language and length
        files: dict[str, Any] = {
            name: (self._parts[0].parent / name).read_bytes() for name in SMALL
        }
        files["model.bin"] = b"".join(part.read_bytes() for part in self._parts)
        return WhisperModel(
            "whisper-base",
            device="cpu",
            compute_type="int8",
            cpu_threads=self._threads,
            files=files,
        )


def decode(sound: bytes) -> Samples:
    """The samples of a wav, mp3, flac or Ogg Vorbis file: one channel, 16 kHz.

    Raises:
        Invalid: It is none of these, or too long.
    """
    parts: list[Samples] = []
    count = 0
    try:
        stream = miniaudio.stream_memory(
            sound, miniaudio.SampleFormat.FLOAT32, 1, HERTZ, frames_to_read=FRAMES
        )
        for part in stream:
            parts.append(np.frombuffer(part, dtype=np.float32))
            count += len(part)
            if count > LONGEST * HERTZ:
                text = f"The local model listens for {LONGEST // 60} minutes at most."
                raise Invalid(text, param="file")
    except miniaudio.MiniaudioError as error:
        text = "The local model reads wav, mp3, flac and Ogg Vorbis; this is something else."
        raise Invalid(text, param="file") from error
    if not count:
        raise Invalid("There is no sound in the file.", param="file")
    return np.concatenate(parts)


def _read(body: bytes) -> Listening:
    try:
        return msgspec.json.decode(body, type=Listening)
    except msgspec.ValidationError as error:
        found = WHERE.search(str(error))
        param = (found[1] or found[2]).replace("input_audio", "file") if found else None
        raise Invalid("The local model cannot read this request.", param=param) from error


def _language(said: str | None) -> str | None:
    return said.lower().partition("-")[0] if said else None


def _segment(number: int, one: Any) -> dict[str, Any]:
    return {
        "id": number,
        "seek": one.seek,
        "start": round(one.start, 3),
        "end": round(one.end, 3),
        "text": one.text,
        "tokens": list(one.tokens),
        "temperature": one.temperature,
        "avg_logprob": one.avg_logprob,
        "compression_ratio": one.compression_ratio,
        "no_speech_prob": one.no_speech_prob,
    }


def _word(word: Any) -> dict[str, Any]:
    return {"word": word.word.strip(), "start": float(word.start), "end": float(word.end)}


def _event(**fields: Any) -> bytes:
    return b"data: " + json.dumps(fields, separators=(",", ":")).encode() + b"\n\n"
