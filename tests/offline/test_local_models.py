"""Every capability of the real local models, through the official client, with the cable out."""

import asyncio
import io
import json
import sys
import wave
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from tokenizers import Tokenizer

from alltoken_app.money import usd
from alltoken_app.settings import settings
from tests.api.conftest import Product, serving
from tests.conftest import migrate
from tests.postgres import free_port

CHAT = "alltoken/smollm2-135m-instruct"
EMBEDDINGS = "alltoken/all-minilm-l6-v2"
LISTENING = "alltoken/whisper-base"
SPEAKING = "alltoken/speech"
SOUNDS = Path(__file__).parent.parent / "sounds"
VOICE = SOUNDS / "voice.py"

pytestmark = [pytest.mark.local_models, pytest.mark.asyncio(loop_scope="module"),
              pytest.mark.timeout(300)]  # fmt: skip


@pytest.fixture(scope="module")
def monkeymodule() -> Any:
    with pytest.MonkeyPatch.context() as patch:
        yield patch


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def product(
    tmp_path_factory: pytest.TempPathFactory, monkeymodule: pytest.MonkeyPatch
) -> AsyncIterator[Product]:
    folder: Path = tmp_path_factory.mktemp("product")
    url = f"sqlite:///{folder / 'alltoken.db'}"
    values = {"VAR": str(folder), "DATABASE_URL": url, "PORT": str(free_port()),
              "FAULT_PROVIDER": "true", "SPEECH_COMMAND": f"{sys.executable} {VOICE}"}  # fmt: skip
    for name, value in values.items():
        monkeymodule.setenv(name, value)
    settings.cache_clear()

    await asyncio.to_thread(migrate, url)
    async with serving(settings()) as running_product:
        yield running_product


def ask(text: str) -> list[Any]:
    return [{"role": "user", "content": text}]


async def test_two_prompts_two_answers(product: Product) -> None:
    client = product.client(timeout=240)
    answers = []
    for prompt in ("Say one sentence about the sea.", "Write the number seven in French."):
        made = await client.chat.completions.create(
            model=CHAT, messages=ask(prompt), max_tokens=32, temperature=0, seed=1
        )
        assert made.usage is not None
        assert made.usage.completion_tokens > 1
        assert made.usage.prompt_tokens > 10
        answers.append(made.choices[0].message.content)
    assert answers[0] != answers[1]
    assert all(answers)


async def test_usage_is_what_the_models_own_tokenizer_counts(product: Product) -> None:
    client = product.client(timeout=240)
    short = await client.chat.completions.create(model=CHAT, messages=ask("Hi"), max_tokens=4)
    longer = await client.chat.completions.create(
        model=CHAT, messages=ask("Hi " + "hello " * 50), max_tokens=4
    )
    assert short.usage is not None
    assert longer.usage is not None
    assert 45 <= longer.usage.prompt_tokens - short.usage.prompt_tokens <= 56
    assert short.usage.completion_tokens <= 4


async def test_a_stream_arrives_in_pieces_and_is_metered(product: Product) -> None:
    client = product.client(timeout=240)
    stream = await client.chat.completions.create(
        model=CHAT, messages=ask("Count from one to ten."), max_tokens=40, stream=True
    )
    pieces, usage = [], None
    async for chunk in stream:
        usage = chunk.usage or usage
        pieces += [choice.delta.content for choice in chunk.choices if choice.delta.content]
    assert len(pieces) > 3
    assert usage is not None
    assert abs(usage.completion_tokens - len(pieces)) <= 4
    assert (await product.balance()).held == 0


async def test_structured_output_follows_its_schema(product: Product) -> None:
    schema = {
        "type": "object",
        "properties": {"city": {"type": "string"}, "people": {"type": "integer"}},
        "required": ["city", "people"],
        "additionalProperties": False,
    }
    made = await product.client(timeout=240).chat.completions.create(
        model=CHAT,
        messages=ask("Name a city and how many people live there. Be short."),
        max_tokens=200,
        temperature=0,
        response_format={
            "type": "json_schema",
            "json_schema": {"name": "city", "schema": schema, "strict": True},
        },
    )
    answer = json.loads(made.choices[0].message.content or "")
    assert isinstance(answer["city"], str)
    assert isinstance(answer["people"], int)
    assert set(answer) == {"city", "people"}


