"""alltoken_app/engines/speaking.py"""

import asyncio
import io
import json
import os
import sys
import wave
from pathlib import Path

import pytest

from alltoken_app.engines import speaking
from alltoken_app.engines.speaking import Voice
from alltoken_app.errors import Invalid, Unavailable

PROGRAM = Path(__file__).parent.parent / "sounds/voice.py"


def script(text: str) -> Voice:
    return Voice((sys.executable, "-c", text))


def ask(text: str = "Hello.", **more: object) -> bytes:
    return json.dumps({"model": "speech", "input": text, **more}).encode()


async def test_a_text_becomes_a_wav_file_with_its_true_length() -> None:
    spoken = await Voice((sys.executable, str(PROGRAM))).answer(ask("Hello; $(reboot) `x` Ü"))
    with wave.open(io.BytesIO(spoken)) as file:
        assert file.getnframes() == 22 * 400
        assert len(file.readframes(10**6)) == 22 * 800
    assert int.from_bytes(spoken[4:8], "little") == len(spoken) - 8


async def test_the_program_learns_the_text_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STRIPE_SECRET_KEY", "sk_live_secret")
    seen = tmp_path / "seen"
    look = f"import os,sys,json;json.dump([dict(os.environ),sys.argv],open({str(seen)!r},'w'))"
    with pytest.raises(Unavailable):
        await script(look).answer(ask("a secret text"))
    environment, arguments = json.loads(seen.read_text())
    assert environment.keys() <= {"PATH", "LANG", "LC_CTYPE"}
    assert "a secret text" not in str(arguments)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("print('not a sound')", "does not write WAV"),
        ("import sys; sys.stdin.read(); sys.exit(3)", "ended with code 3"),
        ("import sys; sys.stdout.buffer.write(b'RIFF\\0\\0\\0\\0WAVE')", "without sound"),
        ("while True: print('x' * 65536)", "does not stop"),
        ("import time; time.sleep(60)", "took too long"),
    ],
)
async def test_a_program_that_misbehaves_is_ended_and_named(
    text: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(speaking, "LARGEST", 2**20)
    monkeypatch.setattr(speaking, "PATIENCE", 0.5 if "too long" in said else 20.0)
    with pytest.raises(Unavailable, match=said) as caught:
        await script(text).answer(ask())
    assert "Nothing was charged" in str(caught.value)


async def test_a_program_that_is_not_there_is_told() -> None:
    with pytest.raises(Unavailable, match="cannot be run"):
        await Voice(("/no/such/program",)).answer(ask())


async def test_what_the_program_has_started_ends_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(speaking, "PATIENCE", 1.0)
    told = tmp_path / "pid"
    started = (
        "import subprocess,sys,time;"
        "p=subprocess.Popen([sys.executable,'-c','import time;time.sleep(60)']);"
        f"open({str(told)!r},'w').write(str(p.pid));time.sleep(60)"
    )
    with pytest.raises(Unavailable):
        await script(started).answer(ask())
    pid = int(told.read_text())
    for _ in range(500):
        state = Path(f"/proc/{pid}/stat")
        if not state.exists() or state.read_text().split(") ")[1].startswith("Z"):
            break
        await asyncio.sleep(0.01)
    else:
        os.kill(pid, 9)
        raise AssertionError("it still runs")


async def test_only_wav_is_spoken() -> None:
    with pytest.raises(Invalid) as caught:
        await script("").answer(ask(response_format="mp3"))
    assert caught.value.param == "response_format"
