"""Replays answers: provider → adapter → common form → each client's dialect → its client."""

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec

from alltoken_app.api.answers import Face
from alltoken_app.catalog.snapshot import Catalog
from alltoken_app.ledger.holds import Placed
from alltoken_app.privacy.policy import Policy
from alltoken_app.providers.base import (
    Dialect,
    EndpointFacts,
    Piece,
    Price,
    Reply,
    StreamError,
)
from alltoken_app.providers.refusals import TEXTS
from alltoken_app.routing.plans import Asker
from alltoken_app.routing.preferences import Preferences
from alltoken_app.services.callers import Caller
from alltoken_app.services.generations import Run
from alltoken_app.services.metering import Meter
from conformance import clients, truth
from conformance.families import FACES, Case
from conformance.records import Record, as_sent
from conformance.truth import Truth

FINISHES = {"stop", "length", "tool_calls", "content_filter", "function_call"}
ELSEWHERE = {"upstream_model_unavailable", "upstream_auth_error", "upstream_quota_exhausted"}
BOUND = 10**9
SMALL = 64 * 1024
CATALOG = Catalog(models={}, providers={"p": "Provider"})
CALLER = Caller("org", "wal", "sandbox", Asker("org", frozenset(), Policy(), None))


class Miss(Exception):
    """An answer that does not say what was recorded."""


@dataclass
class Answer:
    """An answer in the common form, put together."""

    pieces: list[list[Piece]] = field(default_factory=list)
    reply: Reply | None = None
    text: str = ""
    tools: dict[int, list[str]] = field(default_factory=dict)
    finish: str | None = None


def replay(record: Record, case: Case) -> None:
    """Raises Miss (or whatever broke) when this record does not pass."""
    if record.status >= 400:
        _check_refusal(record, case.dialect)
        return
    if case.family == "embeddings":
        _check_embeddings(record, case)
        return
    if case.family == "plain":
        _check_plain(record, case)
        return
    expected = truth.of(record, case.family)
    if expected.broke:
        _check_break(record, case)
        return
    for answer in _answers(record, case, expected):
        _check(answer, expected, case)
    for name, face in FACES.items():
        if name in case.faces and (name == "chat" or "n>1" not in record.features):
            _check_face(answer, expected, case, name, face)


def _check_break(record: Record, case: Case) -> None:
    """A stream that ends in an error must be read as one."""
    try:
        _streamed(record, case, lambda: BOUND)
    except StreamError:
        return
    raise Miss("the error inside the stream was not seen")


def _check_refusal(record: Record, dialect: Dialect) -> None:
    error = dialect.read_error(record.status, record.header, record.payload)
    if error.code not in TEXTS and error.code != "upstream_error":
        raise Miss(f"an error of no name: {error.code}")
    if record.status in (400, 422) and error.retry and error.code not in ELSEWHERE:
        raise Miss(f"{record.status} would be tried again")


def _endpoint(case: Case) -> EndpointFacts:
    return EndpointFacts(
        "p:a/b", "a/b", "chat", "p", case.model, BOUND, BOUND, frozenset(), "none", True, None,
        Price("v", 1_000, 2_000, 100),
    )  # fmt: skip


def _answers(record: Record, case: Case, expected: Truth) -> Iterator[Answer]:
    if record.stream and record.framing != "json":
        sizes = random.Random(record.id)
        for most in (0, 1, 7, 500):
            if most != 1 or len(record.payload) <= SMALL:
                yield _streamed(record, case, lambda m=most: sizes.randint(1, m) if m else BOUND)
    else:
        yield _whole(record, case)


def _whole(record: Record, case: Case) -> Answer:
    reply = case.dialect.read(case.call, record.header, record.payload)
    answer = Answer(reply=reply)
    if "choices" in reply.body:
        _collect(answer, bytes(reply.body["choices"]), "message")
    answer.finish = reply.finish
    return answer


def _streamed(record: Record, case: Case, size: Any) -> Answer:
    reader, wire, at = case.dialect.reader(case.call), as_sent(record), 0
    answer = Answer()
    while at < len(wire) and not reader.done:
        step = size()
        if pieces := reader.feed(wire[at : at + step]):
            answer.pieces.append(pieces)
        at += step
    if not reader.done and (pieces := reader.feed(b"")):
        answer.pieces.append(pieces)
    for piece in (piece for pieces in answer.pieces for piece in pieces):
        _collect(answer, piece.choices, "delta")
        answer.finish = piece.finish or answer.finish
    return answer


