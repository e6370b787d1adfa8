"""alltoken_app/api/forms.py; tests/api/audio sends forms over HTTP"""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alltoken_app.api import forms
from alltoken_app.errors import Invalid

SOUND = b"\r\n--A\r\n\0\xff"  # looks like a boundary at first
KIND = "multipart/form-data; boundary=B"


async def cut(body: bytes, size: int) -> AsyncIterator[bytes]:
    for at in range(0, len(body), size):
        yield body[at : at + size]


def part(name: str, value: bytes, more: str = "") -> bytes:
    return f'--B\r\nContent-Disposition: form-data; name="{name}"{more}\r\n\r\n'.encode() + (
        value + b"\r\n"
    )


FILE = part("file", SOUND, '; filename="..\\\\x\x00y"')
END = b"--B--\r\n"


@pytest.mark.parametrize("size", [1, 2, 7, 10_000])
async def test_a_form_is_read_however_it_is_cut(size: int) -> None:
    body = (
        part("model", b"a/b") + part("provider[order][]", b"x") + part("provider[order][]", b"y")
        + part("provider[zdr]", b"true") + part("words[]", "Gr\u00fc\u00dfe".encode()) + FILE + END
    )  # fmt: skip
    form = await forms.read(KIND, cut(body, size), "file")
    assert form.fields == {
        "model": "a/b", "provider": {"order": ["x", "y"], "zdr": "true"},
        "words": ["Gr\u00fc\u00dfe"],
    }  # fmt: skip
    assert form.file == SOUND


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        (("a", "a"), "a"), (("a", "a[]"), "a[]"), (("a[]", "a"), "a"), (("a[b]", "a"), "a"),
        (("a", "a[b]"), "a[b]"), (("a[b]", "a[]"), "a[]"), (("a[]", "a[b]"), "a[b]"),
        (("a[][b]",), "a[][b]"), (("[]",), "[]"), (("a b",), "a b"), (("a[b",), "a[b"),
        (("__class__[x]]",), "__class__[x]]"),
    ],
)  # fmt: skip
async def test_fields_that_contradict_each_other_are_refused_by_name(
    fields: tuple[str, ...], param: str
) -> None:
    body = b"".join(part(name, b"1") for name in fields) + END
    with pytest.raises(Invalid) as caught:
        await forms.read(KIND, cut(body, 100), "file")
    assert caught.value.param == param


@pytest.mark.parametrize(
    "kind", ["multipart/form-data", "multipart/form-data; boundary=", f"{KIND}{'x' * 300}"]
)
async def test_a_form_needs_a_boundary(kind: str) -> None:
    with pytest.raises(Invalid) as caught:
        await forms.read(kind, cut(FILE + END, 100), "file")
    assert caught.value.code == "invalid_multipart"


@given(st.lists(st.sampled_from([FILE, END, part("a", b"1"), b"--B", b"\r\n", b"x: y", b"\0"])))
async def test_any_bytes_are_a_form_or_refused(pieces: list[bytes]) -> None:
    body = b"".join(pieces)
    found: Any = None
    try:
        found = await forms.read(KIND, cut(body, 11), "file")
    except Invalid as refusal:
        found = refusal.code
    assert isinstance(found, forms.Form | str)
