"""alltoken_app/providers/dialects/openai_tools.py"""

import json

import msgspec

from alltoken_app.providers.dialects.openai_tools import lifted


def after(*messages: dict[str, object]) -> list[dict[str, object]]:
    made: list[dict[str, object]] = json.loads(
        bytes(lifted(msgspec.Raw(json.dumps(messages).encode())))
    )
    return made


PICTURE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA"}}
NOTE = {"type": "text", "text": "seen"}


def test_what_tools_show_is_said_by_the_user_after_all_of_them() -> None:
    first = {"role": "tool", "tool_call_id": "1", "content": [NOTE, PICTURE]}
    second = {"role": "tool", "tool_call_id": "2", "content": [PICTURE]}
    last = {"role": "user", "content": "go on"}
    below = "The result is in the next message."
    assert after(first, second, last) == [
        {**first, "content": [NOTE]},
        {**second, "content": below},
        {"role": "user", "content": [PICTURE, PICTURE]},
        last,
    ]


def test_without_pictures_of_tools_no_byte_changes() -> None:
    raw = msgspec.Raw(
        b'[{"role":"tool",  "content":"x"},{"role":"user","content":[{"type":"image_url"}]}]'
    )
    assert lifted(raw) is raw
