"""alltoken_app/engines/whisper.py without its model; tests/offline listens with it."""

import json
from pathlib import Path

import numpy as np
import pytest

from alltoken_app.engines import whisper
from alltoken_app.engines.whisper import HERTZ, Whisper
from alltoken_app.errors import Invalid, Unavailable

SOUND = (Path(__file__).parent.parent / "sounds/train.wav").read_bytes()


def test_a_sound_becomes_samples_at_the_models_rate() -> None:
    samples = whisper.decode(SOUND)
    assert abs(len(samples) / HERTZ - 2.154) < 0.01
    assert samples.dtype == np.float32
    assert 0.05 < float(np.abs(samples).max()) <= 1


def test_what_cannot_be_decoded_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for sound in (b"", b"hello", SOUND[:20], b"\x1aE\xdf\xa3 webm", b"ID3\x04" + b"\0" * 100):
        with pytest.raises(Invalid) as caught:
            whisper.decode(sound)
        assert caught.value.param == "file"


def test_a_small_file_cannot_become_a_long_sound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(whisper, "LONGEST", 1)
    with pytest.raises(Invalid, match="minutes at most"):
        whisper.decode(SOUND)


@pytest.mark.parametrize(
    ("wrong", "param"),
    [
        ({}, "file"),
        ({"input_audio": {"data": "!", "format": "wav"}}, "file"),
        ({"input_audio": {"data": "AAAA"}, "temperature": 7}, "temperature"),
        ({"input_audio": {"data": "AAAA"}, "timestamp_granularities": ["letter"]},
         "timestamp_granularities"),
    ],
)  # fmt: skip
async def test_a_wrong_field_is_named(wrong: dict[str, object], param: str) -> None:
    with pytest.raises(Invalid) as caught:
        await Whisper((), 1).answer(json.dumps(wrong).encode(), "transcribe", None)  # type: ignore[arg-type]
    assert caught.value.param == param


async def test_too_many_at_once_are_asked_to_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(whisper, "QUEUE", 0)
    asked = json.dumps({"input_audio": {"data": "AAAA"}}).encode()
    with pytest.raises(Unavailable) as caught:
        await Whisper((), 1).answer(asked, "transcribe", None)  # type: ignore[arg-type]
    assert caught.value.retry_after == 5
