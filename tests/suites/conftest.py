"""A running product for other people's test suites, in a process of its own."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT
from tests.suites.serve import MODEL as MODEL


@dataclass
class Gateway:
    """Where the product is, and a key with money behind it."""

    url: str
    key: str


@pytest.fixture
def benchmark() -> Callable[..., Any]:
    """What a suite would time is run once: the bench is elsewhere."""
    return lambda work, *arguments, **options: work(*arguments, **options)


@pytest.fixture
def vcr() -> None:
    """Nothing is recorded: the product and its upstream are real."""


@pytest.fixture(scope="session")
def gateway(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Iterator[Gateway]:
    """One product for all suites, with the pupil behind it."""
    folder = tmp_path_factory.mktemp("suites")
    shutil.copy(sqlite_template, folder / "alltoken.db")
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.suites.serve", str(folder)],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("{"):
            yield Gateway(**json.loads(line))
            break
    process.communicate(timeout=60)
    assert process.returncode == 0
