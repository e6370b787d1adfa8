"""alltoken_app/providers/dialects/openai_plain.py"""

import json
from typing import Any

import msgspec

from alltoken_app.providers.dialects.openai_plain import plain
from alltoken_app.providers.quirks import PLAIN, Quirks

MARK = {"type": "ephemeral"}


def cleaned(quirks: Quirks, **fields: Any) -> dict[str, Any]:
    raw = {name: msgspec.Raw(json.dumps(value).encode()) for name, value in fields.items()}
    return {name: json.loads(bytes(value)) for name, value in plain(raw, quirks).items()}


def test_marks_and_details_stay_out_of_a_plain_server() -> None:
    details = [{"type": "reasoning.text", "text": "hm", "signature": "s"}]
    found = cleaned(
        PLAIN,
        messages=[
            {"role": "user", "content": [{"type": "text", "text": "a", "cache_control": MARK}]},
            {"role": "assistant", "content": "b", "reasoning_details": details, "reasoning": "hm"},
            {"role": "tool", "tool_call_id": "c", "content": "r", "cache_control": MARK},
            {"role": "tool", "tool_call_id": "d", "content": "no", "is_error": True},
        ],
        tools=[{"type": "function", "function": {"name": "go"}, "cache_control": MARK}],
    )
    assert found["messages"] == [
        {"role": "user", "content": [{"type": "text", "text": "a"}]},
        {"role": "assistant", "content": "b"},
        {"role": "tool", "tool_call_id": "c", "content": "r"},
        {"role": "tool", "tool_call_id": "d", "content": "no"},
    ]
    assert found["tools"] == [{"type": "function", "function": {"name": "go"}}]


def test_thoughts_go_back_in_the_servers_own_field() -> None:
    details = [{"type": "reasoning.text", "text": "h"}, {"type": "reasoning.summary",
                                                         "summary": "m"}]  # fmt: skip
    quirks = Quirks(thinks_in="reasoning_content")
    for thought in ({"reasoning_details": details}, {"reasoning": "hm"}):
        found = cleaned(quirks, messages=[{"role": "assistant", "content": "b", **thought}])
        assert found["messages"] == [
            {"role": "assistant", "content": "b", "reasoning_content": "hm"}
        ]


def test_a_server_of_the_common_form_and_messages_without_marks_get_the_same_bytes() -> None:
    odd = msgspec.Raw(b'[ {"role":"user",  "content":"say \\"cache_control\\""} ]')
    assert plain({"messages": odd}, PLAIN)["messages"] is odd
    marked = msgspec.Raw(b'[{"role":"user","content":"a", "cache_control":{}}]')
    assert plain({"messages": marked}, Quirks(reasoning="reasoning"))["messages"] is marked
