"""What the official clients make of our answers, read as if they came from the network."""

import json
from collections.abc import Callable
from typing import Any

import anthropic
import httpx2
import openai

from conformance.truth import Truth

KEY = "atk_test_conformance"


def _transport(body: bytes, kind: str, status: int) -> httpx2.MockTransport:
    def answer(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(status, headers={"content-type": kind}, content=body)

    return httpx2.MockTransport(answer)


def _kind(stream: bool) -> str:
    return "text/event-stream" if stream else "application/json"


def _openai(body: bytes, stream: bool, status: int = 200) -> openai.OpenAI:
    client = httpx2.Client(transport=_transport(body, _kind(stream), status))
    return openai.OpenAI(
        api_key=KEY, base_url="http://alltoken.test/v1", http_client=client, max_retries=0
    )


def chat(body: bytes, stream: bool) -> Truth:
    """OpenAI's client on a chat completion."""
    asked: dict[str, Any] = {"model": "a/b", "messages": [{"role": "user", "content": "hi"}]}
    client = _openai(body, stream)
    truth = Truth()
    if not stream:
        answer = client.chat.completions.create(**asked)
        choice = answer.choices[0] if answer.choices else None
        if choice is not None:
            truth.text, truth.finish = choice.message.content or "", choice.finish_reason
            for call in choice.message.tool_calls or []:
                if call.type == "function":
                    truth.tools.append((call.function.name, call.function.arguments))
        _tokens(truth, answer.usage)
        return truth
    calls: dict[int, list[str]] = {}
    for chunk in client.chat.completions.create(**asked, stream=True):
        _tokens(truth, chunk.usage)
        for one in (choice for choice in chunk.choices if choice.index == 0):
            truth.text += one.delta.content or ""
            truth.finish = one.finish_reason or truth.finish
            for part in one.delta.tool_calls or []:
                said = calls.setdefault(part.index, ["", ""])
                said[0] = said[0] or (part.function and part.function.name) or ""
                said[1] += (part.function and part.function.arguments) or ""
    truth.tools = [(name, arguments) for name, arguments in calls.values()]
    return truth


def _tokens(truth: Truth, usage: Any) -> None:
    if usage is not None:
        truth.input, truth.output = usage.prompt_tokens, usage.completion_tokens


def messages(body: bytes, stream: bool) -> Truth:
    """Anthropic's client on a message."""
    http = httpx2.Client(transport=_transport(body, _kind(stream), 200))
    client = anthropic.Anthropic(
        api_key=KEY, base_url="http://alltoken.test", http_client=http, max_retries=0
    )
    asked: dict[str, Any] = {
        "model": "a/b", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}],
    }  # fmt: skip
    if stream:
        with client.messages.stream(**asked) as events:
            answer = events.get_final_message()
    else:
        answer = client.messages.create(**asked)
    truth = Truth(finish=answer.stop_reason)
    for block in answer.content:
        if block.type == "text":
            truth.text += block.text
        elif block.type == "tool_use":
            truth.tools.append((block.name, json.dumps(block.input)))
    used = answer.usage
    cache = (used.cache_read_input_tokens or 0) + (used.cache_creation_input_tokens or 0)
    truth.input, truth.output = used.input_tokens + cache, used.output_tokens
    return truth


def responses(body: bytes, stream: bool) -> Truth:
    """OpenAI's client on a response."""
    client = _openai(body, stream)
    asked: dict[str, Any] = {"model": "a/b", "input": "hi"}
    if stream:
        ends = ("response.completed", "response.incomplete", "response.failed")
        events: Any = client.responses.create(**asked, stream=True)
        answer: Any = [event.response for event in events if event.type in ends][-1]
    else:
        answer = client.responses.create(**asked)
    truth = Truth(finish=answer.status)
    truth.text = answer.output_text
    truth.tools = [
        (item.name, item.arguments) for item in answer.output if item.type == "function_call"
    ]
    if answer.usage is not None:
        truth.input, truth.output = answer.usage.input_tokens, answer.usage.output_tokens
    return truth


def completions(body: bytes, stream: bool) -> Truth:
    """OpenAI's client on a text completion."""
    client = _openai(body, stream)
    truth = Truth()
    if not stream:
        answer = client.completions.create(model="a/b", prompt="hi")
        truth.text, truth.finish = answer.choices[0].text, answer.choices[0].finish_reason
        _tokens(truth, answer.usage)
        return truth
    for chunk in client.completions.create(model="a/b", prompt="hi", stream=True):
        _tokens(truth, chunk.usage)
        for one in (choice for choice in chunk.choices if choice.index == 0):
            truth.text += one.text
            truth.finish = one.finish_reason or truth.finish
    return truth


def embeddings(body: bytes, count: int) -> bool:
    """Whether OpenAI's client finds `count` vectors."""
    client = _openai(body, False)
    answer = client.embeddings.create(model="a/b", input=["hi"] * count, encoding_format="float")
    return len(answer.data) == count


READERS: dict[str, Callable[[bytes, bool], Truth]] = {
    "chat": chat,
    "messages": messages,
    "responses": responses,
    "completions": completions,
}
