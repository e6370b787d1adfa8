"""Speech by a program of the operator's own: a text on its input, a WAV on its output.

Run without a shell, with an almost empty environment, within bounds of time and size.
"""

import asyncio
import contextlib
import os
import signal
import struct
from typing import Literal

import msgspec

from alltoken_app.errors import Invalid, Unavailable

PATIENCE = 60.0  # seconds
LARGEST = 64 * 2**20
AT_ONCE = 2
QUEUE = 16
ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8"}


class Speaking(msgspec.Struct):
    """The fields of a speech request that mean something here."""

    input: str
    response_format: Literal["wav"] | None = None


class Voice:
    """The operator's program.

    Args:
        command: Its path and arguments.
    """

    def __init__(self, command: tuple[str, ...]) -> None:
        self._command = command
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._waiting = 0

    async def answer(self, body: bytes) -> bytes:
        """The text of a request, spoken, as a WAV file.

        Raises:
            Invalid: Another format is asked for.
            Unavailable: The program fails, takes too long, or answers something else.
        """
        try:
            asked = msgspec.json.decode(body, type=Speaking)
        except msgspec.ValidationError as error:
            param = "response_format" if "response_format" in str(error) else "input"
            raise Invalid("The local voice speaks wav, nothing else.", param=param) from error
        if self._waiting >= QUEUE:
            raise _failed("The local voice is busy.", retry_after=5)
        self._waiting += 1
        try:
            async with self._turns:
                return whole(await self._run(asked.input.encode()))
        finally:
            self._waiting -= 1

    async def _run(self, text: bytes) -> bytes:
        try:
            process = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,  # it may quote the text
                env=ENVIRONMENT,
                start_new_session=True,
            )
        except OSError as error:
            raise _failed("The program of SPEECH_COMMAND cannot be run.") from error
        try:
            async with asyncio.timeout(PATIENCE):
                spoken = await _converse(process, text)
                code = await process.wait()
        except TimeoutError:
            raise _failed("The local voice took too long.") from None
        finally:
            await asyncio.shield(_end(process))
        if code:
            raise _failed(f"The program of SPEECH_COMMAND ended with code {code}.")
        return spoken


async def _end(process: asyncio.subprocess.Process) -> None:
    """End it and whatever it has started, and let its pipes run dry: else they stay open."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(1.0):
            await process.communicate()


async def _converse(process: asyncio.subprocess.Process, text: bytes) -> bytes:
    assert process.stdin is not None
    assert process.stdout is not None
    with contextlib.suppress(ConnectionError):  # it may have heard enough
        process.stdin.write(text)
        process.stdin.write_eof()
    parts: list[bytes] = []
    size = 0
    while part := await process.stdout.read(65_536):
        parts.append(part)
        size += len(part)
        if size > LARGEST:
            raise _failed("The local voice does not stop talking.")
    return b"".join(parts)


def whole(wav: bytes) -> bytes:
    """The file with its true sizes: a program that writes as it goes cannot know them.

    Raises:
        Unavailable: It is no WAV file.
    """
    if wav[:4] != b"RIFF" or wav[8:12] != b"WAVE":
        raise _failed("The program of SPEECH_COMMAND does not write WAV to its standard output.")
    at = 12
    while at + 8 <= len(wav):
        size = int.from_bytes(wav[at + 4 : at + 8], "little")
        if wav[at : at + 4] == b"data":
            there = min(size, len(wav) - at - 8)
            head = wav[:4] + struct.pack("<I", at + there) + wav[8 : at + 4]
            return head + struct.pack("<I", there) + wav[at + 8 : at + 8 + there]
        at += 8 + size + size % 2
    raise _failed("The program of SPEECH_COMMAND wrote a WAV file without sound.")


def _failed(text: str, retry_after: float | None = None) -> Unavailable:
    return Unavailable(f"{text} Nothing was charged.", code="engine_error", retry_after=retry_after)
