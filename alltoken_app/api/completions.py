"""POST /v1/completions: a prompt goes on, in OpenAI's first shape.

Endpoints that offer it get the prompt as it is; chat models get it as a user's message.
"""

from collections.abc import Sequence
from typing import Annotated, Any

import msgspec

from alltoken_app.api import answers, errors, parse, render
from alltoken_app.api.auth import authenticate
from alltoken_app.api.http import JSON, Header, Request, encode
from alltoken_app.api.parse import (
    MAX_INPUTS,
    Count,
    Extension,
    Parsed,
    Penalty,
    Share,
    Slug,
    Stop,
    Stops,
    StreamOptions,
)
from alltoken_app.api.render import DONE, KEEP_ALIVE
from alltoken_app.api.truth import also
from alltoken_app.catalog.snapshot import Catalog
from alltoken_app.errors import AllTokenError, Invalid
from alltoken_app.providers.base import Call, Piece, Reply
from alltoken_app.routing.preferences import Preferences
from alltoken_app.services.generations import Run

Json = dict[str, Any]

TRUE = msgspec.Raw(b"true")
DEFAULT_OUTPUT = 16  # tokens, as in OpenAI's API
SAME = frozenset({
    "temperature", "top_p", "top_k", "min_p", "n", "stop", "seed", "logit_bias", "user",
    "frequency_penalty", "presence_penalty", "repetition_penalty",
})  # fmt: skip
NATIVE = SAME | {"prompt", "suffix", "echo", "best_of", "logprobs"}
OURS = frozenset({"model", "models", "stream", "stream_options", "max_tokens", "provider",
                  "session_id", "route", "preset", "alltoken"})  # fmt: skip
FINISHES = frozenset({"stop", "length", "content_filter"})

Many = Annotated[int, msgspec.Meta(ge=1, le=128)]
Prompts = Annotated[list[str | int | list[int]], msgspec.Meta(min_length=1, max_length=MAX_INPUTS)]


class CompletionFields(msgspec.Struct):
    """What a completion takes. Null counts as absent."""

    model: Slug
    prompt: str | Prompts
    suffix: str | None = None
    echo: bool | None = None
    best_of: Annotated[int, msgspec.Meta(ge=1, le=20)] | None = None
    n: Many | None = None
    logprobs: Annotated[int, msgspec.Meta(ge=0, le=20)] | None = None
    max_tokens: Count | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    temperature: Annotated[float, msgspec.Meta(ge=0, le=2)] | None = None
    top_p: Share | None = None
    frequency_penalty: Penalty | None = None
    presence_penalty: Penalty | None = None
    seed: Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)] | None = None
    stop: Stop | Stops | None = None
    logit_bias: Annotated[dict[str, float], msgspec.Meta(max_length=1_024)] | None = None
    user: Annotated[str, msgspec.Meta(max_length=512)] | None = None
    provider: Preferences | None = None
    alltoken: Extension | None = None


class Token(msgspec.Struct):
    token: str
    logprob: float = 0.0
    top_logprobs: "list[Token] | None" = None


class Logprobs(msgspec.Struct):
    content: list[Token] | None = None


class Said(msgspec.Struct):
    content: str | None = None
    refusal: str | None = None


class ChatChoice(msgspec.Struct):
    """A choice of a chat answer or of a chunk of one."""

    index: int = 0
    message: Said | None = None
    delta: Said | None = None
    finish_reason: str | None = None
    logprobs: Logprobs | None = None


_request = msgspec.json.Decoder(CompletionFields, strict=True)
_choices = msgspec.json.Decoder(list[ChatChoice])


async def create_completion(request: Request) -> None:
    """A completion, whole or as server-sent events."""
    caller = await authenticate(request)
    body = await request.body()
    parsed = completion(body, request.header(b"content-type"), strict=request.strict)
    await answers.serve(request, answers.new_run(request, caller, parsed), FACE)


def completion(body: bytes, content_type: str, *, strict: bool) -> Parsed:
    """Parse a request.

    Several prompts, and prompts in tokens, are served only where they can be as they are.

    Raises:
        Invalid: `param` names the field; nothing was charged.
        NotFound: The model's name cannot be one.
    """
    found = parse.document(body, content_type)
    fields = parse.decode(_request, body)
    if fields.best_of is not None and fields.best_of < (fields.n or 1):
        raise Invalid("best_of is less than n. Nothing was charged.", param="best_of")
    prompt = _alone(fields.prompt)
    strict = strict or bool(fields.alltoken and fields.alltoken.strict)
    warnings = parse.unknown(found, NATIVE | OURS, strict=strict)
    common = parse.forwarded(found, SAME)
    common["messages"] = msgspec.Raw(encode([{"role": "user", "content": prompt or ""}]))
    if fields.logprobs is not None:
        common |= {"logprobs": TRUE, "top_logprobs": found["logprobs"]}
    call = Call(
        operation="completions",
        model=parse.slug(fields.model),
        fields=common,
        stream=bool(fields.stream),
        max_output=fields.max_tokens or DEFAULT_OUTPUT,
        choices=max(fields.n or 1, fields.best_of or 1) * _count(fields.prompt),
        size=len(body),
        inputs=_count(fields.prompt),
        dialect="completions",
        native=parse.forwarded(found, NATIVE),
        untranslated=tuple(_untranslated(fields, prompt)),
    )
    call = parse.steered(call, found)
    wishes = fields.provider or Preferences()
    return Parsed(call, wishes, strict or prompt is None, warnings, fields.user, fields.alltoken)


