"""Multipart forms, read as they arrive: nothing touches the disk and everything has a bound."""

import hashlib
import re
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from alltoken_app.errors import Invalid

MAX_FILE = 25 * 2**20
MAX_FIELD = 64 * 2**10
MAX_PARTS = 64
MAX_HEADER = 4 * 2**10
MAX_KEYS = 3  # a[b][] has three
ROOM = 2**20  # for the fields and headers beside the file
KEY = re.compile(r"([A-Za-z0-9_-]{1,64})((?:\[[A-Za-z0-9_-]{0,64}\])*)", re.ASCII)


@dataclass
class Form:
    """A form: its fields, nested as their names say (`a[b]`, `a[]`), and its one file."""

    fields: dict[str, Any] = field(default_factory=dict)
    file: bytes | None = None

    def hash(self) -> "hashlib._Hash":
        """SHA-256 of what it says: sent again, a form has another boundary."""
        said = hashlib.sha256(msgspec.json.encode(self.fields, order="sorted"))
        said.update(b"\n" + (self.file or b""))
        return said


@dataclass
class _Part:
    """One part, while it arrives."""

    headers: dict[bytes, bytes] = field(default_factory=dict)
    content: bytearray = field(default_factory=bytearray)
    name: str = ""
    is_file: bool = False


class _Reader:
    """What the parser calls back."""

    def __init__(self, file_name: str) -> None:
        self.form = Form()
        self.ended = False
        self._file_name = file_name
        self._parts = 0
        self._part = _Part()
        self._header = (bytearray(), bytearray())

    def callbacks(self) -> dict[str, Callable[..., None]]:
        names = (
            "part_begin", "part_data", "part_end", "header_field", "header_value", "header_end",
            "headers_finished", "end",
        )  # fmt: skip
        return {f"on_{name}": getattr(self, f"_{name}") for name in names}

    def _part_begin(self) -> None:
        self._parts += 1
        if self._parts > MAX_PARTS:
            raise malformed(f"it has more than {MAX_PARTS} parts")
        self._part = _Part()

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._header[0].extend(data[start:end])

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._header[1].extend(data[start:end])

    def _header_end(self) -> None:
        name, value = self._header
        self._part.headers[bytes(name).lower()] = bytes(value)
        self._header = (bytearray(), bytearray())

    def _headers_finished(self) -> None:
        said = self._part.headers.get(b"content-disposition", b"")
        kind, options = parse_options_header(said.decode("latin-1"))
        if kind != b"form-data" or not options.get(b"name"):
            raise malformed("a part has no name")
        self._part.name = options[b"name"].decode("latin-1")
        self._part.is_file = b"filename" in options  # the name itself is never used
        if self._part.is_file != (self._part.name == self._file_name):
            rule = "must be a file" if not self._part.is_file else "is no file"
            raise Invalid(f"{self._part.name[:64]!r} {rule}.", param=self._part.name[:64])

    def _part_data(self, data: bytes, start: int, end: int) -> None:
        part = self._part
        limit = MAX_FILE if part.is_file else MAX_FIELD
        if len(part.content) + end - start > limit:
            text = f"{part.name[:64]!r} is larger than {limit} bytes. Nothing was charged."
            code = "request_too_large" if part.is_file else None
            status = 413 if part.is_file else None
            raise Invalid(text, code=code, param=part.name[:64], status=status)
        part.content += data[start:end]

    def _part_end(self) -> None:
        part = self._part
        if part.is_file:
            if self.form.file is not None:
                raise malformed("it has two files")
            self.form.file = bytes(part.content)
            return
        try:
            _place(self.form.fields, part.name, part.content.decode())
        except UnicodeDecodeError:
            raise malformed("a field is not UTF-8") from None

    def _end(self) -> None:
        self.ended = True


async def read(content_type: str, received: AsyncIterator[bytes], file_name: str) -> Form:
    """Read a form whose one file is called `file_name`.

    Raises:
        Invalid: It is not a form (`invalid_multipart`), or some part of it is too large.
    """
    _, options = parse_options_header(content_type)
    boundary = options.get(b"boundary", b"")
    if not boundary:
        raise malformed("the header Content-Type names no boundary")
    reader = _Reader(file_name)
    try:
        parser = MultipartParser(boundary, reader.callbacks(), max_header_size=MAX_HEADER)  # type: ignore[arg-type]
        async for data in received:
            parser.write(data)
    except FormParserError:
        raise malformed("its parts cannot be told apart") from None
    if not reader.ended:
        raise malformed("it ends in the middle")
    return reader.form


def malformed(why: str) -> Invalid:
    """A refusal of a form that is none."""
    text = f"The multipart form cannot be read: {why}. Nothing was charged."
    return Invalid(text, code="invalid_multipart")


def _place(fields: dict[str, Any], name: str, value: str) -> None:
    """Put a value where its name says: `a`, `a[]` (a list), `a[b]` (an object)."""
    found = KEY.fullmatch(name)
    keys = [found[1], *re.findall(r"\[([^\]]*)\]", found[2])] if found else []
    if not 0 < len(keys) <= MAX_KEYS or "" in keys[:-1]:
        raise Invalid(f"{name[:64]!r} is not the name of a field.", param=name[:64])
    is_list = keys[-1] == "" and bool(keys.pop() == "")
    for key in keys[:-1]:
        inner = fields.setdefault(key, {})
        if not isinstance(inner, dict):
            raise _twice(name)
        fields = inner
    if not is_list:
        if keys[-1] in fields:
            raise _twice(name)
        fields[keys[-1]] = value
        return
    values = fields.setdefault(keys[-1], [])
    if not isinstance(values, list):
        raise _twice(name)
    values.append(value)


def _twice(name: str) -> Invalid:
    return Invalid(f"{name[:64]!r} is given twice.", code="duplicate_field", param=name[:64])
