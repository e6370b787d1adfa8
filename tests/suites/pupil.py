"""A scripted model behind an OpenAI-shaped upstream: it does what a request plainly asks of it.

It answers text with text, calls a tool when there is one to call, and fills in a schema when one
is given. So a client's own test suite meets every shape of answer, without a real model.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

Json = dict[str, Any]
USAGE = {"prompt_tokens": 21, "completion_tokens": 9, "total_tokens": 30}
WORDS = "The sky is blue because small molecules scatter short waves more than long ones."


def app() -> Starlette:
    """The upstream."""
    routes = [Route("/chat/completions", complete, methods=["POST"]),
              Route("/embeddings", embed, methods=["POST"])]  # fmt: skip
    return Starlette(routes=routes)


async def complete(request: Request) -> Response:
    """One chat completion, whole or streamed."""
    asked = await request.json()
    message = answer(asked)
    finish = "tool_calls" if message.get("tool_calls") else "stop"
    head = {"id": "chatcmpl-pupil", "created": 1, "model": asked["model"]}
    if asked.get("stream"):
        events = _chunks(head, message, finish)
        return StreamingResponse(events, media_type="text/event-stream")
    choice = {"index": 0, "message": message, "finish_reason": finish, "logprobs": None}
    whole = {**head, "object": "chat.completion", "choices": [choice], "usage": USAGE}
    return JSONResponse(whole)


async def embed(request: Request) -> Response:
    """A vector for each text."""
    asked = await request.json()
    texts = asked["input"] if isinstance(asked["input"], list) else [asked["input"]]
    data = [
        {"object": "embedding", "index": at, "embedding": [float(len(str(text))), 1.0, 0.5]}
        for at, text in enumerate(texts)
    ]
    usage = {"prompt_tokens": len(texts), "total_tokens": len(texts)}
    return JSONResponse({"object": "list", "data": data, "model": asked["model"], "usage": usage})


def answer(asked: Json) -> Json:
    """The assistant's message to a request."""
    last = asked["messages"][-1]
    said = _text(asked["messages"])
    wanted = asked.get("response_format") or {}
    tool = _tool(asked, last)
    if tool is not None:
        arguments = json.dumps(example(tool.get("parameters") or {}, said), ensure_ascii=False)
        call = {"id": f"call_{len(asked['messages'])}", "type": "function",
                "function": {"name": tool["name"], "arguments": arguments}}  # fmt: skip
        return {"role": "assistant", "content": None, "tool_calls": [call]}
    if wanted.get("type") == "json_schema":
        filled = example(wanted["json_schema"]["schema"], said)
        return {"role": "assistant", "content": json.dumps(filled)}
    if wanted.get("type") == "json_object":
        return {"role": "assistant", "content": '{"setup": "Why?", "punchline": "Because."}'}
    return {"role": "assistant", "content": WORDS}


def _tool(asked: Json, last: Json) -> Json | None:
    tools = [tool["function"] for tool in asked.get("tools") or []]
    choice = asked.get("tool_choice", "auto")
    if not tools or choice == "none":
        return None
    if isinstance(choice, dict):
        name = choice["function"]["name"]
        return next(tool for tool in tools if tool["name"] == name)
    return None if choice == "auto" and last["role"] == "tool" else tools[0]


def _text(messages: list[Json]) -> str:
    spoken = [message for message in messages if message["role"] == "user"]
    content = spoken[-1]["content"] if spoken else ""
    if isinstance(content, list):
        content = " ".join(part.get("text", "") for part in content)
    return str(content)


def example(schema: Json, said: str, root: Json | None = None) -> Any:
    """A value that fits a JSON schema, with numbers and quoted words taken from what was said."""
    root = root or schema
    for choice in ("anyOf", "oneOf", "allOf"):
        if choice in schema:
            return example(schema[choice][0], said, root)
    if "$ref" in schema:
        return example(root["$defs"][schema["$ref"].rsplit("/", 1)[1]], said, root)
    if "enum" in schema or "const" in schema:
        return schema.get("const", schema.get("enum", [None])[0])
    if schema.get("type") == "object" or "properties" in schema:
        properties = schema.get("properties", {})
        return {name: example(part, said, root) for name, part in properties.items()}
    if schema.get("type") == "array":
        return [example(schema.get("items", {}), said, root)]
    return _plain(schema.get("type", "string"), said)


def _plain(kind: str | list[str], said: str) -> Any:
    numbers = re.findall(r"\d+", said)
    values: Json = {
        "integer": int(numbers[0]) if numbers else 1, "number": 1.5, "boolean": True, "null": None,
    }  # fmt: skip
    return values.get(kind if isinstance(kind, str) else kind[0], _quoted(said))


def _quoted(said: str) -> str:
    found = re.search(r"[\"“'‘「]([^\"”'’」]+)[\"”'’」]", said) or re.search(
        r"([^\x00-\x7f]+)", said
    )
    return found[1] if found else "San Francisco"


def _chunks(head: Json, message: Json, finish: str) -> Iterator[bytes]:
    """The message in pieces, tool arguments split in two."""

    def event(delta: Json, reason: str | None = None, **more: Any) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": reason, "logprobs": None}
        chunk = {**head, "object": "chat.completion.chunk", "choices": [choice], **more}
        return b"data: " + json.dumps(chunk).encode() + b"\n\n"

    yield event({"role": "assistant", "content": ""})
    for word in re.findall(r"\S+\s*", message["content"] or ""):
        yield event({"content": word})
    for at, call in enumerate(message.get("tool_calls") or []):
        arguments = call["function"]["arguments"]
        half = len(arguments) // 2
        first = {**call, "index": at, "function": {**call["function"], "arguments": ""}}
        yield event({"tool_calls": [first]})
        for part in (arguments[:half], arguments[half:]):
            yield event({"tool_calls": [{"index": at, "function": {"arguments": part}}]})
    yield event({}, finish)
    last = {**head, "object": "chat.completion.chunk", "choices": [], "usage": USAGE}
    yield b"data: " + json.dumps(last).encode() + b"\n\n"
    yield b"data: [DONE]\n\n"
