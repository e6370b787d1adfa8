"""alltoken_app/command/frontend.py"""

import sys
from pathlib import Path

import pytest

from alltoken_app.command import frontend
from alltoken_app.command.says import Stopped

BUILD = """
import pathlib, sys
tries = pathlib.Path("tries")
count = int(tries.read_text()) + 1 if tries.exists() else 1
tries.write_text(str(count))
if count <= {failures}:
    sys.exit("{message}")
out = pathlib.Path(".web/build/client")
out.mkdir(parents=True, exist_ok=True)
(out / "index.html").write_text("built")
pathlib.Path("reflex.lock").mkdir(exist_ok=True)
pathlib.Path("reflex.lock/bun.lock").write_text("added a package")
"""
HICCUP = "Prerender: Request failed for /: The operation timed out"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(frontend, "ROOT", tmp_path)
    monkeypatch.setenv("REFLEX_WEB_WORKDIR", str(tmp_path / ".web"))
    for name in ("alltoken_app/pages/home.py", "alltoken_app/api/chat.py", "assets/site.css"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text("one")
    for name in ("rxconfig.py", "alltoken_app/alltoken_app.py", ".env"):
        (tmp_path / name).write_text("one")
    return tmp_path


def building(monkeypatch: pytest.MonkeyPatch, *, failures: int = 0, message: str = "") -> None:
    script = BUILD.format(failures=failures, message=message)
    monkeypatch.setattr(frontend, "COMMAND", (sys.executable, "-c", script))


def tries(root: Path) -> int:
    return int((root / "tries").read_text())


def test_a_build_is_made_once(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    building(monkeypatch)
    assert frontend.build_if_stale(root / "log") is True
    assert frontend.build_if_stale(root / "log") is False
    assert tries(root) == 1


@pytest.mark.parametrize(
    "name",
    ["alltoken_app/pages/home.py", "assets/site.css", "rxconfig.py", "reflex.lock/bun.lock"],
)
def test_what_pages_are_made_of_makes_a_build_stale(
    root: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    building(monkeypatch)
    frontend.build_if_stale(root / "log")
    (root / name).write_text("two")
    assert not frontend.is_fresh()


@pytest.mark.parametrize("name", [".env", "alltoken_app/api/chat.py", "assets/external/made.js"])
def test_settings_services_and_what_the_build_made_do_not(
    root: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    building(monkeypatch)
    frontend.build_if_stale(root / "log")
    (root / name).parent.mkdir(exist_ok=True)
    (root / name).write_text("two")
    monkeypatch.setenv("EXTRA_ORIGINS", "https://another.example")
    assert frontend.is_fresh()


def test_an_edit_during_the_build_is_built_next_time(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = BUILD.format(failures=0, message="")
    edits = "import pathlib; pathlib.Path('assets/site.css').write_text('edited')"
    monkeypatch.setattr(frontend, "COMMAND", (sys.executable, "-c", f"{script}\n{edits}"))
    frontend.build_if_stale(root / "log")
    assert not frontend.is_fresh()


def test_a_lost_build_is_not_fresh(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    building(monkeypatch)
    frontend.build_if_stale(root / "log")
    (root / ".web/build/client/index.html").unlink()
    assert not frontend.is_fresh()


def test_the_known_time_out_is_tried_once_more(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    building(monkeypatch, failures=1, message=HICCUP)
    assert frontend.build_if_stale(root / "log")
    assert tries(root) == 2


@pytest.mark.parametrize(("message", "tried"), [(HICCUP, 2), ("SyntaxError: home.py", 1)])
def test_a_build_that_stays_broken_says_why_and_is_not_fresh(
    root: Path, monkeypatch: pytest.MonkeyPatch, message: str, tried: int
) -> None:
    building(monkeypatch, failures=9, message=message)
    with pytest.raises(Stopped) as stopped:
        frontend.build_if_stale(root / "log")
    assert message in str(stopped.value)
    assert tries(root) == tried
    assert not frontend.is_fresh()