def _alone(prompt: str | list[Any]) -> str | None:
    """The prompt, where it is one text; None for several, or for tokens."""
    if isinstance(prompt, str):
        return prompt
    return prompt[0] if len(prompt) == 1 and isinstance(prompt[0], str) else None


def _count(prompt: str | list[Any]) -> int:
    """How many prompts: a list of numbers is one, in tokens."""
    if isinstance(prompt, str) or isinstance(prompt[0], int):
        return 1
    return len(prompt)


def _untranslated(fields: CompletionFields, prompt: str | None) -> list[str]:
    """What no chat model can do."""
    missing = {
        "prompt": prompt is None,
        "suffix": bool(fields.suffix),
        "best_of": (fields.best_of or 1) > (fields.n or 1),
        "echo": bool(fields.echo) and fields.logprobs is not None,
    }
    return [name for name, asked in missing.items() if asked]


class CompletionsFace:
    """OpenAI's completions."""

    def whole(self, run: Run, reply: Reply, catalog: Catalog) -> tuple[Sequence[Header], bytes]:
        writer = Chunks(run, catalog)
        if reply.native is not None:
            choices: Any = reply.native["choices"]
        else:
            choices = [writer.choice(said) for said in _choices.decode(reply.body["choices"])]
        body = writer.envelope | {"choices": choices, "usage": render.usage(run)}
        body |= {"alltoken": render.served(run), **also(run, catalog)}
        return (JSON,), encode(body)

    def chunks(self, run: Run, catalog: Catalog) -> "Chunks":
        return Chunks(run, catalog)


class Chunks:
    """Writes one streamed answer; remembers where each choice's text has come to."""

    keep_alive = KEEP_ALIVE

    def __init__(self, run: Run, catalog: Catalog) -> None:
        assert run.endpoint is not None
        self._run, self._catalog = run, catalog
        self._reached: dict[int, int] = {}
        self._echo = _echo(run.call)
        self.envelope: Json = {
            "id": run.id,
            "object": "text_completion",
            "created": run.created_at // 1000,
            "model": run.endpoint.model,
            "provider": catalog.providers.get(run.endpoint.provider, run.endpoint.provider),
        }

    def pieces(self, pieces: list[Piece]) -> bytes:
        """Events of pieces that say something."""
        return b"".join(self._event({"choices": said}) for piece in pieces
                        if (said := self._said(piece)))  # fmt: skip

    def _said(self, piece: Piece) -> msgspec.Raw | list[Json] | None:
        if piece.native:
            return msgspec.Raw(piece.native) if piece.native != b"[]" else None
        return [
            self.choice(choice)
            for choice in _choices.decode(piece.choices)
            if choice.finish_reason
            or (choice.delta and (choice.delta.content or choice.delta.refusal))
        ]

    def choice(self, said: ChatChoice) -> Json:
        """A chat answer's choice as a completion's."""
        words = said.message or said.delta or Said()
        text = words.content or words.refusal or ""
        first = said.index not in self._reached
        whole = self._echo + text if first else text
        start = self._reached.get(said.index, len(self._echo))
        self._reached[said.index] = start + len(text)
        finish = said.finish_reason
        return {
            "index": said.index,
            "text": whole,
            "logprobs": _logprobs(said.logprobs, start),
            "finish_reason": finish if finish in FINISHES or finish is None else "stop",
        }

    def end(self) -> bytes:
        """The last chunk, with usage and cost, and the end mark."""
        used = {"usage": render.usage(self._run), "alltoken": render.served(self._run)}
        used |= also(self._run, self._catalog)
        return self._event({"choices": [], **used}) + DONE

    def broken(self, error: AllTokenError, charged: str) -> bytes:
        """An error inside the stream, with what was delivered charged. No end mark follows."""
        document = errors.envelope(
            error, self._run.request_id, dialect=self._run.error_dialect, charged=charged
        )
        return self._event({"choices": [], **document, "usage": render.usage(self._run)})

    def _event(self, fields: Json) -> bytes:
        return b"data: " + encode(self.envelope | fields) + b"\n\n"


def _echo(call: Call) -> str:
    """The prompt that a chat model's text follows, where the caller wants to read it again."""
    if call.native.get("echo") != TRUE or "echo" in call.untranslated:
        return ""
    asked: str | list[str] = msgspec.json.decode(call.native["prompt"])
    return asked if isinstance(asked, str) else asked[0]


def _logprobs(said: Logprobs | None, start: int) -> Json | None:
    if said is None or not said.content:
        return None
    offsets, at = [], start
    for token in said.content:
        offsets.append(at)
        at += len(token.token)
    return {
        "tokens": [token.token for token in said.content],
        "token_logprobs": [token.logprob for token in said.content],
        "top_logprobs": [
            {other.token: other.logprob for other in token.top_logprobs or ()}
            for token in said.content
        ],
        "text_offset": offsets,
    }


FACE = CompletionsFace()
