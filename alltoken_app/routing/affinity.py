"""Keeps a conversation where its prompt is cached. Remembers keyed hashes, never a word of it."""

import hashlib
import re
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from alltoken_app.clock import MINUTE, now_ms
from alltoken_app.providers.base import Call, EndpointFacts, Usage

SHORT, LONG = 300.0, 3_600.0  # seconds: what providers keep a prompt for
MAX_REMEMBERED = 50_000
HEAD = 64 * 1024  # bytes of a conversation's beginning that tell it from others
WINDOW = 5 * MINUTE  # the draw stays the same for so long

# A client moves its cache marks from turn to turn: they do not tell conversations apart.
MARKS = re.compile(rb',?\s*"cache_control"\s*:\s*\{[^{}]*\}')


class _Said(msgspec.Struct):
    role: str = ""


_messages = msgspec.json.Decoder(list[msgspec.Raw])
_said = msgspec.json.Decoder(_Said)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a conversation was served last.

    Attributes:
        warm: Input tokens of it that the provider should still have.
        until: Monotonic seconds.
    """

    endpoint_id: str
    warm: int
    until: float
    kept: float


def conversation(org_id: str, call: Call) -> bytes:
    """A keyed hash that stays the same over the turns of a conversation.

    The caller's own session name, else everything up to the first user message.
    """
    name = call.session.encode() if call.session else _head(call)
    hashed = hashlib.blake2b(key=org_id.encode()[:64], digest_size=16)
    hashed.update(call.model.encode() + (b"\0s" if call.session else b"\0h"))
    hashed.update(name)
    return hashed.digest()


def seed(conversation: bytes) -> bytes:
    """What the draw goes by: the conversation and the present five minutes."""
    return conversation + (now_ms() // WINDOW).to_bytes(8)


def draw(seed: bytes, endpoint: EndpointFacts) -> float:
    """Uniform in (0, 1], the same for the same seed and endpoint."""
    hashed = hashlib.blake2b(endpoint.id.encode(), key=seed, digest_size=7).digest()
    return (int.from_bytes(hashed) + 1) / 2**56


def _head(call: Call) -> bytes:
    messages = call.fields.get("messages")
    if messages is None:
        return bytes(call.fields.get("input", b""))[:HEAD]
    parts: list[bytes] = []
    try:
        for message in _messages.decode(messages):
            parts.append(bytes(message))
            if _said.decode(message).role == "user":
                break
    except (msgspec.DecodeError, RecursionError):
        return bytes(messages)[:HEAD]
    head = b"".join(parts)[:HEAD]
    return MARKS.sub(b"", head) if b'"cache_control"' in head else head


class Affinity:
    """This process's memory of conversations; the oldest are forgotten first."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._places: OrderedDict[bytes, Place] = OrderedDict()

    def find(self, conversation: bytes) -> Place | None:
        """Where this conversation is warm."""
        place = self._places.get(conversation)
        if place is None or place.until < self._now():
            return None
        return place

    def note(self, conversation: bytes, endpoint: EndpointFacts, usage: Usage) -> None:
        """It was served there; an hour's cache that was written or read keeps it for an hour."""
        before = self.find(conversation)
        again = before is not None and before.endpoint_id == endpoint.id and usage.cached > 0
        hour = usage.cache_write_1h > 0 or (again and before is not None and before.kept == LONG)
        kept = LONG if hour else SHORT
        cached = usage.cached + usage.cache_write_5m + usage.cache_write_1h
        place = Place(endpoint.id, cached, self._now() + kept, kept)
        self._places[conversation] = place
        self._places.move_to_end(conversation)
        while len(self._places) > MAX_REMEMBERED:
            self._places.popitem(last=False)
