"""alltoken_app/engines/tools.py, conversation.py"""

import json
from typing import Any

import msgspec
import pytest

from alltoken_app.engines import conversation, tools
from alltoken_app.engines.tools import CallReader, Delta
from alltoken_app.errors import Invalid

CALL = '{"name": "get_weather", "arguments": {"city": "Paris {}", "days": [1, 2]}}'
ARGUMENTS = '{"city": "Paris {}", "days": [1, 2]}'
NEAR = {"weather": 0.4, "mail": 0.1}


def request(choice: Any = None, last: str = "user", **more: Any) -> conversation.ChatRequest:
    body = {
        "messages": [{"role": "user", "content": "Rain?"}, {"role": last, "content": "Well?"}],
        "tools": [{"function": {"name": name, "parameters": {}}} for name in NEAR],
        "tool_choice": choice,
        **more,
    }
    return conversation.parse(msgspec.json.encode(body))


async def nearness(text: str, others: list[str]) -> list[float]:
    return [NEAR[other.partition(":")[0]] for other in others]


async def far(text: str, others: list[str]) -> list[float]:
    return [0.1 for _ in others]


def read(pieces: list[str], complete: bool, forced: bool = True) -> list[Delta]:
    reader = CallReader(forced)
    found = [delta for piece in pieces for delta in reader.feed(piece)]
    return found + reader.finish(complete)


def arguments(deltas: list[Delta]) -> str:
    return "".join(delta["tool_calls"][0]["function"]["arguments"] for delta in deltas)


def test_a_call_is_read_however_its_text_is_cut() -> None:
    for size in range(1, len(CALL) + 1):
        pieces = [CALL[at : at + size] for at in range(0, len(CALL), size)]
        deltas = read(pieces, complete=True)
        assert deltas[0]["tool_calls"][0]["function"]["name"] == "get_weather"
        assert arguments(deltas) == ARGUMENTS


def test_a_call_that_was_cut_short_keeps_all_it_has() -> None:
    assert arguments(read([CALL[:-10]], complete=False)) == ARGUMENTS[:-9]
    assert read(['{"name": "get'], complete=False) == [{"content": '{"name": "get'}]


def test_words_pass_unless_a_call_was_forced() -> None:
    assert read(["It ", "rains."], complete=True, forced=False) == [
        {"content": "It "},
        {"content": "rains."},
    ]
    with pytest.raises(Invalid):
        read(["It rains."], complete=True)


@pytest.mark.parametrize(
    ("choice", "near", "last", "callable_", "words"),
    [
        ("none", nearness, "user", None, None),
        (None, nearness, "user", ["weather"], False),
        ("auto", far, "user", None, None),
        ("auto", nearness, "tool", None, None),
        ("auto", None, "user", ["weather", "mail"], True),
        ("required", far, "tool", ["weather"], False),
        ("required", None, "user", ["weather", "mail"], False),
        ({"type": "function", "function": {"name": "mail"}}, nearness, "user", ["mail"], False),
    ],
)
async def test_what_may_be_called(
    choice: Any, near: Any, last: str, callable_: list[str] | None, words: bool | None
) -> None:
    found = await tools.choose(request(choice, last), near)
    assert (found and [function.name for function in found.functions]) == callable_
    assert (found and found.text) == words


@pytest.mark.parametrize("choice", ["sometimes", {"type": "function", "function": {"name": "no"}}])
async def test_a_choice_of_no_tool_is_refused(choice: Any) -> None:
    with pytest.raises(Invalid) as refused:
        await tools.choose(request(choice), nearness)
    assert refused.value.param == "tool_choice"


async def test_a_tool_without_parameters_is_called_with_none() -> None:
    found = await tools.choose(request("required"), nearness)
    assert found is not None
    rule = found.grammar.splitlines()[-1].partition("%json ")[2]
    assert json.loads(rule)["additionalProperties"] is False
    assert json.loads(rule)["properties"] == {}


def test_a_conversation_becomes_plain_text() -> None:
    call = {"id": "c1", "function": {"name": "get_weather", "arguments": "{}"}}
    body = {
        "messages": [
            {"role": "developer", "content": "Be kind."},
            {"role": "user", "content": [{"type": "text", "text": part} for part in ("Ra", "in?")]},
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "c1", "content": "yes"},
        ]
    }  # fmt: skip
    plain = conversation.render(conversation.parse(msgspec.json.encode(body)).messages)
    assert [(message["role"], message["content"]) for message in plain] == [
        ("system", "Be kind."),
        ("user", "Rain?"),
        ("assistant", "I will use get_weather."),
        ("user", "Result of get_weather: yes"),
    ]


def test_a_field_that_is_wrong_is_named() -> None:
    for body, field in (
        ({"messages": [{"role": "user"}], "n": 99}, "n"),
        ({"messages": [{"role": 5}]}, "messages"),
        ({"n": 1}, "messages"),
        ({"messages": [{"role": "user"}], "tools": [{"function": {"name": "a b"}}]}, "tools"),
    ):
        with pytest.raises(Invalid) as refused:
            conversation.parse(msgspec.json.encode(body))
        assert refused.value.param == field
