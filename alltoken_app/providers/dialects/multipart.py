"""Builds the multipart form that uploads a file: names are ours, so nothing needs escaping."""

import secrets
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from alltoken_app.providers.base import Media

Header = tuple[str, str]


def form(
    fields: Mapping[str, msgspec.Raw], file: Media, *, lists: str = "[]"
) -> tuple[Header, bytes]:
    """The header with the boundary, and the body: the fields, then the part named `file`.

    Args:
        lists: What follows the name of a field that is given several times.
    """
    boundary = f"alltoken-{secrets.token_hex(16)}"
    mark = f"--{boundary}\r\ncontent-disposition: form-data; name=".encode()
    parts = [
        mark + f'"{name}"\r\n\r\n'.encode() + value + b"\r\n"
        for field, raw in fields.items()
        for name, value in _parts(field, msgspec.json.decode(raw), lists)
    ]
    about = f'"file"; filename="{file.name}"\r\ncontent-type: {file.type}\r\n\r\n'
    body = (*parts, mark, about.encode(), file.content, f"\r\n--{boundary}--\r\n".encode())
    return ("content-type", f"multipart/form-data; boundary={boundary}"), b"".join(body)


def _parts(name: str, value: Any, lists: str) -> Iterable[tuple[str, bytes]]:
    if isinstance(value, list):
        for one in value:
            yield from ((f"{name}{lists}", said) for _, said in _parts(name, one, lists))
    elif isinstance(value, str):
        yield name, value.encode()
    else:
        yield name, msgspec.json.encode(value)
