"""Gemini's answers in the common form, whole and in pieces.

Wire format: https://ai.google.dev/api/generate-content#generatecontentresponse
"""

from typing import Any, TypeVar

import msgspec

from alltoken_app.providers import refusals
from alltoken_app.providers.base import Cut, Piece, Reply, StreamError, UpstreamError, Usage, word
from alltoken_app.providers.dialects import (
    gemini_citations,
    gemini_errors,
    gemini_parts,
    gemini_usage,
)
from alltoken_app.providers.dialects.gemini_citations import Citations, Grounding
from alltoken_app.providers.dialects.gemini_models import traits
from alltoken_app.providers.dialects.gemini_parts import Delta, Part, Writer
from alltoken_app.providers.sse import EventReader

T = TypeVar("T")
Choice = dict[str, Any]

NULL = msgspec.Raw(b"null")
# Google's words in the order of their numbers, where a caller's proxy asked for numbers.
NUMBERED = (
    "", "STOP", "MAX_TOKENS", "SAFETY", "RECITATION", "OTHER", "BLOCKLIST", "PROHIBITED_CONTENT",
    "SPII", "MALFORMED_FUNCTION_CALL", "MODEL_ARMOR",
)  # fmt: skip
FINISH = {
    "MAX_TOKENS": "length",
    "CONTINUATION": "length",
    **dict.fromkeys(
        (
            "SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "LANGUAGE",
            "MODEL_ARMOR", "ESCALATION", "IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT",
            "IMAGE_RECITATION",
        ),
        "content_filter",
    ),
}  # fmt: skip
BROKEN = frozenset({
    "MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS",
    "MISSING_THOUGHT_SIGNATURE", "MALFORMED_RESPONSE", "NO_IMAGE", "IMAGE_OTHER", "OTHER",
})  # fmt: skip
INVALID = UpstreamError(
    "upstream_invalid_output", "The model produced an answer that cannot be used.", retry=True
)


class Content(msgspec.Struct):
    parts: list[Part] | None = None


class Candidate(msgspec.Struct, rename="camel"):
    index: int = 0
    content: Content | None = None
    finish_reason: str | int | None = None
    grounding_metadata: msgspec.Raw = NULL
    citation_metadata: msgspec.Raw = NULL
    logprobs_result: msgspec.Raw = NULL


class Feedback(msgspec.Struct, rename="camel"):
    block_reason: str | int | None = None


class Chunk(msgspec.Struct, rename="camel"):
    """One answer, or one chunk of a streamed one."""

    candidates: list[Candidate] | None = None
    prompt_feedback: Feedback | None = None
    usage_metadata: msgspec.Raw = NULL
    model_version: str | None = None
    response_id: str | None = None
    error: gemini_errors.Body | None = None


class Token(msgspec.Struct, rename="camel"):
    token: str = ""
    log_probability: float = 0.0


class Top(msgspec.Struct):
    candidates: list[Token] = []


class Logprobs(msgspec.Struct, rename="camel"):
    chosen_candidates: list[Token] = []
    top_candidates: list[Top] = []


_chunk = msgspec.json.Decoder(Chunk)
_whole = msgspec.json.Decoder(Chunk | list[Chunk])
_logprobs = msgspec.json.Decoder(Logprobs)
_grounding = msgspec.json.Decoder(Grounding)
_citations = msgspec.json.Decoder(Citations)
_encode = msgspec.json.Encoder().encode


