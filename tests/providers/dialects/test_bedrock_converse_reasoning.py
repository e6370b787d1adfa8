"""alltoken_app/providers/dialects/bedrock_converse_request.py: reasoning"""

from typing import Any

import pytest

from tests.providers.dialects.bedrock_case import (
    CLAUDE,
    GPT_OSS,
    HI,
    NEW_CLAUDE,
    NOVA_2,
    THINKING_CLAUDE,
    body,
    unable,
)


@pytest.mark.parametrize(
    ("model", "wish", "extra"),
    [
        (CLAUDE, {"effort": "high"}, {"thinking": {"type": "enabled", "budget_tokens": 3200}}),
        (CLAUDE, {"max_tokens": 9999}, {"thinking": {"type": "enabled", "budget_tokens": 3999}}),
        (
            "anthropic.claude-sonnet-4-6",
            {"effort": "xhigh"},
            {"thinking": {"type": "adaptive"}, "output_config": {"effort": "high"}},
        ),
        (
            NEW_CLAUDE,
            {"effort": "xhigh"},
            {
                "thinking": {"type": "adaptive", "display": "summarized"},
                "output_config": {"effort": "xhigh"},
            },
        ),
        ("us.anthropic.claude-sonnet-5", {"enabled": False}, {"thinking": {"type": "disabled"}}),
        (CLAUDE, {"effort": "none"}, None),
        (
            NOVA_2,
            {"effort": "minimal"},
            {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "low"}},
        ),
        (GPT_OSS, {"effort": "medium"}, {"reasoning_effort": "medium"}),
        (GPT_OSS, {"max_tokens": 400}, {"reasoning_effort": "low"}),
        ("openai.gpt-5.6", {"effort": "xhigh"}, {"reasoning": {"effort": "xhigh"}}),
    ],
)  # fmt: skip
def test_reasoning_is_asked_for_in_the_familys_words(
    model: str, wish: dict[str, object], extra: object
) -> None:
    assert body(model, reasoning=wish).get("additionalModelRequestFields") == extra


def test_the_most_thoughtful_nova_is_not_asked_for_because_it_takes_no_bound() -> None:
    sent = body(NOVA_2, reasoning_effort="high")
    thought = sent["additionalModelRequestFields"]["reasoningConfig"]
    assert (thought["maxReasoningEffort"], sent["inferenceConfig"]) == (
        "medium",
        {"maxTokens": 4000},
    )
    assert unable(NOVA_2, reasoning_effort="high") == ("reasoning_effort",)


def test_a_thinking_claude_takes_no_sampling() -> None:
    wishes: dict[str, Any] = {"reasoning_effort": "low", "temperature": 0.2, "top_k": 4}
    assert body(THINKING_CLAUDE, **wishes)["inferenceConfig"] == {"maxTokens": 4000}
    assert unable(THINKING_CLAUDE, **wishes) == ("temperature", "top_k")


def test_a_turn_of_tools_without_thoughts_goes_on_without() -> None:
    function = {"name": "weather", "arguments": "{}"}
    called: dict[str, Any] = {
        "role": "assistant",
        "tool_calls": [{"id": "c", "function": function}],
    }
    said = [*HI, called, {"role": "tool", "tool_call_id": "c", "content": "sunny"}]
    assert "additionalModelRequestFields" not in body(CLAUDE, messages=said, reasoning_effort="low")
    called["reasoning_details"] = [{"type": "reasoning.text", "text": "t", "signature": "c2ln"}]
    assert "additionalModelRequestFields" in body(CLAUDE, messages=said, reasoning_effort="low")


def test_an_output_too_short_for_thoughts_has_none() -> None:
    assert "additionalModelRequestFields" not in body(CLAUDE, 1024, reasoning_effort="high")
