"""Which adapter reads a record: by its API, its provider and, on Bedrock, its model."""

from dataclasses import dataclass

from alltoken_app.api.answers import Face
from alltoken_app.api.render import ChatFace
from alltoken_app.providers.base import Call, Dialect
from alltoken_app.providers.dialects.openai_chat import OpenAIChat
from alltoken_app.providers.quirks import PLAIN
from alltoken_app.providers.rows import ROWS
from conformance.records import Record

FACES: dict[str, Face] = {"chat": ChatFace()}
ALL = frozenset({"chat", "messages", "responses"})
QUIRKS = {row.id: row.quirks for row in ROWS}


@dataclass(frozen=True)
class Case:
    """How a record is replayed.

    Attributes:
        family: The shape of its wire, for `truth`; "embeddings", "plain": checks of their own.
        faces: The client dialects that its answer is shown in.
    """

    dialect: Dialect
    call: Call
    family: str
    model: str
    faces: frozenset[str] = ALL


def case_of(record: Record) -> Case | str:
    """How to replay a record, or why it has no adapter."""
    if record.api in ("chat", "openai.chat"):
        return _case(OpenAIChat(QUIRKS.get(record.provider, PLAIN)), record, "chat")
    if record.api == "embeddings":
        return _case(OpenAIChat(), record, "embeddings", operation="embeddings")
    return f"no surface for {record.api}"


def _case(
    dialect: Dialect,
    record: Record,
    family: str,
    *,
    operation: str = "chat",
    faces: frozenset[str] = ALL,
) -> Case:
    call = Call(operation, "a/b", {}, stream=record.stream)
    return Case(dialect, call, family, record.model or "m", faces)
