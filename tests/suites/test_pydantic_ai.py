"""Pydantic AI's agents on our address, in all three dialects: tools, typed output, streams"""

from collections.abc import Callable

import pytest
from pydantic import BaseModel
from pydantic_ai import Agent
from pydantic_ai.models import Model
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
from pydantic_ai.providers.anthropic import AnthropicProvider
from pydantic_ai.providers.openai import OpenAIProvider

from tests.suites import pupil
from tests.suites.conftest import MODEL, Gateway

pytestmark = [
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]


def chat(gateway: Gateway) -> Model:
    provider = OpenAIProvider(base_url=f"{gateway.url}/v1", api_key=gateway.key)
    return OpenAIChatModel(MODEL, provider=provider)


def responses(gateway: Gateway) -> Model:
    provider = OpenAIProvider(base_url=f"{gateway.url}/v1", api_key=gateway.key)
    return OpenAIResponsesModel(MODEL, provider=provider)


def messages(gateway: Gateway) -> Model:
    provider = AnthropicProvider(base_url=gateway.url, api_key=gateway.key)
    return AnthropicModel(MODEL, provider=provider)


DIALECTS = [chat, responses, messages]
Make = Callable[[Gateway], Model]


class City(BaseModel):
    name: str
    people: int


@pytest.mark.parametrize("make", DIALECTS)
async def test_an_agent_calls_a_tool_and_reads_its_answer(gateway: Gateway, make: Make) -> None:
    asked: list[int] = []
    agent = Agent(make(gateway))

    @agent.tool_plain
    def double(number: int) -> int:
        """Twice the number."""
        asked.append(number)
        return number * 2

    result = await agent.run("What is twice 21? Use the tool.")
    assert asked == [21]
    assert result.output == pupil.WORDS
    used = result.usage
    assert (used.input_tokens, used.output_tokens) == (42, 18)


@pytest.mark.parametrize("make", DIALECTS)
async def test_an_agent_gets_typed_output(gateway: Gateway, make: Make) -> None:
    agent = Agent(make(gateway), output_type=City)
    result = await agent.run('Describe "Lisbon", where 545000 people live.')
    assert result.output == City(name="Lisbon", people=545000)


@pytest.mark.parametrize("make", DIALECTS)
async def test_an_agent_streams(gateway: Gateway, make: Make) -> None:
    agent = Agent(make(gateway))
    async with agent.run_stream("Why is the sky blue?") as stream:
        parts = [part async for part in stream.stream_text(delta=True, debounce_by=None)]
    assert "".join(parts) == pupil.WORDS
    assert len(parts) > 5