async def test_a_forced_tool_is_called_with_valid_arguments(product: Product) -> None:
    parameters = {
        "type": "object",
        "properties": {"place": {"type": "string", "maxLength": 30}},
        "required": ["place"],
        "additionalProperties": False,
    }
    made = await product.client(timeout=240).chat.completions.create(
        model=CHAT,
        messages=ask("What is the weather in Paris?"),
        max_tokens=120,
        temperature=0,
        tools=[{"type": "function", "function": {"name": "weather", "parameters": parameters}}],
        tool_choice="required",
    )
    choice = made.choices[0]
    assert choice.finish_reason == "tool_calls"
    assert choice.message.tool_calls
    call: Any = choice.message.tool_calls[0]
    assert call.function.name == "weather"
    assert isinstance(json.loads(call.function.arguments)["place"], str)


async def test_embeddings_know_what_is_alike(product: Product) -> None:
    made = await product.client(timeout=240).embeddings.create(
        model=EMBEDDINGS, input=["a dog", "a puppy", "income tax law"]
    )
    dog, puppy, tax = (row.embedding for row in made.data)
    assert len(dog) == 384
    assert dot(dog, puppy) > dot(dog, tax) + 0.1
    tokenizer = Path("alltoken_app/engines/third_party")
    counted = next(tokenizer.rglob("tokenizer.json"))
    own = Tokenizer.from_file(str(counted))
    own.no_padding()
    expected = sum(len(own.encode(text).ids) for text in ["a dog", "a puppy", "income tax law"])
    assert made.usage.prompt_tokens == expected


async def test_documents_come_in_the_order_of_their_nearness(product: Product) -> None:
    before = await product.balance()
    body = {"model": "alltoken/minilm-rerank", "query": "young dogs", "top_n": 2,
            "documents": ["income tax law", "a puppy and its mother", "kennels"]}  # fmt: skip
    async with product.http() as http:
        answer = (await http.post("/v1/rerank", json=body)).json()
    assert [one["index"] for one in answer["results"]] == [1, 2]
    assert answer["results"][0]["document"]["text"] == "a puppy and its mother"
    assert answer["usage"]["search_units"] == 1
    assert before.available - (await product.balance()).available == 100_000


async def test_spoken_words_are_heard_and_cost_their_length(product: Product) -> None:
    before = await product.balance()
    raw = await product.client(timeout=240).audio.transcriptions.with_raw_response.create(
        model=LISTENING, file=SOUNDS / "train.wav", response_format="verbose_json",
        timestamp_granularities=["word"],
    )  # fmt: skip
    made: Any = raw.parse()
    words = [word.word.lower().strip(".,") for word in made.words]
    assert words[:3] == ["the", "morning", "train"]
    assert "leaves" in made.text
    assert (made.language, made.task) == ("en", "transcribe")
    assert 0 <= made.words[2].start < made.words[2].end < 2.2
    expected = 2154 * 10  # milliseconds at $0.0006 a minute, in nano
    assert before.available - (await product.balance()).available == expected
    assert raw.headers["x-alltoken-cost"] == usd(expected)


async def test_a_transcript_streams_and_silence_has_no_words(product: Product) -> None:
    client = product.client(timeout=240)
    stream = await client.audio.transcriptions.create(
        model=LISTENING, file=SOUNDS / "train.wav", stream=True, language="en"
    )
    events: list[Any] = [event async for event in stream]
    assert "".join(event.delta for event in events[:-1]) == events[-1].text
    assert "morning train" in events[-1].text
    assert events[-1].usage.seconds == 2.154
    silence = io.BytesIO()
    with wave.open(silence, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(bytes(32_000))
    made = await client.audio.transcriptions.create(model=LISTENING, file=silence.getvalue())
    assert made.text == ""


async def test_the_operators_program_speaks(product: Product) -> None:
    before = await product.balance()
    spoken = await product.client(timeout=240).audio.speech.create(
        model=SPEAKING, input="Hello there.", voice="alloy", response_format="wav"
    )
    with wave.open(io.BytesIO(spoken.content)) as file:
        assert file.getnframes() == 12 * 400
    assert spoken.response.headers["x-alltoken-warnings"] == "unsupported_parameter:voice"
    assert before.available - (await product.balance()).available == 12 * 1000


def dot(left: list[float], right: list[float]) -> float:
    return sum(a * b for a, b in zip(left, right, strict=True))
