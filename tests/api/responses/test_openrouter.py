"""alltoken_app/api/responses/, through OpenRouter's own client"""

from typing import Any

import pytest
from openrouter import OpenRouter

from tests.api.responses.conftest import Wired
from tests.api.responses.events import response, stream, text, thought
from tests.api.responses.test_responses import chat, chunks


@pytest.mark.parametrize("model", ["own/model", "plain/model"])
async def test_it_reads_answers_and_streams_of_both_kinds(wired: Wired, model: str) -> None:
    upstream = wired.own if model == "own/model" else wired.plain
    wired.own.says(response(thought("s", "Hm."), text("Hallo")))
    wired.plain.says(chat({"content": "Hallo", "reasoning": "Hm."}))
    url = f"{wired.product.url}/api/v1"
    async with OpenRouter(api_key=wired.product.key, server_url=url) as client:
        made: Any = await client.responses.send_async(model=model, input="hi", top_k=3)
        assert made.output[-1].content[0].text == "Hallo"
        assert made.usage.cost > 0
        upstream.answers.clear()
        wired.own.streams(stream(thought("s", "Hm."), text("Hallo")))
        said = ({"reasoning": "Hm."}, {"content": "Hallo"})
        wired.plain.streams(chunks(*said), named=False, done=True)
        events: Any = await client.responses.send_async(model=model, input="hi", stream=True)
        async with events:
            kinds = [event.type async for event in events]
    assert (kinds[0], kinds[-1]) == ("response.created", "response.completed")