class Turn:
    """One candidate's answer so far."""

    def __init__(self, seed: str) -> None:
        self._writer = Writer(seed)
        self._grounding: Grounding | None = None
        self._citations: Citations | None = None
        self.native: str | None = None
        self.begun = False

    def take(self, candidate: Candidate) -> tuple[Delta, list[Choice]]:
        """What a chunk adds: a delta, and log probabilities of its tokens.

        Raises:
            StreamError: The model failed to write a usable answer.
        """
        parts = candidate.content.parts if candidate.content else None
        delta = self._writer.delta(parts or [])
        self._grounding = _lenient(_grounding, candidate.grounding_metadata) or self._grounding
        self._citations = _lenient(_citations, candidate.citation_metadata) or self._citations
        native = _finish_word(candidate.finish_reason)
        if native in BROKEN:
            raise StreamError(INVALID)
        if native == "PUP_LIMITED_DISABLED":
            raise StreamError(refusals.refusal("upstream_auth_error"))
        self.native = native or self.native
        return delta, _token_probabilities(_lenient(_logprobs, candidate.logprobs_result))

    @property
    def finish(self) -> str:
        """Why it ended, in OpenAI's words."""
        known = FINISH.get(self.native or "")
        return known or ("tool_calls" if self._writer.calls else "stop")

    def sources(self) -> Delta:
        """The sources of the whole answer, known once it has ended."""
        found = gemini_citations.annotations(self._writer.content, self._grounding, self._citations)
        return {"annotations": found} if found else {}

    def searches(self, per_query: bool) -> int:
        """Searches that are charged: each query, or (by older models) the answer as a whole."""
        queries = len(self._grounding.web_search_queries) if self._grounding else 0
        return queries if per_query else min(queries, 1)


class Answer:
    """All candidates of one answer, and what it used."""

    def __init__(self) -> None:
        self._used: Usage | None = None
        self._model = ""
        self.turns: dict[int, Turn] = {}
        self.blocked: str | None = None
        self.id: str | None = None
        self.tier: str | None = None

    def take(self, chunk: Chunk) -> list[tuple[int, Delta, list[Choice]]]:
        """What a chunk adds, by candidate. Raises StreamError."""
        if chunk.error is not None:
            raise StreamError(gemini_errors.of(chunk.error))
        self.id = word(chunk.response_id) or self.id
        self._model = chunk.model_version or self._model
        if chunk.usage_metadata != NULL:
            self.tier = gemini_usage.tier(chunk.usage_metadata) or self.tier
            self._used = gemini_usage.read(chunk.usage_metadata) or self._used
        if chunk.prompt_feedback is not None and chunk.prompt_feedback.block_reason:
            self.blocked = str(chunk.prompt_feedback.block_reason)
        return [(one.index, *self._turn(one.index).take(one)) for one in chunk.candidates or ()]

    def _turn(self, index: int) -> Turn:
        if index not in self.turns:
            self.turns[index] = Turn(f"{self.id or ''}.{index}")
        return self.turns[index]

    @property
    def ended(self) -> bool:
        """Whether every candidate has said why it ended, or the prompt was refused."""
        if not self.turns:
            return self.blocked is not None
        return all(turn.native for turn in self.turns.values())

    @property
    def finish(self) -> str:
        return self.turns[min(self.turns)].finish if self.turns else "content_filter"

    @property
    def native(self) -> str | None:
        return word(self.turns[min(self.turns)].native if self.turns else self.blocked)

    def usage(self) -> Usage | None:
        """What has been used up to now."""
        per_query = traits(self._model).generation >= (3, 0)
        searches = sum(turn.searches(per_query) for turn in self.turns.values())
        if self._used is None or not searches:
            return self._used
        return msgspec.structs.replace(self._used, searches=searches)


def read(payload: bytes) -> Reply:
    """Read a whole answer.

    Raises:
        ValueError: It is not one.
        StreamError: It is one that nobody can use.
    """
    found = _whole.decode(payload)
    answer, messages, tokens = Answer(), dict[int, Delta](), dict[int, list[Choice]]()
    for chunk in found if isinstance(found, list) else [found]:
        for index, delta, probabilities in answer.take(chunk):
            gemini_parts.fold(messages.setdefault(index, {}), delta)
            tokens.setdefault(index, []).extend(probabilities)
    if not answer.turns and answer.blocked is None:
        raise StreamError(INVALID) if answer.usage() else ValueError("no answer in the reply")
    choices = [
        _whole_choice(index, turn.finish, turn.native, messages[index] | turn.sources(), tokens)
        for index, turn in sorted(answer.turns.items())
    ] or [_whole_choice(0, answer.finish, answer.native, {}, tokens)]
    return Reply(
        {"choices": msgspec.Raw(_encode(choices))},
        answer.usage(),
        content=any(map(gemini_parts.says_something, messages.values())),
        size=sum(map(gemini_parts.size, messages.values())),
        finish=answer.finish,
        upstream_id=answer.id,
        native_finish=answer.native,
        tier=answer.tier,
    )


