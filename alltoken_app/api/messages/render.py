"""Whole answers in Anthropic's shape, and the face that gives them."""

from collections.abc import Sequence
from typing import cast

import msgspec

from alltoken_app.api import render
from alltoken_app.api.http import JSON, Header, encode
from alltoken_app.api.messages import shapes
from alltoken_app.api.messages.events import Events
from alltoken_app.api.messages.shapes import Json, Said, ToolCall
from alltoken_app.catalog.snapshot import Catalog
from alltoken_app.providers.base import Reply
from alltoken_app.services.generations import Run

_raws = msgspec.json.Decoder(dict[str, msgspec.Raw])
_object = msgspec.json.Decoder(dict[str, msgspec.Raw])


class MessagesFace:
    """Anthropic's Messages."""

    def whole(self, run: Run, reply: Reply, catalog: Catalog) -> tuple[Sequence[Header], bytes]:
        body = _native(run, reply.native) if reply.native is not None else _translated(run, reply)
        return (JSON,), encode(body)

    def chunks(self, run: Run, catalog: Catalog) -> Events:
        return Events(run)


def _native(run: Run, said: dict[str, msgspec.Raw]) -> Json:
    """The upstream's own message, under our id, with the model that served and what it cost."""
    assert run.endpoint is not None
    used = _raws.decode(said.get("usage", b"{}")) | {"cost": render.exact(run.cost)}
    ours = {"id": run.id, "model": run.endpoint.model, "usage": used}
    return {**said, **ours, "alltoken": render.served(run)}


def _translated(run: Run, reply: Reply) -> Json:
    assert run.endpoint is not None
    found = shapes.read(bytes(reply.body["choices"]))
    choice = found[0] if found else shapes.Choice()
    message = choice.message or Said()
    run.warnings += message.unsaid
    stop = shapes.stop_reason(
        choice.finish_reason,
        choice.native_finish_reason or reply.native_finish,
        called=any(not call.empty for call in message.tool_calls or ()),
    )
    return {
        "id": run.id,
        "type": "message",
        "role": "assistant",
        "model": run.endpoint.model,
        "content": _content(message, wanted=shapes.asked_to_think(run)),
        "stop_reason": stop,
        "stop_sequence": None,
        "usage": shapes.usage(run),
        "alltoken": render.served(run),
    }


def _content(message: Said, *, wanted: bool) -> list[Json]:
    details = message.reasoning_details or []
    if not details and message.thought:
        details = [{"type": "reasoning.text", "text": message.thought}]
    thoughts = [shapes.thinking(detail, wanted=wanted) for detail in details]
    blocks = [block for block in thoughts if block is not None]
    text = (message.content or "") + (message.refusal or "")
    if text:
        block: Json = {"type": "text", "text": text}
        notes = [shapes.citation(note) for note in message.annotations or ()]
        if any(notes):
            block["citations"] = [note for note in notes if note]
        blocks.append(block)
    calls = [call for call in message.tool_calls or () if not call.empty]
    return blocks + [_tool_use(call, place) for place, call in enumerate(calls)]


def _tool_use(call: ToolCall, place: int) -> Json:
    return {
        "type": "tool_use",
        "id": call.id or f"toolu_{place}",
        "name": call.function.name or "",
        "input": _input(call.function.arguments or ""),
    }


def _input(arguments: str) -> Json:
    """The arguments as an object; what the model wrote wrongly is shown as it is."""
    if not arguments.strip():
        return {}
    try:
        return cast(Json, _object.decode(arguments))
    except ValueError:
        return {"arguments": arguments}
