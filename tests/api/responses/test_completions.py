"""alltoken_app/api/completions.py, through the official client and scripted providers"""

from typing import Any

import openai
import pytest

from alltoken_app.money import usd
from tests.api.responses.conftest import Wired

USAGE = {"prompt_tokens": 5, "completion_tokens": 4, "total_tokens": 9}
COST = 5 * 1_000 + 4 * 2_000


def choice(text: str, index: int = 0, finish: str | None = "stop", **more: Any) -> dict[str, Any]:
    return {"index": index, "text": text, "logprobs": None, "finish_reason": finish, **more}


def completion(*choices: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"id": "cmpl-1", "object": "text.completion", "model": "up", "choices": list(choices),
            **more}  # fmt: skip


def chat(text: str, **more: Any) -> dict[str, Any]:
    said = {"role": "assistant", "content": text}
    return {"choices": [{"index": 0, "message": said, "finish_reason": "stop", **more}],
            "usage": USAGE}  # fmt: skip


async def test_where_it_is_offered_the_prompt_goes_as_it_came(wired: Wired) -> None:
    wired.own.says(completion(choice("a"), choice("b", 1, "eos"), usage=USAGE))
    before = await wired.product.balance()
    raw = await wired.client().completions.with_raw_response.create(
        model="own/prompts", prompt=["x", "y"], suffix="z", logprobs=2, best_of=1, echo=True,
        max_tokens=7,
    )  # fmt: skip
    made = raw.parse()
    asked = wired.own.asked[0]
    assert asked.path == "/v1/completions"
    assert asked.body == {
        "model": "own/prompts-upstream", "prompt": ["x", "y"], "suffix": "z", "logprobs": 2,
        "best_of": 1, "echo": True, "max_tokens": 7,
    }  # fmt: skip
    assert [(one.text, one.finish_reason) for one in made.choices] == [("a", "stop"), ("b", "stop")]
    assert (made.model, made.object) == ("own/prompts", "text_completion")
    assert f'"cost":{usd(COST)}' in raw.text
    after = await wired.product.balance()
    assert before.available - after.available == COST


@pytest.mark.parametrize("model", ["own/prompts", "own/model", "plain/model"])
@pytest.mark.parametrize("step", [0, 1])
async def test_streams_of_both_kinds_say_the_same(wired: Wired, model: str, step: int) -> None:
    wired.own.step = wired.plain.step = step
    parts = ["Grü", "ße"]
    spoken = [{"choices": [{"index": 0, "delta": {"content": part}}]} for part in parts]
    spoken.append({"choices": [{"index": 0, "delta": {}, "finish_reason": "length"}]})
    written = [completion(choice(part, finish=None)) for part in parts]
    written.append(completion(choice("", finish="length")))
    last = {"choices": [], "usage": USAGE}
    native = model == "own/prompts"
    events = [*(written if native else spoken), last]
    (wired.plain if model == "plain/model" else wired.own).streams(events, named=False, done=True)
    lenient = wired.client(_strict_response_validation=False)  # the client's types know no null
    made = await lenient.completions.create(model=model, prompt="hi", stream=True)
    chunks = [chunk async for chunk in made]
    assert "".join(one.text for chunk in chunks for one in chunk.choices) == "Grüße"
    assert [chunk.choices[0].finish_reason for chunk in chunks[:-1]][-1] == "length"
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.model_extra["cost"] == float(usd(COST))
    assert {chunk.id for chunk in chunks} == {chunks[0].id}


async def test_a_chat_model_takes_a_prompt_as_a_message(wired: Wired) -> None:
    tokens = [
        {"token": "he", "logprob": -0.1, "top_logprobs": [{"token": "he", "logprob": -0.1}]},
        {"token": "y", "logprob": -0.2, "top_logprobs": []},
    ]
    wired.plain.says(chat("hey", logprobs={"content": tokens}))
    made = await wired.client().completions.create(
        model="plain/model", prompt="say", logprobs=1, temperature=0, stop=["\n"]
    )
    asked = wired.plain.asked[0].body
    assert asked["messages"] == [{"role": "user", "content": "say"}]
    assert (asked["logprobs"], asked["top_logprobs"], asked["max_tokens"]) == (True, 1, 16)
    assert made.choices[0].text == "hey"
    likely = made.choices[0].logprobs
    assert likely is not None
    assert (likely.tokens, likely.text_offset) == (["he", "y"], [0, 2])
    assert likely.top_logprobs == [{"he": -0.1}, {}]


async def test_an_echo_is_the_prompt_before_the_answer(wired: Wired) -> None:
    wired.plain.says(chat(" there"))
    made = await wired.client().completions.create(model="plain/model", prompt="hi", echo=True)
    assert made.choices[0].text == "hi there"


async def test_what_a_chat_model_cannot_do_is_named(wired: Wired) -> None:
    wired.plain.says(chat("ok"))
    raw = await wired.client().completions.with_raw_response.create(
        model="plain/model", prompt="hi", suffix="x", best_of=3
    )
    warned = raw.headers["x-alltoken-warnings"]
    assert warned == "unsupported_parameter:best_of, unsupported_parameter:suffix"


@pytest.mark.parametrize("prompt", [["a", "b"], [1, 2], [[1], [2]]])
async def test_several_prompts_or_tokens_need_the_real_thing(wired: Wired, prompt: Any) -> None:
    with pytest.raises(openai.APIStatusError) as caught:
        await wired.client().completions.create(model="plain/model", prompt=prompt)
    assert caught.value.status_code == 400
    assert wired.plain.asked == []


async def test_a_broken_stream_says_so(wired: Wired) -> None:
    wired.own.streams([completion(choice("Ha", finish=None))], named=False)
    wired.own.cut = True
    client = wired.client(_strict_response_validation=False)
    made = await client.completions.create(model="own/prompts", prompt="hi", stream=True)
    first = await anext(made)
    assert first.choices[0].text == "Ha"
    with pytest.raises(openai.APIError) as caught:
        await anext(made)
    body: Any = caught.value.body
    assert body["code"] == "upstream_stream_interrupted"
    assert body["charged"] != "0"
