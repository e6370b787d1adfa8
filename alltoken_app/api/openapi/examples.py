"""Requests as they are sent and answers as they came from the local models, by operation."""

import json
from functools import cache
from pathlib import Path
from typing import Any

Json = dict[str, Any]

FILE = Path(__file__).parent / "examples.json"


def request(method: str, path: str) -> Json | None:
    """The body of an example; None where there is no body."""
    return _all().get(f"{method} {path}", {}).get("request")


def answer(method: str, path: str) -> Json | None:
    """What it was answered with."""
    return _all().get(f"{method} {path}", {}).get("answer")


@cache
def _all() -> dict[str, dict[str, Json]]:
    found: dict[str, dict[str, Json]] = json.loads(FILE.read_text())
    return found
