"""alltoken_app/api/messages/shapes.py"""

import json

import pytest

from alltoken_app.api.messages import shapes


def test_what_is_odd_in_an_answer_does_not_spoil_the_rest() -> None:
    call = {"id": "c", "function": {"name": "go", "arguments": {"x": 1}}}
    choice = {
        "message": {"content": "so", "annotations": {"odd": 1}, "tool_calls": [call]},
        "finish_reason": "tool_calls",
    }
    found = shapes.read(json.dumps([choice]).encode())[0]
    assert found.message is not None
    assert (found.message.content, found.finish_reason) == ("so", "tool_calls")
    assert found.message.tool_calls is not None
    assert found.message.tool_calls[0].function.arguments == '{"x":1}'
    assert found.message.annotations is None


@pytest.mark.parametrize(
    ("finish", "native", "called", "said"),
    [
        ("stop", None, False, "end_turn"),
        ("stop", None, True, "tool_use"),
        ("stop", "pause_turn", False, "pause_turn"),
        ("stop", "STOP", False, "end_turn"),
        ("length", "insufficient_credits", False, "max_tokens"),
        ("content_filter", None, False, "refusal"),
        (None, None, False, "end_turn"),
    ],
)
def test_finish_reasons_in_anthropics_words(
    finish: str | None, native: str | None, called: bool, said: str
) -> None:
    assert shapes.stop_reason(finish, native, called=called) == said
