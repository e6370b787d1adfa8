"""What import-linter cannot say: who may import what from outside, and how long things are."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
APP = ROOT / "alltoken_app"
ONLY = {  # package from outside: the rooms that may import it
    "reflex": {"alltoken_app", "pages", "states", "components"},
    "stripe": {"payments"},
    "PIL": {"storage"},
    "passlib": {"passwords"},
    "typer": {"__main__", "command"},
    "xllamacpp": {"engines"},
    "onnxruntime": {"engines"},
}
READS_ENVIRONMENT = {"settings", "command", "__main__", "asgi"}  # asgi: to tell Reflex
VAGUE = {"utils", "helpers", "common", "manager", "misc", "base"}
ALLOWED_BASE = APP / "providers/base.py"
FILE_LINES, FUNCTION_LINES = 400, 50
SOURCES = sorted(APP.rglob("*.py"))


def room(path: Path) -> str:
    return path.relative_to(APP).parts[0].removesuffix(".py")


def outside(tree: ast.AST) -> set[str]:
    """Top names of every absolute import."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        if isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.partition(".")[0])
    return found


def reads_environment(tree: ast.AST) -> bool:
    return any(
        isinstance(node, ast.Attribute)
        and node.attr in {"environ", "getenv"}
        and isinstance(node.value, ast.Name)
        and node.value.id == "os"
        for node in ast.walk(tree)
    )


def long_functions(tree: ast.AST) -> list[str]:
    functions = (n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef))
    return [f.name for f in functions if (f.end_lineno or 0) - f.lineno + 1 > FUNCTION_LINES]


def test_everything_lives_by_the_rules_of_the_house() -> None:
    wrong = [trouble for path in SOURCES for trouble in troubles(path)]
    assert wrong == []


def troubles(path: Path) -> list[str]:
    text = path.read_text()
    tree, where = ast.parse(text), path.relative_to(ROOT)
    guests = [name for name in outside(tree) if room(path) not in ONLY.get(name, {room(path)})]
    found = [f"{where} may not import {name}" for name in guests]
    found += [f"{where}: {name} is too long" for name in long_functions(tree)]
    if len(text.splitlines()) > FILE_LINES:
        found.append(f"{where} has more than {FILE_LINES} lines")
    if reads_environment(tree) and room(path) not in READS_ENVIRONMENT:
        found.append(f"{where} reads the environment; settings.py does that")
    if path.stem in VAGUE and path != ALLOWED_BASE:
        found.append(f"{where} has a name that says nothing")
    if path.name == "__init__.py" and text.strip():
        found.append(f"{where} is not empty")
    return found


@pytest.mark.parametrize(
    ("source", "trouble"),
    [
        ("import stripe", "may not import stripe"),
        ("from reflex.event import EventSpec", "may not import reflex"),
        ("import os\nos.environ['A']", "reads the environment"),
        ("def f():\n" + "    pass\n" * 50, "f is too long"),
        ("x = 1\n" * 401, "more than 400 lines"),
    ],
)
def test_a_broken_rule_is_seen(
    source: str, trouble: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    planted = tmp_path / "alltoken_app/services/planted.py"
    planted.parent.mkdir(parents=True)
    planted.write_text(source)
    monkeypatch.setitem(globals(), "ROOT", tmp_path)
    monkeypatch.setitem(globals(), "APP", tmp_path / "alltoken_app")
    assert [t for t in troubles(planted) if trouble in t]