class Reader:
    """Reads a streamed answer; says how it ended once the stream has."""

    def __init__(self, longest_event: int) -> None:
        self._events = EventReader(longest_event)
        self._answer = Answer()
        self.done = False

    def feed(self, received: bytes) -> list[Piece]:
        if received:
            return [self._piece(data) for data in self._events.feed(received)]
        if not self._answer.ended:
            raise Cut
        self.done = True
        return [self._last()]

    def _piece(self, data: bytes) -> Piece:
        answer = self._answer
        added = answer.take(_chunk.decode(data))
        deltas = [delta for _, delta, _ in added]
        choices = [
            _choice(index, answer.turns[index], delta, tokens)
            for index, delta, tokens in added
            if delta or tokens
        ]
        return Piece(
            _encode(choices),
            content=any(map(gemini_parts.says_something, deltas)),
            size=sum(map(gemini_parts.size, deltas)),
            running=answer.usage(),
            upstream_id=answer.id,
            tier=answer.tier,
        )

    def _last(self) -> Piece:
        answer = self._answer
        turns = answer.turns or {0: Turn("")}
        choices = []
        for index, turn in sorted(turns.items()):
            choice = _choice(index, turn, turn.sources(), [])
            choice["finish_reason"] = turn.finish if answer.turns else answer.finish
            choice["native_finish_reason"] = word(turn.native) if answer.turns else answer.native
            choices.append(choice)
        return Piece(
            _encode(choices),
            finish=answer.finish,
            usage=answer.usage(),
            upstream_id=answer.id,
            native_finish=answer.native,
            tier=answer.tier,
        )


def _choice(index: int, turn: Turn, delta: Delta, tokens: list[Choice]) -> Choice:
    if not turn.begun:
        turn.begun = True
        delta = {"role": "assistant", **delta}
    choice: Choice = {"index": index, "delta": delta, "finish_reason": None}
    return choice | ({"logprobs": {"content": tokens, "refusal": None}} if tokens else {})


def _whole_choice(
    index: int, finish: str, native: str | None, message: Delta, tokens: dict[int, list[Choice]]
) -> Choice:
    probabilities = tokens.get(index)
    return {
        "index": index,
        "message": {"role": "assistant", "content": None, "refusal": None, **message},
        "finish_reason": finish,
        "native_finish_reason": word(native),
        "logprobs": {"content": probabilities, "refusal": None} if probabilities else None,
    }


def _finish_word(reason: str | int | None) -> str | None:
    if isinstance(reason, int):
        reason = NUMBERED[reason] if 0 <= reason < len(NUMBERED) else "OTHER"
    return reason if reason and reason != "FINISH_REASON_UNSPECIFIED" else None


def _token_probabilities(said: Logprobs | None) -> list[Choice]:
    """Log probabilities as OpenAI writes them."""
    if said is None:
        return []
    tops = [[_token(one) for one in top.candidates] for top in said.top_candidates]
    return [
        {**_token(chosen), "top_logprobs": tops[at] if at < len(tops) else []}
        for at, chosen in enumerate(said.chosen_candidates)
    ]


def _token(token: Token) -> Choice:
    said = token.token
    return {"token": said, "logprob": token.log_probability, "bytes": list(said.encode())}


def _lenient(decoder: "msgspec.json.Decoder[T]", raw: msgspec.Raw) -> T | None:
    """What stands beside an answer never spoils it."""
    if raw == NULL:
        return None
    try:
        return decoder.decode(raw)
    except ValueError:
        return None
