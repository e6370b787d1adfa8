"""Recorded exchanges with providers, from a folder of JSON lines whose README names the format."""

import base64
import json
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Record:
    """One exchange.

    Attributes:
        request: The JSON body that was sent; None when it was no JSON or was not kept.
        status, header, payload: The answer, its body as bytes on the wire.
        framing: "json", "sse", "aws-eventstream", "json-per-line-events", "binary" …
        cut: The recording itself lost part of the answer.
    """

    id: str
    provider: str
    api: str
    model: str
    stream: bool
    features: frozenset[str]
    url: str
    request: dict[str, Any] | None
    status: int
    headers: dict[str, str]
    payload: bytes
    framing: str
    cut: bool

    def header(self, name: str) -> str:
        """A header of the answer; "" when absent."""
        return self.headers.get(name, "")


def load(folder: Path) -> list[Record]:
    """Every record of every `*.jsonl` in a folder."""
    return [record for path in sorted(folder.glob("*.jsonl")) for record in _file(path)]


def _file(path: Path) -> Iterator[Record]:
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            yield _record(json.loads(line))


def _record(row: dict[str, Any]) -> Record:
    sent, came = row["request"] or {}, row["response"]
    body = sent.get("body")
    return Record(
        id=row["id"],
        provider=row["provider"],
        api=row["api"],
        model=row.get("model") or "",
        stream=bool(row.get("stream")),
        features=frozenset(row.get("features") or ()),
        url=sent.get("url") or "",
        request=body if isinstance(body, dict) else None,
        status=came.get("status") or 200,
        headers={k.lower(): v for k, v in (came.get("headers") or {}).items()},
        payload=_payload(came),
        framing=came.get("framing") or "json",
        cut=str(came.get("body_truncated")) == "True",
    )


def _payload(came: dict[str, Any]) -> bytes:
    if "body_b64" in came:
        return base64.b64decode(came["body_b64"])
    if "body_text" in came:
        return str(came["body_text"]).encode()
    return json.dumps(came.get("body"), ensure_ascii=False).encode()


def as_sent(record: Record) -> bytes:
    """The payload in the framing of the wire: recorders that dropped a wrapper get it back."""
    if record.framing != "json-per-line-events":
        return record.payload
    lines = [line.strip() for line in record.payload.splitlines() if line.strip()]
    wrap = _frame if record.provider == "bedrock" else _event
    return b"".join(map(wrap, lines))


def _event(line: bytes) -> bytes:
    """One server-sent event."""
    kind = None if line == b"[DONE]" else json.loads(line).get("type")
    named = b"event: " + str(kind).encode() + b"\n" if kind else b""
    return named + b"data: " + line + b"\n\n"


def _frame(line: bytes) -> bytes:
    """One event of AWS's: {"name": {…}} as a frame with its name among the headers."""
    ((kind, body),) = json.loads(line).items()
    headers = b"".join(
        bytes([len(name)]) + name + b"\x07" + struct.pack(">H", len(value)) + value
        for name, value in (
            (b":event-type", kind.encode()),
            (b":content-type", b"application/json"),
            (b":message-type", b"event"),
        )
    )
    payload = json.dumps(body).encode()
    prelude = struct.pack(">II", 16 + len(headers) + len(payload), len(headers))
    start = prelude + struct.pack(">I", zlib.crc32(prelude)) + headers + payload
    return start + struct.pack(">I", zlib.crc32(start))
