"""alltoken_app/api/responses/output.py: pieces and the whole say the same"""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from alltoken_app.api.responses.output import (
    Choice,
    Custom,
    Delta,
    Function,
    Output,
    ToolCall,
    choices,
)
from alltoken_app.providers.dialects import openai_reasoning

Json = dict[str, Any]


def built(*deltas: Delta, whole: bool = False) -> tuple[list[Json], list[Json]]:
    """The items and the events of an answer."""
    events: list[Json] = []
    output = Output("x", events.append)
    for delta in deltas:
        output.add(Choice(message=delta) if whole else Choice(delta=delta))
    output.add(Choice(finish_reason="stop"))
    output.close()
    return output.items, events


words = st.text(min_size=1, max_size=9)


@given(st.lists(words, max_size=3), st.lists(words, max_size=3), st.lists(words, max_size=3))
def test_a_stream_builds_what_the_whole_builds(
    thoughts: list[str], texts: list[str], calls: list[str]
) -> None:
    tools = [ToolCall(None, f"id{place}", Function("f", said)) for place, said in enumerate(calls)]
    whole = Delta(
        reasoning="".join(thoughts) or None, content="".join(texts) or None, tool_calls=tools
    )
    pieces = [Delta(reasoning=said) for said in thoughts]
    pieces += [Delta(content=said) for said in texts]
    for place, said in enumerate(calls):
        pieces.append(Delta(tool_calls=[ToolCall(place, f"id{place}", Function("f", ""))]))
        pieces += [Delta(tool_calls=[ToolCall(place, None, Function(None, c))]) for c in said]
    items, events = built(*pieces)
    assert items == built(whole, whole=True)[0]
    done = [event["item"] for event in events if event["type"] == "response.output_item.done"]
    assert done == items
    opened = [event["type"] for event in events].count("response.output_item.added")
    assert opened == len(items)


def test_what_has_a_shape_of_its_own_still_says_its_text() -> None:
    odd = b'[{"index":0,"delta":{"content":"a","tool_calls":{},"reasoning_details":"x"},"x":1}]'
    items, _ = built(choices(odd)[0].delta or Delta())
    assert items[0]["content"][0]["text"] == "a"


def test_calls_that_share_an_index_are_told_apart_by_their_ids() -> None:
    calls = [ToolCall(0, "a", Function("f", "{}")), ToolCall(0, "b", Function("g", "{}"))]
    items, _ = built(*[Delta(tool_calls=[call]) for call in calls])
    assert [(item["call_id"], item["name"]) for item in items] == [("a", "f"), ("b", "g")]


def test_tools_of_free_text_and_pictures_have_items_of_their_own() -> None:
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    items, _ = built(
        Delta(tool_calls=[ToolCall(0, "a", None, Custom("run", "ls"))]), Delta(images=[picture])
    )
    assert (items[0]["type"], items[0]["input"]) == ("custom_tool_call", "ls")
    assert (items[1]["type"], items[1]["result"]) == ("image_generation_call", "AAAA")


def test_refusals_and_citations_are_parts_of_the_message() -> None:
    cited = {"type": "url_citation", "url_citation": {"url": "u", "start_index": 1}}
    items, events = built(
        Delta(content="a"), Delta(annotations=[cited, {"type": "other"}]), Delta(refusal="no")
    )
    text, refusal = items[0]["content"]
    assert text["annotations"] == [
        {"type": "url_citation", "url": "u", "title": "", "start_index": 1, "end_index": 0}
    ]
    assert refusal == {"type": "refusal", "refusal": "no"}
    kinds = [event["type"] for event in events]
    assert kinds.index("response.output_text.done") < kinds.index("response.refusal.delta")


def test_a_late_signature_is_sealed_where_it_comes() -> None:
    late = {"type": "reasoning.encrypted", "data": "s", "id": "c", "format": "google-gemini-v1"}
    items, _ = built(Delta(content="a"), Delta(reasoning_details=[late]))
    assert [item["type"] for item in items] == ["message", "reasoning"]
    assert openai_reasoning.unsealed(items[1]["encrypted_content"]) == [late]
