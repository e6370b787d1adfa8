"""Components as text: what they will put on a page, without a browser."""

import re
from typing import Any

ESCAPED = re.compile(r"\\u([0-9a-f]{4})")


def text(component: Any) -> str:
    """Tags, attributes and words of a component, one after another."""
    return ESCAPED.sub(lambda found: chr(int(found[1], 16)), _text(component.render()))


def _text(node: Any) -> str:
    if isinstance(node, dict):
        own = " ".join([str(node.get("name", "")), *map(str, node.get("props", ()))])
        rest = [value for key, value in node.items() if key not in ("name", "props")]
        return " ".join([own, *map(_text, rest)])
    if isinstance(node, list | tuple):
        return " ".join(map(_text, node))
    return str(node)
