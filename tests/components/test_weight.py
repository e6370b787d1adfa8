"""What pages are made of: nothing heavy, nothing from other hosts."""

import re
from pathlib import Path

import pytest
from reflex.compiler.compiler import compile_unevaluated_page

from alltoken_app.alltoken_app import app

ROOT = Path(__file__).parent.parent.parent
HEAVY = ("@radix-ui/themes", "lucide", "recharts", "sonner", "react-markdown", "highlighter")
ELSEWHERE = re.compile(r"(?:url\(|@import|src=|href=)\s*[\"']?(?:https?:)?//", re.IGNORECASE)


def pages() -> dict[str, object]:
    app._apply_decorated_pages()
    return dict(app._unevaluated_pages)


@pytest.mark.parametrize("route", sorted(pages()))
def test_a_page_imports_nothing_heavy(route: str) -> None:
    component = compile_unevaluated_page(route, pages()[route], None, None)
    imported = set(component._get_all_imports())
    assert [name for name in imported for heavy in HEAVY if heavy in name] == []


def test_styles_ask_no_other_host() -> None:
    for sheet in (ROOT / "assets").glob("*.css"):
        assert ELSEWHERE.findall(sheet.read_text()) == [], sheet.name