def _collect(answer: Answer, choices: bytes, where: str) -> None:
    for choice in json.loads(choices):
        if choice.get("index", 0) != 0:
            continue
        said = choice.get(where) or {}
        answer.text += said.get("content") or choice.get("text") or ""
        for place, call in enumerate(said.get("tool_calls") or []):
            if call.get("custom"):
                continue
            at = call.get("index", place) if where == "delta" else place
            parts = answer.tools.setdefault(at, ["", ""])
            parts[0] = parts[0] or (call.get("function") or {}).get("name") or ""
            parts[1] += (call.get("function") or {}).get("arguments") or ""


def _check(answer: Answer, expected: Truth, case: Case) -> None:
    _same("text", answer.text, expected.text)
    _same("tool calls", _comparable([(a, b) for a, b in answer.tools.values()]),
          _comparable(expected.tools))  # fmt: skip
    if expected.finish is not None and answer.finish not in FINISHES:
        raise Miss(f"finish reason {answer.finish!r}")
    if expected.tools and case.family != "responses" and answer.finish not in ("tool_calls", "stop",
                                                                             "length"):  # fmt: skip
        raise Miss(f"finish reason {answer.finish!r} beside tool calls")
    usage = _usage(answer)
    if expected.input is not None:
        counted = (usage.input, usage.output) if usage else None
        _same("usage", counted, (expected.input, expected.output or 0))


def _usage(answer: Answer) -> Any:
    if answer.reply is not None:
        return answer.reply.usage
    said = [p.usage for pieces in answer.pieces for p in pieces if p.usage is not None]
    return said[-1] if said else None


def _comparable(calls: list[tuple[str, str]]) -> list[tuple[str, Any]]:
    def value(arguments: str) -> Any:
        try:
            return json.loads(arguments or "{}")
        except ValueError:
            return arguments

    return [(name, value(arguments)) for name, arguments in calls]


def _same(what: str, got: object, expected: object) -> None:
    if got != expected:
        raise Miss(f"{what}: {_short(got)} instead of {_short(expected)}")


def _short(value: object) -> str:
    said = repr(value)
    return said if len(said) < 80 else f"{said[:60]}… ({len(said)})"


def _run(answer: Answer, case: Case, dialect: str) -> Run:
    run = Run("req_1", CALLER, msgspec.structs.replace(case.call, dialect=dialect), Preferences())
    run.endpoint = _endpoint(case)
    run.meter = Meter(run.call, BOUND, BOUND)
    run.placed = Placed(BOUND * 1000, BOUND, None)
    if answer.reply is not None:
        run.meter.deliver(answer.reply)
    return run


def _check_face(answer: Answer, expected: Truth, case: Case, name: str, face: Face) -> None:
    run = _run(answer, case, name)
    if answer.reply is not None:
        body = bytes(face.whole(run, answer.reply, CATALOG)[1])
    else:
        chunks = face.chunks(run, CATALOG)
        parts = []
        for pieces in answer.pieces:
            parts.append(chunks.pieces(pieces))
            assert run.meter is not None
            run.meter.deliver(pieces)
        body = b"".join([*parts, chunks.end()])
    got = clients.READERS[name](body, answer.reply is None)
    _same(f"{name} client's text", got.text, expected.text)
    if name != "completions":
        _same(f"{name} client's tool calls", _comparable(got.tools), _comparable(expected.tools))
    if expected.input is not None:
        _same(f"{name} client's usage", (got.input, got.output),
              (expected.input, expected.output or 0))  # fmt: skip


def _check_embeddings(record: Record, case: Case) -> None:
    reply = case.dialect.read(case.call, record.header, record.payload)
    count = len(json.loads(bytes(reply.body["data"])))
    if not count:
        raise Miss("no vectors")
    run = _run(Answer(reply=reply), case, "embeddings")
    body = bytes(FACES["chat"].whole(run, reply, CATALOG)[1])
    if b'"base64"' in record.payload:
        return
    vectors = json.loads(bytes(reply.body["data"]))
    if isinstance(vectors[0].get("embedding"), list) and not clients.embeddings(body, count):
        raise Miss("the client finds other vectors")


def _check_plain(record: Record, case: Case) -> None:
    """Sound, moderation, rerank: the answer is read and passes on what it holds."""
    if record.stream and record.framing == "sse":
        reader = case.dialect.reader(case.call)
        reader.feed(as_sent(record))
        return
    reply = case.dialect.read(case.call, record.header, record.payload)
    if not (reply.body or reply.media):
        raise Miss("nothing was read")


def reason_of(error: Exception) -> str:
    """Why a record missed, on one line, without its content."""
    if isinstance(error, StreamError):
        return f"StreamError {error.error.code if error.error else ''}"
    text = str(error).split("\n", maxsplit=1)[0][:160]
    return text if isinstance(error, Miss) else f"{type(error).__name__}: {text}"
