"""Tools for a model whose template has none: a grammar makes it write a call, we read it back.

Which tool is meant is decided by the embedding model, which is better at that than 135M parameters:
the one nearest to the last question, and under `auto` only if it is near enough.
"""

import json
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from alltoken_app.engines import schemas
from alltoken_app.engines.conversation import ChatRequest, Function, text
from alltoken_app.errors import Invalid

NEAR = 0.3  # cosine; questions about a tool's subject measure 0.3 and more, small talk 0.2 and less
NOTHING: schemas.Schema = {"type": "object", "properties": {}, "additionalProperties": False}
BETWEEN = ', "arguments": '
Nearness = Callable[[str, list[str]], Awaitable[list[float]]]
Delta = dict[str, Any]


@dataclass(frozen=True)
class Choice:
    """What the model may call now. `text` allows it to answer in words instead."""

    functions: tuple[Function, ...]
    text: bool

    @property
    def grammar(self) -> str:
        """A call of one of them, or words that do not start like one."""
        calls = [f"call{number}" for number in range(len(self.functions))]
        starts = ["words", *calls] if self.text else calls
        rules = [
            "%llguidance {}",
            f"start: {' | '.join(starts)}",
            *map(_rules, calls, self.functions),
        ]
        return "\n".join([*rules, r"words: /[^{\s](.|\n)*/"] if self.text else rules)

    @property
    def advice(self) -> str:
        """What the model is told."""
        listed = [
            json.dumps({"name": f.name, "description": f.description, "parameters": f.parameters})
            for f in self.functions
        ]
        form = '{"name": the tool, "arguments": {...}}'
        return "\n".join(
            ["You have these tools:", *listed, f"To use one, answer {form} and no more."]
        )


def _rules(call: str, function: Function) -> str:
    opening = f'{{"name": {json.dumps(function.name)}{BETWEEN}'
    arguments = function.parameters or NOTHING
    body = schemas.rule(f"{call}_arguments", {"type": "object"} | arguments, "tools")
    return f'{call}: {json.dumps(opening)} {call}_arguments "}}"\n{body}'


async def choose(request: ChatRequest, nearness: Nearness | None) -> Choice | None:
    """What may be called in answer to this request; None means words only.

    Raises:
        Invalid: `tool_choice` makes no sense.
    """
    functions = tuple(tool.function for tool in request.tools or [])
    match request.tool_choice or ("auto" if functions else "none"):
        case "none":
            return None
        case "auto":
            return await _nearest(request, functions, nearness) if functions else None
        case "required" if functions:
            return await _nearest(request, functions, nearness, forced=True)
        case {"function": {"name": str(name)}}:
            named = tuple(function for function in functions if function.name == name)
            if named:
                return Choice(named, text=False)
    raise Invalid("`tool_choice` names no tool of this request.", param="tool_choice")


async def _nearest(
    request: ChatRequest,
    functions: tuple[Function, ...],
    nearness: Nearness | None,
    forced: bool = False,
) -> Choice | None:
    questions = [text(message) for message in request.messages if message.role == "user"]
    if not forced and request.messages[-1].role != "user":
        return None  # a result has just come in: now it is the model's turn to speak
    if nearness is None or not questions:
        return Choice(functions, text=not forced)
    if forced and len(functions) == 1:
        return Choice(functions, text=False)
    subjects = [f"{f.name.replace('_', ' ')}: {f.description or ''}" for f in functions]
    near = await nearness(questions[-1], subjects)
    best = max(range(len(functions)), key=near.__getitem__)
    return Choice((functions[best],), text=False) if forced or near[best] >= NEAR else None


class CallReader:
    """Turns the text of a call, as it is written, into OpenAI's deltas."""

    def __init__(self, forced: bool) -> None:
        self._forced = forced
        self._held = ""
        self._words: bool | None = None
        self.called = False

    def feed(self, piece: str) -> list[Delta]:
        """Deltas for one more piece of text.

        Raises:
            Invalid: Words where only a call may be: the grammar could not be made.
        """
        self._held += piece
        if self._words is None and self._held:
            self._words = not self._held.startswith("{")
            if self._words and self._forced:
                raise Invalid("The local model cannot follow these tools.", param="tools")
        if self._words:
            return [{"content": self._take(len(self._held))}] if self._held else []
        return self._open() + self._arguments(keep=1) if self.called or self._ready() else []

    def finish(self, complete: bool) -> list[Delta]:
        """What is left when the text ends; a complete call ends with a brace of our own."""
        if not self.called:
            return [{"content": self._take(len(self._held))}] if self._held else []
        return [] if complete else self._arguments(keep=0)

    def _ready(self) -> bool:
        return BETWEEN in self._held

    def _open(self) -> list[Delta]:
        if self.called:
            return []
        self.called = True
        name = json.loads(self._take(self._held.index(BETWEEN)).partition(": ")[2])
        self._take(len(BETWEEN))
        function = {"name": name, "arguments": ""}
        call = {"index": 0, "id": f"call_{secrets.token_hex(12)}", "type": "function"}
        return [{"tool_calls": [call | {"function": function}]}]

    def _arguments(self, keep: int) -> list[Delta]:
        """Everything but the last `keep` characters: the last brace may be ours."""
        part = self._take(max(0, len(self._held) - keep))
        call = {"index": 0, "function": {"arguments": part}}
        return [{"tool_calls": [call]}] if part else []

    def _take(self, count: int) -> str:
        taken, self._held = self._held[:count], self._held[count:]
        return taken
